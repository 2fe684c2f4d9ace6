/** json-rules-engine: a rule for each audience, a row as the facts of a run. Rules are asynchronous by nature. */
import {type ConditionProperties, Engine, type NestedCondition} from 'json-rules-engine';
import {ATTRIBUTES, type Literal, type Predicate} from '../workload-audiences.ts';
import type {Workload} from '../workload.ts';
import type {Peer} from './peer.ts';
import {PlainRows} from './plain-rows.ts';

export function makeJsonRules(workload: Workload, warmUpEvents: number): Peer {
  const state = new PlainRows(workload, {withCounts: true});
  state.absorb(warmUpEvents);
  const engine = new Engine();
  const names = state.counters.map(({type, windowMs}) => counterFact(type, windowMs));
  engine.addOperator<string, string>('containsText', (text, word) => text.includes(word));
  engine.addOperator<unknown, unknown>('is', (left, right) => left === right);
  for (const {id, clauses} of workload.audiences) {
    engine.addRule({
      conditions: {
        all: clauses.map(clause =>
          clause.length === 1
            ? literalCondition(clause[0]!, workload)
            : {any: clause.map(each => literalCondition(each, workload))},
        ),
      },
      event: {type: String(id)},
    });
  }
  return {
    async apply(block, from, to, memberships) {
      for (let i = from; i < to; i++) {
        const {events, ...facts} = state.take(block, i);
        state.count(block.profile[i]!, workload.timeOf(block.first + i));
        for (const [place, name] of names.entries()) facts[name] = events[place]!;
        memberships[i] = (await engine.run(facts)).events.length;
      }
    },
  };
}

function literalCondition({predicate, negated}: Literal, {predicates}: Workload): NestedCondition {
  const condition = predicateCondition(predicates[predicate]!);
  return negated ? {not: condition} : condition;
}

function predicateCondition(predicate: Predicate): NestedCondition {
  if (predicate.kind === 'count') {
    const fact = counterFact(predicate.type, predicate.windowMs);
    return {fact, operator: 'greaterThanInclusive', value: predicate.atLeast};
  }
  const fact = ATTRIBUTES[predicate.attribute]!.name;
  switch (predicate.kind) {
    case 'equals':
      return {fact, operator: 'is', value: predicate.value};
    case 'contains':
      return {fact, operator: 'containsText', value: predicate.word};
    case 'range': {
      const low: ConditionProperties = {
        fact,
        operator: 'greaterThanInclusive',
        value: predicate.low,
      };
      const high: ConditionProperties = {fact, operator: 'lessThan', value: predicate.high};
      if (predicate.low === -Infinity) return high;
      return predicate.high === Infinity ? low : {all: [low, high]};
    }
  }
}

function counterFact(type: number, windowMs: number): string {
  return `events_${type}_${windowMs}`;
}
