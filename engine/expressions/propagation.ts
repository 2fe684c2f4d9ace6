/**
 * From flipped criteria to flipped roots, touching only what a flip reaches. A flip offers itself to
 * the nodes that use it. A node is asked only when the flip could change it: an AND that is false does not
 * care for one more false, nor for one more true as long as its most decisive other child is false. And it is
 * asked once, after everything below it is final, because nodes wait in queues by level.
 */
import type {Ordinal} from '../ids.ts';
import type {TruthRows} from '../profiles/truth-rows.ts';
import {ScratchList} from '../scratch-list.ts';
import {type Clause, isDecided, packClauses} from './clauses.ts';
import type {ExpressionGraph, Literal} from './expression-graph.ts';

/** Who has to know of every change of a node's bit. */
export interface Follower {
  /** The row's bit has become `value`, which it was not. False: it follows no longer. */
  note(ordinal: Ordinal, value: boolean): boolean;
}

/** Marks of a slot. */
const ROOT = 1;
const FOLLOWED = 2;

/** Profiles from which on the order of children is worth finding. */
const ORDERED_FROM = 512;

/**
 * Of an edge from a node to a clause of a parent: the parent with the bits below; two literals of another clause,
 * the guard (the same twice, or −1 for none); and another literal of this clause, or −1.
 */
const EDGE_WORDS = 4;
const GUARD = 1;
const SIBLING = 3;
/** Bits of an edge to a parent. */
const NEGATED = 1;
const AND = 2;

export class Propagation {
  readonly #graph: ExpressionGraph;
  readonly #rows: TruthRows;
  /** By level; a node waits in its level's queue at most once. */
  #queues: ScratchList<number>[] = [];
  #queued = new Uint8Array(256);
  /** Whether it is a root, and whether anybody follows it: nothing of either is one look. */
  #marks = new Uint8Array(256);
  #followers: (Follower | undefined)[] = [];
  /** Profiles for which each node holds. */
  #counts = new Int32Array(256);
  /** Roots that flipped since the last drain: `slot × 2 + now true`. */
  readonly flippedRoots = new ScratchList<number>();
  flips = 0;
  evaluated = 0;
  // The graph as flat columns: node after node, so that a flip reads a line of memory, not a chain of objects.
  #isStale = true;
  #rowCount = 0;
  #orderedFor = ORDERED_FROM;
  #parentFrom = new Int32Array(1);
  #parentEdges = new Int32Array(0);
  #clausesFrom = new Int32Array(1);
  #clauses = new Int32Array(0);
  // By slot, as they were found.
  readonly #ordered: (readonly Clause[])[] = [];
  readonly #packed: Int32Array[] = [];
  readonly #guarded: Int32Array[] = [];
  #level = new Uint16Array(0);
  #isAnd = new Uint8Array(0);

  constructor(graph: ExpressionGraph, rows: TruthRows) {
    this.#graph = graph;
    this.#rows = rows;
  }

  /** After nodes were added or freed. */
  reserve(): void {
    this.#isStale = true;
    const end = this.#graph.end;
    this.#rows.reserve(end);
    while (this.#queues.length < this.#graph.levels) this.#queues.push(new ScratchList());
    if (end <= this.#counts.length) return;
    const size = Math.max(end, this.#counts.length * 2);
    const counts = new Int32Array(size);
    counts.set(this.#counts);
    this.#counts = counts;
    const queued = new Uint8Array(size);
    queued.set(this.#queued);
    this.#queued = queued;
    const marks = new Uint8Array(size);
    marks.set(this.#marks);
    this.#marks = marks;
  }

  setRoot(slot: number, isRoot: boolean): void {
    if (isRoot) this.#marks[slot]! |= ROOT;
    else this.#marks[slot]! &= ~ROOT;
  }

  /** One at a time for each slot. It is told of changes that go through flips and counted rows, which all do. */
  follow(slot: number, follower: Follower): void {
    this.#followers[slot] = follower;
    this.#marks[slot]! |= FOLLOWED;
  }

  unfollow(slot: number): void {
    this.#followers[slot] = undefined;
    this.#marks[slot]! &= ~FOLLOWED;
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
    const marks = this.#marks[slot]!;
    if (marks !== 0) {
      if ((marks & ROOT) !== 0) this.flippedRoots.push(slot * 2 + (value ? 1 : 0));
      if ((marks & FOLLOWED) !== 0) this.#tellFollower(slot, value);
    }
    if (this.#isStale) this.#flatten();
    const edges = this.#parentEdges;
    const end = this.#parentFrom[slot + 1]!;
    const bit = value ? 1 : 0;
    const {words, base} = rows;
    for (let i = this.#parentFrom[slot]!; i < end; i += EDGE_WORDS) {
      const edge = edges[i]!;
      const parent = edge >> 2;
      const says = bit ^ (edge & NEGATED);
      // For AND as for OR: a child that becomes what the node already is changes nothing.
      const parentBit = (words[base + (parent >>> 5)]! >>> (parent & 31)) & 1;
      if (parentBit === says || this.#queued[parent] === 1) continue;
      // A false clause decides an AND, a true one an OR.
      const decides = ((edge & AND) >> 1) ^ 1;
      const sibling = edges[i + SIBLING]!;
      // As long as the other literal does not say so, the clause decides nothing. Should it come to, it offers itself.
      if (sibling >= 0 && literalBit(words, base, sibling) !== decides) continue;
      if (says !== decides) {
        // It takes all clauses to say so, and so it does with the guard.
        const guard = edges[i + GUARD]!;
        if (
          guard >= 0 &&
          literalBit(words, base, guard) === decides &&
          literalBit(words, base, edges[i + GUARD + 1]!) === decides
        ) {
          continue;
        }
      }
      this.#queued[parent] = 1;
      this.#queues[this.#level[parent]!]!.push(parent);
    }
  }

  /** Brings every node of the opened row up to date with its flipped children. */
  drain(): void {
    for (let level = 1; level < this.#queues.length; level++) {
      const queue = this.#queues[level]!;
      const {items} = queue;
      for (let i = 0; i < queue.count; i++) {
        const slot = items[i]!;
        this.#queued[slot] = 0;
        const value = this.evaluate(slot);
        if (value !== (this.#rows.bit(slot) === 1)) this.flip(slot, value);
      }
      queue.clear();
    }
  }

  /** What the node should be, from its children's bits in the opened row. */
  evaluate(slot: number): boolean {
    this.evaluated++;
    if (this.#isStale) this.#flatten();
    const decides = this.#isAnd[slot]! ^ 1;
    const from = this.#clausesFrom[slot]!;
    const end = this.#clausesFrom[slot + 1]!;
    const {words, base} = this.#rows;
    return isDecided(this.#clauses, from, end, decides, words, base) === decides;
  }

  #tellFollower(slot: number, value: boolean): void {
    const goesOn = this.#followers[slot]!.note(this.#rows.ordinal, value);
    if (!goesOn) this.unfollow(slot);
  }

  /** Only of what has changed the order of clauses and the guards are found again: an edit is felt by no event. */
  #flatten(): void {
    this.#isStale = false;
    const graph = this.#graph;
    const {end} = graph;
    let changed: Iterable<number> = graph.takeChanged();
    // Where the children's order was found with half as many profiles, it is found again.
    if (this.#rowCount > this.#orderedFor * 2) {
      this.#orderedFor = this.#rowCount;
      changed = Array.from({length: end}, (_, slot) => slot);
    }
    if (this.#level.length < end) this.#growColumns(end);
    for (const slot of changed) {
      this.#level[slot] = graph.level(slot);
      this.#isAnd[slot] = graph.isAnd(slot) ? 1 : 0;
      this.#ordered[slot] = this.#byDecision(slot);
      this.#packed[slot] = packClauses(this.#ordered[slot]);
    }
    for (const slot of changed) this.#guarded[slot] = this.#guardedEdges(slot);
    const clauses = concatenated(this.#packed);
    const parents = concatenated(this.#guarded);
    this.#parentFrom = parents.from;
    this.#parentEdges = parents.edges;
    this.#clausesFrom = clauses.from;
    this.#clauses = clauses.edges;
  }

  #growColumns(end: number): void {
    const size = Math.max(end, this.#level.length * 2);
    const level = new Uint16Array(size);
    level.set(this.#level);
    this.#level = level;
    const isAnd = new Uint8Array(size);
    isAnd.set(this.#isAnd);
    this.#isAnd = isAnd;
  }

  /**
   * The node's clauses, those first that decide it most often (the access predicate of Fabret et al., 2001), and of
   * each the literals first that most often keep it from deciding.
   */
  #byDecision(slot: number): Clause[] {
    const total = Math.max(1, this.#rowCount);
    const decides = this.#isAnd[slot]! ^ 1;
    const share = (literal: Literal): number => {
      const holds = this.#counts[literal >> 1]! / total;
      return (literal & 1) === decides ? 1 - holds : holds;
    };
    return this.#graph
      .clauses(slot)
      .map(clause => clause.toSorted((a, b) => share(a) - share(b) || a - b))
      .map(clause => ({clause, share: clause.reduce((all, each) => all * share(each), 1)}))
      .sort((a, b) => b.share - a.share || a.clause[0]! - b.clause[0]!)
      .map(({clause}) => clause);
  }

  /** To each clause of each parent. The guard is the clause that decides most often, but for those that are long. */
  #guardedEdges(slot: number): Int32Array {
    const edges: number[] = [];
    for (const parent of this.#graph.parents(slot)) {
      const negated = parent & 1;
      const own = slot * 2 + negated;
      const clauses = this.#ordered[parent >> 1]!;
      const head =
        ((parent >> 1) << 2) | (this.#isAnd[parent >> 1] === 1 ? AND : 0) | (negated * NEGATED);
      for (const clause of clauses) {
        if (!clause.includes(own)) continue;
        const guard = clauses.find(other => other !== clause && other.length <= 2) ?? [];
        const sibling = clause.find(literal => literal !== own) ?? -1;
        edges.push(head, guard[0] ?? -1, guard.at(-1) ?? -1, sibling);
      }
    }
    return Int32Array.from(edges);
  }

  /** Adjusts the counts for the opened row: 1 as it appears with its bits, −1 before it disappears. */
  countRow(by: 1 | -1): void {
    this.#rowCount += by;
    if (this.#rowCount > this.#orderedFor * 2) this.#isStale = true;
    const {words, base} = this.#rows;
    const wordCount = (this.#graph.end + 31) >>> 5;
    for (let i = 0; i < wordCount; i++) {
      for (let word = words[base + i]!; word !== 0; word &= word - 1) {
        const slot = i * 32 + 31 - Math.clz32(word & -word);
        this.#counts[slot]! += by;
        if ((this.#marks[slot]! & FOLLOWED) !== 0) this.#tellFollower(slot, by === 1);
      }
    }
  }
}

/** What is so of the literal in the row. */
function literalBit(words: Uint32Array, base: number, literal: Literal): number {
  const slot = literal >> 1;
  return ((words[base + (slot >>> 5)]! >>> (slot & 31)) ^ literal) & 1;
}

interface FlatEdges {
  readonly from: Int32Array<ArrayBuffer>;
  readonly edges: Int32Array<ArrayBuffer>;
}

/** The edges of slot s are those from `from[s]` to `from[s + 1]`. */
function concatenated(edgesOf: readonly Int32Array[]): FlatEdges {
  const from = new Int32Array(edgesOf.length + 1);
  for (let slot = 0; slot < edgesOf.length; slot++) {
    from[slot + 1] = from[slot]! + edgesOf[slot]!.length;
  }
  const edges = new Int32Array(from[edgesOf.length]!);
  for (let slot = 0; slot < edgesOf.length; slot++) edges.set(edgesOf[slot]!, from[slot]);
  return {from, edges};
}
