/**
 * Gives new combinations their bits from bits that are known already: no profile is looked at. 32 rows at a time:
 * each operand's bits are gathered into a word, and combinations are words of words. Row after row, stopping at
 * the first operand that decides, took four times as long for hundreds of nodes: no processor can guess which one
 * that is.
 */
import {packClauses} from '../expressions/clauses.ts';
import type {ExpressionGraph} from '../expressions/expression-graph.ts';
import type {ProfileTable} from '../profiles/profile-table.ts';
import type {TruthRows} from '../profiles/truth-rows.ts';

const ROWS = 32;

export class CombinationFill {
  /** What is known: their bits are gathered. */
  readonly #known: Int32Array;
  /** What is new: their bits are put. */
  readonly #slots: Int32Array;
  readonly #isAnd: Uint8Array;
  /** The clauses of node n are those from `#from[n]` to `#from[n + 1]`. */
  readonly #from: Int32Array;
  /** As in clauses.ts, with indexes for slots; known ones are numbered first, then new ones. */
  readonly #clauses: Int32Array;
  /** Of 32 rows, by index. */
  readonly #words: Int32Array;

  /** `nodes`: combinations, children before parents. */
  constructor(graph: ExpressionGraph, nodes: readonly number[]) {
    const known = new Set(
      nodes.flatMap(slot =>
        graph.clauses(slot).flatMap(clause => clause.map(literal => literal >> 1)),
      ),
    );
    for (const slot of nodes) known.delete(slot);
    const index = new Map([...known, ...nodes].map((slot, i) => [slot, i]));
    const clauses: number[] = [];
    this.#known = Int32Array.from(known);
    this.#slots = Int32Array.from(nodes);
    this.#isAnd = Uint8Array.from(nodes, slot => (graph.isAnd(slot) ? 1 : 0));
    this.#from = new Int32Array(nodes.length + 1);
    for (const [n, slot] of nodes.entries()) {
      const indexed = graph
        .clauses(slot)
        .map(clause => clause.map(literal => index.get(literal >> 1)! * 2 + (literal & 1)));
      clauses.push(...packClauses(indexed));
      this.#from[n + 1] = clauses.length;
    }
    this.#clauses = Int32Array.from(clauses);
    this.#words = new Int32Array(index.size);
  }

  /** Bits that are looked at in a row. */
  get operands(): number {
    return this.#words.length;
  }

  /** Hot: bench bulk, activate-one-known. */
  fill(rows: TruthRows, table: ProfileTable, from: number, end: number): void {
    rows.forEachBlock(from, end, (bits, at, stride, first, count) => {
      for (let row = 0; row < count; row += ROWS) {
        const rowCount = Math.min(ROWS, count - row);
        // Where nobody is, no bit is set.
        let live = 0;
        for (let i = 0; i < rowCount; i++) if (table.isLive(first + row + i)) live |= 1 << i;
        const base = at + row * stride;
        for (let k = 0; k < this.#known.length; k++) {
          this.#words[k] = gather(bits, base, stride, this.#known[k]!, rowCount);
        }
        this.#combine(live);
        for (let n = 0; n < this.#slots.length; n++) {
          const word = this.#words[this.#known.length + n]!;
          put(bits, base, stride, this.#slots[n]!, rowCount, word);
        }
      }
    });
  }

  #combine(live: number): void {
    const words = this.#words;
    const clauses = this.#clauses;
    for (let n = 0; n < this.#slots.length; n++) {
      const isAnd = this.#isAnd[n] === 1;
      const end = this.#from[n + 1]!;
      // An AND of ORs, or an OR of ANDs.
      let word = isAnd ? -1 : 0;
      let clause = ~word;
      for (let i = this.#from[n]!; i < end; i++) {
        const entry = clauses[i]!;
        const says = words[entry >> 2]! ^ -((entry >> 1) & 1);
        clause = isAnd ? clause | says : clause & says;
        if ((entry & 1) === 0) continue;
        word = isAnd ? word & clause : word | clause;
        clause = isAnd ? 0 : -1;
      }
      words[this.#known.length + n] = word & live;
    }
  }
}

/** Bit `slot` of each row, from `base` on every `stride` words: row i's is bit i. */
function gather(
  bits: Uint32Array,
  base: number,
  stride: number,
  slot: number,
  count: number,
): number {
  const shift = slot & 31;
  let word = 0;
  for (let i = 0, at = base + (slot >>> 5); i < count; i++, at += stride) {
    word |= ((bits[at]! >>> shift) & 1) << i;
  }
  return word;
}

/** The reverse. */
function put(
  bits: Uint32Array,
  base: number,
  stride: number,
  slot: number,
  count: number,
  word: number,
): void {
  const shift = slot & 31;
  const others = ~(1 << shift);
  for (let i = 0, at = base + (slot >>> 5); i < count; i++, at += stride) {
    bits[at] = (bits[at]! & others) | (((word >>> i) & 1) << shift);
  }
}
