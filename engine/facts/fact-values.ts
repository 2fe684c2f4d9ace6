/**
 * The values of facts in the cells of the opened block. A cell is two words: `u32 name << 10 | tag << 7 | number
 * of its time`, and a u32 that is the value, or says where it is, or how long the text is that follows. Before
 * what follows may be a time of its own, two words.
 */
import type {Scalar, Value} from '../record.ts';
import type {BlockSlab} from './block-slab.ts';
import {SharedTexts} from './shared-texts.ts';

export const TIME_BITS = 7;
export const TIME_MASK = 127;
/** Instead of a number: the time is in the cell. */
export const OWN_TIME = 127;
const TAG_MASK = 7;
export const NAME_SHIFT = 10;

// Tags. Nothing follows a cell of the first four.
/** undefined (removed, remembered so that an older change that comes late does not bring it back), null, … */
const CONSTANT = 0;
const INTEGER = 1;
const SHARED_TEXT = 2;
const LIST = 3;
const DOUBLE = 4;
/** A text of code units below 256, a byte each. */
const NARROW_TEXT = 5;
const WIDE_TEXT = 6;

const CONSTANTS = [undefined, null, false, true] as const;

/** Code units made into a text at a time. */
const DECODE_AT_ONCE = 4096;

export class FactValues {
  readonly texts = new SharedTexts();
  /** Second word of the value that was encoded last. */
  word = 0;
  readonly #slab: BlockSlab;
  #lists: (readonly Scalar[])[] = [];
  #freeLists: number[] = [];
  // The text that was read last, as many criteria may ask for the same one.
  #readAt = -1;
  #readWords: Uint32Array = new Uint32Array(0);
  #readText = '';

  constructor(slab: BlockSlab) {
    this.#slab = slab;
  }

  /** Of the cell at an offset. */
  read(at: number): Value | undefined {
    const {words, doubles, base} = this.#slab;
    const word = words[base + at + 1]!;
    switch ((words[base + at]! >>> TIME_BITS) & TAG_MASK) {
      case CONSTANT:
        return CONSTANTS[word];
      case INTEGER:
        return word | 0;
      case SHARED_TEXT:
        return this.texts.text(word);
      case LIST:
        return this.#lists[word];
      case DOUBLE:
        return doubles[(base + this.#followsAt(at)) >> 1];
      default:
        return this.#textAt(at);
    }
  }

  /** What follows the cell and its time. */
  #followsAt(at: number): number {
    const word = this.#slab.words[this.#slab.base + at]!;
    return at + ((word & TIME_MASK) === OWN_TIME ? 4 : 2);
  }

  #textAt(at: number): string {
    const {words, base, bytes, chars} = this.#slab;
    if (this.#readAt === base + at && this.#readWords === words) return this.#readText;
    const isNarrow = ((words[base + at]! >>> TIME_BITS) & TAG_MASK) === NARROW_TEXT;
    const from = (base + this.#followsAt(at)) * (isNarrow ? 4 : 2);
    this.#readText = textOf(isNarrow ? bytes : chars, from, words[base + at + 1]!);
    this.#readAt = base + at;
    this.#readWords = words;
    return this.#readText;
  }

  /** Cells have changed. */
  forgetRead(): void {
    this.#readAt = -1;
    this.#readText = '';
  }

  isSame(at: number, value: Value | undefined): boolean {
    const {words, base, bytes, chars} = this.#slab;
    const tag = (words[base + at]! >>> TIME_BITS) & TAG_MASK;
    if (tag === LIST) return isSameList(this.#lists[words[base + at + 1]!]!, value);
    if (tag !== NARROW_TEXT && tag !== WIDE_TEXT) return this.read(at) === value;
    const length = words[base + at + 1]!;
    if (typeof value !== 'string' || value.length !== length) return false;
    const units = tag === NARROW_TEXT ? bytes : chars;
    const from = (base + this.#followsAt(at)) * (tag === NARROW_TEXT ? 4 : 2);
    for (let i = 0; i < length; i++) if (units[from + i] !== value.charCodeAt(i)) return false;
    return true;
  }

  /** A shared text or a list is used once less. */
  drop(at: number): void {
    const {words, base} = this.#slab;
    const word = words[base + at + 1]!;
    const tag = (words[base + at]! >>> TIME_BITS) & TAG_MASK;
    if (tag === SHARED_TEXT) this.texts.release(word);
    else if (tag === LIST) {
      this.#lists[word] = NO_LIST;
      this.#freeLists.push(word);
    }
  }

  /** The cell's first word with the tag of this value; the second is in `word`. */
  encode(value: Value | undefined, first: number): number {
    return ((first & ~(TAG_MASK << TIME_BITS)) | (this.#tagOf(value) << TIME_BITS)) >>> 0;
  }

  #tagOf(value: Value | undefined): number {
    if (typeof value === 'string') {
      const shared = this.texts.acquire(value);
      this.word = shared < 0 ? value.length : shared;
      if (shared >= 0) return SHARED_TEXT;
      return isNarrow(value) ? NARROW_TEXT : WIDE_TEXT;
    }
    if (typeof value === 'number') {
      this.word = value >>> 0;
      return (value | 0) === value && !Object.is(value, -0) ? INTEGER : DOUBLE;
    }
    if (typeof value === 'object' && value !== null) {
      this.word = this.#freeLists.pop() ?? this.#lists.length;
      this.#lists[this.word] = value;
      return LIST;
    }
    this.word = CONSTANTS.indexOf(value);
    return CONSTANT;
  }

  /** What follows the cell, which says already what it is. */
  write(at: number, value: Value | undefined): void {
    const {words, doubles, base, bytes, chars} = this.#slab;
    const tag = (words[base + at]! >>> TIME_BITS) & TAG_MASK;
    if (tag === DOUBLE) doubles[(base + this.#followsAt(at)) >> 1] = value as number;
    if (tag !== NARROW_TEXT && tag !== WIDE_TEXT) return;
    const text = value as string;
    const follows = base + this.#followsAt(at);
    words.fill(0, follows, follows + textWords(tag, text.length));
    const units = tag === NARROW_TEXT ? bytes : chars;
    const from = follows * (tag === NARROW_TEXT ? 4 : 2);
    for (let i = 0; i < text.length; i++) units[from + i] = text.charCodeAt(i);
  }
}

const NO_LIST: readonly Scalar[] = [];

/** Words after the two of a cell. */
export function followingWords(word: number, second: number): number {
  const own = (word & TIME_MASK) === OWN_TIME ? 2 : 0;
  const tag = (word >>> TIME_BITS) & TAG_MASK;
  if (tag < DOUBLE) return own;
  return own + (tag === DOUBLE ? 2 : textWords(tag, second));
}

/** At most, after the two of a cell. */
export function wordsToWrite(value: Value | undefined): number {
  return typeof value === 'string' ? textWords(WIDE_TEXT, value.length) : 2;
}

function textWords(tag: number, length: number): number {
  return tag === NARROW_TEXT ? ((length + 7) >>> 3) * 2 : ((length + 3) >>> 2) * 2;
}

function isNarrow(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return false;
  return true;
}

function textOf(units: Uint8Array | Uint16Array, from: number, length: number): string {
  let text = '';
  for (let at = 0; at < length; at += DECODE_AT_ONCE) {
    const part = units.subarray(from + at, from + Math.min(length, at + DECODE_AT_ONCE));
    text += Reflect.apply(String.fromCharCode, undefined, part);
  }
  return text;
}

function isSameList(known: readonly Scalar[], value: Value | undefined): boolean {
  if (!Array.isArray(value) || value.length !== known.length) return false;
  return known.every((element, i) => element === value[i]);
}
