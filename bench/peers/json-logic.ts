/** json-logic-engine: each audience compiled by `build`; a row with the counts it may ask for is its data. */
import {LogicEngine} from 'json-logic-engine';
import {ATTRIBUTES, type Literal, type Predicate} from '../workload-audiences.ts';
import type {Workload} from '../workload.ts';
import type {Peer} from './peer.ts';
import {PlainRows} from './plain-rows.ts';

export function makeJsonLogic(workload: Workload, warmUpEvents: number): Peer {
  const state = new PlainRows(workload, {withCounts: true});
  state.absorb(warmUpEvents);
  const engine = new LogicEngine();
  const asks = workload.audiences.map(
    ({clauses}) =>
      engine.build({
        and: clauses.map(clause =>
          clause.length === 1
            ? literalLogic(clause[0]!, workload, state)
            : {or: clause.map(each => literalLogic(each, workload, state))},
        ),
      }) as (row: object) => unknown,
  );
  return {
    apply(block, from, to, memberships) {
      for (let i = from; i < to; i++) {
        const row = state.take(block, i);
        state.count(block.profile[i]!, workload.timeOf(block.first + i));
        let count = 0;
        for (let a = 0; a < asks.length; a++) if (asks[a]!(row) === true) count++;
        memberships[i] = count;
      }
    },
  };
}

function literalLogic(
  {predicate, negated}: Literal,
  {predicates}: Workload,
  state: PlainRows,
): object {
  const logic = predicateLogic(predicates[predicate]!, state);
  return negated ? {'!': [logic]} : logic;
}

function predicateLogic(predicate: Predicate, state: PlainRows): object {
  if (predicate.kind === 'count') {
    const place = state.placeOf(predicate.type, predicate.windowMs);
    return {'>=': [{var: `events.${place}`}, predicate.atLeast]};
  }
  const field = {var: ATTRIBUTES[predicate.attribute]!.name};
  switch (predicate.kind) {
    case 'equals':
      return {'===': [field, predicate.value]};
    case 'contains':
      return {in: [predicate.word, field]};
    case 'range':
      if (predicate.low === -Infinity) return {'<': [field, predicate.high]};
      if (predicate.high === Infinity) return {'>=': [field, predicate.low]};
      return {and: [{'>=': [field, predicate.low]}, {'<': [field, predicate.high]}]};
  }
}
