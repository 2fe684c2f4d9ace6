/** The bits of a row that say who is in what, to be held against memberships a word at a time. */
import type {Audience} from '../audiences/audience-table.ts';
import type {TruthRows} from './truth-rows.ts';

export class ServedRoots {
  readonly #rootOf = new Map<number, number>();
  /** By slot: audiences whose members it says. */
  readonly #audiences = new Map<number, number>();
  readonly #words: {readonly word: number; readonly mask: number}[] = [];

  constructor(audiences: Iterable<Audience>) {
    const masks = new Map<number, number>();
    for (const {id, root} of audiences) {
      if (root < 0) continue;
      const slot = root >> 1;
      this.#rootOf.set(id, slot);
      this.#audiences.set(slot, (this.#audiences.get(slot) ?? 0) + 1);
      masks.set(slot >>> 5, (masks.get(slot >>> 5) ?? 0) | (1 << (slot & 31)));
    }
    for (const [word, mask] of masks) this.#words.push({word, mask});
  }

  /** `memberships`: ids and moments, flat. Whether the opened row says the same. */
  agree({words, base}: TruthRows, memberships: readonly number[]): boolean {
    let said = 0;
    for (const {word, mask} of this.#words) {
      for (let bits = words[base + word]! & mask; bits !== 0; bits &= bits - 1) {
        said += this.#audiences.get(word * 32 + 31 - Math.clz32(bits & -bits))!;
      }
    }
    if (said * 2 !== memberships.length) return false;
    // As many as there are bits, and each of them is said: then they are the same.
    for (let i = 0; i < memberships.length; i += 2) {
      const slot = this.#rootOf.get(memberships[i]!);
      if (slot === undefined) return false;
      if (((words[base + (slot >>> 5)]! >>> (slot & 31)) & 1) === 0) return false;
    }
    return true;
  }
}
