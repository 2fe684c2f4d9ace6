/**
 * From flipped criteria to flipped roots, touching only what a flip reaches. A flip offers itself to
 * the nodes that use it; a node is asked only when the flip could change it (an AND that is false does not
 * care for one more false), and once, after everything below it is final, because nodes wait in
 * queues by level.
 */
import type {TruthRows} from '../profiles/truth-rows.ts';
import type {ExpressionGraph} from './expression-graph.ts';

export class Propagation {
  readonly #graph: ExpressionGraph;
  readonly #rows: TruthRows;
  #queues: number[][] = [];
  #queued = new Uint8Array(256);
  #isRoot = new Uint8Array(256);
  /** Profiles for which each node holds. */
  #counts = new Int32Array(256);
  /** Roots that flipped since the last drain: `slot × 2 + now true`. */
  readonly flippedRoots: number[] = [];
  flips = 0;
  evaluated = 0;

  constructor(graph: ExpressionGraph, rows: TruthRows) {
    this.#graph = graph;
    this.#rows = rows;
  }

  /** After nodes were added. */
  reserve(): void {
    const end = this.#graph.end;
    this.#rows.reserve(end);
    while (this.#queues.length < this.#graph.levels) this.#queues.push([]);
    if (end <= this.#counts.length) return;
    const size = Math.max(end, this.#counts.length * 2);
    const counts = new Int32Array(size);
    counts.set(this.#counts);
    this.#counts = counts;
    const queued = new Uint8Array(size);
    queued.set(this.#queued);
    this.#queued = queued;
    const isRoot = new Uint8Array(size);
    isRoot.set(this.#isRoot);
    this.#isRoot = isRoot;
  }

  setRoot(slot: number, isRoot: boolean): void {
    this.#isRoot[slot] = isRoot ? 1 : 0;
  }

  count(slot: number): number {
    return this.#counts[slot]!;
  }

  setCount(slot: number, count: number): void {
    this.#counts[slot] = count;
  }

  /** The opened row's bit becomes `value`, which it is not yet. */
  flip(slot: number, value: boolean): void {
    const rows = this.#rows;
    const at = rows.base + (slot >>> 5);
    rows.words[at]! ^= 1 << (slot & 31);
    this.#counts[slot]! += value ? 1 : -1;
    this.flips++;
    if (this.#isRoot[slot] === 1) this.flippedRoots.push(slot * 2 + (value ? 1 : 0));
    const parents = this.#graph.parents(slot);
    const bit = value ? 1 : 0;
    for (let i = 0; i < parents.length; i++) {
      const edge = parents[i]!;
      const parent = edge >> 1;
      // For AND as for OR: a child that becomes what the node already is changes nothing.
      if (rows.bit(parent) === (bit ^ (edge & 1)) || this.#queued[parent] === 1) continue;
      this.#queued[parent] = 1;
      this.#queues[this.#graph.level(parent)]!.push(parent);
    }
  }

  /** Brings every node of the opened row up to date with its flipped children. */
  drain(): void {
    for (let level = 1; level < this.#queues.length; level++) {
      const queue = this.#queues[level]!;
      for (let i = 0; i < queue.length; i++) {
        const slot = queue[i]!;
        this.#queued[slot] = 0;
        const value = this.evaluate(slot);
        if (value !== (this.#rows.bit(slot) === 1)) this.flip(slot, value);
      }
      queue.length = 0;
    }
  }

  /** What the node should be, from its children's bits in the opened row. */
  evaluate(slot: number): boolean {
    this.evaluated++;
    const rows = this.#rows;
    const children = this.#graph.children(slot);
    const isAnd = this.#graph.isAnd(slot);
    const decides = isAnd ? 0 : 1;
    for (let i = 0; i < children.length; i++) {
      const literal = children[i]!;
      if ((rows.bit(literal >> 1) ^ (literal & 1)) === decides) return !isAnd;
    }
    return isAnd;
  }

  /** Adjusts the counts for the opened row: 1 as it appears with its bits, −1 before it disappears. */
  countRow(by: 1 | -1): void {
    const {words, base} = this.#rows;
    const wordCount = (this.#graph.end + 31) >>> 5;
    for (let i = 0; i < wordCount; i++) {
      for (let word = words[base + i]!; word !== 0; word &= word - 1) {
        this.#counts[i * 32 + 31 - Math.clz32(word & -word)]! += by;
      }
    }
  }
}
