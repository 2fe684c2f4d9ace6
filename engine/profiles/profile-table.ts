/**
 * mpid ↔ ordinal: an open-addressing hash table over typed arrays, because a Map of a million bigints
 * costs ten times the memory. Ordinals are dense from 0 and reused after `release`, lowest first not
 * guaranteed.
 */
import {assert} from '../assert.ts';
import type {Ordinal} from '../ids.ts';

export class ProfileTable {
  #hi = new Int32Array(1024);
  #lo = new Uint32Array(1024);
  #live = new Uint8Array(1024);
  /** Ordinal + 1; 0 is empty, −1 a grave. */
  #buckets = new Int32Array(2048);
  #graves = 0;
  #free: Ordinal[] = [];
  #end = 0;
  #count = 0;

  /** Profiles that exist. */
  get count(): number {
    return this.#count;
  }

  /** One past the highest ordinal ever given. */
  get end(): number {
    return this.#end;
  }

  isLive(ordinal: Ordinal): boolean {
    return this.#live[ordinal] === 1;
  }

  hi(ordinal: Ordinal): number {
    return this.#hi[ordinal]!;
  }

  lo(ordinal: Ordinal): number {
    return this.#lo[ordinal]!;
  }

  /** Reads the first bucket that `find` looks at: see fetch-ahead.ts. */
  touchBucket(hi: number, lo: number): number {
    return this.#buckets[hash(hi, lo) & (this.#buckets.length - 1)]!;
  }

  /** −1 when there is none. */
  find(hi: number, lo: number): Ordinal {
    const mask = this.#buckets.length - 1;
    for (let at = hash(hi, lo) & mask; ; at = (at + 1) & mask) {
      const entry = this.#buckets[at]!;
      if (entry === 0) return -1;
      if (entry > 0 && this.#lo[entry - 1] === lo && this.#hi[entry - 1] === hi) return entry - 1;
    }
  }

  /** The caller has looked: there is none yet. */
  add(hi: number, lo: number): Ordinal {
    if ((this.#count + this.#graves + 1) * 2 > this.#buckets.length) this.#rehash();
    const ordinal = this.#free.pop() ?? this.#end++;
    if (ordinal >= this.#hi.length) this.#grow();
    this.#hi[ordinal] = hi;
    this.#lo[ordinal] = lo;
    this.#live[ordinal] = 1;
    this.#count++;
    this.#put(ordinal);
    return ordinal;
  }

  release(ordinal: Ordinal): void {
    assert(this.isLive(ordinal), 'only a live ordinal is released');
    const mask = this.#buckets.length - 1;
    let at = hash(this.#hi[ordinal]!, this.#lo[ordinal]!) & mask;
    while (this.#buckets[at] !== ordinal + 1) at = (at + 1) & mask;
    this.#buckets[at] = -1;
    this.#graves++;
    this.#live[ordinal] = 0;
    this.#count--;
    this.#free.push(ordinal);
  }

  #put(ordinal: Ordinal): void {
    const mask = this.#buckets.length - 1;
    let at = hash(this.#hi[ordinal]!, this.#lo[ordinal]!) & mask;
    while (this.#buckets[at]! > 0) at = (at + 1) & mask;
    if (this.#buckets[at] === -1) this.#graves--;
    this.#buckets[at] = ordinal + 1;
  }

  #rehash(): void {
    let size = this.#buckets.length;
    while ((this.#count + 1) * 2 > size / 2) size *= 2;
    this.#buckets = new Int32Array(size);
    this.#graves = 0;
    for (let ordinal = 0; ordinal < this.#end; ordinal++) {
      if (this.#live[ordinal] === 1) this.#put(ordinal);
    }
  }

  #grow(): void {
    const size = this.#hi.length * 2;
    const hi = new Int32Array(size);
    hi.set(this.#hi);
    this.#hi = hi;
    const lo = new Uint32Array(size);
    lo.set(this.#lo);
    this.#lo = lo;
    const live = new Uint8Array(size);
    live.set(this.#live);
    this.#live = live;
  }
}

/** Murmur3's finalizer over both halves: mpids may be sequential. */
function hash(hi: number, lo: number): number {
  let h = Math.imul(hi, 0x9e3779b1) ^ lo;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
