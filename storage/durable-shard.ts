/**
 * A shard with its store: what it applies it writes, and a restart finds it again.
 *
 * Every change is staged first (applied in memory, numbered, turned into puts) and then committed; nobody is
 * told before the commit. Rows are written behind, in slices (a fuzzy checkpoint): each carries the
 * watermark it is as of, and recovery replays only what a row does not have yet.
 */
import {pack} from 'msgpackr';
import {assert} from '../engine/assert.ts';
import type {AudienceSpec} from '../engine/audiences/audience-spec.ts';
import type {Ordinal, Watermark} from '../engine/ids.ts';
import {AHEAD} from '../engine/profiles/fetch-ahead.ts';
import type {Shard} from '../engine/shard.ts';
import {exportHistories} from '../engine/shard-recovery.ts';
import {entryAt, type FoundEntries, type WantedHistory} from './backfill-scan.ts';
import {type ErasureRequest, PendingErasures} from './pending-erasures.ts';
import {expectRecords} from './expect-records.ts';
import {FEED_HEAD_BYTES, feedEntryAround} from './feed-entry.ts';
import {farewellsOf, formerPuts} from './former-identities.ts';
import {encodeJournalEntry, type JournalEntry} from './journal-entry.ts';
import {HISTORY_END, META_VERSION, metaNumber, metaPut} from './meta-numbers.ts';
import {decodeRecords} from './record-codec.ts';
import {SampledRecords} from './sampled-records.ts';
import {recoverShard} from './recover.ts';
import {encodeRow, rowKey, type StoredTruth} from './row-codec.ts';
import {layoutKey, layoutOf} from './truth-layout.ts';
import {seal, unseal} from './checked-value.ts';
import type {Put, ShardStore} from './shard-store.ts';
import {SORTED_ROWS, sortByKey} from './key-order.ts';

export interface DurableShardOptions {
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  readonly deltaRetentionMs: number;
  /** Columns kept between questions; undefined: as the engine has it. */
  readonly columnBytesMax?: number | undefined;
  /** The time to start at when the store is new. */
  readonly startMs: number;
}

/** Applied in memory and numbered; to be committed in order. */
export interface Staged {
  readonly watermark: Watermark;
  readonly deltas: Uint8Array;
  readonly puts: Put[];
}

export interface Checkpoint {
  /** Every change up to here is in the rows. */
  readonly watermark: Watermark;
  readonly nowMs: number;
  readonly drainedMs: number;
}

export interface StoredHistory {
  readonly key: string;
  /** Whether rows on disk have all of it. */
  readonly durable: boolean;
}

const TABLE_VERSION = 1;
const TRIM_ENTRIES = 512;

type TrimmedTable = 'journal' | 'feed' | 'sample' | 'seen' | 'former';
const SAMPLE_SINCE = 'sampleSince';

interface CheckpointCycle {
  readonly ordinals: Ordinal[];
  at: number;
  readonly reached: Checkpoint;
  readonly histories: readonly number[];
  /** Of the graph, when the layout was written: rows carry their truth while it is the same. */
  readonly revision: number;
}

export class DurableShard {
  readonly shard: Shard;
  readonly erasures: PendingErasures;
  readonly #store: ShardStore;
  readonly #options: DurableShardOptions;
  #watermark: Watermark;
  #storedHistories: Map<number, StoredHistory>;
  /** That no definition claimed after the restart: rows written from now on lack their entries. */
  #unclaimedHistories: number[];
  #historyEnd: number;
  #feedFloor: Watermark;
  readonly #trimCursor = {journal: 0, feed: 0, sample: 0, seen: 0, former: 0};
  readonly #sampleSince: Watermark;
  #isSampleKnown: boolean;
  #dirty = new Uint8Array(1024);
  #dirtyOrdinals: Ordinal[] = [];
  #gone: Buffer[] = [];
  #hasUntoldEnd = false;
  #cycle: CheckpointCycle | undefined;
  #checkpointed: Checkpoint;
  #layout: {readonly number: number; readonly revision: number} | undefined;
  #layoutNumber: number;

  /** Recovers what the store has. Deltas that recovery found untold are staged by the first `tick`. */
  constructor(store: ShardStore, options: DurableShardOptions) {
    this.#store = store;
    this.#options = options;
    const recovery = recoverShard(store, options, ordinal => this.#markDirty(ordinal));
    this.shard = recovery.shard;
    this.erasures = new PendingErasures(store);
    this.#watermark = recovery.watermark;
    this.#storedHistories = recovery.histories;
    this.#unclaimedHistories = [...recovery.histories.keys()].filter(
      id => this.shard.criteria.history(id) === undefined,
    );
    this.#checkpointed = recovery.checkpoint;
    this.#historyEnd = metaNumber(store, HISTORY_END);
    this.#feedFloor = metaNumber(store, 'feedFloor');
    this.#layoutNumber = metaNumber(store, 'layoutNumber');
    this.#isSampleKnown = store.get('meta', SAMPLE_SINCE) !== undefined;
    this.#sampleSince = this.#isSampleKnown ? metaNumber(store, SAMPLE_SINCE) : this.#watermark;
    this.shard.onDirty = ordinal => this.#markDirty(ordinal);
    this.shard.onGone = ordinal => {
      this.#hasUntoldEnd = true;
      this.#gone.push(rowKey(this.shard.table.hi(ordinal), this.shard.table.lo(ordinal)));
    };
  }

  /** Of the last staged entry. */
  get watermark(): Watermark {
    return this.#watermark;
  }

  /** A cursor below this has lost deltas. */
  get feedFloor(): Watermark {
    return this.#feedFloor;
  }

  /** The sample has all entries after this one; of those before it only the journal knows. */
  get sampleSince(): Watermark {
    return this.#sampleSince;
  }

  commit(staged: Staged): Promise<void> {
    return this.#store.commit(staged.puts);
  }

  /** Records as record-codec.ts writes them, all at one moment. */
  applyRecords(records: Uint8Array, nowMs: number): Staged {
    const now = Math.max(nowMs, this.shard.nowMs);
    this.shard.watermark = this.#watermark + 1;
    const seen: number[] = [];
    const sample = new SampledRecords(records);
    let lastMs = now;
    let index = 0;
    let expectedTo = 0;
    for (const record of decodeRecords(records)) {
      if (index++ % AHEAD === 0) expectedTo = expectRecords(this.shard.ahead, records, expectedTo);
      sample.pass(record);
      this.shard.apply(record, now);
      for (const event of record.events) lastMs = Math.max(lastMs, event.timeMs);
      for (let i = 0; i < record.seen.length; i++) seen.push(record.seen[i]!);
    }
    const staged = this.#stage({kind: 'records', records}, lastMs);
    if (sample.count > 0) this.#putSample(staged, sample.bytes(), lastMs);
    if (seen.length > 0) {
      const hashes = Float64Array.of(now, now, ...seen);
      staged.puts.push({
        table: 'seen',
        key: staged.watermark,
        value: seal(TABLE_VERSION, [new Uint8Array(hashes.buffer)]),
      });
    }
    return staged;
  }

  /** Lets time pass, for about `profilesMax` profiles; undefined when it changed nothing anyone is told. */
  tick(nowMs: number, profilesMax: number): Staged | undefined {
    this.shard.watermark = this.#watermark + 1;
    this.shard.advance(nowMs, profilesMax);
    return this.#stageTick();
  }

  define(upsert: readonly AudienceSpec[], remove: readonly number[], nowMs: number): Staged {
    this.shard.watermark = this.#watermark + 1;
    this.shard.define(upsert, remove, nowMs);
    const staged = this.#stage({kind: 'control', control: {kind: 'define', upsert, remove}});
    for (const spec of upsert) {
      staged.puts.push({
        table: 'audiences',
        key: spec.id,
        value: seal(TABLE_VERSION, [pack(spec)]),
      });
    }
    for (const id of remove) staged.puts.push({table: 'audiences', key: id, value: undefined});
    this.#putHistories(staged.puts);
    if (this.#watermark === 1 || this.shard.table.count === 0) {
      // Nothing was ever learned, so there is nothing to look for.
      for (const history of this.shard.criteria.histories()) history.ready = true;
    }
    return staged;
  }

  /** undefined: there is no such profile. What the past has of it is to be taken out by `erasures`. */
  erase(
    mpidHi: number,
    mpidLo: number,
    nowMs: number,
    by: ErasureRequest = {who: '', askedMs: nowMs, sequence: 0},
  ): Staged | undefined {
    this.shard.watermark = this.#watermark + 1;
    if (!this.shard.erase(mpidHi, mpidLo, nowMs)) return undefined;
    const staged = this.#stage({kind: 'control', control: {kind: 'erase', mpidHi, mpidLo}});
    staged.puts.push({table: 'rows', key: rowKey(mpidHi, mpidLo), value: undefined});
    staged.puts.push(this.erasures.add({mpidHi, mpidLo, watermark: staged.watermark}, by));
    return staged;
  }

  // ── Preparing new definitions ─────────────────────────────────────────────────────────────────

  /** Histories that new definitions wait for; they hold everything after the present watermark already. */
  wantedHistories(): WantedHistory[] {
    const wanted: WantedHistory[] = [];
    for (const id of this.shard.audiences.unreadyHistories()) {
      const spec = this.shard.criteria.history(id)?.spec;
      if (spec !== undefined) wanted.push({id, spec});
    }
    return wanted;
  }

  backfill(found: FoundEntries): void {
    for (let i = 0; i < found.history.length; i++) {
      const history = this.shard.criteria.history(found.history[i]!);
      if (history === undefined) continue;
      const at = {hi: found.hi[i]!, lo: found.lo[i]!, watermark: found.watermark[i]!};
      this.shard.backfill(history, at, entryAt(found, i));
    }
  }

  historiesReady(ids: readonly number[]): void {
    for (const id of ids) {
      const history = this.shard.criteria.history(id);
      if (history !== undefined) history.ready = true;
    }
  }

  /** Goes on preparing, for about `rowsMax` profiles. */
  prepare(rowsMax: number, nowMs: number): {more: boolean; staged: Staged | undefined} {
    this.shard.watermark = this.#watermark + 1;
    // What time has changed is told with the old definitions.
    this.shard.advance(Math.max(nowMs, this.shard.nowMs), rowsMax);
    const isBehind = this.shard.drainedMs < this.shard.nowMs;
    const {promotions} = this.shard.work;
    const more = isBehind || this.shard.prepare(rowsMax);
    // A definition served from now on says nothing of before: a restart makes its truth as of this entry.
    if (this.shard.work.promotions > promotions) return {more, staged: this.#stage({kind: 'tick'})};
    return {more, staged: this.#stageTick()};
  }

  // ── Checkpoints ───────────────────────────────────────────────────────────────────────────────

  get dirtyCount(): number {
    return this.#dirtyOrdinals.length + this.#gone.length;
  }

  get checkpointing(): boolean {
    return this.#cycle !== undefined;
  }

  /** Rows that the checkpoint under way has to write yet. */
  get checkpointLeft(): number {
    return this.#cycle === undefined ? 0 : this.#cycle.ordinals.length - this.#cycle.at;
  }

  beginCheckpoint(): void {
    assert(this.#cycle === undefined, 'one checkpoint at a time');
    const ordinals = this.#dirtyOrdinals;
    this.#dirtyOrdinals = [];
    const ready = [...this.shard.criteria.histories()].filter(history => history.ready);
    this.#cycle = {
      ordinals,
      at: 0,
      reached: {
        watermark: this.#watermark,
        nowMs: this.shard.nowMs,
        drainedMs: this.shard.drainedMs,
      },
      histories: ready.map(history => history.id),
      revision: this.shard.graph.revision,
    };
  }

  /** The next slice of rows. After the last one the checkpoint counts, and what it makes superfluous goes. */
  stepCheckpoint(rowsMax: number): Put[] {
    const cycle = this.#cycle;
    if (cycle === undefined) return [];
    const puts: Put[] = [];
    this.#putLayout(cycle, puts);
    this.#putUnclaimed(puts);
    for (const key of this.#gone.splice(0)) {
      const hi = key.readInt32BE(0);
      const lo = key.readUInt32BE(4);
      if (this.shard.table.find(hi, lo) < 0) puts.push({table: 'rows', key, value: undefined});
    }
    const end = Math.min(cycle.ordinals.length, cycle.at + rowsMax);
    for (; cycle.at < end; cycle.at++) {
      if (cycle.at % SORTED_ROWS === 0) {
        sortByKey(cycle.ordinals, cycle.at, ordinal => this.shard.table.hi(ordinal));
      }
      const ordinal = cycle.ordinals[cycle.at]!;
      this.#dirty[ordinal] = 0;
      const put = this.#rowPut(ordinal);
      if (put !== undefined) puts.push(put);
    }
    if (cycle.at < cycle.ordinals.length) return puts;
    this.#cycle = undefined;
    this.#checkpointed = cycle.reached;
    puts.push({table: 'meta', key: 'checkpoint', value: seal(META_VERSION, [pack(cycle.reached)])});
    for (const id of cycle.histories) {
      const stored = this.#storedHistories.get(id);
      if (stored === undefined || stored.durable) continue;
      puts.push(this.#historyPut(id, {key: stored.key, durable: true}));
    }
    this.#trim(puts);
    return puts;
  }

  /** Commits rows outside any entry. */
  commitRows(puts: readonly Put[]): Promise<void> {
    return puts.length === 0 ? Promise.resolve() : this.#store.commit(puts);
  }

  /** Says which bit of the rows' truth is what, when that has changed. The oldest layouts go. */
  #putLayout({revision, at}: CheckpointCycle, puts: Put[]): void {
    const {graph} = this.shard;
    if (at > 0 || this.#layout?.revision === revision || graph.revision !== revision) return;
    this.#layout = {number: ++this.#layoutNumber, revision};
    const value = seal(TABLE_VERSION, [pack(layoutOf(graph))]);
    puts.push(metaPut('layoutNumber', this.#layoutNumber));
    puts.push({table: 'meta', key: layoutKey(this.#layoutNumber), value});
    const oldest = this.#layoutNumber - LAYOUTS_KEPT;
    if (oldest > 0) puts.push({table: 'meta', key: layoutKey(oldest), value: undefined});
  }

  /** Should a later start claim one after all, the journal has its entries. Its id stays taken. */
  #putUnclaimed(puts: Put[]): void {
    for (const id of this.#unclaimedHistories.splice(0)) {
      const stored = this.#storedHistories.get(id);
      if (stored?.durable === true) puts.push(this.#historyPut(id, {...stored, durable: false}));
    }
  }

  #truthOf(ordinal: Ordinal): StoredTruth | undefined {
    const layout = this.#layout;
    if (layout === undefined || layout.revision !== this.shard.graph.revision) return undefined;
    return {layout: layout.number, words: this.shard.rows.export(ordinal)};
  }

  #rowPut(ordinal: Ordinal): Put | undefined {
    const {shard} = this;
    const data = shard.data(ordinal);
    if (data === undefined) return undefined;
    const {words, texts} = exportHistories(shard, ordinal);
    return {
      table: 'rows',
      key: rowKey(shard.table.hi(ordinal), shard.table.lo(ordinal)),
      value: encodeRow({
        watermark: this.#watermark,
        facts: data.snapshot(),
        histories: words,
        texts,
        truth: this.#truthOf(ordinal),
        memberships: shard.membershipLists.export(ordinal),
      }),
    };
  }

  /** A few entries of each table whose time has passed. */
  #trim(puts: Put[]): void {
    const {eventRetentionMs, deltaRetentionMs} = this.#options;
    const nowMs = this.shard.nowMs;
    this.#trimTable('journal', nowMs - eventRetentionMs, puts);
    this.#trimTable('sample', nowMs - eventRetentionMs, puts);
    this.#trimTable('seen', nowMs - eventRetentionMs, puts);
    this.#trimTable('former', nowMs - deltaRetentionMs, puts);
    const feedFloor = this.#trimTable('feed', nowMs - deltaRetentionMs, puts);
    if (feedFloor > this.#feedFloor) {
      this.#feedFloor = feedFloor;
      puts.push(metaPut('feedFloor', feedFloor));
    }
  }

  /**
   * Goes on where it stopped, and from the front again after the last entry whose time has passed: entries
   * with events from the future stay behind for a while. Returns the last one removed.
   */
  #trimTable(table: TrimmedTable, beforeMs: number, puts: Put[]): number {
    let removed = 0;
    let examined = 0;
    let cursor = 0;
    for (const {key, value} of this.#store.entries(table, this.#trimCursor[table])) {
      const header = unseal(TABLE_VERSION, value, `${table} entry ${key}`);
      const isPast = header.readDoubleLE(0) < beforeMs && key <= this.#checkpointed.watermark;
      if (!isPast || examined++ >= TRIM_ENTRIES) {
        if (isPast) cursor = this.#trimCursor[table];
        break;
      }
      this.#trimCursor[table] = key;
      if (header.readDoubleLE(8) >= beforeMs) continue;
      puts.push({table, key, value: undefined});
      if (table === 'former') puts.push(...farewellsOf(this.#store, key, value));
      removed = key;
    }
    this.#trimCursor[table] = cursor;
    return removed;
  }

  /**
   * Time alone is worth an entry when somebody is told of it, or when a profile is over: its row will go, and
   * a restart has to know that it went by time, not make half of it again from the journal.
   */
  #stageTick(): Staged | undefined {
    const isTold = this.shard.deltas.count > 0 || this.#hasUntoldEnd;
    this.#hasUntoldEnd = false;
    return isTold ? this.#stage({kind: 'tick'}) : undefined;
  }

  // ── Staging ───────────────────────────────────────────────────────────────────────────────────

  #stage(content: JournalEntry['content'], lastMs = this.shard.nowMs): Staged {
    const watermark = ++this.#watermark;
    const {shard} = this;
    const deltas = shard.deltas.take(FEED_HEAD_BYTES);
    const entry = encodeJournalEntry({
      nowMs: shard.nowMs,
      lastMs,
      drainedMs: shard.drainedMs,
      content,
    });
    const puts: Put[] = [{table: 'journal', key: watermark, value: entry}];
    if (deltas.length > 0) {
      puts.push({table: 'feed', key: watermark, value: feedEntryAround(shard.nowMs, deltas)});
    }
    if (shard.former.length > 0) {
      puts.push(...formerPuts(watermark, shard.nowMs, shard.former));
      shard.former = [];
    }
    return {watermark, deltas, puts};
  }

  #putSample({watermark, puts}: Staged, records: Uint8Array, lastMs: number): void {
    const {nowMs, drainedMs} = this.shard;
    const content = {kind: 'records', records} as const;
    const value = encodeJournalEntry({nowMs, lastMs, drainedMs, content});
    puts.push({table: 'sample', key: watermark, value});
    if (this.#isSampleKnown) return;
    this.#isSampleKnown = true;
    puts.push(metaPut(SAMPLE_SINCE, this.#sampleSince));
  }

  #putHistories(puts: Put[]): void {
    const live = new Set<number>();
    for (const history of this.shard.criteria.histories()) {
      live.add(history.id);
      if (this.#storedHistories.has(history.id)) continue;
      puts.push(this.#historyPut(history.id, {key: history.key, durable: false}));
    }
    for (const id of this.#storedHistories.keys()) {
      if (live.has(id)) continue;
      this.#storedHistories.delete(id);
      puts.push({table: 'histories', key: id, value: undefined});
    }
    // Rows may have entries of a history that is gone: no other one is given its id, after a restart neither.
    const end = this.shard.criteria.nextHistoryId;
    if (end !== this.#historyEnd) puts.push(metaPut(HISTORY_END, end));
    this.#historyEnd = end;
  }

  #historyPut(id: number, stored: StoredHistory): Put {
    this.#storedHistories.set(id, stored);
    return {table: 'histories', key: id, value: seal(TABLE_VERSION, [pack(stored)])};
  }

  #markDirty(ordinal: Ordinal): void {
    if (ordinal >= this.#dirty.length) {
      const grown = new Uint8Array(Math.max(this.#dirty.length * 2, ordinal + 1));
      grown.set(this.#dirty);
      this.#dirty = grown;
    }
    if (this.#dirty[ordinal] === 1) return;
    this.#dirty[ordinal] = 1;
    this.#dirtyOrdinals.push(ordinal);
  }
}

/** Rows of older layouts have their truth made again. */
const LAYOUTS_KEPT = 32;
