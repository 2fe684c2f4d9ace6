/**
 * TanStack db-ivm: one input of profile rows, and for each audience a filter that is maintained. An event takes
 * its profile's row out as it was and puts it in as it is; only differences flow.
 */
import {D2, filter, MultiSet, output} from '@tanstack/db-ivm';
import {ATTRIBUTES, type Literal, type Predicate} from '../workload-audiences.ts';
import type {Workload} from '../workload.ts';
import {compileSource} from './compile-source.ts';
import type {Peer} from './peer.ts';
import {type CountedRow, PlainRows} from './plain-rows.ts';

interface Versioned {
  readonly profile: number;
  readonly row: CountedRow;
}

export function makeDbIvm(workload: Workload, warmUpEvents: number): Peer {
  const state = new PlainRows(workload, {withCounts: true});
  state.absorb(warmUpEvents);
  const counts = new Int32Array(workload.profiles);
  const graph = new D2();
  const input = graph.newInput<Versioned>();
  for (const audience of workload.audiences) {
    const holds = compile(audience.clauses, workload, state);
    input.pipe(
      filter(({row}: Versioned) => holds(row)),
      output((changes: MultiSet<Versioned>) => {
        for (const [{profile}, multiplicity] of changes.getInner()) {
          counts[profile]! += multiplicity;
        }
      }),
    );
  }
  graph.finalize();
  const now = workload.timeOf(warmUpEvents - 1);
  const current = state.rows.map((row, profile): Versioned => {
    state.count(profile, now);
    return {profile, row: copyOf(row)};
  });
  for (let first = 0; first < current.length; first += 1024) {
    input.sendData(new MultiSet(current.slice(first, first + 1024).map(each => [each, 1])));
    graph.run();
  }
  return {
    apply(block, from, to, memberships) {
      for (let i = from; i < to; i++) {
        const profile = block.profile[i]!;
        const row = state.take(block, i);
        state.count(profile, workload.timeOf(block.first + i));
        const before = current[profile]!;
        const after = {profile, row: copyOf(row)};
        current[profile] = after;
        input.sendData(
          new MultiSet<Versioned>([
            [before, -1],
            [after, 1],
          ]),
        );
        graph.run();
        memberships[i] = counts[profile]!;
      }
    },
  };
}

/** The spread keeps the row's shape; its type forgets the attributes. */
function copyOf(row: CountedRow): CountedRow {
  return {...row, events: [...row.events]} as CountedRow;
}

/** The filter as source: the fastest predicate that a user can give it. */
function compile(
  clauses: readonly (readonly Literal[])[],
  {predicates}: Workload,
  state: PlainRows,
): (row: CountedRow) => boolean {
  const source = clauses
    .map(clause => {
      const parts = clause.map(({predicate, negated}) => {
        const part = predicateSource(predicates[predicate]!, state);
        return negated ? `!(${part})` : part;
      });
      return `(${parts.join('||')})`;
    })
    .join('&&');
  return compileSource<(row: CountedRow) => boolean>(['row'], `return ${source}`);
}

function predicateSource(predicate: Predicate, state: PlainRows): string {
  if (predicate.kind === 'count') {
    const place = state.placeOf(predicate.type, predicate.windowMs);
    return `row.events[${place}]>=${predicate.atLeast}`;
  }
  const field = `row.${ATTRIBUTES[predicate.attribute]!.name}`;
  switch (predicate.kind) {
    case 'equals':
      return `${field}===${JSON.stringify(predicate.value)}`;
    case 'contains':
      return `${field}.includes(${JSON.stringify(predicate.word)})`;
    case 'range':
      if (predicate.low === -Infinity) return `${field}<${predicate.high}`;
      if (predicate.high === Infinity) return `${field}>=${predicate.low}`;
      return `(${field}>=${predicate.low}&&${field}<${predicate.high})`;
  }
}
