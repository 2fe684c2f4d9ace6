/**
 * A combination is an AND of clauses, each an OR of literals; or the other way round, an OR of ANDs. So "a, and b or
 * c" is one node, not two, with one bit a profile. What holds for one kind holds for the other with true and
 * false exchanged: a clause decides the node when all its literals say what decides (for an AND, false).
 *
 * Clauses lie in a row, each literal as `literal × 2 + whether it is the clause's last`.
 */
import type {Literal} from './expression-graph.ts';

const LAST = 1;

/** Any (in an `and`), or all (in an `or`), of one or more literals. */
export type Clause = readonly Literal[];

export function packClauses(clauses: readonly Clause[]): Int32Array<ArrayBuffer> {
  return Int32Array.from(
    clauses.flatMap(clause =>
      clause.map((literal, i) => (literal << 1) | (i === clause.length - 1 ? LAST : 0)),
    ),
  );
}

export function unpackClauses(packed: Int32Array): Literal[][] {
  const clauses: Literal[][] = [];
  let clause: Literal[] = [];
  for (const entry of packed) {
    clause.push(entry >> 1);
    if ((entry & LAST) === 0) continue;
    clauses.push(clause);
    clause = [];
  }
  return clauses;
}

/** Hot. 1 when some clause of those from `from` to `end` has only literals that are `decides` in the row. */
export function isDecided(
  clauses: Int32Array,
  from: number,
  end: number,
  decides: number,
  words: Uint32Array,
  base: number,
): number {
  for (let i = from; i < end; i++) {
    let entry = clauses[i]!;
    for (;;) {
      const child = entry >> 2;
      const bit = (words[base + (child >>> 5)]! >>> (child & 31)) & 1;
      if ((bit ^ ((entry >> 1) & 1)) !== decides) break;
      if ((entry & LAST) !== 0) return 1;
      entry = clauses[++i]!;
    }
    while ((entry & LAST) === 0) entry = clauses[++i]!;
  }
  return 0;
}
