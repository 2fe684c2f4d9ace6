/**
 * What a question says of all profiles alike: those for whom the same leaves hold get the same verdicts,
 * so the formulas are asked once for each pattern of leaves, not once for each profile.
 */
import {evaluate, FALSE, OPEN, TRUE} from './formula.ts';
import type {QuestionPart} from './question.ts';

/** One bit for each leaf that everybody is asked; of more leaves than fit a number, one character each. */
export type Pattern = number | string;
export const NUMBER_LEAVES_MAX = 30;
/** Patterns of so few leaves are looked up in an array. */
const DENSE_LEAVES_MAX = 16;

export class Verdicts {
  readonly certain: Float64Array;
  readonly open: Float64Array;
  /** Truth of every leaf of the pattern last counted; the leaves that are not asked are open. */
  readonly values: Uint8Array;
  readonly #parts: readonly QuestionPart[];
  readonly #general: readonly number[];
  readonly #dense: Int32Array | undefined;
  readonly #sparse = new Map<Pattern, number>();
  #verdicts: Uint8Array[] = [];
  #counts: number[] = [];

  /** `general`: the leaves that everybody is asked, by position in the pattern. */
  constructor(
    {leaves, parts}: {readonly leaves: readonly unknown[]; readonly parts: readonly QuestionPart[]},
    general: readonly number[],
  ) {
    this.#parts = parts;
    this.#general = general;
    this.values = new Uint8Array(leaves.length).fill(OPEN);
    this.certain = new Float64Array(parts.length);
    this.open = new Float64Array(parts.length);
    const isDense = general.length <= DENSE_LEAVES_MAX;
    this.#dense = isDense ? new Int32Array(1 << general.length).fill(-1) : undefined;
  }

  /** Counts one more profile with the pattern. Returns the truth of every part. Hot. */
  count(pattern: Pattern): Uint8Array {
    const dense = this.#dense;
    let at = dense === undefined ? (this.#sparse.get(pattern) ?? -1) : dense[pattern as number]!;
    if (at < 0) at = this.#judge(pattern);
    this.#counts[at]!++;
    return this.#verdicts[at]!;
  }

  /** Brings `values` to the pattern. */
  show(pattern: Pattern): void {
    for (let i = 0; i < this.#general.length; i++) {
      const holds = typeof pattern === 'number' ? (pattern >>> i) & 1 : Number(pattern[i]);
      this.values[this.#general[i]!] = holds === 1 ? TRUE : FALSE;
    }
  }

  /** Adds up what was counted. */
  close(): void {
    for (const [at, verdict] of this.#verdicts.entries()) {
      for (let part = 0; part < verdict.length; part++) {
        if (verdict[part] === TRUE) this.certain[part]! += this.#counts[at]!;
        else if (verdict[part] === OPEN) this.open[part]! += this.#counts[at]!;
      }
    }
  }

  #judge(pattern: Pattern): number {
    this.show(pattern);
    const verdict = new Uint8Array(this.#parts.length);
    for (const [part, {formula}] of this.#parts.entries()) {
      verdict[part] = evaluate(formula, this.values);
    }
    const at = this.#verdicts.push(verdict) - 1;
    this.#counts.push(0);
    if (this.#dense === undefined) this.#sparse.set(pattern, at);
    else this.#dense[pattern as number] = at;
    return at;
  }
}
