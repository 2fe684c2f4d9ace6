/**
 * A hierarchical timing wheel (Varghese and Lauck 1987): 7 levels of 64 slots over milliseconds, so
 * arming and firing cost the same with ten timers or ten million, and every timer fires at its exact
 * millisecond in ascending order. Empty stretches are skipped by occupancy bits, which makes an
 * advance over months of virtual time cheap.
 *
 * The wheel does not know how to disarm. The owner keeps the moment each key is armed for and ignores
 * a firing that does not match: a later moment is re-armed when the earlier one fires, so an event that
 * only postpones its profile's next change never touches the wheel.
 */
import type {Ordinal} from '../ids.ts';

const LEVELS = 7;
const SLOTS = 64;
/** Beyond this (the year 2109) a moment counts as never. */
export const WHEEL_END_MS = 2 ** 42;
const LOW_SPAN = 2 ** 30;

export class TimingWheel {
  #heads = new Int32Array(LEVELS * SLOTS).fill(-1);
  /** Two words of 32 slots for each level. */
  #occupied = new Uint32Array(LEVELS * 2);
  #time = new Float64Array(1024);
  #ordinal = new Uint32Array(1024);
  #next = new Int32Array(1024);
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
    this.#ordinal[entry] = ordinal;
    this.#time[entry] = atMs > this.#nowMs ? atMs : this.#nowMs + 1;
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
        const next = this.#next[entry]!;
        const ordinal = this.#ordinal[entry]!;
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
      const next = this.#next[entry]!;
      this.#place(entry);
      entry = next;
    }
  }

  /** Level: the highest base-64 digit in which the moment differs from now. */
  #place(entry: number): void {
    const atMs = this.#time[entry]!;
    const now = this.#nowMs;
    const atHigh = Math.floor(atMs / LOW_SPAN);
    const nowHigh = Math.floor(now / LOW_SPAN);
    let level: number;
    if (atHigh !== nowHigh) level = 5 + (((31 - Math.clz32(atHigh ^ nowHigh)) / 6) | 0);
    else {
      const low = (atMs - atHigh * LOW_SPAN) ^ (now - nowHigh * LOW_SPAN);
      level = low === 0 ? 0 : ((31 - Math.clz32(low)) / 6) | 0;
    }
    const slot = Math.floor(atMs / SLOTS ** level) % SLOTS;
    this.#next[entry] = this.#heads[level * SLOTS + slot]!;
    this.#heads[level * SLOTS + slot] = entry;
    this.#occupied[level * 2 + (slot >>> 5)]! |= 1 << (slot & 31);
  }

  #nextSlot(level: number, from: number): number {
    if (from < 32) {
      const low = this.#occupied[level * 2]! & (-1 << from);
      if (low !== 0) return 31 - Math.clz32(low & -low);
      from = 32;
    }
    if (from >= SLOTS) return -1;
    const high = this.#occupied[level * 2 + 1]! & (-1 << (from - 32));
    return high === 0 ? -1 : 63 - Math.clz32(high & -high);
  }

  #hasBit(level: number, slot: number): boolean {
    return ((this.#occupied[level * 2 + (slot >>> 5)]! >>> (slot & 31)) & 1) === 1;
  }

  #clearBit(level: number, slot: number): void {
    this.#occupied[level * 2 + (slot >>> 5)]! &= ~(1 << (slot & 31));
  }

  #allocate(): number {
    if (this.#free !== -1) {
      const entry = this.#free;
      this.#free = this.#next[entry]!;
      return entry;
    }
    if (this.#used === this.#time.length) this.#grow();
    return this.#used++;
  }

  #release(entry: number): void {
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.#count--;
  }

  #grow(): void {
    const size = this.#time.length * 2;
    const time = new Float64Array(size);
    time.set(this.#time);
    this.#time = time;
    const ordinal = new Uint32Array(size);
    ordinal.set(this.#ordinal);
    this.#ordinal = ordinal;
    const next = new Int32Array(size);
    next.set(this.#next);
    this.#next = next;
  }
}
