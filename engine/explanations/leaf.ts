/** One criterion of an explained definition, ready to be asked at any moment. */
import type {BoundCriterion, HistorySpec} from '../criteria/bound-criterion.ts';
import {historiesOfBound} from '../criteria/criteria-table.ts';
import {compileTruth, type CriterionTruth} from '../criteria/criterion-truth.ts';
import type {ShardState} from '../shard-state.ts';

export interface LeafHistory {
  readonly id: number;
  readonly spec: HistorySpec;
}

export interface Leaf {
  readonly bound: BoundCriterion;
  /** undefined: a history that it needs is not kept, or not filled yet. */
  readonly truth: CriterionTruth | undefined;
  /** In the order of the criterion. */
  readonly histories: readonly LeafHistory[];
}

export function leafOf(state: ShardState, bound: BoundCriterion): Leaf {
  const histories: LeafHistory[] = [];
  for (const spec of historiesOfBound(bound)) {
    const history = keptHistory(state, spec);
    if (history === undefined) return {bound, truth: undefined, histories: []};
    histories.push(history);
  }
  const {options, texts} = state;
  const {eventRetentionMs} = options;
  const parts = {histories: histories.map(({id}) => id), eventRetentionMs, texts};
  return {bound, truth: compileTruth(bound, parts), histories};
}

/** One that keeps all says more than one that keeps the latest few. */
function keptHistory({criteria}: ShardState, spec: HistorySpec): LeafHistory | undefined {
  const keys = spec.value === undefined ? [spec.filter.key, spec.key] : [spec.key];
  for (const key of keys) {
    const history = criteria.historyByKey(key);
    if (history?.ready === true && history.spec !== undefined) {
      return {id: history.id, spec: history.spec};
    }
  }
  return undefined;
}
