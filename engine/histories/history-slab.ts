/**
 * The histories of every profile: when it met each predicate, and what value it had. All of one
 * profile lie in one contiguous block of 64-bit words, so an event costs one or two cache misses
 * however many histories there are, and a row is written to disk by copying words.
 *
 * A block:
 *
 *     word 0      i32 histories, i32 words used
 *     word 1      i32 size class, unused
 *     2 words for each history: (i32 shape << 28 | history id, i32 entries), f64 due
 *     the entries, in the order of the directory, each 1, 2 or 4 words: f64 time [, f64 value
 *     [, f64 from, f64 to]]
 *
 * `due` is the moment at which a criterion over that history may change with no new event. A history
 * without entries is legal: it is a timer of something else of the profile.
 *
 * Use: `open(ordinal)`, then `locate(history)`, then read `words[entryAt + i * width]` or change the located
 * history. Every change of size may move the block: `words`, `entryAt` and `directoryAt` are then set anew.
 */
import {assert} from '../assert.ts';
import type {Ordinal} from '../ids.ts';
import {touchLines} from '../touch-lines.ts';

const PAGE_SHIFT = 17;
const PAGE_WORDS = 1 << PAGE_SHIFT;
const TOUCHED_LINES = 10;
const HEADER_WORDS = 2;
const DIRECTORY_WORDS = 2;
const NONE = 0xffffffff;
const ID_MASK = 0x0fffffff;

/** What entries consist of; kept in the directory, so a block reads without knowing its histories. */
export const TIMES = 1;
export const NUMBERS = 2;
/** The value is the number of a text. */
export const TEXTS = 3;
/** Beside time and value from when to when the entry counts, both inclusive. */
export const MOVING_NUMBERS = 4;
export const MOVING_TEXTS = 5;
export type Shape =
  | typeof TIMES
  | typeof NUMBERS
  | typeof TEXTS
  | typeof MOVING_NUMBERS
  | typeof MOVING_TEXTS;

/** Words of an entry, by shape. */
const WIDTH = [0, 1, 2, 2, 4, 4] as const;

export function holdsTexts(shape: Shape): boolean {
  return shape === TEXTS || shape === MOVING_TEXTS;
}

export class HistorySlab {
  /** Page index × PAGE_WORDS + offset, or NONE, by ordinal. */
  #block = new Uint32Array(1024).fill(NONE);
  #pages: Float64Array[] = [];
  #views: Int32Array[] = [];
  #pageUsed = PAGE_WORDS;
  #fillPage = -1;
  #classWords: number[] = [];
  #freeBlocks: number[][] = [];

  // The opened block.
  words: Float64Array = new Float64Array(0);
  #ints: Int32Array = new Int32Array(0);
  #base = 0;
  #ordinal = -1;
  // The located history.
  directoryAt = 0;
  entryAt = 0;
  entryCount = 0;
  width = 1;

  constructor() {
    for (let words = 4; words <= PAGE_WORDS; words = Math.ceil((words * 1.2) / 2) * 2) {
      this.#classWords.push(words);
      this.#freeBlocks.push([]);
    }
  }

  /** False when the profile has no block yet. */
  open(ordinal: Ordinal): boolean {
    this.#ordinal = ordinal;
    const pointer = ordinal >= 0 && ordinal < this.#block.length ? this.#block[ordinal]! : NONE;
    if (pointer === NONE) {
      this.words = EMPTY;
      this.#ints = EMPTY_INTS;
      this.#base = 0;
      return false;
    }
    this.#enter(pointer);
    return true;
  }

  /** Has the first lines of the profile's block near: see fetch-ahead.ts. */
  touch(ordinal: Ordinal): number {
    const pointer = ordinal < this.#block.length ? this.#block[ordinal]! : NONE;
    if (pointer === NONE) return 0;
    return touchLines(
      this.#pages[pointer >>> PAGE_SHIFT]!,
      pointer & (PAGE_WORDS - 1),
      TOUCHED_LINES,
    );
  }

  /** Histories in the opened block. */
  get historyCount(): number {
    return this.#ints[this.#base * 2]!;
  }

  historyAt(index: number): number {
    return this.#ints[(this.#base + HEADER_WORDS + index * DIRECTORY_WORDS) * 2]! & ID_MASK;
  }

  /** Of the located history. */
  get shape(): Shape {
    return (this.#ints[this.directoryAt * 2]! >>> 28) as Shape;
  }

  dueAt(index: number): number {
    return this.words[this.#base + HEADER_WORDS + index * DIRECTORY_WORDS + 1]!;
  }

  locate(history: number): boolean {
    const ints = this.#ints;
    const count = ints[this.#base * 2]!;
    let directoryAt = this.#base + HEADER_WORDS;
    let entryAt = directoryAt + count * DIRECTORY_WORDS;
    for (let i = 0; i < count; i++, directoryAt += DIRECTORY_WORDS) {
      const word = ints[directoryAt * 2]!;
      const entries = ints[directoryAt * 2 + 1]!;
      const width = WIDTH[word >>> 28]!;
      if ((word & ID_MASK) === history) {
        this.directoryAt = directoryAt;
        this.entryAt = entryAt;
        this.entryCount = entries;
        this.width = width;
        return true;
      }
      entryAt += entries * width;
    }
    this.entryCount = 0;
    this.entryAt = 0;
    return false;
  }

  /** Of the located history. */
  get due(): number {
    return this.words[this.directoryAt + 1]!;
  }

  set due(atMs: number) {
    this.words[this.directoryAt + 1] = atMs;
  }

  /** The earliest due of the opened block. */
  earliestDue(): number {
    const count = this.historyCount;
    let earliest = Infinity;
    for (let i = 0, at = this.#base + HEADER_WORDS + 1; i < count; i++, at += DIRECTORY_WORDS) {
      const due = this.words[at]!;
      if (due < earliest) earliest = due;
    }
    return earliest;
  }

  /** Locates the history, adding it to the opened block, due never, when it is not there. */
  locateOrAdd(history: number, shape: Shape): void {
    if (this.locate(history)) return;
    this.#makeRoom(DIRECTORY_WORDS);
    const ints = this.#ints;
    const count = ints[this.#base * 2]!;
    const used = ints[this.#base * 2 + 1]!;
    const at = this.#base + HEADER_WORDS + count * DIRECTORY_WORDS;
    this.words.copyWithin(at + DIRECTORY_WORDS, at, this.#base + used);
    ints[at * 2] = history | (shape << 28);
    ints[at * 2 + 1] = 0;
    this.words[at + 1] = Infinity;
    ints[this.#base * 2] = count + 1;
    ints[this.#base * 2 + 1] = used + DIRECTORY_WORDS;
    this.locate(history);
  }

  /** Index of the first entry of the located history with time ≥ `timeMs`. */
  lowerBound(timeMs: number): number {
    const {words, entryAt, width} = this;
    let low = 0;
    let high = this.entryCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[entryAt + middle * width]! < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the located history's entries count only from time to time. */
  get isMoving(): boolean {
    return this.width === 4;
  }

  /**
   * Inserts an entry of the located history before `index`. `value` is ignored by histories of width 1; one
   * that moves counts always, until `setInterval` says otherwise.
   */
  insert(index: number, timeMs: number, value: number): void {
    const width = this.width;
    const directoryOffset = this.directoryAt - this.#base;
    const offset = this.entryAt - this.#base + index * width;
    this.#makeRoom(width);
    const at = this.#base + offset;
    const ints = this.#ints;
    const used = ints[this.#base * 2 + 1]!;
    this.words.copyWithin(at + width, at, this.#base + used);
    this.words[at] = timeMs;
    if (width > 1) this.words[at + 1] = value;
    if (width === 4) {
      this.words[at + 2] = -Infinity;
      this.words[at + 3] = Infinity;
    }
    ints[this.#base * 2 + 1] = used + width;
    this.directoryAt = this.#base + directoryOffset;
    this.entryAt = at - index * width;
    this.entryCount++;
    ints[this.directoryAt * 2 + 1] = this.entryCount;
  }

  /** From when to when the entry at `index` of the located, moving history counts. */
  setInterval(index: number, fromMs: number, toMs: number): void {
    const at = this.entryAt + index * this.width;
    this.words[at + 2] = fromMs;
    this.words[at + 3] = toMs;
  }

  /** Whether the entry at `index` of the located history counts now. */
  counts(index: number, nowMs: number): boolean {
    if (this.width !== 4) return true;
    const at = this.entryAt + index * 4;
    return this.words[at + 2]! <= nowMs && nowMs <= this.words[at + 3]!;
  }

  /** The next moment after now at which an entry of the located history begins or ceases to count. */
  nextCountingMs(nowMs: number): number {
    if (this.width !== 4) return Infinity;
    let next = Infinity;
    for (let i = 0, at = this.entryAt + 2; i < this.entryCount; i++, at += 4) {
      const fromMs = this.words[at]!;
      const goneMs = this.words[at + 1]! + 1;
      if (fromMs > nowMs) next = Math.min(next, fromMs);
      else if (goneMs > nowMs) next = Math.min(next, goneMs);
    }
    return next;
  }

  /** Removes entries of the located history from `index` on. The block keeps its size. */
  remove(index: number, count: number): void {
    if (count === 0) return;
    const from = this.entryAt + index * this.width;
    const words = count * this.width;
    const used = this.#ints[this.#base * 2 + 1]!;
    this.words.copyWithin(from, from + words, this.#base + used);
    this.#ints[this.#base * 2 + 1] = used - words;
    this.entryCount -= count;
    this.#ints[this.directoryAt * 2 + 1] = this.entryCount;
  }

  /** Removes the located history with its entries. */
  removeHistory(): void {
    this.remove(0, this.entryCount);
    const used = this.#ints[this.#base * 2 + 1]!;
    this.words.copyWithin(this.directoryAt, this.directoryAt + DIRECTORY_WORDS, this.#base + used);
    this.#ints[this.#base * 2]!--;
    this.#ints[this.#base * 2 + 1] = used - DIRECTORY_WORDS;
  }

  /** Forgets all of a profile. */
  release(ordinal: Ordinal): void {
    if (!this.open(ordinal)) return;
    this.#freeBlocks[this.#ints[(this.#base + 1) * 2]!]?.push(this.#block[ordinal]!);
    this.#block[ordinal] = NONE;
    this.open(ordinal);
  }

  /** A copy of the opened block's words, as bytes; empty when there is none. */
  exportBytes(): Uint8Array {
    const used = this.#base === 0 && this.words.length === 0 ? 0 : this.#ints[this.#base * 2 + 1]!;
    const copy = this.words.slice(this.#base, this.#base + used);
    return new Uint8Array(copy.buffer);
  }

  /** Gives a profile that has no block the exported words; opens it. */
  importBytes(ordinal: Ordinal, bytes: Uint8Array): void {
    const used = bytes.byteLength / 8;
    if (used === 0) return;
    const pointer = this.#allocate(used);
    this.#point(ordinal, pointer);
    this.#enter(pointer);
    const sizeClass = this.#ints[(this.#base + 1) * 2]!;
    new Uint8Array(this.words.buffer, this.#base * 8, bytes.byteLength).set(bytes);
    this.#ints[(this.#base + 1) * 2] = sizeClass;
    this.#ordinal = ordinal;
  }

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, 0) + this.#block.byteLength;
  }

  /** Makes sure the opened block can take `words` more, moving it when it must. */
  #makeRoom(words: number): void {
    if (this.words.length === 0) {
      const pointer = this.#allocate(HEADER_WORDS + words);
      this.#point(this.#ordinal, pointer);
      this.#enter(pointer);
      this.#ints[this.#base * 2] = 0;
      this.#ints[this.#base * 2 + 1] = HEADER_WORDS;
      return;
    }
    const used = this.#ints[this.#base * 2 + 1]!;
    const sizeClass = this.#ints[(this.#base + 1) * 2]!;
    const capacity = sizeClass < 0 ? this.words.length : this.#classWords[sizeClass]!;
    if (used + words <= capacity) return;
    const from = this.words;
    const fromBase = this.#base;
    const fromPointer = this.#block[this.#ordinal]!;
    const pointer = this.#allocate(used + words);
    this.#enter(pointer);
    const newClass = this.#ints[(this.#base + 1) * 2]!;
    this.words.set(from.subarray(fromBase, fromBase + used), this.#base);
    this.#ints[(this.#base + 1) * 2] = newClass;
    this.#point(this.#ordinal, pointer);
    if (sizeClass >= 0) this.#freeBlocks[sizeClass]!.push(fromPointer);
    else this.#dropPage(fromPointer >>> PAGE_SHIFT);
  }

  /** The class is written into the new block's header; the rest of it is unspecified. */
  #allocate(words: number): number {
    const sizeClass = this.#classWords.findIndex(size => size >= words);
    if (sizeClass === -1) {
      // More than a page: a page of its own, twice what is needed.
      const page = this.#addPage(words * 2);
      this.#views[page]![2] = -1;
      return page * PAGE_WORDS;
    }
    let pointer = this.#freeBlocks[sizeClass]!.pop();
    if (pointer === undefined) {
      const size = this.#classWords[sizeClass]!;
      if (this.#pageUsed + size > PAGE_WORDS) {
        this.#fillPage = this.#addPage(PAGE_WORDS);
        this.#pageUsed = 0;
      }
      pointer = this.#fillPage * PAGE_WORDS + this.#pageUsed;
      this.#pageUsed += size;
    }
    const base = pointer & (PAGE_WORDS - 1);
    this.#views[pointer >>> PAGE_SHIFT]![(base + 1) * 2] = sizeClass;
    return pointer;
  }

  #addPage(words: number): number {
    assert(this.#pages.length < 2 ** 15 - 1, 'histories fit into 32 GiB a shard');
    const page = new Float64Array(words);
    this.#pages.push(page);
    this.#views.push(new Int32Array(page.buffer));
    return this.#pages.length - 1;
  }

  /** Only for pages of a single block: their index stays taken, their memory goes. */
  #dropPage(page: number): void {
    this.#pages[page] = new Float64Array(0);
    this.#views[page] = new Int32Array(0);
  }

  #point(ordinal: Ordinal, pointer: number): void {
    if (ordinal >= this.#block.length) {
      const grown = new Uint32Array(Math.max(this.#block.length * 2, ordinal + 1)).fill(NONE);
      grown.set(this.#block);
      this.#block = grown;
    }
    this.#block[ordinal] = pointer;
  }

  #enter(pointer: number): void {
    const page = pointer >>> PAGE_SHIFT;
    this.words = this.#pages[page]!;
    this.#ints = this.#views[page]!;
    this.#base = pointer & (PAGE_WORDS - 1);
  }
}

const EMPTY = new Float64Array(0);
/** Reads as a block with no histories. */
const EMPTY_INTS = new Int32Array(2);
