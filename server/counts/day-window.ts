/**
 * Joins and leaves of the last 24 hours, exact to the millisecond, in two numbers an audience. What comes is
 * added as it comes; what falls out is read again from the feed, where it still is: the window keeps, for every
 * minute, between which watermarks its deltas lie, and holds the deltas of the minute that is just falling out.
 */
import {ADD, ATTRIBUTE_UPDATE, type DeltaReader} from '../../engine/deltas.ts';
import type {Shards} from '../shards/protocol.ts';
import {MinuteLoad} from './minute-load.ts';

const MINUTE_MS = 60_000;
export const WINDOW_MS = 24 * 60 * MINUTE_MS;

/** Survives a restart. */
export interface DayWindowState {
  /** Deltas up to here have fallen out. */
  readonly edgeMs: number;
  /** Flat: audience, joined, left. */
  readonly totals: readonly number[];
  /** For each shard, flat: minute, lowest and highest watermark of its deltas. */
  readonly minutes: readonly (readonly number[])[];
}

interface Range {
  low: number;
  high: number;
}

export class DayWindow {
  readonly #shards: Pick<Shards, 'count' | 'readFeed'>;
  /** Joined and left, by audience id. */
  #totals = new Float64Array(512);
  #minutes: Map<number, Range>[];
  #edgeMs: number;
  /** The minute that is falling out, and the one after it. */
  #leaving: MinuteLoad | undefined;
  #coming: MinuteLoad | undefined;

  constructor(shards: Pick<Shards, 'count' | 'readFeed'>, state: DayWindowState | number) {
    this.#shards = shards;
    this.#edgeMs = typeof state === 'number' ? state : state.edgeMs;
    this.#minutes = Array.from({length: shards.count}, () => new Map<number, Range>());
    if (typeof state === 'number') return;
    for (let i = 0; i < state.totals.length; i += 3) {
      this.#reserve(state.totals[i]!);
      this.#totals[state.totals[i]! * 2] = state.totals[i + 1]!;
      this.#totals[state.totals[i]! * 2 + 1] = state.totals[i + 2]!;
    }
    for (const [shard, flat] of state.minutes.entries()) {
      for (let i = 0; i < flat.length; i += 3) {
        this.#minutes[shard]?.set(flat[i]!, {low: flat[i + 1]!, high: flat[i + 2]!});
      }
    }
  }

  get edgeMs(): number {
    return this.#edgeMs;
  }

  state(): DayWindowState {
    const totals: number[] = [];
    for (let at = 0; at < this.#totals.length; at += 2) {
      const added = this.#totals[at]!;
      const dropped = this.#totals[at + 1]!;
      if (added + dropped > 0) totals.push(at / 2, added, dropped);
    }
    return {
      edgeMs: this.#edgeMs,
      totals,
      minutes: this.#minutes.map(ranges =>
        [...ranges].flatMap(([minute, {low, high}]) => [minute, low, high]),
      ),
    };
  }

  /** Of one entry of a shard's feed, in order. Hot. */
  take(shard: number, watermark: number, deltas: DeltaReader): void {
    let minute = -1;
    for (let i = 0; i < deltas.count; i++) {
      const action = deltas.action(i);
      const atMs = deltas.atMs(i);
      if (action === ATTRIBUTE_UPDATE || atMs <= this.#edgeMs) continue;
      const audience = deltas.audience(i);
      this.#reserve(audience);
      this.#totals[audience * 2 + (action === ADD ? 0 : 1)]!++;
      const own = Math.floor(atMs / MINUTE_MS);
      if (own === minute) continue;
      minute = own;
      this.#note(shard, minute, watermark);
    }
    this.#leaving?.late(deltas, this.#edgeMs);
    this.#coming?.late(deltas, this.#edgeMs);
  }

  counts(audience: number, nowMs: number): {added: number; dropped: number} {
    this.advance(nowMs - WINDOW_MS);
    return {
      added: this.#totals[audience * 2] ?? 0,
      dropped: this.#totals[audience * 2 + 1] ?? 0,
    };
  }

  /** Lets everything up to `edgeMs` fall out. */
  advance(edgeMs: number): void {
    if (edgeMs <= this.#edgeMs) return;
    const last = Math.floor(edgeMs / MINUTE_MS);
    for (;;) {
      const minute = this.#leaving?.minute ?? this.#nextMinute();
      if (minute > last) break;
      this.#leaving ??= this.#load(minute);
      this.#leaving.drain(edgeMs, what => this.#totals[what]!--);
      if (minute === last) break;
      for (const ranges of this.#minutes) ranges.delete(minute);
      this.#leaving = undefined;
    }
    this.#edgeMs = edgeMs;
  }

  /**
   * Reads a little of the minute that falls out next, so that nobody waits for it when its time has come.
   * True while there is more to read.
   */
  prefetch(): boolean {
    const next = Math.floor(this.#edgeMs / MINUTE_MS) + 1;
    if (this.#coming?.minute !== next) this.#coming = this.#load(next);
    return this.#coming.step();
  }

  #load(minute: number): MinuteLoad {
    if (this.#coming?.minute === minute) {
      const load = this.#coming;
      this.#coming = undefined;
      return load;
    }
    const ranges = this.#minutes.map(each => {
      const range = each.get(minute);
      return range && {...range};
    });
    // What has fallen out already, before a restart, does not fall out again.
    return new MinuteLoad(this.#shards, {minute, afterMs: this.#edgeMs, ranges});
  }

  /** The first minute from the edge on of which there is anything; Infinity. */
  #nextMinute(): number {
    const edge = Math.floor(this.#edgeMs / MINUTE_MS);
    let next = Infinity;
    for (const ranges of this.#minutes) {
      for (const minute of ranges.keys()) if (minute >= edge && minute < next) next = minute;
    }
    return next;
  }

  #note(shard: number, minute: number, watermark: number): void {
    const range = this.#minutes[shard]!.get(minute);
    if (range === undefined) this.#minutes[shard]!.set(minute, {low: watermark, high: watermark});
    else {
      range.low = Math.min(range.low, watermark);
      range.high = Math.max(range.high, watermark);
    }
  }

  #reserve(audience: number): void {
    if (audience * 2 + 1 < this.#totals.length) return;
    const grown = new Float64Array(Math.max(this.#totals.length * 2, audience * 2 + 2));
    grown.set(this.#totals);
    this.#totals = grown;
  }
}
