/**
 * One growing block of 32-bit words for each profile that has any. Blocks lie in pages of half a MiB, in
 * sizes an eighth apart; what is freed is overwritten with zeros and used again, and a page of which most is
 * free is emptied into others and given back. So a million profiles are a few hundred objects, memory follows
 * what is in use, and nothing of a profile that is gone stays.
 *
 * A block:
 *
 *     word 0      size class << 24 | words used
 *     word 1      ordinal; NONE: the block is free, and in the list of free blocks of its class
 *     words 2, 3  of a free block: the next and the one before in that list
 *     from 2 on   whatever the user inserts, an even number of words at a time
 *
 * Use: `open(ordinal)`, then read and write `words[base + offset]`; `doubles`, `bytes` and `chars` are the same
 * memory. `add`, `insert` and `release` may move any block: offsets stay, all else is to be read again.
 */
import {assert} from '../assert.ts';
import type {Ordinal} from '../ids.ts';
import {touchLines} from '../touch-lines.ts';

const PAGE_SHIFT = 17;
const PAGE_WORDS = 1 << PAGE_SHIFT;
const OFFSET_MASK = PAGE_WORDS - 1;
const FIRST_PAGE_WORDS = 1 << 10;
const PAGES_MAX = 1 << (32 - PAGE_SHIFT);
const NONE = 0xffffffff;
const TOUCHED_LINES = 5;
/** Class of a block that has a page of its own. */
const OWN_PAGE = 255;
const USED_MASK = 0xffffff;
export const HEADER_WORDS = 2;
/** A block is at most this long: 32 MiB. */
export const BLOCK_WORDS_MAX = 1 << 23;

interface Page {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  readonly chars: Uint16Array;
  /** In free blocks. */
  freeWords: number;
  /** Given to blocks, free or not; the rest has never been used. */
  givenWords: number;
}

const CLASS_WORDS: number[] = [];
for (let words = 16; words <= PAGE_WORDS; words = Math.ceil((words * 1.125) / 4) * 4) {
  CLASS_WORDS.push(words);
}

export class BlockSlab {
  /** Page × PAGE_WORDS + offset, or NONE, by ordinal. */
  #pointers = new Uint32Array(16).fill(NONE);
  #pages: (Page | undefined)[] = [];
  #noPages: number[] = [];
  #fillPage = -1;
  /** By class. */
  #firstFree = new Uint32Array(CLASS_WORDS.length).fill(NONE);
  #ordinal = -1;

  // The opened block.
  words: Uint32Array = new Uint32Array(0);
  doubles: Float64Array = new Float64Array(0);
  bytes: Uint8Array = new Uint8Array(0);
  chars: Uint16Array = new Uint16Array(0);
  base = 0;

  has(ordinal: Ordinal): boolean {
    return ordinal >= 0 && ordinal < this.#pointers.length && this.#pointers[ordinal] !== NONE;
  }

  /** Has the first lines of the profile's block near: see fetch-ahead.ts. */
  touch(ordinal: Ordinal): number {
    const pointer = ordinal < this.#pointers.length ? this.#pointers[ordinal]! : NONE;
    if (pointer === NONE) return 0;
    return touchLines(
      this.#pages[pointer >>> PAGE_SHIFT]!.words,
      pointer & OFFSET_MASK,
      TOUCHED_LINES,
    );
  }

  /** The ordinal has a block. */
  open(ordinal: Ordinal): void {
    this.#ordinal = ordinal;
    this.#enter(this.#pointers[ordinal]!);
  }

  /** A block with nothing in it, opened. The ordinal has none yet. */
  add(ordinal: Ordinal): void {
    this.#reserve(ordinal);
    assert(this.#pointers[ordinal] === NONE, 'a profile has one block');
    const pointer = this.#allocate(HEADER_WORDS, ordinal);
    this.#pointers[ordinal] = pointer;
    this.open(ordinal);
    this.words[this.base]! += HEADER_WORDS;
  }

  /** Words of the opened block. */
  get used(): number {
    return this.words[this.base]! & USED_MASK;
  }

  /** Makes place for `count` zeros before what is at the offset. */
  insert(offset: number, count: number): void {
    const used = this.used;
    assert(used + count <= BLOCK_WORDS_MAX, 'the user keeps a block within its bound');
    if (used + count > this.#capacity()) this.#move(used + count);
    const {words, base} = this;
    if (offset < used) {
      words.copyWithin(base + offset + count, base + offset, base + used);
      words.fill(0, base + offset, base + offset + count);
    }
    words[base]! += count;
  }

  remove(offset: number, count: number): void {
    const {words, base, used} = this;
    words.copyWithin(base + offset, base + offset + count, base + used);
    words.fill(0, base + used - count, base + used);
    words[base]! -= count;
  }

  release(ordinal: Ordinal): void {
    this.open(ordinal);
    const pointer = this.#pointers[ordinal]!;
    this.#pointers[ordinal] = NONE;
    this.#ordinal = -1;
    this.#discard(pointer);
    this.#relieve(pointer >>> PAGE_SHIFT);
  }

  get byteLength(): number {
    let bytes = this.#pointers.byteLength;
    for (const page of this.#pages) bytes += page?.words.byteLength ?? 0;
    return bytes;
  }

  /** All the memory there is. */
  memory(): Uint8Array[] {
    return this.#pages.flatMap(page => (page === undefined ? [] : [page.bytes]));
  }

  #enter(pointer: number): void {
    const page = this.#pages[pointer >>> PAGE_SHIFT]!;
    this.words = page.words;
    this.doubles = page.doubles;
    this.bytes = page.bytes;
    this.chars = page.chars;
    this.base = pointer & OFFSET_MASK;
  }

  #capacity(): number {
    const sizeClass = this.words[this.base]! >>> 24;
    return sizeClass === OWN_PAGE ? this.words.length : CLASS_WORDS[sizeClass]!;
  }

  /** The opened block goes to where it can have so many words. */
  #move(words: number): void {
    const ordinal = this.#ordinal;
    const from = this.#pointers[ordinal]!;
    this.#copyTo(this.#allocate(words, ordinal), from);
    this.#discard(from);
    this.#relieve(from >>> PAGE_SHIFT);
    this.#enter(this.#pointers[ordinal]!);
  }

  /** Copies all but the class, and makes the copy the profile's block. */
  #copyTo(pointer: number, from: number): void {
    this.#enter(from);
    const {words, base, used} = this;
    const to = this.#pages[pointer >>> PAGE_SHIFT]!.words;
    const at = pointer & OFFSET_MASK;
    for (let i = 1; i < used; i++) to[at + i] = words[base + i]!;
    to[at]! += used;
    this.#pointers[words[base + 1]!] = pointer;
  }

  /** A block of zeros but for its class and its ordinal. */
  #allocate(words: number, ordinal: Ordinal): number {
    const sizeClass = classOf(words);
    let pointer: number;
    if (sizeClass === OWN_PAGE) {
      const index = this.#addPage(Math.min(BLOCK_WORDS_MAX, words * 2));
      this.#pages[index]!.givenWords = this.#pages[index]!.words.length;
      pointer = index * PAGE_WORDS;
    } else {
      pointer = this.#firstFree[sizeClass]!;
      if (pointer === NONE) pointer = this.#cut(CLASS_WORDS[sizeClass]!);
      else this.#unlink(pointer);
    }
    const {words: to} = this.#pages[pointer >>> PAGE_SHIFT]!;
    const at = pointer & OFFSET_MASK;
    to[at] = (sizeClass << 24) >>> 0;
    to[at + 1] = ordinal;
    return pointer;
  }

  #cut(size: number): number {
    let page = this.#pages[this.#fillPage];
    if (page === undefined || page.givenWords + size > page.words.length) {
      const isFirst = this.#pages.length === 0 && size <= FIRST_PAGE_WORDS;
      this.#fillPage = this.#addPage(isFirst ? FIRST_PAGE_WORDS : PAGE_WORDS);
      page = this.#pages[this.#fillPage]!;
    }
    const pointer = this.#fillPage * PAGE_WORDS + page.givenWords;
    page.givenWords += size;
    return pointer;
  }

  #addPage(length: number): number {
    const words = new Uint32Array(length);
    const {buffer} = words;
    const index = this.#noPages.pop() ?? this.#pages.length;
    assert(index < PAGES_MAX, 'blocks fit into 16 GiB a shard');
    this.#pages[index] = {
      words,
      doubles: new Float64Array(buffer),
      bytes: new Uint8Array(buffer),
      chars: new Uint16Array(buffer),
      freeWords: 0,
      givenWords: 0,
    };
    return index;
  }

  #dropPage(index: number): void {
    this.#pages[index] = undefined;
    this.#noPages.push(index);
    if (this.#fillPage === index) this.#fillPage = -1;
  }

  /** Overwrites a block that nobody has any more. */
  #discard(pointer: number): void {
    const index = pointer >>> PAGE_SHIFT;
    const page = this.#pages[index]!;
    const at = pointer & OFFSET_MASK;
    const word = page.words[at]!;
    const sizeClass = word >>> 24;
    page.words.fill(0, at, at + (word & USED_MASK));
    if (sizeClass === OWN_PAGE) {
      this.#dropPage(index);
      return;
    }
    page.words[at] = (sizeClass << 24) >>> 0;
    this.#link(pointer, page, sizeClass);
  }

  /** Into the list of free blocks. */
  #link(pointer: number, page: Page, sizeClass: number): void {
    const at = pointer & OFFSET_MASK;
    const next = this.#firstFree[sizeClass]!;
    page.words[at + 1] = NONE;
    page.words[at + 2] = next;
    page.words[at + 3] = NONE;
    page.freeWords += CLASS_WORDS[sizeClass]!;
    if (next !== NONE) this.#pages[next >>> PAGE_SHIFT]!.words[(next & OFFSET_MASK) + 3] = pointer;
    this.#firstFree[sizeClass] = pointer;
  }

  #unlink(pointer: number): void {
    const page = this.#pages[pointer >>> PAGE_SHIFT]!;
    const at = pointer & OFFSET_MASK;
    const sizeClass = page.words[at]! >>> 24;
    const next = page.words[at + 2]!;
    const before = page.words[at + 3]!;
    page.words[at + 2] = 0;
    page.words[at + 3] = 0;
    page.freeWords -= CLASS_WORDS[sizeClass]!;
    if (next !== NONE) this.#pages[next >>> PAGE_SHIFT]!.words[(next & OFFSET_MASK) + 3] = before;
    if (before === NONE) this.#firstFree[sizeClass] = next;
    else this.#pages[before >>> PAGE_SHIFT]!.words[(before & OFFSET_MASK) + 2] = next;
  }

  /** Empties a page of which most is free. */
  #relieve(index: number): void {
    const page = this.#pages[index];
    if (page === undefined || index === this.#fillPage) return;
    if (page.freeWords * 2 <= page.words.length) return;
    const {words, givenWords} = page;
    const first = index * PAGE_WORDS;
    for (let at = 0; at < givenWords; at += CLASS_WORDS[words[at]! >>> 24]!) {
      if (words[at + 1] === NONE) this.#unlink(first + at);
    }
    for (let at = 0; at < givenWords; at += CLASS_WORDS[words[at]! >>> 24]!) {
      const ordinal = words[at + 1]!;
      if (ordinal === NONE) continue;
      // As large as it is: it may be the one that has just been made room for.
      this.#copyTo(this.#allocate(CLASS_WORDS[words[at]! >>> 24]!, ordinal), first + at);
    }
    words.fill(0);
    this.#dropPage(index);
  }

  #reserve(ordinal: Ordinal): void {
    const {length} = this.#pointers;
    if (ordinal < length) return;
    const grown = new Uint32Array(Math.max(length * 2, ordinal + 1)).fill(NONE);
    grown.set(this.#pointers);
    this.#pointers = grown;
  }
}

function classOf(words: number): number {
  if (words > PAGE_WORDS) return OWN_PAGE;
  let sizeClass = 0;
  while (sizeClass < CLASS_WORDS.length && CLASS_WORDS[sizeClass]! < words) sizeClass++;
  return sizeClass === CLASS_WORDS.length ? OWN_PAGE : sizeClass;
}
