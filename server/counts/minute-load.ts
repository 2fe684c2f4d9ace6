/** The deltas of one minute, read from the feeds a piece at a time, then let go of in order of time. */
import {ADD, ATTRIBUTE_UPDATE, DeltaReader} from '../../engine/deltas.ts';
import type {Shards} from '../shards/protocol.ts';

const MINUTE_MS = 60_000;
const PIECE_BYTES = 256 * 1024;

export interface MinuteRange {
  /** Watermarks of the first and the last entry that has deltas of the minute. */
  readonly low: number;
  readonly high: number;
}

export class MinuteLoad {
  readonly minute: number;
  readonly #shards: Pick<Shards, 'readFeed'>;
  readonly #afterMs: number;
  /** What is still to be read, shard by shard. */
  #reading: {readonly shard: number; after: number; readonly high: number}[];
  #atMs: number[] = [];
  /** Audience × 2, and one more for a leave. */
  #what: number[] = [];
  /** By time, once everything is read. */
  #order: Uint32Array | undefined;
  #next = 0;

  constructor(
    shards: Pick<Shards, 'readFeed'>,
    {
      minute,
      afterMs,
      ranges,
    }: {minute: number; afterMs: number; ranges: readonly (MinuteRange | undefined)[]},
  ) {
    this.#shards = shards;
    this.minute = minute;
    this.#afterMs = afterMs;
    this.#reading = ranges.flatMap((range, shard) =>
      range === undefined ? [] : [{shard, after: range.low - 1, high: range.high}],
    );
  }

  /** Reads one piece; true while there is more. */
  step(): boolean {
    const reading = this.#reading[0];
    if (reading === undefined) return false;
    const entries = this.#shards.readFeed(reading.shard, reading.after, PIECE_BYTES);
    for (const {watermark, deltas} of entries) {
      reading.after = watermark;
      if (watermark > reading.high) break;
      this.#add(new DeltaReader(deltas), this.#afterMs);
    }
    if (entries.length === 0 || reading.after >= reading.high) this.#reading.shift();
    return this.#reading.length > 0;
  }

  /** Deltas that come now and may belong to this minute. Those up to `edgeMs` were never counted. */
  late(deltas: DeltaReader, edgeMs: number): void {
    const before = this.#atMs.length;
    this.#add(deltas, edgeMs);
    if (this.#atMs.length > before) this.#order = undefined;
  }

  /** Tells every delta up to `edgeMs` that was not told yet. */
  drain(edgeMs: number, tell: (what: number) => void): void {
    const order = this.#finish();
    for (; this.#next < order.length; this.#next++) {
      const at = order[this.#next]!;
      if (this.#atMs[at]! > edgeMs) return;
      tell(this.#what[at]!);
    }
  }

  /** What comes late is later than everything that was told, so the places of those told stay. */
  #finish(): Uint32Array {
    if (this.#order !== undefined) return this.#order;
    while (this.step());
    const order = Uint32Array.from(this.#atMs.keys());
    const atMs = this.#atMs;
    this.#order = order.sort((a, b) => atMs[a]! - atMs[b]! || a - b);
    return this.#order;
  }

  #add(deltas: DeltaReader, afterMs: number): void {
    const fromMs = this.minute * MINUTE_MS;
    const toMs = fromMs + MINUTE_MS;
    for (let i = 0; i < deltas.count; i++) {
      const atMs = deltas.atMs(i);
      if (atMs < fromMs || atMs >= toMs || atMs <= afterMs) continue;
      const action = deltas.action(i);
      if (action === ATTRIBUTE_UPDATE) continue;
      this.#atMs.push(atMs);
      this.#what.push(deltas.audience(i) * 2 + (action === ADD ? 0 : 1));
    }
  }
}
