/**
 * Who joined and who left, counted from the deltas themselves: the last 24 hours to the millisecond, and
 * every hour of the last 90 days. What is in memory is written behind with the places in the feeds up to which
 * it counts, so a restart, clean or not, goes on from there and counts every delta once.
 */
import {ATTRIBUTE_UPDATE, ADD, DeltaReader} from '../../engine/deltas.ts';
import {type CountsStore, DAY_HOURS, type DayOfCounts} from '../../storage/counts-store.ts';
import type {Shards} from '../shards/protocol.ts';
import {DayWindow, type DayWindowState, WINDOW_MS} from './day-window.ts';
import {HOUR_MS, type HourCell, HourCells} from './hour-cells.ts';

export const HISTORY_HOURS = 90 * DAY_HOURS;

export interface AudienceCountsParts {
  readonly shards: Shards;
  readonly store: CountsStore;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
  readonly flushEveryMs: number;
}

export interface HourOfCounts {
  /** When the hour began. */
  readonly atMs: number;
  readonly added: number;
  readonly dropped: number;
}

interface State {
  /** Of each shard: the watermark up to which everything is counted. */
  readonly heads: readonly number[];
  readonly savedMs: number;
  /** Nothing before it is counted. */
  readonly sinceMs: number;
  readonly window: DayWindowState;
}

const PIECE_BYTES = 2 ** 20;
const ADVANCE_EVERY_MS = 1000;
const PREFETCH_PIECES = 64;
/** Of days that are too old, in one write. */
const GONE_MAX = 2_000;

export class AudienceCounts {
  readonly #parts: AudienceCountsParts;
  readonly #heads: number[];
  readonly #sinceMs: number;
  readonly #window: DayWindow;
  readonly #cells = new HourCells();
  /** On the way to the disk, whole; it may be there already. */
  readonly #pending = new Map<string, DayOfCounts>();
  #flushed: Promise<void> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];

  private constructor(parts: AudienceCountsParts) {
    this.#parts = parts;
    const {shards, store} = parts;
    const state = store.state() as State | undefined;
    const nowMs = parts.nowMs();
    this.#heads = Array.from({length: shards.count}, (_, shard) => state?.heads[shard] ?? 0);
    this.#sinceMs = state?.sinceMs ?? nowMs;
    const isRecent = state !== undefined && nowMs - state.savedMs < WINDOW_MS;
    this.#window = new DayWindow(shards, isRecent ? state.window : nowMs - WINDOW_MS);
  }

  /**
   * Resolves when everything that is durable is counted. Call it in the same turn in which the shards
   * came up: what they commit from then on is told.
   */
  static async open(parts: AudienceCountsParts): Promise<AudienceCounts> {
    const counts = new AudienceCounts(parts);
    const {shards} = parts;
    const known = counts.#heads.map((_, shard) => shards.durable(shard));
    const live: (() => void)[] = [];
    let isCaughtUp = false;
    shards.onCommit((shard, watermark, deltas) => {
      // A delta that came after others may only be counted after them.
      if (isCaughtUp) counts.#take(shard, watermark, deltas);
      else live.push(() => counts.#take(shard, watermark, deltas.slice()));
    });
    for (const [shard, until] of known.entries()) await counts.#catchUp(shard, until);
    for (const take of live.splice(0)) take();
    isCaughtUp = true;
    counts.#window.advance(parts.nowMs() - WINDOW_MS);
    counts.#start();
    return counts;
  }

  lastDay(audience: number, nowMs: number): {added: number; dropped: number} {
    return this.#window.counts(audience, nowMs);
  }

  /** Nothing is known of the hours before it. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The hours from `fromMs` to `toMs`, all of them, ascending. */
  hours(audience: number, fromMs: number, toMs: number): HourOfCounts[] {
    const first = Math.floor(fromMs / HOUR_MS);
    const last = Math.floor(toMs / HOUR_MS);
    const counts = new Map<number, {added: number; dropped: number}>();
    const add = (hour: number, added: number, dropped: number): void => {
      const known = counts.get(hour);
      if (known === undefined) counts.set(hour, {added, dropped});
      else {
        known.added += added;
        known.dropped += dropped;
      }
    };
    for (let day = Math.floor(first / DAY_HOURS); day <= Math.floor(last / DAY_HOURS); day++) {
      const stored = this.#written(day, audience);
      if (stored === undefined) continue;
      for (let hour = 0; hour < DAY_HOURS; hour++) {
        add(day * DAY_HOURS + hour, stored[hour * 2]!, stored[hour * 2 + 1]!);
      }
    }
    for (const [, hour, added, dropped] of this.#cells.of(audience)) add(hour, added, dropped);
    const hours: HourOfCounts[] = [];
    for (let hour = first; hour <= last; hour++) {
      const {added = 0, dropped = 0} = counts.get(hour) ?? {};
      hours.push({atMs: hour * HOUR_MS, added, dropped});
    }
    return hours;
  }

  /** Writes what is counted. */
  flush(): Promise<void> {
    this.#flushed = this.#flushed.catch(() => undefined).then(() => this.#write());
    return this.#flushed;
  }

  /** Before the shards stop: their feeds are read no more. */
  rest(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** After the shards: what they commit while they stop is counted too. */
  async stop(): Promise<void> {
    await this.flush().catch(this.#parts.onError);
    await this.abandon();
  }

  /** Ends without writing, as a crash does. */
  async abandon(): Promise<void> {
    this.rest();
    await this.#flushed.catch(() => undefined);
    await this.#parts.store.close();
  }

  #start(): void {
    const {nowMs, flushEveryMs, onError} = this.#parts;
    const flush = setInterval(() => {
      if (!this.#cells.isEmpty) this.flush().catch(onError);
    }, flushEveryMs);
    const advance = setInterval(() => {
      this.#safely(() => this.#window.advance(nowMs() - WINDOW_MS));
      this.#prefetch();
    }, ADVANCE_EVERY_MS);
    this.#timers = [flush.unref(), advance.unref()];
  }

  /** A piece in each turn of the event loop, and the rest in the next second. */
  #prefetch(): void {
    let pieces = 0;
    const read = (): void => {
      if (this.#timers.length === 0) return;
      const isMore = this.#safely(() => this.#window.prefetch());
      if (isMore === true && ++pieces < PREFETCH_PIECES) setImmediate(read);
    };
    read();
  }

  /** Nobody waits for what a timer does. */
  #safely<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#parts.onError(error);
      return undefined;
    }
  }

  async #catchUp(shard: number, until: number): Promise<void> {
    const {shards} = this.#parts;
    let after = Math.max(this.#heads[shard]!, shards.feedFloor(shard));
    while (after < until) {
      const entries = shards.readFeed(shard, after, PIECE_BYTES);
      for (const {watermark, deltas} of entries) {
        after = watermark;
        if (watermark <= until) this.#take(shard, watermark, deltas);
      }
      if (entries.length === 0) break;
      await new Promise(resolve => setImmediate(resolve));
    }
    this.#heads[shard] = Math.max(this.#heads[shard]!, until);
  }

  /** Hot: every delta comes through here. */
  #take(shard: number, watermark: number, bytes: Uint8Array): void {
    this.#heads[shard] = Math.max(this.#heads[shard]!, watermark);
    if (bytes.byteLength === 0) return;
    const deltas = new DeltaReader(bytes);
    this.#window.take(shard, watermark, deltas);
    for (let i = 0; i < deltas.count; i++) {
      const action = deltas.action(i);
      if (action === ATTRIBUTE_UPDATE) continue;
      this.#cells.count(deltas.audience(i), deltas.atMs(i), action === ADD);
    }
  }

  async #write(): Promise<void> {
    const {store, nowMs} = this.#parts;
    for (const cell of this.#cells.take()) this.#addPending(cell);
    const savedMs = nowMs();
    const state: State = {
      heads: [...this.#heads],
      savedMs,
      sinceMs: this.#sinceMs,
      window: this.#window.state(),
    };
    const oldest = Math.floor(savedMs / HOUR_MS / DAY_HOURS) - HISTORY_HOURS / DAY_HOURS;
    const gone = store.before(oldest, GONE_MAX);
    // A write that is refused is part of the next one.
    await store.write({state, days: [...this.#pending.values()], gone});
    this.#pending.clear();
  }

  #addPending([audience, hour, added, dropped]: HourCell): void {
    const day = Math.floor(hour / DAY_HOURS);
    const key = `${day} ${audience}`;
    let found = this.#pending.get(key);
    if (found === undefined) {
      const counts = this.#parts.store.day(day, audience) ?? new Uint32Array(DAY_HOURS * 2);
      this.#pending.set(key, (found = {day, audience, counts}));
    }
    const at = (hour % DAY_HOURS) * 2;
    found.counts[at]! += added;
    found.counts[at + 1]! += dropped;
  }

  #written(day: number, audience: number): Uint32Array | undefined {
    return this.#pending.get(`${day} ${audience}`)?.counts ?? this.#parts.store.day(day, audience);
  }
}
