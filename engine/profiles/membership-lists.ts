/**
 * Who is in what since when: for each profile a list of audiences and moments, in no order, in two 32-bit
 * words each (the audience's id with the high bits of the moment above it; the low half of the moment). At ten
 * thousand audiences a profile is in hundreds: the ids lie together, so that one is found by a run over a few cache
 * lines, and it leaves by the last one taking its place, so that no flip moves more than eight bytes.
 */
import {assert} from '../assert.ts';
import type {Ordinal} from '../ids.ts';
import {touchLines} from '../touch-lines.ts';

const PAGE_SHIFT = 17;
const PAGE_WORDS = 1 << PAGE_SHIFT;
const NONE = 0xffffffff;
const ID_BITS = 21;
const ID_MASK = (1 << ID_BITS) - 1;
const LOW = 2 ** 32;
const TOUCHED_LINES = 8;
const FIRST_ENTRY = 2;
/** Words of a block, header included: an eighth more each time, for little is added at a time. */
const CLASS_WORDS = sizeClasses();

/** Highest id that an audience can have. */
export const AUDIENCE_ID_MAX = ID_MASK;

/** Block: memberships, size class, then room for their ids, and for as many low halves. */
export class MembershipLists {
  /** Page × PAGE_WORDS + offset, or NONE, by ordinal. */
  #block = new Uint32Array(1024).fill(NONE);
  #pages: Uint32Array[] = [];
  #pageUsed = PAGE_WORDS;
  readonly #freeBlocks: number[][] = CLASS_WORDS.map(() => []);

  /** The profile is not in it yet. */
  add(ordinal: Ordinal, audience: number, sinceMs: number): void {
    const at = this.#room(ordinal);
    const page = this.#page;
    page[at] = audience | (Math.floor(sinceMs / LOW) << ID_BITS);
    page[at + this.#places] = sinceMs;
  }

  /** Nothing happens to a profile that is not in it. */
  remove(ordinal: Ordinal, audience: number): void {
    const at = this.#find(ordinal, audience);
    if (at < 0) return;
    const page = this.#page;
    const base = this.#base;
    const places = this.#places;
    const last = base + FIRST_ENTRY + --page[base]!;
    page[at] = page[last]!;
    page[at + places] = page[last + places]!;
  }

  /** NaN: not a member. */
  sinceMs(ordinal: Ordinal, audience: number): number {
    const at = this.#find(ordinal, audience);
    return at < 0 ? NaN : this.#sinceAt(at);
  }

  /** Audience ids and moments, flat, ascending by id. */
  list(ordinal: Ordinal): number[] {
    if (!this.#open(ordinal)) return [];
    const found: {id: number; sinceMs: number}[] = [];
    const end = this.#base + FIRST_ENTRY + this.#page[this.#base]!;
    for (let at = this.#base + FIRST_ENTRY; at < end; at++) {
      found.push({id: this.#page[at]! & ID_MASK, sinceMs: this.#sinceAt(at)});
    }
    found.sort((a, b) => a.id - b.id);
    return found.flatMap(({id, sinceMs}) => [id, sinceMs]);
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

  /** Forgets all of a profile. */
  release(ordinal: Ordinal): void {
    if (!this.#open(ordinal)) return;
    this.#freeBlocks[this.#page[this.#base + 1]!]!.push(this.#block[ordinal]!);
    this.#block[ordinal] = NONE;
  }

  /** A copy of a profile's memberships, low half and id in turn, to be imported again. */
  export(ordinal: Ordinal): Uint32Array {
    if (!this.#open(ordinal)) return new Uint32Array(0);
    const count = this.#page[this.#base]!;
    const words = new Uint32Array(count * 2);
    for (let i = 0, at = this.#base + FIRST_ENTRY; i < count; i++, at++) {
      words[i * 2] = this.#page[at + this.#places]!;
      words[i * 2 + 1] = this.#page[at]!;
    }
    return words;
  }

  /** For a profile that is in nothing. */
  import(ordinal: Ordinal, words: Uint32Array): void {
    if (words.length === 0) return;
    this.#allocate(ordinal, words.length + FIRST_ENTRY);
    const count = words.length / 2;
    this.#page[this.#base] = count;
    for (let i = 0, at = this.#base + FIRST_ENTRY; i < count; i++, at++) {
      this.#page[at + this.#places] = words[i * 2]!;
      this.#page[at] = words[i * 2 + 1]!;
    }
  }

  get bytes(): number {
    return this.#pages.length * PAGE_WORDS * 4 + this.#block.byteLength;
  }

  // The opened block.
  #page: Uint32Array = new Uint32Array(0);
  #base = 0;
  /** Memberships that it has room for. */
  #places = 0;

  #open(ordinal: Ordinal): boolean {
    const pointer = ordinal < this.#block.length ? this.#block[ordinal]! : NONE;
    if (pointer === NONE) return false;
    this.#page = this.#pages[pointer >>> PAGE_SHIFT]!;
    this.#base = pointer & (PAGE_WORDS - 1);
    this.#places = (CLASS_WORDS[this.#page[this.#base + 1]!]! - FIRST_ENTRY) >>> 1;
    return true;
  }

  #find(ordinal: Ordinal, audience: number): number {
    if (!this.#open(ordinal)) return -1;
    const page = this.#page;
    const from = this.#base + FIRST_ENTRY;
    // What joined last leaves first more often than not.
    for (let at = from + page[this.#base]! - 1; at >= from; at--) {
      if ((page[at]! & ID_MASK) === audience) return at;
    }
    return -1;
  }

  #sinceAt(at: number): number {
    return this.#page[at + this.#places]! + (this.#page[at]! >>> ID_BITS) * LOW;
  }

  /** Where the next membership goes; it is counted already. */
  #room(ordinal: Ordinal): number {
    if (!this.#open(ordinal)) {
      this.#allocate(ordinal, FIRST_ENTRY + 2);
      this.#page[this.#base] = 1;
      return this.#base + FIRST_ENTRY;
    }
    const count = this.#page[this.#base]!;
    if (count === this.#places) {
      const [from, fromAt, places] = [this.#page, this.#base + FIRST_ENTRY, this.#places];
      const sizeClass = from[this.#base + 1]!;
      const pointer = this.#block[ordinal]!;
      this.#allocate(ordinal, FIRST_ENTRY + 2 * (count + 1));
      const at = this.#base + FIRST_ENTRY;
      this.#page.set(from.subarray(fromAt, fromAt + count), at);
      const lows = fromAt + places;
      this.#page.set(from.subarray(lows, lows + count), at + this.#places);
      this.#freeBlocks[sizeClass]!.push(pointer);
    }
    this.#page[this.#base] = count + 1;
    return this.#base + FIRST_ENTRY + count;
  }

  /** Gives the profile a block with its class in it, opened. */
  #allocate(ordinal: Ordinal, words: number): void {
    const sizeClass = CLASS_WORDS.findIndex(size => size >= words);
    assert(sizeClass >= 0, 'a profile is in 65,535 audiences at most');
    const size = CLASS_WORDS[sizeClass]!;
    let pointer = this.#freeBlocks[sizeClass]!.pop();
    if (pointer === undefined) {
      if (this.#pageUsed + size > PAGE_WORDS) {
        this.#pages.push(new Uint32Array(PAGE_WORDS));
        this.#pageUsed = 0;
      }
      pointer = (this.#pages.length - 1) * PAGE_WORDS + this.#pageUsed;
      this.#pageUsed += size;
    }
    if (ordinal >= this.#block.length) {
      const grown = new Uint32Array(Math.max(this.#block.length * 2, ordinal + 1)).fill(NONE);
      grown.set(this.#block);
      this.#block = grown;
    }
    this.#block[ordinal] = pointer;
    this.#pages[pointer >>> PAGE_SHIFT]![(pointer & (PAGE_WORDS - 1)) + 1] = sizeClass;
    this.#open(ordinal);
  }
}

function sizeClasses(): number[] {
  const classes: number[] = [];
  for (let words = 8; words < PAGE_WORDS; words = Math.ceil((words * 1.125) / 4) * 4) {
    classes.push(words);
  }
  return [...classes, PAGE_WORDS];
}
