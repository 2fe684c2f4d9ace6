/**
 * A set of ordinals, whatever it looks like inside: few of many are a Roaring bitmap in WASM memory, which takes
 * two bytes for each; many are plain words, a bit for each of the universe. A Roaring bitmap would hold many
 * in as little, but is slow at it: AND of two times 10 % of a million takes it 500 µs, a loop over words 80
 * (bench/parts). WASM memory is not collected: whoever has a bitmap disposes of it.
 */
import {RoaringBitmap32} from 'roaring-wasm';
import type {Ordinal} from '../ids.ts';
import {countBits} from './count-bits.ts';

/** Shares of the universe; between them a bitmap stays as it is. */
const DENSE_FROM = 1 / 40;
const SPARSE_TO = 1 / 80;

export class Bitmap {
  /** undefined: the words are the set. */
  #sparse: RoaringBitmap32 | undefined;
  #words = NO_WORDS;
  #size = 0;
  #universe: number;

  private constructor(universe: number) {
    this.#universe = universe;
  }

  /** Ascending, below `universe`, each once. */
  static fromSorted(ordinals: Uint32Array, universe: number): Bitmap {
    const bitmap = new Bitmap(universe);
    bitmap.#sparse = new RoaringBitmap32();
    bitmap.add(ordinals);
    return bitmap;
  }

  /** Bit o & 31 of word o >>> 5 is ordinal o, below `universe`. The words are given away. */
  static fromWords(words: Uint32Array<ArrayBuffer>, universe: number): Bitmap {
    const bitmap = new Bitmap(universe);
    bitmap.#words = words;
    for (let i = 0; i < words.length; i++) bitmap.#size += countBits(words[i]!);
    if (bitmap.#size < universe * DENSE_FROM) bitmap.#toSparse();
    return bitmap;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#sparse?.getSerializationSizeInBytes('portable') ?? this.#words.byteLength;
  }

  has(ordinal: Ordinal): boolean {
    if (this.#sparse !== undefined) return this.#sparse.has(ordinal);
    return (((this.#words[ordinal >>> 5] ?? 0) >>> (ordinal & 31)) & 1) === 1;
  }

  /** Ascending; those that are in it already stay. The universe grows to the last of them. */
  add(ordinals: Uint32Array): void {
    const last = ordinals.at(-1);
    if (last === undefined) return;
    this.#universe = Math.max(this.#universe, last + 1);
    if (this.#size + ordinals.length < this.#universe * SPARSE_TO) this.#toSparse();
    if (this.#sparse !== undefined) {
      this.#sparse.addMany(ordinals);
      this.#size = this.#sparse.size;
      if (this.#size > this.#universe * DENSE_FROM) this.#toDense(this.#sparse);
      return;
    }
    this.#reserve(last);
    const words = this.#words;
    for (let i = 0; i < ordinals.length; i++) {
      const ordinal = ordinals[i]!;
      const bit = 1 << (ordinal & 31);
      if ((words[ordinal >>> 5]! & bit) !== 0) continue;
      words[ordinal >>> 5]! |= bit;
      this.#size++;
    }
  }

  /** Ascending; those that are not in it do not matter. */
  remove(ordinals: Uint32Array): void {
    if (this.#sparse !== undefined) {
      this.#sparse.removeMany(ordinals);
      this.#size = this.#sparse.size;
      return;
    }
    const words = this.#words;
    for (let i = 0; i < ordinals.length; i++) {
      const ordinal = ordinals[i]!;
      const bit = 1 << (ordinal & 31);
      if (((words[ordinal >>> 5] ?? 0) & bit) === 0) continue;
      words[ordinal >>> 5]! ^= bit;
      this.#size--;
    }
    if (this.#size < this.#universe * SPARSE_TO) this.#toSparse();
  }

  /**
   * The set from `from`, a multiple of 32, as words: how sets of either kind are combined, a piece that stays
   * in the cache at a time.
   */
  readWords(from: Ordinal, into: Uint32Array): void {
    if (this.#sparse !== undefined) {
      into.fill(0);
      const found = this.#sparse.rangeUint32Array(from, from + into.length * 32);
      for (let i = 0; i < found.length; i++) {
        const at = found[i]! - from;
        into[at >>> 5]! |= 1 << (at & 31);
      }
      return;
    }
    const first = from / 32;
    const words = this.#words.subarray(first, first + into.length);
    into.set(words);
    into.fill(0, words.length);
  }

  /** Ascending. */
  forEach(visit: (ordinal: Ordinal) => void): void {
    if (this.#sparse !== undefined) {
      const found = this.#sparse.toUint32Array();
      for (let i = 0; i < found.length; i++) visit(found[i]!);
    } else forEachBit(this.#words, 0, visit);
  }

  /** Its memory is free; it may not be used any more. */
  dispose(): void {
    this.#sparse?.dispose();
    this.#sparse = undefined;
    this.#words = NO_WORDS;
    this.#size = 0;
  }

  #toSparse(): void {
    if (this.#sparse !== undefined) return;
    const ordinals = new Uint32Array(this.#size);
    let count = 0;
    forEachBit(this.#words, 0, ordinal => (ordinals[count++] = ordinal));
    this.#sparse = new RoaringBitmap32(ordinals);
    this.#words = NO_WORDS;
  }

  #toDense(sparse: RoaringBitmap32): void {
    const words = new Uint32Array(Math.ceil(this.#universe / 32));
    const ordinals = sparse.toUint32Array();
    for (let i = 0; i < ordinals.length; i++) {
      words[ordinals[i]! >>> 5]! |= 1 << (ordinals[i]! & 31);
    }
    this.#words = words;
    sparse.dispose();
    this.#sparse = undefined;
  }

  #reserve(ordinal: Ordinal): void {
    if (ordinal >>> 5 < this.#words.length) return;
    const words = new Uint32Array(Math.ceil((ordinal >>> 5) * 1.125) + 1);
    words.set(this.#words);
    this.#words = words;
  }
}

const NO_WORDS = new Uint32Array(0);

/** Calls `visit` for each bit that is set, ascending; the first bit of the first word is `from`. */
export function forEachBit(
  words: Uint32Array,
  from: Ordinal,
  visit: (ordinal: Ordinal) => void,
): void {
  for (let i = 0; i < words.length; i++) {
    for (let word = words[i]!; word !== 0; word &= word - 1) {
      visit(from + i * 32 + 31 - Math.clz32(word & -word));
    }
  }
}

const CHUNK_WORDS = 512;

/**
 * Calls `visit` for each ordinal below `end` that is in one of the two alone, ascending, with whether that is `to`;
 * without `from` for all of `to`. Neither may change meanwhile.
 */
export function forEachDifference(
  {from, to}: {from: Bitmap | undefined; to: Bitmap},
  end: Ordinal,
  visit: (ordinal: Ordinal, is: boolean) => void,
): void {
  if (from === undefined) {
    to.forEach(ordinal => visit(ordinal, true));
    return;
  }
  const was = new Uint32Array(CHUNK_WORDS);
  const is = new Uint32Array(CHUNK_WORDS);
  for (let first = 0; first < end; first += CHUNK_WORDS * 32) {
    from.readWords(first, was);
    to.readWords(first, is);
    for (let i = 0; i < CHUNK_WORDS; i++) was[i]! ^= is[i]!;
    forEachBit(was, first, ordinal => {
      const at = ordinal - first;
      visit(ordinal, ((is[at >>> 5]! >>> (at & 31)) & 1) === 1);
    });
  }
}
