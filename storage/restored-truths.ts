/** The truth that rows brought along, until something shows that it is out of date. */
import {unpack} from 'msgpackr';
import type {ExpressionGraph} from '../engine/expressions/expression-graph.ts';
import type {Ordinal} from '../engine/ids.ts';
import {unseal} from './checked-value.ts';
import type {StoredTruth} from './row-codec.ts';
import type {ShardStore} from './shard-store.ts';
import {
  layoutKey,
  moveBetween,
  moveBits,
  type TruthLayout,
  type TruthMove,
} from './truth-layout.ts';

export class RestoredTruths {
  readonly #store: ShardStore;
  readonly #graph: ExpressionGraph;
  readonly #moves = new Map<number, TruthMove | undefined>();
  #truths: (StoredTruth | undefined)[] = [];

  constructor(store: ShardStore, graph: ExpressionGraph) {
    this.#store = store;
    this.#graph = graph;
  }

  add(ordinal: Ordinal, truth: StoredTruth | undefined): void {
    this.#truths[ordinal] = truth;
  }

  forget(ordinal: Ordinal): void {
    this.#truths[ordinal] = undefined;
  }

  /** Bits by present slots, and the nodes they say nothing of; undefined: to be made. Once for each. */
  of(ordinal: Ordinal): {bits: Uint32Array; missing: readonly number[]} | undefined {
    const truth = this.#truths[ordinal];
    if (truth === undefined) return undefined;
    this.#truths[ordinal] = undefined;
    const move = this.#moveFrom(truth.layout);
    if (move === undefined) return undefined;
    const words = (this.#graph.end + 31) >>> 5;
    return {bits: moveBits(truth.words, move, words), missing: move.missing};
  }

  #moveFrom(layout: number): TruthMove | undefined {
    if (this.#moves.has(layout)) return this.#moves.get(layout);
    const value = this.#store.get('meta', layoutKey(layout));
    const stored =
      value === undefined
        ? undefined
        : (unpack(unseal(1, value, `truth layout ${layout}`)) as TruthLayout);
    const move = stored === undefined ? undefined : moveBetween(stored, this.#graph);
    this.#moves.set(layout, move);
    return move;
  }
}
