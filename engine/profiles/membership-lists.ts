/**
 * Who is in what since when: for each profile a list of audiences and moments, in no order, in two 32-bit
 * words each (the low half of the moment; its high bits above the audience's id). At ten thousand audiences a
 * profile is in hundreds: they are found by one run over a few cache lines, and leave by the last one
 * taking their place, so that no flip moves more than eight bytes.
 */
import {assert} from '../assert.ts';
import type {Ordinal} from '../ids.ts';

const PAGE_SHIFT = 17;
const PAGE_WORDS = 1 << PAGE_SHIFT;
const NONE = 0xffffffff;
const ID_BITS = 21;
const ID_MASK = (1 << ID_BITS) - 1;
const LOW = 2 ** 32;
const LINE_WORDS = 16;
const TOUCHED_WORDS = 8 * LINE_WORDS;
const FIRST_ENTRY = 2;
/** Words of a block, header included: an eighth more each time, for little is added at a time. */
const CLASS_WORDS = sizeClasses();

/** Highest id that an audience can have. */
export const AUDIENCE_ID_MAX = ID_MASK;

/** Block: memberships, size class, then the memberships. */
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
    page[at] = sinceMs;
    page[at + 1] = audience | (Math.floor(sinceMs / LOW) << ID_BITS);
  }

  /** Nothing happens to a profile that is not in it. */
  remove(ordinal: Ordinal, audience: number): void {
    const at = this.#find(ordinal, audience);
    if (at < 0) return;
    const page = this.#page;
    const base = this.#base;
    const last = base + FIRST_ENTRY + --page[base]! * 2;
    page[at] = page[last]!;
    page[at + 1] = page[last + 1]!;
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
    const end = this.#base + FIRST_ENTRY + this.#page[this.#base]! * 2;
    for (let at = this.#base + FIRST_ENTRY; at < end; at += 2) {
      found.push({id: this.#page[at + 1]! & ID_MASK, sinceMs: this.#sinceAt(at)});
    }
    found.sort((a, b) => a.id - b.id);
    return found.flatMap(({id, sinceMs}) => [id, sinceMs]);
  }

  /** Reads where the profile's block is: see fetch-ahead.ts. */
  touchPointer(ordinal: Ordinal): number {
    return ordinal < this.#block.length ? this.#block[ordinal]! : 0;
  }

  /** Reads a word of each of the first lines of the profile's block. */
  touch(ordinal: Ordinal): number {
    const pointer = ordinal < this.#block.length ? this.#block[ordinal]! : NONE;
    if (pointer === NONE) return 0;
    const page = this.#pages[pointer >>> PAGE_SHIFT]!;
    const from = pointer & (PAGE_WORDS - 1);
    const end = Math.min(page.length, from + TOUCHED_WORDS);
    let sum = 0;
    for (let at = from; at < end; at += LINE_WORDS) sum += page[at]!;
    return sum;
  }

  /** Forgets all of a profile. */
  release(ordinal: Ordinal): void {
    if (!this.#open(ordinal)) return;
    this.#freeBlocks[this.#page[this.#base + 1]!]!.push(this.#block[ordinal]!);
    this.#block[ordinal] = NONE;
  }

  /** A copy of a profile's memberships, to be imported again. */
  export(ordinal: Ordinal): Uint32Array {
    if (!this.#open(ordinal)) return new Uint32Array(0);
    const from = this.#base + FIRST_ENTRY;
    return this.#page.slice(from, from + this.#page[this.#base]! * 2);
  }

  /** For a profile that is in nothing. */
  import(ordinal: Ordinal, words: Uint32Array): void {
    if (words.length === 0) return;
    this.#allocate(ordinal, words.length + FIRST_ENTRY);
    this.#page[this.#base] = words.length / 2;
    this.#page.set(words, this.#base + FIRST_ENTRY);
  }

  get bytes(): number {
    return this.#pages.length * PAGE_WORDS * 4 + this.#block.byteLength;
  }

  // The opened block.
  #page: Uint32Array = new Uint32Array(0);
  #base = 0;

  #open(ordinal: Ordinal): boolean {
    const pointer = ordinal < this.#block.length ? this.#block[ordinal]! : NONE;
    if (pointer === NONE) return false;
    this.#page = this.#pages[pointer >>> PAGE_SHIFT]!;
    this.#base = pointer & (PAGE_WORDS - 1);
    return true;
  }

  #find(ordinal: Ordinal, audience: number): number {
    if (!this.#open(ordinal)) return -1;
    const page = this.#page;
    const from = this.#base + FIRST_ENTRY;
    // What joined last leaves first more often than not.
    for (let at = from + page[this.#base]! * 2 - 2; at >= from; at -= 2) {
      if ((page[at + 1]! & ID_MASK) === audience) return at;
    }
    return -1;
  }

  #sinceAt(at: number): number {
    return this.#page[at]! + (this.#page[at + 1]! >>> ID_BITS) * LOW;
  }

  /** Where the next membership goes; it is counted already. */
  #room(ordinal: Ordinal): number {
    if (!this.#open(ordinal)) {
      this.#allocate(ordinal, FIRST_ENTRY + 2);
      this.#page[this.#base] = 1;
      return this.#base + FIRST_ENTRY;
    }
    const count = this.#page[this.#base]!;
    const sizeClass = this.#page[this.#base + 1]!;
    const used = FIRST_ENTRY + count * 2;
    if (used + 2 > CLASS_WORDS[sizeClass]!) {
      const [from, fromBase, pointer] = [this.#page, this.#base, this.#block[ordinal]!];
      this.#allocate(ordinal, used + 2);
      this.#page.set(
        from.subarray(fromBase + FIRST_ENTRY, fromBase + used),
        this.#base + FIRST_ENTRY,
      );
      this.#freeBlocks[sizeClass]!.push(pointer);
    }
    this.#page[this.#base] = count + 1;
    return this.#base + used;
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
    this.#open(ordinal);
    this.#page[this.#base + 1] = sizeClass;
  }
}

function sizeClasses(): number[] {
  const classes: number[] = [];
  for (let words = 8; words < PAGE_WORDS; words = Math.ceil((words * 1.125) / 4) * 4) {
    classes.push(words);
  }
  return [...classes, PAGE_WORDS];
}
