/**
 * Memory of the ids of requests and messages that were taken, for the event retention. The shards keep
 * it durable, in the transaction of the events themselves; this is the table to look them up in: 12 bytes an
 * id, open addressing on 64-bit hashes. With ten million ids remembered a new one is taken for a repeat once
 * in two million million.
 */
import xxhash from 'xxhash-wasm';

const DAY_MS = 86_400_000;
const SEED_HI = 0x51ed270b;
const SEED_LO = 0x2545f491;

/** A hash as two unsigned 32-bit halves. */
export interface IdHash {
  readonly hi: number;
  readonly lo: number;
}

export class Deduplicator {
  readonly #hash32: (input: string, seed: number) => number;
  readonly #retentionMs: number;
  readonly #idsMax: number;
  /** Ids that the bound left no place for until the end of the retention, ever. */
  forgotten = 0;
  /** Pairs of halves; (0, 0) is empty. */
  #table = new Uint32Array(2 * 4096);
  /** Day of arrival + 1, in days since 1970; 0 is empty. */
  #day = new Uint16Array(4096);
  #count = 0;

  private constructor(
    hash32: (input: string, seed: number) => number,
    {retentionMs, idsMax}: {retentionMs: number; idsMax: number},
  ) {
    this.#hash32 = hash32;
    this.#retentionMs = retentionMs;
    this.#idsMax = idsMax;
  }

  /** The table is not made larger for more than `idsMax`: the oldest days go instead. */
  static async load(retentionMs: number, idsMax: number): Promise<Deduplicator> {
    const {h32} = await xxhash();
    return new Deduplicator(h32, {retentionMs, idsMax});
  }

  get bytes(): number {
    return this.#table.byteLength + this.#day.byteLength;
  }

  get count(): number {
    return this.#count;
  }

  /** `kind` keeps requests and messages apart; ids of different inputs never meet. */
  hash(kind: 'request' | 'message', inputId: number, id: string): IdHash {
    const text = `${kind} ${inputId} ${id}`;
    return {hi: this.#hash32(text, SEED_HI), lo: this.#hash32(text, SEED_LO) || 1};
  }

  has({hi, lo}: IdHash): boolean {
    return this.#day[this.#find(hi, lo)] !== 0;
  }

  add({hi, lo}: IdHash, nowMs: number): void {
    if ((this.#count + 1) * 2 > this.#day.length) this.#rebuild(nowMs);
    const at = this.#find(hi, lo);
    if (this.#day[at] === 0) this.#count++;
    this.#table[at * 2] = hi;
    this.#table[at * 2 + 1] = lo;
    this.#day[at] = dayOf(nowMs);
  }

  /** What a shard had on disk: its time twice, then hi, lo, hi, lo, … for each entry. */
  load(entries: readonly Float64Array[], nowMs: number): void {
    for (const entry of entries) {
      const timeMs = entry[0]!;
      if (timeMs + this.#retentionMs < nowMs) continue;
      for (let i = 2; i + 1 < entry.length; i += 2) {
        this.add({hi: entry[i]!, lo: entry[i + 1]!}, timeMs);
      }
    }
  }

  /** The place of the hash, or the empty one where it belongs. */
  #find(hi: number, lo: number): number {
    const mask = this.#day.length - 1;
    for (let at = (hi ^ lo) & mask; ; at = (at + 1) & mask) {
      if (this.#day[at] === 0) return at;
      if (this.#table[at * 2 + 1] === lo && this.#table[at * 2] === hi) return at;
    }
  }

  /** Leaves out what is past the retention; twice the size when that was not enough. */
  #rebuild(nowMs: number): void {
    const table = this.#table;
    const day = this.#day;
    let oldest = dayOf(nowMs - this.#retentionMs - DAY_MS);
    const perDay = new Uint32Array(DAYS);
    let kept = 0;
    for (let at = 0; at < day.length; at++) {
      perDay[day[at]!]!++;
      if (day[at]! > oldest) kept++;
    }
    while (kept > this.#idsMax) {
      oldest++;
      kept -= perDay[oldest]!;
      this.forgotten += perDay[oldest]!;
    }
    let size = day.length;
    while ((kept + 1) * 3 > size) size *= 2;
    this.#table = new Uint32Array(2 * size);
    this.#day = new Uint16Array(size);
    this.#count = kept;
    for (let at = 0; at < day.length; at++) {
      if (day[at]! <= oldest) continue;
      const to = this.#find(table[at * 2]!, table[at * 2 + 1]!);
      this.#table[to * 2] = table[at * 2]!;
      this.#table[to * 2 + 1] = table[at * 2 + 1]!;
      this.#day[to] = day[at]!;
    }
  }
}

/** Days that are told apart. */
const DAYS = 65_536;

function dayOf(timeMs: number): number {
  return Math.max(1, Math.min(DAYS - 1, Math.floor(timeMs / DAY_MS) + 1));
}
