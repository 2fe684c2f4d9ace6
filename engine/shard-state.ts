/** Everything a shard remembers, in one place; the steps that change it are in the files beside this one. */
import {AudienceTable} from './audiences/audience-table.ts';
import {Columns} from './bitmaps/columns.ts';
import {CriteriaTable} from './criteria/criteria-table.ts';
import {DeltaWriter} from './deltas.ts';
import {ExpressionGraph} from './expressions/expression-graph.ts';
import {Propagation} from './expressions/propagation.ts';
import {FactStore} from './facts/fact-store.ts';
import {HistorySlab} from './histories/history-slab.ts';
import {TextDictionary} from './histories/text-dictionary.ts';
import type {Ordinal} from './ids.ts';
import type {FormerOf} from './profiles/former-identities.ts';
import {FetchAhead} from './profiles/fetch-ahead.ts';
import {MembershipLists} from './profiles/membership-lists.ts';
import {ProfileData} from './profiles/profile-data.ts';
import {ProfileTable} from './profiles/profile-table.ts';
import {TruthRows} from './profiles/truth-rows.ts';
import {TimingWheel} from './time/timing-wheel.ts';

export interface ShardOptions {
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  /** Everything up to here has happened. */
  readonly startMs: number;
  /** The id that a history had before a restart. */
  readonly historyIdOf?: (key: string) => number | undefined;
  /** Columns kept between questions. */
  readonly columnBytesMax?: number | undefined;
}

const COLUMN_BYTES_MAX = 64 * 2 ** 20;

export class ShardState {
  readonly options: ShardOptions;
  readonly table = new ProfileTable();
  readonly slab = new HistorySlab();
  readonly rows = new TruthRows();
  readonly membershipLists = new MembershipLists();
  readonly graph = new ExpressionGraph();
  readonly propagation = new Propagation(this.graph, this.rows);
  readonly texts = new TextDictionary();
  readonly facts = new FactStore();
  readonly criteria: CriteriaTable;
  readonly columns: Columns;
  readonly audiences: AudienceTable;
  readonly deltas = new DeltaWriter();
  /** How much was done, ever: what must not grow with what an event does not touch. */
  readonly work = {events: 0, records: 0, criteria: 0, settled: 0, deltas: 0, promotions: 0};
  /** The shard's time. Never goes back. */
  nowMs: number;
  /** Of the entry being applied; profiles that appear remember it. */
  watermark = 0;
  /** User attributes whose changes are told, by index; identities by their type with IDENTITY_MARK before it. */
  watched: readonly string[] = [];
  /** Watched identities that were lost since somebody took the list. */
  former: FormerOf[] = [];
  wheel: TimingWheel;
  readonly ahead = new FetchAhead(this);
  /** Marks what a record has touched already. */
  stamp = 0;
  /** Told of every profile whose row has to be written again. */
  onDirty: (ordinal: Ordinal) => void = () => {};
  /** Told of a profile that is gone, before its ordinal is free. */
  onGone: (ordinal: Ordinal) => void = () => {};
  /** A profile's next change by time, and the moment the wheel has it for. */
  dueMs = new Float64Array(1024).fill(Infinity);
  armedMs = new Float64Array(1024).fill(Infinity);
  /** The view that was asked for last. */
  #data: ProfileData | undefined;
  #dataOf: Ordinal = -1;

  constructor(options: ShardOptions) {
    this.options = options;
    this.nowMs = options.startMs;
    this.wheel = new TimingWheel(options.startMs);
    this.criteria = new CriteriaTable(this.slab, this.texts, options.eventRetentionMs);
    this.columns = new Columns({
      graph: this.graph,
      rows: this.rows,
      table: this.table,
      propagation: this.propagation,
      bytesMax: options.columnBytesMax ?? COLUMN_BYTES_MAX,
    });
    this.audiences = new AudienceTable({
      graph: this.graph,
      rows: this.rows,
      propagation: this.propagation,
      criteria: this.criteria,
      columns: this.columns,
      eventRetentionMs: options.eventRetentionMs,
      historyIdOf: options.historyIdOf ?? (() => undefined),
    });
    this.propagation.reserve();
  }

  /** undefined: nobody has this ordinal. */
  data(ordinal: Ordinal): ProfileData | undefined {
    if (this.#dataOf === ordinal) return this.#data;
    if (!this.facts.has(ordinal)) return undefined;
    this.#dataOf = ordinal;
    this.#data = new ProfileData(this.facts, ordinal);
    return this.#data;
  }

  /** A profile of which nothing is known, with blank truth; the caller counts its row when it is right. */
  addProfile(hi: number, lo: number, born: number): Ordinal {
    const ordinal = this.table.add(hi, lo);
    this.#reserve(ordinal);
    this.facts.add(ordinal, born);
    this.rows.reset(ordinal);
    return ordinal;
  }

  /** Its histories have let go of their texts, and its row is no longer counted. */
  releaseProfile(ordinal: Ordinal): void {
    this.onGone(ordinal);
    this.slab.release(ordinal);
    this.membershipLists.release(ordinal);
    this.rows.clear(ordinal);
    this.facts.release(ordinal);
    this.#dataOf = -1;
    this.#data = undefined;
    this.dueMs[ordinal] = Infinity;
    this.armedMs[ordinal] = Infinity;
    this.table.release(ordinal);
  }

  /** After the profile's dues have changed; its histories are open. */
  armOpened(ordinal: Ordinal): void {
    this.dueMs[ordinal] = this.slab.earliestDue();
    this.arm(ordinal);
  }

  /** A later moment than the one the wheel has is armed when that one fires. */
  arm(ordinal: Ordinal): void {
    const due = this.dueMs[ordinal]!;
    if (due >= this.armedMs[ordinal]!) return;
    const atMs = Math.max(due, this.wheel.nowMs + 1);
    this.armedMs[ordinal] = atMs;
    this.wheel.arm(ordinal, atMs);
  }

  #reserve(ordinal: Ordinal): void {
    if (ordinal < this.dueMs.length) return;
    const size = Math.max(this.dueMs.length * 2, ordinal + 1);
    const dueMs = new Float64Array(size).fill(Infinity);
    dueMs.set(this.dueMs);
    this.dueMs = dueMs;
    const armedMs = new Float64Array(size).fill(Infinity);
    armedMs.set(this.armedMs);
    this.armedMs = armedMs;
  }
}
