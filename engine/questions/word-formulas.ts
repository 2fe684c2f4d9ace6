/**
 * Formulas over leaves that are known for everybody, 32 profiles in each operation. The same formulas as
 * `evaluate` takes, where no leaf is open.
 */
import {AND, type Formula, NOT} from './formula.ts';

export class WordFormulas {
  readonly #length: number;
  /** By height of the stack: where results lie. Leaves lie where they are. */
  readonly #results: Uint32Array[] = [];
  readonly #stack: Uint32Array[] = [];

  /** Words of each leaf. */
  constructor(length: number) {
    this.#length = length;
  }

  /** Where an `exclude` is outermost, nobody's bits are set too. Good until the next call. Hot. */
  evaluate(formula: Formula, leaves: readonly Uint32Array[]): Uint32Array {
    const stack = this.#stack;
    let top = 0;
    for (let at = 0; at < formula.length; at++) {
      const code = formula[at]!;
      if (code >= 0) {
        stack[top++] = leaves[code]!;
        continue;
      }
      const count = code === NOT ? 1 : formula[++at]!;
      top -= count;
      const result = (this.#results[top] ??= new Uint32Array(this.#length));
      const first = stack[top]!;
      if (code === NOT) for (let i = 0; i < result.length; i++) result[i] = ~first[i]!;
      else if (first !== result) result.set(first);
      for (let n = 1; n < count; n++) {
        const operand = stack[top + n]!;
        if (code === AND) for (let i = 0; i < result.length; i++) result[i]! &= operand[i]!;
        else for (let i = 0; i < result.length; i++) result[i]! |= operand[i]!;
      }
      stack[top++] = result;
    }
    return stack[0]!;
  }
}
