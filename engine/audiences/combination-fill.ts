/**
 * Gives new combinations their bits from bits that are known already, row after row: no profile is looked
 * at, and a row is a few words that lie together. Most new audiences are combinations of known criteria.
 */
import {isDecided, packClauses} from '../expressions/clauses.ts';
import type {ExpressionGraph} from '../expressions/expression-graph.ts';
import type {ProfileTable} from '../profiles/profile-table.ts';
import type {TruthRows} from '../profiles/truth-rows.ts';

export class CombinationFill {
  // Node after node; the clauses of node n are those from `#from[n]` to `#from[n + 1]`.
  readonly #slots: Int32Array;
  readonly #isAnd: Uint8Array;
  readonly #from: Int32Array;
  readonly #clauses: Int32Array;

  /** Bits that are looked at in a row, at most. */
  get operands(): number {
    return this.#clauses.length;
  }

  /** `nodes`: combinations, children before parents. */
  constructor(graph: ExpressionGraph, nodes: readonly number[]) {
    const clauses: number[] = [];
    this.#slots = Int32Array.from(nodes);
    this.#isAnd = Uint8Array.from(nodes, slot => (graph.isAnd(slot) ? 1 : 0));
    this.#from = new Int32Array(nodes.length + 1);
    for (const [n, slot] of nodes.entries()) {
      clauses.push(...packClauses(graph.clauses(slot)));
      this.#from[n + 1] = clauses.length;
    }
    this.#clauses = Int32Array.from(clauses);
  }

  /** Hot: bench bulk, activate-one-known. */
  fill(rows: TruthRows, table: ProfileTable, from: number, end: number): void {
    rows.forEachBlock(from, end, (words, at, stride, first, count) => {
      for (let row = 0, base = at; row < count; row++, base += stride) {
        if (table.isLive(first + row)) this.#fillRow(words, base);
      }
    });
  }

  #fillRow(words: Uint32Array, base: number): void {
    const slots = this.#slots;
    const from = this.#from;
    for (let n = 0; n < slots.length; n++) {
      const decides = this.#isAnd[n]! ^ 1;
      const isSo =
        isDecided(this.#clauses, from[n]!, from[n + 1]!, decides, words, base) === decides;
      const slot = slots[n]!;
      const place = base + (slot >>> 5);
      if (isSo) words[place]! |= 1 << (slot & 31);
      else words[place]! &= ~(1 << (slot & 31));
    }
  }
}
