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

export class TimingWheel {
  #heads = new Int32Array(LEVELS * SLOTS).fill(-1);
  /** A bit for each slot. */
  #occupied = new Uint32Array(LEVELS * BIT_WORDS);
  /** An entry is two words, for one cache line each: the moment, then the ordinal beside the next entry. */
  #time = new Float64Array(2 * 1024);
  #links = new Int32Array(this.#time.buffer);
  #free = -1;
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
    const entry = this.#allocate();
    this.#links[entry * 4 + 2] = ordinal;
    this.#time[entry * 2] = atMs > this.#nowMs ? atMs : this.#nowMs + 1;
    this.#place(entry);
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
      const slot = atMs & (SLOTS - 1);
      // Firing may arm for a later slot of this level, never for this one: arm() puts the past at now + 1.
      let entry = this.#heads[slot]!;
      this.#heads[slot] = -1;
      this.#clearBit(0, slot);
      while (entry !== -1) {
        const next = this.#links[entry * 4 + 3]!;
        const ordinal = this.#links[entry * 4 + 2]! >>> 0;
        this.#release(entry);
        fired++;
        fire(ordinal, atMs);
        entry = next;
      }
      if (fired >= firingsMax) break;
    }
    return this.#nowMs;
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
    let entry = this.#heads[level * SLOTS + slot]!;
    this.#heads[level * SLOTS + slot] = -1;
    this.#clearBit(level, slot);
    while (entry !== -1) {
      const next = this.#links[entry * 4 + 3]!;
      this.#place(entry);
      entry = next;
    }
  }

  /** Level: the highest base-256 digit in which the moment differs from now. */
  #place(entry: number): void {
    const atMs = this.#time[entry * 2]!;
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
    this.#links[entry * 4 + 3] = this.#heads[level * SLOTS + slot]!;
    this.#heads[level * SLOTS + slot] = entry;
    this.#occupied[level * BIT_WORDS + (slot >>> 5)]! |= 1 << (slot & 31);
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

  #allocate(): number {
    if (this.#free !== -1) {
      const entry = this.#free;
      this.#free = this.#links[entry * 4 + 3]!;
      return entry;
    }
    if (this.#used * 2 === this.#time.length) this.#grow();
    return this.#used++;
  }

  #release(entry: number): void {
    this.#links[entry * 4 + 3] = this.#free;
    this.#free = entry;
    this.#count--;
  }

  #grow(): void {
    const time = new Float64Array(this.#time.length * 2);
    time.set(this.#time);
    this.#time = time;
    this.#links = new Int32Array(time.buffer);
  }
}
