/**
 * One shard on a store in memory, driven step by step in virtual time and compared with the oracle: the
 * members of every audience, and what a reader that only folds deltas believes. It can crash anywhere
 * between two commits and recover; new definitions are filled at once, or a little between steps, as on
 * a server.
 */
import {expect} from 'vitest';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import {keeperId, keeperOf} from '../../engine/audiences/keeper.ts';
import type {Calculation} from '../../engine/definitions/calculated-attribute.ts';
import type {CalculatedAttributeSpec} from '../../engine/definitions/calculated-attribute.ts';
import {parseCalculatedAttribute} from '../../engine/definitions/parse-calculated-attribute.ts';
import {parseDefinition} from '../../engine/definitions/parse-definition.ts';
import {ADD, ATTRIBUTE_UPDATE, DeltaReader} from '../../engine/deltas.ts';
import {type Environment, mpidFrom, mpidHi, mpidLo, scopeOf} from '../../engine/ids.ts';
import {profileView} from '../../engine/shard-queries.ts';
import {type FoundEntries, scanJournal} from '../../storage/backfill-scan.ts';
import {DurableShard, type Staged} from '../../storage/durable-shard.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import {applyStep, type History, type Step} from './arbitraries.ts';
import {Random} from './arbitraries-random.ts';
import {findCity, INPUTS, START_MS} from './arbitraries-world.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import {Oracle, type OracleAudience} from './oracle.ts';

export interface Told {
  readonly audience: number;
  readonly mpid: string;
  readonly member: boolean;
  readonly cause: number;
  readonly atMs: number;
}

export interface Disturbances {
  readonly crashes: boolean;
  /** Steps go on while new definitions are filled. */
  readonly slowFills: boolean;
}

export class Simulation {
  readonly store = new MemoryStore();
  readonly oracle: Oracle;
  readonly told: Told[] = [];
  readonly #history: History;
  readonly #random: Random;
  /** Of its own, so that looking changes no history. */
  readonly #columnRandom: Random;
  /** Members as a reader of the deltas knows them, by audience. */
  readonly #believed = new Map<number, Set<string>>();
  readonly #audiences = new Map<number, OracleAudience>();
  readonly #specs = new Map<number, AudienceSpec>();
  /** By workspace and name; the position is the id. */
  readonly #calculated = new Map<string, CalculatedAttributeSpec>();
  readonly #disturbances: Disturbances;
  #durable: DurableShard;
  #nowMs = START_MS;
  #version = 0;
  /** What is being found in the journal, and for which histories. */
  #search:
    | {readonly found: Iterator<{found: FoundEntries}>; readonly histories: number[]}
    | undefined;

  constructor(history: History, disturbances: Disturbances = {crashes: false, slowFills: false}) {
    this.#history = history;
    this.#disturbances = disturbances;
    this.#random = new Random(history.seed ^ 0x5eed);
    this.#columnRandom = new Random(history.seed ^ 0xc01);
    this.oracle = new Oracle({...history.options, findCity});
    this.#durable = this.#open();
  }

  get durable(): DurableShard {
    return this.#durable;
  }

  step(step: Step): void {
    const before = this.told.length;
    this.#nowMs = step.nowMs;
    this.#apply(step);
    if (step.kind === 'define') this.#audiences.set(step.audience.id, step.audience);
    if (step.kind === 'remove') this.#audiences.delete(step.audience);
    applyStep(this.oracle, step);
    this.compare(step.nowMs);
    this.#compareColumns();
    this.#compareValues(step);
    if (step.kind === 'advance') this.#compareMoments(before, step.nowMs);
  }

  /** A slice of a checkpoint, sometimes; a crash, sometimes; and some of what new definitions wait for. */
  disturb(): void {
    const durable = this.#durable;
    if (this.#disturbances.slowFills) this.#fillSome(this.#random.int(0, 4));
    if (!durable.checkpointing && this.#random.int(0, 3) === 0) durable.beginCheckpoint();
    if (durable.checkpointing)
      void durable.commitRows(durable.stepCheckpoint(this.#random.int(1, 3)));
    if (this.#disturbances.crashes && this.#random.int(0, 5) === 0) this.#recover();
  }

  /** Until no definition waits for anything. */
  finish(): void {
    while (this.#fillSome(1));
    this.compare(this.#nowMs);
  }

  compare(nowMs: number): void {
    for (const [id, audience] of this.#audiences) {
      if (this.#isPreparing(id)) {
        // The old definition is served until then; nobody is told anything else.
        expectSame(this.#believed.get(id) ?? NOBODY, this.members(id), `told of ${id} at ${nowMs}`);
        continue;
      }
      const expected = audience.active ? this.oracle.members(id, nowMs) : NOBODY;
      expectSame(this.members(id), expected, `members of ${id} at ${nowMs}`);
      expectSame(this.#believed.get(id) ?? NOBODY, expected, `told of ${id} at ${nowMs}`);
    }
  }

  /** Columns, of which some were kept up to date for a while and others are new, say what rows say. */
  #compareColumns(): void {
    const {columns, graph, rows, table, propagation} = this.#durable.shard;
    const known = Array.from({length: graph.end}, (_, slot) => slot).filter(
      slot => graph.isUsed(slot) && !graph.isFresh(slot),
    );
    const asked = known.filter(() => this.#columnRandom.int(0, 5) === 0);
    for (const [i, bitmap] of columns.askAtOnce(asked).entries()) {
      const slot = asked[i]!;
      const holds: number[] = [];
      rows.forEachSet(slot, table.end, ordinal => holds.push(ordinal));
      const found: number[] = [];
      bitmap.forEach(ordinal => found.push(ordinal));
      expect(found, `column ${slot}`).toEqual(holds);
      expect(propagation.count(slot), `count of ${slot}`).toBe(holds.length);
    }
  }

  /** Of calculated attributes, on every profile that the step may have changed. */
  #compareValues(step: Step): void {
    if (this.#calculated.size === 0) return;
    const {nowMs} = step;
    const touched =
      step.kind === 'records'
        ? new Set(step.records.map(({mpidHi: hi, mpidLo: lo}) => String(mpidFrom(hi, lo))))
        : undefined;
    for (const mpid of this.oracle.profiles(nowMs)) {
      if (touched?.has(mpid) === false) continue;
      const [hi, lo] = [mpidHi(BigInt(mpid)), mpidLo(BigInt(mpid))];
      const view = profileView(this.#durable.shard, hi, lo, nowMs);
      if (view === undefined) throw new Error(`there is no profile ${mpid} at ${nowMs}`);
      for (const {scope, calculated = []} of view.scopes) {
        const values = new Map(calculated);
        for (const [id, spec] of this.#calculatedOf(scope)) {
          if (this.#isPreparing(id)) continue;
          const actual = JSON.stringify(values.get(spec.name));
          const value = this.oracle.calculated(spec.name, scope, mpid, nowMs);
          if (actual === JSON.stringify(value)) continue;
          const where = `${spec.calculation} ${spec.name} of ${mpid} in ${scope} at ${nowMs}`;
          throw new Error(`${where}: ${actual} should be ${JSON.stringify(value)}`);
        }
      }
    }
  }

  /** Those of the scope's workspace, with their keepers there. */
  *#calculatedOf(scope: number): Generator<[keeper: number, spec: CalculatedAttributeSpec]> {
    for (const [index, spec] of [...this.#calculated.values()].entries()) {
      for (const environment of ENVIRONMENTS) {
        if (scopeOf(spec.workspace, environment) !== scope) continue;
        yield [keeperId(index + 1, environment), spec];
      }
    }
  }

  members(id: number): Set<string> {
    const {shard} = this.#durable;
    const found = new Set<string>();
    const audience = shard.audiences.get(id);
    if (audience === undefined || audience.root < 0) return found;
    shard.rows.forEachSet(audience.root >> 1, shard.table.end, ordinal => {
      if (!shard.table.isLive(ordinal)) return;
      found.add(String(mpidFrom(shard.table.hi(ordinal), shard.table.lo(ordinal))));
    });
    const count = shard.propagation.count(audience.root >> 1);
    if (count !== found.size) expect(count, `size of ${id}`).toBe(found.size);
    return found;
  }

  #apply(step: Step): void {
    const durable = this.#durable;
    const {nowMs} = step;
    if (step.kind !== 'records' || this.#random.int(0, 1) === 0) this.#tick(nowMs);
    switch (step.kind) {
      case 'records': {
        const writer = new RecordWriter();
        for (const record of step.records) writer.push(record);
        this.#commit(durable.applyRecords(writer.take(), nowMs));
        this.#tick(nowMs);
        break;
      }
      case 'advance':
        break;
      case 'erase': {
        const staged = durable.erase(step.mpidHi, step.mpidLo, nowMs);
        if (staged !== undefined) this.#commit(staged);
        break;
      }
      case 'define':
        this.#define(step.audience, nowMs);
        break;
      case 'remove':
        this.#specs.delete(step.audience);
        this.#commit(durable.define([], [step.audience], nowMs));
        this.#fill();
        break;
      case 'calculate':
        this.#calculate(step.attribute, nowMs);
        break;
    }
  }

  #tick(nowMs: number): void {
    // Slices of one profile: a storm is drained between other work.
    do {
      const staged = this.#durable.tick(nowMs, 1);
      if (staged !== undefined) this.#commit(staged);
    } while (this.#durable.shard.drainedMs < nowMs);
  }

  #define(audience: OracleAudience, nowMs: number): void {
    const parsed = parseDefinition(audience.definition, {
      eventRetentionMs: this.#history.options.eventRetentionMs,
      workspaces: audience.workspaces,
      inputs: audience.inputs,
      hasAudience: () => true,
      hasInput: id => INPUTS.some(input => input.id === id),
      hasCalculatedAttribute: () => undefined,
      findCity,
    });
    if (!('expression' in parsed)) throw new Error(JSON.stringify(parsed.problems));
    const {id, active, workspaces, inputs, environment} = audience;
    const spec = this.#withCalculated({
      id,
      version: ++this.#version,
      active,
      expression: parsed.expression,
      workspaces,
      inputs,
      environment,
    });
    this.#specs.set(id, spec);
    this.#commit(this.#durable.define([spec], [], nowMs));
    this.#fill();
  }

  /** Its keepers, and the audiences of its workspace, which may ask for it, learn what it means now. */
  #calculate(attribute: OracleCalculated, nowMs: number): void {
    const {name, workspace, event, attribute: of, when} = attribute;
    const calculation = attribute.calculation as Calculation;
    const parsed = parseCalculatedAttribute(
      {name, workspace, calculation, event, attribute: of, when},
      {eventRetentionMs: this.#history.options.eventRetentionMs, hasInput: () => true},
    );
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    const key = `${workspace} ${name}`;
    this.#calculated.set(key, parsed.spec);
    const id = [...this.#calculated.keys()].indexOf(key) + 1;
    const version = ++this.#version;
    const keepers = ENVIRONMENTS.map(environment =>
      keeperOf(parsed.spec, {id, version, environment}),
    );
    const users = [...this.#specs.values()]
      .filter(({workspaces}) => workspaces.includes(workspace))
      .map(spec => this.#withCalculated(spec));
    for (const user of users) this.#specs.set(user.id, user);
    this.#commit(this.#durable.define([...keepers, ...users], [], nowMs));
    this.#fill();
  }

  #withCalculated(spec: AudienceSpec): AudienceSpec {
    const calculated = [...this.#calculated.values()].filter(({workspace}) =>
      spec.workspaces.includes(workspace),
    );
    return {...spec, calculated};
  }

  #fill(): void {
    if (this.#disturbances.slowFills) return;
    while (this.#fillSome(1));
  }

  /** A few pieces of work on new definitions; false when there is none. */
  #fillSome(pieces: number): boolean {
    let more = true;
    for (let piece = 0; piece < pieces && more; piece++)
      more = this.#searchOn() || this.#prepareOn();
    return more;
  }

  /** What one journal entry has of the histories that are wanted. */
  #searchOn(): boolean {
    const durable = this.#durable;
    if (this.#search === undefined) {
      const wanted = durable.wantedHistories();
      if (wanted.length === 0) return false;
      const nowMs = this.#nowMs;
      const range = {
        until: durable.watermark,
        oldestMs: nowMs - this.#history.options.eventRetentionMs,
        nowMs,
      };
      this.#search = {
        found: scanJournal(this.store, wanted, range)[Symbol.iterator](),
        histories: wanted.map(history => history.id),
      };
    }
    const next = this.#search.found.next();
    if (next.done !== true) durable.backfill(next.value.found);
    else {
      durable.historiesReady(this.#search.histories);
      this.#search = undefined;
    }
    return true;
  }

  #prepareOn(): boolean {
    const {more, staged} = this.#durable.prepare(this.#random.int(1, 4), this.#nowMs);
    if (staged !== undefined) this.#commit(staged);
    return more;
  }

  #isPreparing(id: number): boolean {
    return this.#durable.shard.audiences.get(id)?.next !== undefined;
  }

  #commit(staged: Staged): void {
    void this.#durable.commit(staged);
    const deltas = new DeltaReader(staged.deltas);
    for (let i = 0; i < deltas.count; i++) {
      if (deltas.action(i) === ATTRIBUTE_UPDATE) continue;
      const audience = deltas.audience(i);
      const mpid = String(mpidFrom(deltas.mpidHi(i), deltas.mpidLo(i)));
      const member = deltas.action(i) === ADD;
      this.told.push({audience, mpid, member, cause: deltas.cause(i), atMs: deltas.atMs(i)});
      const believed = this.#believed.get(audience) ?? new Set();
      this.#believed.set(audience, believed);
      if (believed.has(mpid) === member) {
        expect(believed.has(mpid), `deltas of ${mpid} in ${audience} alternate`).toBe(!member);
      }
      if (member) believed.add(mpid);
      else believed.delete(mpid);
    }
  }

  /** Every delta that time alone caused has the exact millisecond. */
  #compareMoments(from: number, nowMs: number): void {
    for (const delta of this.told.slice(from)) {
      const {audience, mpid, member, atMs} = delta;
      if (!this.#audiences.has(audience) || this.#isPreparing(audience)) continue;
      expect(atMs).toBeLessThanOrEqual(nowMs);
      const flips = this.oracle.flips(audience, mpid, {fromMs: atMs - 1, toMs: atMs});
      expect(flips, `a flip of ${mpid} in ${audience}`).toContainEqual({atMs, member});
    }
  }

  #open(): DurableShard {
    return new DurableShard(this.store, {
      ...this.#history.options,
      deltaRetentionMs: this.#history.options.eventRetentionMs,
      startMs: START_MS,
    });
  }

  #recover(): void {
    const nowMs = this.#nowMs;
    const wasPreparing = [...this.#audiences.keys()].some(id => this.#isPreparing(id));
    this.#durable = this.#open();
    this.#search = undefined;
    // Nothing is told again, and nothing was left untold but what a definition was being prepared for.
    if (wasPreparing) this.#tick(nowMs);
    else expect(this.#durable.shard.deltas.count, 'deltas of recovery').toBe(0);
    this.compare(nowMs);
  }
}

const ENVIRONMENTS: readonly Environment[] = ['production', 'development'];
const NOBODY: ReadonlySet<string> = new Set();

/** An assertion costs more than a comparison, and there are millions. */
function expectSame(
  actual: ReadonlySet<string>,
  expected: ReadonlySet<string>,
  what: string,
): void {
  if (actual.size === expected.size && [...actual].every(each => expected.has(each))) return;
  const [is, shouldBe] = [actual, expected].map(set => [...set].sort().join(', '));
  throw new Error(`${what}: [${is}] should be [${shouldBe}]`);
}
