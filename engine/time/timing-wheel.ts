/**
 * A hierarchical timing wheel (Varghese and Lauck 1987): 6 levels of 256 slots over milliseconds, so
 * arming and firing cost the same with ten timers or ten million, and every timer fires at its exact
 * millisecond in ascending order. Empty stretches are skipped by occupancy bits, which makes an
 * advance over months of virtual time cheap. A timer a month away is moved three times; with 64 slots a
 * level it was five, and the wheel a sixth of all work.
 *
 * The wheel does not know how to disarm. The owner keeps the moment each key is armed for and ignores
 * a firing that does not match: a later moment is re-armed when the earlier one fires, so an event that
 * only postpones its profile's next change never touches the wheel.
 *
 * What is in a slot lies in chunks of 16, so that moving it reads memory in order: a list of single entries is a
 * cache miss each, and each is moved several times.
 */
import type {Ordinal} from '../ids.ts';

const LEVELS = 6;
const SLOTS = 256;
const SLOT_BITS = 8;
const BIT_WORDS = SLOTS / 32;
/** Beyond this (the year 2109) a moment counts as never. */
export const WHEEL_END_MS = 2 ** 42;
const LOW_SPAN = 2 ** 32;
const LOW_LEVELS = 4;

const CHUNK = 16;
const NONE = -1;

export class TimingWheel {
  /** The chunk that a slot fills, or NONE, and how full it is; the chunks after it are full. */
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE);
  readonly #fill = new Uint8Array(LEVELS * SLOTS);
  /** A bit for each slot. */
  readonly #occupied = new Uint32Array(LEVELS * BIT_WORDS);
  // Chunk after chunk: moments, ordinals, and the next chunk of the slot.
  #moments = new Float64Array(CHUNK * 16);
  #ordinals = new Int32Array(CHUNK * 16);
  #next = new Int32Array(16);
  #free = NONE;
  #used = 0;
  #count = 0;
  #nowMs: number;

  /** Everything up to and including `nowMs` has fired. */
  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get count(): number {
    return this.#count;
  }

  /** A moment that has passed fires with the next advance, as if it were one millisecond from now. */
  arm(ordinal: Ordinal, atMs: number): void {
    if (atMs >= WHEEL_END_MS) return;
    this.#place(ordinal, atMs > this.#nowMs ? atMs : this.#nowMs + 1);
    this.#count++;
  }

  /**
   * Fires what is due up to `untilMs` in order of time, calling `fire(ordinal, atMs)`. Stops at the end
   * of the millisecond in which `firingsMax` was reached, and returns how far it came. `fire` may arm.
   */
  advance(
    untilMs: number,
    firingsMax: number,
    fire: (ordinal: Ordinal, atMs: number) => void,
  ): number {
    let fired = 0;
    while (this.#nowMs < untilMs) {
      const atMs = this.#nextOccupied(untilMs);
      if (atMs < 0) {
        this.#nowMs = untilMs;
        break;
      }
      this.#nowMs = atMs;
      fired += this.#fireSlot(atMs, fire);
      if (fired >= firingsMax) break;
    }
    return this.#nowMs;
  }

  #fireSlot(atMs: number, fire: (ordinal: Ordinal, atMs: number) => void): number {
    // Firing may arm for a later slot of this level, never for this one: arm() puts the past at now + 1.
    const slot = atMs & (SLOTS - 1);
    let chunk = this.#heads[slot]!;
    let count = this.#fill[slot]!;
    this.#heads[slot] = NONE;
    this.#clearBit(0, slot);
    let fired = 0;
    while (chunk !== NONE) {
      const from = chunk * CHUNK;
      this.#count -= count;
      fired += count;
      for (let i = 0; i < count; i++) fire(this.#ordinals[from + i]!, atMs);
      chunk = this.#release(chunk);
      count = CHUNK;
    }
    return fired;
  }

  /** Nothing fires before this moment; Infinity when nothing is armed. */
  nextMs(): number {
    for (let level = 0; level < LEVELS; level++) {
      const slot = this.#nextSlot(level, (Math.floor(this.#nowMs / SLOTS ** level) % SLOTS) + 1);
      if (slot >= 0) return this.#slotStart(level, slot);
    }
    return Infinity;
  }

  /** The next millisecond ≤ untilMs with something in its level-0 slot, cascading on the way; −1 when none. */
  #nextOccupied(untilMs: number): number {
    for (;;) {
      const digit = this.#nowMs % SLOTS;
      const slot = this.#nextSlot(0, digit + 1);
      if (slot >= 0) {
        const atMs = this.#nowMs - digit + slot;
        return atMs <= untilMs ? atMs : -1;
      }
      const startMs = this.#enterNextSlot(untilMs);
      if (startMs < 0) return -1;
      if (this.#hasBit(0, 0)) return startMs;
    }
  }

  /** Moves now to the start of the next occupied slot of a higher level and spreads what is in it; −1 when none. */
  #enterNextSlot(untilMs: number): number {
    for (let level = 1; level < LEVELS; level++) {
      const span = SLOTS ** level;
      const slot = this.#nextSlot(level, (Math.floor(this.#nowMs / span) % SLOTS) + 1);
      if (slot < 0) continue;
      const startMs = this.#slotStart(level, slot);
      if (startMs > untilMs) return -1;
      this.#nowMs = startMs;
      this.#cascade(level, slot);
      return startMs;
    }
    return -1;
  }

  #slotStart(level: number, slot: number): number {
    const span = SLOTS ** level;
    return Math.floor(this.#nowMs / (span * SLOTS)) * span * SLOTS + slot * span;
  }

  #cascade(level: number, slot: number): void {
    const index = level * SLOTS + slot;
    let chunk = this.#heads[index]!;
    let count = this.#fill[index]!;
    this.#heads[index] = NONE;
    this.#clearBit(level, slot);
    while (chunk !== NONE) {
      const from = chunk * CHUNK;
      for (let i = 0; i < count; i++)
        this.#place(this.#ordinals[from + i]!, this.#moments[from + i]!);
      chunk = this.#release(chunk);
      count = CHUNK;
    }
  }

  /** Level: the highest base-256 digit in which the moment differs from now. */
  #place(ordinal: Ordinal, atMs: number): void {
    const now = this.#nowMs;
    const atHigh = Math.floor(atMs / LOW_SPAN);
    const nowHigh = Math.floor(now / LOW_SPAN);
    const atLow = atMs - atHigh * LOW_SPAN;
    let level: number;
    let slot: number;
    if (atHigh === nowHigh) {
      const low = atLow ^ (now - nowHigh * LOW_SPAN);
      level = low === 0 ? 0 : (31 - Math.clz32(low)) >>> 3;
      slot = (atLow >>> (level * SLOT_BITS)) & (SLOTS - 1);
    } else {
      const digit = (31 - Math.clz32(atHigh ^ nowHigh)) >>> 3;
      level = LOW_LEVELS + digit;
      slot = (atHigh >>> (digit * SLOT_BITS)) & (SLOTS - 1);
    }
    const index = level * SLOTS + slot;
    let chunk = this.#heads[index]!;
    let fill = this.#fill[index]!;
    if (chunk === NONE || fill === CHUNK) {
      chunk = this.#chunkBefore(chunk);
      fill = 0;
      this.#heads[index] = chunk;
      this.#occupied[level * BIT_WORDS + (slot >>> 5)]! |= 1 << (slot & 31);
    }
    this.#moments[chunk * CHUNK + fill] = atMs;
    this.#ordinals[chunk * CHUNK + fill] = ordinal;
    this.#fill[index] = fill + 1;
  }

  #nextSlot(level: number, from: number): number {
    if (from >= SLOTS) return -1;
    const first = level * BIT_WORDS;
    let word = from >>> 5;
    let bits = this.#occupied[first + word]! & (-1 << (from & 31));
    while (bits === 0) {
      if (++word === BIT_WORDS) return -1;
      bits = this.#occupied[first + word]!;
    }
    return word * 32 + 31 - Math.clz32(bits & -bits);
  }

  #hasBit(level: number, slot: number): boolean {
    return ((this.#occupied[level * BIT_WORDS + (slot >>> 5)]! >>> (slot & 31)) & 1) === 1;
  }

  #clearBit(level: number, slot: number): void {
    this.#occupied[level * BIT_WORDS + (slot >>> 5)]! &= ~(1 << (slot & 31));
  }

  #chunkBefore(next: number): number {
    let chunk = this.#free;
    if (chunk === NONE) {
      if (this.#used === this.#next.length) this.#grow();
      chunk = this.#used++;
    } else this.#free = this.#next[chunk]!;
    this.#next[chunk] = next;
    return chunk;
  }

  /** Gives the chunk back, and returns the one after it. */
  #release(chunk: number): number {
    const next = this.#next[chunk]!;
    this.#next[chunk] = this.#free;
    this.#free = chunk;
    return next;
  }

  #grow(): void {
    const size = this.#next.length * 2;
    const moments = new Float64Array(size * CHUNK);
    moments.set(this.#moments);
    this.#moments = moments;
    const ordinals = new Int32Array(size * CHUNK);
    ordinals.set(this.#ordinals);
    this.#ordinals = ordinals;
    const next = new Int32Array(size);
    next.set(this.#next);
    this.#next = next;
  }
}
