/**
 * Criteria and sub-expressions of all audiences as one shared graph. Equal parts are one node, so a
 * thousand audiences that say the same thing cost one criterion, and a nested audience is just a node
 * that others use. Negation has no node: it is the low bit of a literal, `slot × 2 + negated`; and a short clause
 * of a combination has none (see clauses.ts).
 *
 * A slot is also the node's bit in every truth row. Slots are reused after `sweep`.
 */
import {assert, must} from '../assert.ts';
import {type Clause, packClauses, unpackClauses} from './clauses.ts';

export type Literal = number;

export function not(literal: Literal): Literal {
  return literal ^ 1;
}

const FREE = 0;
const CRITERION = 1;
const AND = 2;
const OR = 3;

export class ExpressionGraph {
  #slots = new Map<string, number>();
  #keys: string[] = [];
  #kind: number[] = [];
  #level: number[] = [];
  /** Of a combination, packed. */
  #clauses: Int32Array[] = [];
  #children: Int32Array[] = [];
  #parents: Int32Array[] = [];
  /** Not yet true to its meaning in rows that existed before it. */
  #fresh: boolean[] = [];
  #free: number[] = [];
  /** Changes with every node that comes, goes, or becomes true to its meaning. */
  revision = 0;
  #generation = 0;
  /** Slots of which something is other than when somebody asked. */
  #changed = new Set<number>();

  /** One past the highest slot in use ever. */
  get end(): number {
    return this.#kind.length;
  }

  /** Nodes in use. */
  get count(): number {
    return this.#slots.size;
  }

  /** Levels in use: criteria are 0, and every node is above its children. */
  get levels(): number {
    return this.#level.reduce((most, level) => Math.max(most, level + 1), 1);
  }

  /** Slots whose clauses or parents, or what is known of them, have changed since the last call. */
  takeChanged(): ReadonlySet<number> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  level(slot: number): number {
    return this.#level[slot]!;
  }

  isCriterion(slot: number): boolean {
    return this.#kind[slot] === CRITERION;
  }

  isAnd(slot: number): boolean {
    return this.#kind[slot] === AND;
  }

  isUsed(slot: number): boolean {
    return this.#kind[slot] !== FREE;
  }

  isFresh(slot: number): boolean {
    return this.#fresh[slot]!;
  }

  settle(slot: number): void {
    if (this.#fresh[slot] !== true) return;
    this.revision++;
    this.#fresh[slot] = false;
    // From now on it is known how often the node holds, and with that what is worth asking first.
    this.#changed.add(slot);
    for (const literal of this.#children[slot]!) this.#changed.add(literal >> 1);
  }

  /** The criterion's key; undefined for a combination. */
  criterionKey(slot: number): string | undefined {
    return this.#kind[slot] === CRITERION ? this.#keys[slot] : undefined;
  }

  /** Of a combination. */
  clauses(slot: number): Clause[] {
    return unpackClauses(this.#clauses[slot]!);
  }

  /** What the combination is for a profile, by what is so of its literals. */
  holds(slot: number, isSo: (literal: Literal) => boolean): boolean {
    const decides = !this.isAnd(slot);
    const isDecided = this.clauses(slot).some(clause =>
      clause.every(literal => isSo(literal) === decides),
    );
    return isDecided === decides;
  }

  /** Literals, each once. */
  children(slot: number): Int32Array {
    return this.#children[slot]!;
  }

  /** `parent slot × 2 + 1` where the parent takes this node negated. */
  parents(slot: number): Int32Array {
    return this.#parents[slot]!;
  }

  /** The slot of the node with this key; −1 when there is none. Makes nothing. */
  find(key: string): number {
    return this.#slots.get(key) ?? -1;
  }

  /** Changes whenever a slot may have come to mean something else. */
  get generation(): number {
    return this.#generation;
  }

  /** The slot of the criterion with this key; `created` tells that the caller has to give it its meaning. */
  criterion(key: string): {slot: number; created: boolean} {
    const known = this.#slots.get(key);
    if (known !== undefined) return {slot: known, created: false};
    return {slot: this.#add(key, CRITERION, 0, NO_EDGES), created: true};
  }

  /**
   * The literal for all (`and`), or any, of the clauses, each of which is the reverse of its literals; an equal
   * combination is the same node. `created` gets new slots.
   */
  combine(kind: 'and' | 'or', clauses: readonly Clause[], created: number[]): Literal {
    assert(clauses.length > 0, 'a combination has operands');
    const byKey = new Map(
      clauses.map(clause => {
        const sorted = [...new Set(clause)].sort((a, b) => a - b);
        return [sorted.join('|'), sorted];
      }),
    );
    const [first, ...others] = [...byKey.values()];
    if (others.length === 0) {
      assert(first !== undefined && first.length > 0, 'a clause has literals');
      if (first.length === 1) return first[0]!;
      const each = first.map(literal => [literal]);
      return this.combine(kind === 'and' ? 'or' : 'and', each, created);
    }
    const key = `${kind} ${[...byKey.keys()].sort().join()}`;
    const known = this.#slots.get(key);
    if (known !== undefined) return known * 2;
    const children = Int32Array.from(new Set([...byKey.values()].flat())).sort();
    const level = 1 + Math.max(...Array.from(children, literal => this.#level[literal >> 1]!));
    const slot = this.#add(key, kind === 'and' ? AND : OR, level, children);
    this.#clauses[slot] = packClauses([...byKey.values()]);
    for (const literal of children) {
      const child = literal >> 1;
      this.#parents[child] = append(this.#parents[child]!, slot * 2 + (literal & 1));
      this.#changed.add(child);
    }
    created.push(slot);
    return slot * 2;
  }

  /** Frees every node that none of `roots` reaches; returns the freed slots. */
  sweep(roots: Iterable<Literal>): number[] {
    const reached = this.reachable(roots);
    const freed: number[] = [];
    for (let slot = 0; slot < this.#kind.length; slot++) {
      if (this.#kind[slot] === FREE || reached.has(slot)) continue;
      this.#slots.delete(must(this.#keys[slot], 'a used slot has a key'));
      this.#kind[slot] = FREE;
      freed.push(slot);
    }
    if (freed.length === 0) return freed;
    this.revision++;
    this.#generation++;
    const gone = new Set(freed);
    for (const slot of reached) {
      const parents = this.#parents[slot]!;
      if (parents.some(edge => gone.has(edge >> 1))) {
        this.#parents[slot] = parents.filter(edge => !gone.has(edge >> 1));
        this.#changed.add(slot);
      }
    }
    for (const slot of freed) {
      this.#children[slot] = NO_EDGES;
      this.#clauses[slot] = NO_EDGES;
      this.#parents[slot] = NO_EDGES;
      this.#changed.add(slot);
      this.#free.push(slot);
    }
    return freed;
  }

  reachable(roots: Iterable<Literal>): Set<number> {
    const reached = new Set<number>();
    const stack = Array.from(roots, literal => literal >> 1);
    for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
      if (reached.has(slot)) continue;
      reached.add(slot);
      for (const literal of this.#children[slot]!) stack.push(literal >> 1);
    }
    return reached;
  }

  #add(key: string, kind: number, level: number, children: Int32Array): number {
    const slot = this.#free.pop() ?? this.#kind.length;
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#kind[slot] = kind;
    this.#level[slot] = level;
    this.#children[slot] = children;
    this.#clauses[slot] = NO_EDGES;
    this.#parents[slot] = NO_EDGES;
    this.#fresh[slot] = true;
    this.#changed.add(slot);
    this.revision++;
    return slot;
  }
}

const NO_EDGES = new Int32Array(0);

function append(edges: Int32Array, edge: number): Int32Array {
  const grown = new Int32Array(edges.length + 1);
  grown.set(edges);
  grown[edges.length] = edge;
  return grown;
}
