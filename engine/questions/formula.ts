/**
 * An expression over leaves of which some may be open, in Kleene's logic: `and` is the least, `or` the
 * greatest, `exclude` the opposite. What an expression says with open leaves it says however they turn out.
 * Postfix, in one typed array, because it is asked once for every profile; it crosses threads as it is.
 */
import {assert} from '../assert.ts';

export const FALSE = 0;
export const OPEN = 1;
export const TRUE = 2;
export type Truth = typeof FALSE | typeof OPEN | typeof TRUE;

/** Leaves are their numbers; the rest are the operators below, `and` and `or` followed by how many they take. */
export type Formula = Int32Array;

export const NOT = -1;
export const AND = -2;
const OR = -3;

export function leaf(number: number): Formula {
  return Int32Array.of(number);
}

export function not(of: Formula): Formula {
  return Int32Array.of(...of, NOT);
}

export function all(of: readonly Formula[]): Formula {
  return combined(AND, of);
}

export function any(of: readonly Formula[]): Formula {
  return combined(OR, of);
}

function combined(operator: number, of: readonly Formula[]): Formula {
  assert(of.length > 0, 'a combination has operands');
  const [only] = of;
  if (of.length === 1 && only !== undefined) return only;
  return Int32Array.from([...of.flatMap(each => [...each]), operator, of.length]);
}

/** The leaves that it asks for. */
export function leavesOf(formula: Formula): Set<number> {
  const found = new Set<number>();
  for (let at = 0; at < formula.length; at++) {
    const code = formula[at]!;
    if (code >= 0) found.add(code);
    else if (code !== NOT) at++;
  }
  return found;
}

const stack = new Uint8Array(4096);

/** `values` has the truth of leaf n at `from + n`. */
export function evaluate(formula: Formula, values: Uint8Array, from = 0): Truth {
  let top = 0;
  for (let at = 0; at < formula.length; at++) {
    const code = formula[at]!;
    if (code >= 0) stack[top++] = values[from + code]!;
    else if (code === NOT) stack[top - 1] = TRUE - stack[top - 1]!;
    else {
      let count = formula[++at]!;
      let value = stack[--top]!;
      if (code === AND) {
        while (--count > 0) {
          const other = stack[--top]!;
          if (other < value) value = other;
        }
      } else {
        while (--count > 0) {
          const other = stack[--top]!;
          if (other > value) value = other;
        }
      }
      stack[top++] = value;
    }
  }
  return stack[0] as Truth;
}
