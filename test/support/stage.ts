/**
 * One shard in virtual time, for cases worked out by hand: definitions as contract JSON through the real
 * parser, records at the moments that the case names, members whenever it asks. Definitions that come
 * after data are filled from the journal, as on a server.
 */
import {pack, unpack} from 'msgpackr';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import type {CalculatedAttributeSpec} from '../../engine/definitions/calculated-attribute.ts';
import {
  type CalculatedAttributeJson,
  parseCalculatedAttribute,
} from '../../engine/definitions/parse-calculated-attribute.ts';
import {parseDefinition} from '../../engine/definitions/parse-definition.ts';
import {ACTIONS, CAUSES, DeltaReader} from '../../engine/deltas.ts';
import type {Environment} from '../../engine/ids.ts';
import {mpidFrom} from '../../engine/ids.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import type {Shard} from '../../engine/shard.ts';
import {noEntries, scanJournal} from '../../storage/backfill-scan.ts';
import {seal, unseal} from '../../storage/checked-value.ts';
import {DurableShard, type DurableShardOptions, type Staged} from '../../storage/durable-shard.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';

export interface StageOptions {
  readonly startMs: number;
  readonly eventRetentionMs?: number;
  readonly profileRetentionMs?: number;
}

export interface StageAudience {
  /** Default 1. */
  readonly id?: number;
  readonly definition: unknown;
  /** Default: workspace 1. */
  readonly workspaces?: readonly number[];
  readonly inputs?: readonly number[];
  readonly environment?: Environment;
  readonly active?: boolean;
  /** Calculated attributes of its workspaces. */
  readonly calculated?: readonly CalculatedAttributeJson[];
}

/** A delta in words. */
export interface ToldDelta {
  readonly audience: number;
  readonly mpid: string;
  readonly action: string;
  readonly cause: string;
  readonly atMs: number;
}

const DAY_MS = 86_400_000;

export class Stage {
  readonly told: ToldDelta[] = [];
  readonly #store = new MemoryStore();
  readonly #options: DurableShardOptions;
  #durable: DurableShard;
  readonly #known = new Set<number>();
  #version = 0;

  constructor({startMs, eventRetentionMs = 30 * DAY_MS, profileRetentionMs}: StageOptions) {
    this.#options = {
      startMs,
      eventRetentionMs,
      profileRetentionMs: profileRetentionMs ?? eventRetentionMs,
      deltaRetentionMs: eventRetentionMs,
    };
    this.#durable = new DurableShard(this.#store, this.#options);
  }

  get shard(): Shard {
    return this.#durable.shard;
  }

  /** At the time that the stage has reached. Throws the faults of a definition that is refused. */
  define(...audiences: readonly StageAudience[]): void {
    this.announce(...audiences);
    this.fill();
  }

  /** Defines, and leaves the filling for later: on a server events come meanwhile. */
  announce(...audiences: readonly StageAudience[]): void {
    const {nowMs} = this.shard;
    const specs = audiences.map(audience => {
      const {
        id = 1,
        workspaces = [1],
        inputs,
        environment = 'production',
        active = true,
      } = audience;
      const calculated = audience.calculated?.map(json => this.#calculatedOf(json)) ?? [];
      const parsed = parseDefinition(audience.definition, {
        eventRetentionMs: this.#options.eventRetentionMs,
        workspaces,
        inputs,
        hasAudience: other => this.#known.has(other),
        hasInput: () => true,
        hasCalculatedAttribute: name => calculated.some(each => each.name === name),
        findCity: () => undefined,
      });
      if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
      this.#known.add(id);
      const version = ++this.#version;
      const {expression} = parsed;
      return {id, version, active, expression, workspaces, inputs, environment, calculated};
    });
    this.#commit(this.#durable.define(specs, [], nowMs));
  }

  fill(): void {
    const durable = this.#durable;
    const {nowMs} = this.shard;
    const wanted = durable.wantedHistories();
    if (wanted.length > 0) {
      const oldestMs = nowMs - this.#options.eventRetentionMs;
      const range = {until: durable.watermark, oldestMs, nowMs};
      for (const {found} of scanJournal(this.#store, wanted, range)) durable.backfill(found);
      durable.backfill(noEntries());
      durable.historiesReady(wanted.map(history => history.id));
    }
    while (this.prepare(1_000));
  }

  /** A slice of the filling, of definitions that wait for no events; false when none is left. */
  prepare(rowsMax: number): boolean {
    const {more, staged} = this.#durable.prepare(rowsMax, this.shard.nowMs);
    if (staged !== undefined) this.#commit(staged);
    return more;
  }

  #calculatedOf(json: CalculatedAttributeJson): CalculatedAttributeSpec {
    const {eventRetentionMs} = this.#options;
    const parsed = parseCalculatedAttribute(json, {eventRetentionMs, hasInput: () => true});
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    return parsed.spec;
  }

  /** At its arrival. */
  send(...records: readonly ProfileRecord[]): void {
    for (const record of records) {
      this.advance(record.arrivalMs);
      const writer = new RecordWriter();
      writer.push(record);
      this.#commit(this.#durable.applyRecords(writer.take(), record.arrivalMs));
    }
  }

  advance(nowMs: number): void {
    do {
      const staged = this.#durable.tick(nowMs, 100);
      if (staged !== undefined) this.#commit(staged);
    } while (this.shard.drainedMs < nowMs);
  }

  erase(mpidHi: number, mpidLo: number): void {
    const staged = this.#durable.erase(mpidHi, mpidLo, this.shard.nowMs);
    if (staged !== undefined) this.#commit(staged);
  }

  /** Everything that has changed is in rows. */
  checkpoint(): void {
    this.#durable.beginCheckpoint();
    while (this.#durable.checkpointing) {
      void this.#durable.commitRows(this.#durable.stepCheckpoint(100));
    }
  }

  /** As if another release had written the definition that the store has. */
  rewriteSpec(id: number, rewrite: (spec: AudienceSpec) => unknown): void {
    const stored = this.#store.get('audiences', id)!;
    const spec = unpack(unseal(1, stored, 'the definition')) as AudienceSpec;
    const value = seal(1, [pack(rewrite(spec))]);
    void this.#store.commit([{table: 'audiences', key: id, value}]);
  }

  /** Dies between two commits, and recovers from what was written. */
  restart(): void {
    this.#durable = new DurableShard(this.#store, this.#options);
  }

  /** Decimal mpids, ascending, of audience 1 or another. */
  members(id = 1): string[] {
    const {shard} = this;
    const audience = shard.audiences.get(id);
    const found: bigint[] = [];
    if (audience === undefined || audience.root < 0) return [];
    shard.rows.forEachSet(audience.root >> 1, shard.table.end, ordinal => {
      if (!shard.table.isLive(ordinal)) return;
      found.push(mpidFrom(shard.table.hi(ordinal), shard.table.lo(ordinal)));
    });
    return found.sort((a, b) => (a < b ? -1 : 1)).map(String);
  }

  #commit(staged: Staged): void {
    void this.#durable.commit(staged);
    const deltas = new DeltaReader(staged.deltas);
    for (let i = 0; i < deltas.count; i++) {
      this.told.push({
        audience: deltas.audience(i),
        mpid: String(mpidFrom(deltas.mpidHi(i), deltas.mpidLo(i))),
        action: ACTIONS[deltas.action(i)]!,
        cause: CAUSES[deltas.cause(i)]!,
        atMs: deltas.atMs(i),
      });
    }
  }
}
