import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {ExpressionGraph, type Literal, not} from '../../../engine/expressions/expression-graph.ts';
import {Propagation} from '../../../engine/expressions/propagation.ts';
import {TruthRows} from '../../../engine/profiles/truth-rows.ts';

const CRITERIA = 6;
const PROFILES = 3;

/** A formula over criteria, before it is shared with others. */
type Formula =
  | {readonly kind: 'criterion'; readonly at: number}
  | {readonly kind: 'not'; readonly of: Formula}
  | {readonly kind: 'and' | 'or'; readonly of: readonly Formula[]};

const formula = fc.letrec<{formula: Formula}>(tie => ({
  formula: fc.oneof(
    {maxDepth: 4, withCrossShrink: true},
    fc.record({kind: fc.constant('criterion' as const), at: fc.nat(CRITERIA - 1)}),
    fc.record({kind: fc.constant('not' as const), of: tie('formula')}),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('formula'), {minLength: 1, maxLength: 3}),
    }),
  ),
})).formula;

function holds(of: Formula, bits: readonly boolean[]): boolean {
  switch (of.kind) {
    case 'criterion':
      return bits[of.at]!;
    case 'not':
      return !holds(of.of, bits);
    case 'and':
      return of.of.every(each => holds(each, bits));
    case 'or':
      return of.of.some(each => holds(each, bits));
  }
}

class Bench {
  readonly graph = new ExpressionGraph();
  readonly rows = new TruthRows();
  readonly propagation = new Propagation(this.graph, this.rows);
  readonly criteria = Array.from({length: CRITERIA}, (_, at) => this.#criterion(at));
  /** Of each profile. */
  readonly bits = Array.from({length: PROFILES}, () => this.criteria.map(() => false));

  #criterion(at: number): Literal {
    return this.graph.criterion(`c${at}`).slot * 2;
  }

  compile(of: Formula, created: number[]): Literal {
    switch (of.kind) {
      case 'criterion':
        return this.criteria[of.at]!;
      case 'not':
        return not(this.compile(of.of, created));
      case 'and':
      case 'or':
        return this.graph.combine(
          of.kind,
          of.of.map(each => this.#clause(each, of.kind, created)),
          created,
        );
    }
  }

  /** Short ones of the other kind have no node. */
  #clause(of: Formula, within: 'and' | 'or', created: number[]): Literal[] {
    if ((of.kind === 'and' || of.kind === 'or') && of.kind !== within) {
      return of.of.map(each => this.compile(each, created));
    }
    return [this.compile(of, created)];
  }

  /** Adds formulas, and brings new nodes up to date for every profile. */
  add(formulas: readonly Formula[]): Literal[] {
    const created: number[] = [];
    const literals = formulas.map(each => this.compile(each, created));
    this.propagation.reserve();
    for (let ordinal = 0; ordinal < PROFILES; ordinal++) {
      this.rows.open(ordinal);
      for (const slot of created) this.rows.set(slot, this.propagation.evaluate(slot));
    }
    for (const slot of created) this.propagation.setCount(slot, countOf(this.rows, slot));
    for (const literal of literals) this.propagation.setRoot(literal >> 1, true);
    return literals;
  }

  /** Flips criteria of one profile; returns the roots that flipped, as `slot × 2 + now true`. */
  flip(ordinal: number, at: readonly number[]): number[] {
    this.rows.open(ordinal);
    for (const each of at) {
      const value = !this.bits[ordinal]![each]!;
      this.bits[ordinal]![each] = value;
      this.propagation.flip(this.criteria[each]! >> 1, value);
    }
    this.propagation.drain();
    const {flippedRoots} = this.propagation;
    const flipped = flippedRoots.items.slice(0, flippedRoots.count);
    flippedRoots.clear();
    return flipped;
  }

  literalHolds(ordinal: number, literal: Literal): boolean {
    return this.rows.get(ordinal, literal >> 1) !== ((literal & 1) === 1);
  }
}

const flips = fc.record({
  ordinal: fc.nat(PROFILES - 1),
  at: fc.uniqueArray(fc.nat(CRITERIA - 1), {minLength: 1, maxLength: 4}),
});

test('every node, flip and count is what recomputing gives, after every step', () => {
  fc.assert(
    fc.property(
      fc.array(formula, {minLength: 1, maxLength: 5}),
      fc.array(flips, {maxLength: 12}),
      (formulas, steps) => {
        const bench = new Bench();
        const literals = bench.add(formulas);
        for (const {ordinal, at} of steps) {
          const before = literals.map(literal => bench.literalHolds(ordinal, literal));
          const flipped = bench.flip(ordinal, at);
          expect(new Set(flipped).size).toBe(flipped.length);
          for (const [index, literal] of literals.entries()) {
            const now = bench.literalHolds(ordinal, literal);
            expect(now).toBe(holds(formulas[index]!, bench.bits[ordinal]!));
            const slotNow = now !== ((literal & 1) === 1);
            const told = flipped.includes((literal >> 1) * 2 + (slotNow ? 1 : 0));
            expect(told).toBe(now !== before[index]);
          }
          for (let slot = 0; slot < bench.graph.end; slot++) {
            expect(bench.propagation.count(slot)).toBe(countOf(bench.rows, slot));
          }
        }
      },
    ),
    {numRuns: 400},
  );
});

test('what is swept is gone, what is left is right, and slots are used again', () => {
  fc.assert(
    fc.property(
      fc.array(formula, {minLength: 2, maxLength: 5}),
      fc.array(formula, {minLength: 1, maxLength: 3}),
      fc.array(flips, {minLength: 1, maxLength: 8}),
      (first, second, steps) => {
        const bench = new Bench();
        const literals = bench.add(first);
        const [kept = 0, ...dropped] = literals;
        for (const literal of dropped) {
          if (literal >> 1 !== kept >> 1) bench.propagation.setRoot(literal >> 1, false);
        }
        // Criteria stay: only combinations go.
        bench.graph.sweep([kept, ...bench.criteria]);
        bench.propagation.reserve();
        const more = bench.add(second);
        for (const {ordinal, at} of steps) {
          bench.flip(ordinal, at);
          const bits = bench.bits[ordinal]!;
          expect(bench.literalHolds(ordinal, kept)).toBe(holds(first[0]!, bits));
          for (const [index, literal] of more.entries()) {
            expect(bench.literalHolds(ordinal, literal)).toBe(holds(second[index]!, bits));
          }
        }
      },
    ),
    {numRuns: 300},
  );
});

describe('the graph', () => {
  test('equal combinations are one node, in whatever order and however often', () => {
    const {graph, criteria} = new Bench();
    const [a = 0, b = 0, c = 0] = criteria;
    const created: number[] = [];
    const one = graph.combine('and', [[a], [b]], created);
    expect(graph.combine('and', [[b], [a], [b]], created)).toBe(one);
    expect(graph.combine('or', [[a], [b]], created)).not.toBe(one);
    expect(graph.combine('and', [[not(a)], [b]], created)).not.toBe(one);
    expect(graph.combine('and', [[c]], created)).toBe(c);
    expect(graph.combine('or', [[b, a]], created)).toBe(one);
    expect(graph.combine('and', [[a], [b, c]], created)).toBe(
      graph.combine('and', [[c, b, c], [a]], created),
    );
    expect(created).toHaveLength(4);
  });

  test('every node is above its children', () => {
    fc.assert(
      fc.property(fc.array(formula, {minLength: 1, maxLength: 6}), formulas => {
        const bench = new Bench();
        bench.add(formulas);
        const {graph} = bench;
        for (let slot = 0; slot < graph.end; slot++) {
          for (const literal of graph.children(slot)) {
            expect(graph.level(literal >> 1)).toBeLessThan(graph.level(slot));
          }
        }
      }),
    );
  });
});

describe('work', () => {
  const conjunction = (at: number): Formula => ({kind: 'criterion', at});

  test('a false operand of a false AND is not looked at', () => {
    const bench = new Bench();
    bench.add([{kind: 'and', of: [conjunction(0), conjunction(1)]}]);
    bench.flip(0, [0, 1]);
    bench.flip(0, [0]);
    const before = bench.propagation.evaluated;
    bench.flip(0, [1]);
    expect(bench.propagation.evaluated).toBe(before);
  });

  test('while the other literal of its clause holds, a literal of a false AND is not looked at', () => {
    const bench = new Bench();
    const either: Formula = {kind: 'or', of: [conjunction(0), conjunction(1)]};
    bench.add([{kind: 'and', of: [either, conjunction(2)]}]);
    bench.flip(0, [0, 2]);
    const before = bench.propagation.evaluated;
    expect(bench.flip(0, [1])).toHaveLength(0);
    expect(bench.flip(0, [0])).toHaveLength(0);
    expect(bench.propagation.evaluated).toBe(before);
    expect(bench.flip(0, [1])).toHaveLength(1);
  });

  test('a node is asked once, after all below it are final', () => {
    const bench = new Bench();
    const ands = [0, 1, 2].map((at): Formula => {
      const and: Formula = {kind: 'and', of: [conjunction(at), conjunction(at + 1)]};
      // So it is no clause of the node above, but a node.
      return {kind: 'not', of: {kind: 'not', of: and}};
    });
    bench.add([{kind: 'or', of: ands}]);
    const before = bench.propagation.evaluated;
    expect(bench.flip(0, [0, 1, 2, 3])).toHaveLength(1);
    expect(bench.propagation.evaluated - before).toBe(4);
  });
});

function countOf(rows: TruthRows, slot: number): number {
  let count = 0;
  rows.forEachSet(slot, PROFILES, () => count++);
  return count;
}
