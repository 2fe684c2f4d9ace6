/**
 * One row of truth bits for each profile: bit `slot` says whether that criterion or sub-expression
 * holds. Row-major, because an event asks many bits of one profile; questions about populations scan
 * one bit down the rows. Rows live in blocks of 4,096, so that growing the population never copies, and
 * widening (more slots) copies one block when it is next touched, never all of them at once. Before the last
 * bits are given away blocks are widened by whoever has time for it (`widen`): a new audience over a million
 * profiles would else wait a second for it.
 */
import type {Ordinal} from '../ids.ts';
import {touchLines} from '../touch-lines.ts';

const BLOCK_SHIFT = 12;
const BLOCK_ROWS = 1 << BLOCK_SHIFT;
const LINE_WORDS = 16;
const TOUCHED_LINES_MAX = 32;
/** Of the words in use there are so many times fewer left when it is time to widen. */
const SPARE_SHARE = 32;

interface Block {
  words: Uint32Array;
  stride: number;
}

export class TruthRows {
  #blocks: Block[] = [];
  /** Words that a row has to have. */
  #needed = 1;
  /** Words of the rows of blocks that are made or widened now. */
  #stride = 4;
  /** Blocks before this one are as wide as that. */
  #widened = 0;
  /** What a profile that has nothing looks like. */
  #blank = new Uint32Array(4);

  /** The block and word offset of the row last opened. Reads and writes of a row go straight to them. */
  words: Uint32Array = new Uint32Array(0);
  base = 0;
  #openedStride = 0;
  /** Whose row it is. */
  ordinal: Ordinal = 0;

  get bytes(): number {
    let bytes = 0;
    for (const {words} of this.#blocks) bytes += words.byteLength;
    return bytes;
  }

  /** Makes room for `slots` bits a row. */
  reserve(slots: number): void {
    this.#needed = Math.max(this.#needed, (slots + 31) >>> 5);
    const wanted = this.#needed + Math.ceil(this.#needed / SPARE_SHARE);
    if (wanted <= this.#stride) return;
    // Twice the spare: a row is the largest part of a profile, and is widened in the background.
    this.#stride = this.#needed + 2 * Math.ceil(this.#needed / SPARE_SHARE) + 1;
    this.#widened = 0;
    const blank = new Uint32Array(this.#stride);
    blank.set(this.#blank);
    this.#blank = blank;
  }

  /** Widens one more block, which takes a few milliseconds. False: there is room. */
  widen(): boolean {
    for (; this.#widened < this.#blocks.length; this.#widened++) {
      const block = this.#blocks[this.#widened]!;
      if (block.stride === this.#stride) continue;
      this.#widen(block);
      if (this.ordinal >>> BLOCK_SHIFT === this.#widened) this.open(this.ordinal);
      return true;
    }
    return false;
  }

  setBlank(slot: number, value: boolean): void {
    const word = slot >>> 5;
    if (value) this.#blank[word]! |= 1 << (slot & 31);
    else this.#blank[word]! &= ~(1 << (slot & 31));
  }

  blank(slot: number): boolean {
    return ((this.#blank[slot >>> 5]! >>> (slot & 31)) & 1) === 1;
  }

  open(ordinal: Ordinal): void {
    const block = this.#block(ordinal >>> BLOCK_SHIFT);
    this.words = block.words;
    this.base = (ordinal & (BLOCK_ROWS - 1)) * block.stride;
    this.ordinal = ordinal;
    this.#openedStride = block.stride;
  }

  /** Opens the row and gives it the blank bits. */
  reset(ordinal: Ordinal): void {
    this.open(ordinal);
    this.words.set(this.#blank.subarray(0, this.#openedStride), this.base);
  }

  /** Opens the row and clears every bit: nobody is there. */
  clear(ordinal: Ordinal): void {
    this.open(ordinal);
    this.words.fill(0, this.base, this.base + this.#openedStride);
  }

  /** Has the first lines of the row near: see fetch-ahead.ts. */
  touch(ordinal: Ordinal): number {
    const {words, stride} = this.#block(ordinal >>> BLOCK_SHIFT);
    const lines = Math.min(TOUCHED_LINES_MAX, Math.ceil(stride / LINE_WORDS));
    return touchLines(words, (ordinal & (BLOCK_ROWS - 1)) * stride, lines);
  }

  /** A copy of the row's bits. */
  export(ordinal: Ordinal): Uint32Array {
    this.open(ordinal);
    return this.words.slice(this.base, this.base + this.#needed);
  }

  /** The opened row's bits become these; bits that are not given are 0. */
  import(words: Uint32Array): void {
    const count = Math.min(words.length, this.#openedStride);
    this.words.set(words.subarray(0, count), this.base);
    this.words.fill(0, this.base + count, this.base + this.#openedStride);
  }

  get(ordinal: Ordinal, slot: number): boolean {
    const block = this.#block(ordinal >>> BLOCK_SHIFT);
    const at = (ordinal & (BLOCK_ROWS - 1)) * block.stride + (slot >>> 5);
    return ((block.words[at]! >>> (slot & 31)) & 1) === 1;
  }

  /** Of the opened row. */
  bit(slot: number): number {
    return (this.words[this.base + (slot >>> 5)]! >>> (slot & 31)) & 1;
  }

  /** Of the opened row. */
  set(slot: number, value: boolean): void {
    const at = this.base + (slot >>> 5);
    if (value) this.words[at]! |= 1 << (slot & 31);
    else this.words[at]! &= ~(1 << (slot & 31));
  }

  /** Calls `visit` for each ordinal below `end` whose bit is set, ascending. */
  forEachSet(slot: number, end: Ordinal, visit: (ordinal: Ordinal) => void): void {
    const word = slot >>> 5;
    const mask = 1 << (slot & 31);
    for (let first = 0; first < end; first += BLOCK_ROWS) {
      const block = this.#block(first >>> BLOCK_SHIFT);
      const rows = Math.min(BLOCK_ROWS, end - first);
      for (let row = 0, at = word; row < rows; row++, at += block.stride) {
        if ((block.words[at]! & mask) !== 0) visit(first + row);
      }
    }
  }

  /**
   * The rows from `from` up to `end`, a block at a time: `words[at + i × stride + (slot >>> 5)]` is the word
   * of a slot in the row of ordinal `first + i`.
   */
  forEachBlock(
    from: Ordinal,
    end: Ordinal,
    visit: (words: Uint32Array, at: number, stride: number, first: Ordinal, rows: number) => void,
  ): void {
    for (let first = from; first < end;) {
      const block = this.#block(first >>> BLOCK_SHIFT);
      const row = first & (BLOCK_ROWS - 1);
      const rows = Math.min(BLOCK_ROWS - row, end - first);
      visit(block.words, row * block.stride, block.stride, first, rows);
      first += rows;
    }
  }

  #block(index: number): Block {
    const block = this.#blocks[index];
    if (block !== undefined && block.stride >= this.#needed) return block;
    if (block === undefined) {
      // Blocks are asked for in ascending order, except after a load; fill the gap.
      while (this.#blocks.length <= index) {
        this.#blocks.push({
          words: new Uint32Array(BLOCK_ROWS * this.#stride),
          stride: this.#stride,
        });
      }
      return this.#blocks[index]!;
    }
    this.#widen(block);
    return block;
  }

  #widen(block: Block): void {
    const words = new Uint32Array(BLOCK_ROWS * this.#stride);
    for (let row = 0; row < BLOCK_ROWS; row++) {
      words.set(
        block.words.subarray(row * block.stride, (row + 1) * block.stride),
        row * this.#stride,
      );
    }
    block.words = words;
    block.stride = this.#stride;
  }
}
