/**
 * What a good engineer writes in an afternoon: the audiences as JavaScript source, compiled once, every
 * audience asked after every event. The yardstick that is hardest to beat honestly.
 */
import {ATTRIBUTES, type Literal, type Predicate} from '../workload-audiences.ts';
import type {Workload} from '../workload.ts';
import {compileSource} from './compile-source.ts';
import type {Peer} from './peer.ts';
import {PlainRows, type Row} from './plain-rows.ts';

type Ask = (row: Row, times: readonly (readonly number[])[], nowMs: number) => number;

/** A function too long is never optimised. */
const AUDIENCES_A_FUNCTION = 40;
const NO_TIMES: readonly (readonly number[])[] = [];

export function makeGeneratedJs(workload: Workload, warmUpEvents: number): Peer {
  const state = new PlainRows(workload, {withCounts: false});
  state.absorb(warmUpEvents);
  const asks = compile(workload);
  return {
    apply(block, from, to, memberships) {
      for (let i = from; i < to; i++) {
        const profile = block.profile[i]!;
        const row = state.take(block, i);
        const times = state.times[profile] ?? NO_TIMES;
        const nowMs = workload.timeOf(block.first + i);
        let count = 0;
        for (let f = 0; f < asks.length; f++) count += asks[f]!(row, times, nowMs);
        memberships[i] = count;
      }
    },
  };
}

function compile(workload: Workload): Ask[] {
  const asks: Ask[] = [];
  for (let first = 0; first < workload.audiences.length; first += AUDIENCES_A_FUNCTION) {
    const audiences = workload.audiences.slice(first, first + AUDIENCES_A_FUNCTION);
    const lines = audiences.map(({clauses}) => {
      const condition = clauses
        .map(clause => `(${clause.map(each => literalSource(each, workload)).join('||')})`)
        .join('&&');
      return `if(${condition})n++;`;
    });
    const attributes = ATTRIBUTES.map(({name}) => `const ${name}=row.${name};`).join('');
    const source = `const e=[];let n=0;${attributes}${lines.join('\n')}return n;`;
    asks.push(compileSource<Ask>(['row', 'times', 'now'], source));
  }
  return asks;
}

function literalSource({predicate, negated}: Literal, {predicates}: Workload): string {
  const source = predicateSource(predicates[predicate]!);
  return negated ? `!(${source})` : source;
}

function predicateSource(predicate: Predicate): string {
  if (predicate.kind === 'count') {
    const {type, atLeast, windowMs} = predicate;
    // At least n in the window: the nth latest is in it.
    return `(times[${type}]??e).at(-${atLeast})>=now-${windowMs}`;
  }
  const {name} = ATTRIBUTES[predicate.attribute]!;
  switch (predicate.kind) {
    case 'equals':
      return `${name}===${JSON.stringify(predicate.value)}`;
    case 'contains':
      return `${name}.includes(${JSON.stringify(predicate.word)})`;
    case 'range': {
      const bounds = [
        predicate.low === -Infinity ? '' : `${name}>=${predicate.low}`,
        predicate.high === Infinity ? '' : `${name}<${predicate.high}`,
      ];
      return `(${bounds.filter(bound => bound !== '').join('&&')})`;
    }
  }
}
