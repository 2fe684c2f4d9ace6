/**
 * Rows that lie together are written together. In the order in which they became dirty, 200 rows touch as many
 * leaves of the tree and nearly every branch of it; in the order of their keys they share both.
 */
import type {Ordinal} from '../engine/ids.ts';

/** Of a row's key, which begins with the high half of the mpid. */
type HighHalf = (ordinal: Ordinal) => number;

/** Sorted at a time: some six milliseconds. */
export const SORTED_ROWS = 65_536;
const KEY_BITS = 53;

/** Sorts `ordinals` from `from` on, SORTED_ROWS of them, as their keys are; nearly, beyond millions of profiles. */
export function sortByKey(ordinals: Ordinal[], from: number, highHalf: HighHalf): void {
  const count = Math.min(SORTED_ROWS, ordinals.length - from);
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, ordinals[from + i]!);
  // One double holds both: the start of the key, and who it is. Doubles sort without a comparison in JavaScript.
  const range = 2 ** Math.ceil(Math.log2(most + 1));
  const scale = 2 ** Math.min(0, KEY_BITS - 32 - Math.log2(range));
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const ordinal = ordinals[from + i]!;
    keys[i] = Math.floor((highHalf(ordinal) >>> 0) * scale) * range + ordinal;
  }
  keys.sort();
  for (let i = 0; i < count; i++) ordinals[from + i] = keys[i]! % range;
}
