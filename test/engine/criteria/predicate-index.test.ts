import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import type {BoundFilter} from '../../../engine/criteria/bound-criterion.ts';
import {Predicate} from '../../../engine/criteria/predicate.ts';
import {PredicateIndex} from '../../../engine/criteria/predicate-index.ts';
import type {Condition, Test} from '../../../engine/definitions/definition.ts';
import type {EventKind, EventRecord, Fields, Value} from '../../../engine/record.ts';

// A small universe, so that events and predicates meet.
const NUMBERS = [0, 1, 2, 3] as const;
const TEXTS = ['red', 'blue', '1', '2'] as const;
const ATTRIBUTES = ['a', 'b', '$product.x', '$product.y', '$promotion.x'] as const;

const number = fc.constantFrom(...NUMBERS);
const text = fc.constantFrom(...TEXTS);
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, {minLength: 1, maxLength: 3});

const aTest: fc.Arbitrary<Test> = fc.oneof(
  fc.record({
    type: fc.constant('string' as const),
    operator: fc.constantFrom('exact_match', 'not_exact_match', 'contains', 'pattern'),
    value: text,
  }),
  fc.record({
    type: fc.constant('string' as const),
    operator: fc.constantFrom('in', 'not_in'),
    values: some(text),
  }),
  fc.record({
    type: fc.constant('number' as const),
    operator: fc.constantFrom(
      'equals',
      'not_equals',
      'greater_than',
      'greater_or_equal',
      'less_than',
      'less_or_equal',
    ),
    value: number,
  }),
  fc.tuple(number, number).map(([a, b]) => ({
    type: 'number' as const,
    operator: 'between' as const,
    low: Math.min(a, b),
    high: Math.max(a, b),
  })),
  fc.record({
    type: fc.constant('number' as const),
    operator: fc.constantFrom('in', 'not_in'),
    values: some(number),
  }),
  fc.record({
    type: fc.constant('any' as const),
    operator: fc.constantFrom('exists', 'not_exists'),
  }),
  fc.constant<Test>({type: 'boolean', operator: 'equals', value: true}),
  fc.constant<Test>({type: 'list', operator: 'includes', value: 'red'}),
  fc.constant<Test>({type: 'date', operator: 'when', when: {kind: 'fixed', fromMs: 1, toMs: 3}}),
  fc.constant<Test>({
    type: 'date',
    operator: 'when',
    when: {kind: 'sliding', olderMs: 2, newerMs: 0},
  }),
);

const condition: fc.Arbitrary<Condition> = fc.record({
  attribute: fc.constantFrom(...ATTRIBUTES),
  test: aTest,
});

const KINDS: readonly EventKind[] = ['custom', 'commerce'];

const filter: fc.Arbitrary<BoundFilter> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    names: fc.option(fc.constantFrom(['View'], ['Buy'], ['View', 'Buy']), {nil: undefined}),
    type: fc.option(fc.constantFrom('social'), {nil: undefined, freq: 8}),
    scopes: fc.constantFrom([2], [4], [2, 4]),
    inputs: fc.option(fc.constantFrom([1], [1, 2]), {nil: undefined}),
    where: fc.array(condition, {maxLength: 3}),
  })
  .map(bound => ({key: JSON.stringify(bound), ...bound}));

const value: fc.Arbitrary<Value> = fc.oneof(
  number,
  text,
  fc.constantFrom<Value>(null, true, ['red', 1], 'RED', '2.0'),
);

function fieldsOf(names: readonly string[]): fc.Arbitrary<Fields> {
  const pair = fc.tuple(fc.constantFrom(...names), value);
  return fc
    .uniqueArray(pair, {selector: ([name]) => name, maxLength: 3})
    .map(pairs => pairs.flat() as Fields);
}

const event: fc.Arbitrary<EventRecord> = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc.constantFrom('View', 'Buy', 'Other'),
  type: fc.constantFrom('social', 'other'),
  timeMs: fc.constant(0),
  fields: fieldsOf(['a', 'b']),
  items: fc.array(fieldsOf(['$product.x', '$product.y', '$promotion.x']), {maxLength: 3}),
});

const happening = fc.record({
  event,
  scope: fc.constantFrom(2, 4),
  inputId: fc.constantFrom(1, 2, 3),
});

interface Happening {
  readonly event: EventRecord;
  readonly scope: number;
  readonly inputId: number;
}

/** What trying every predicate finds. */
function bruteForce(
  filters: readonly BoundFilter[],
  {event: tried, ...place}: Happening,
): string[] {
  return filters
    .filter(({kind}) => kind === tried.kind)
    .filter(({names}) => names === undefined || names.includes(tried.name))
    .map(each => new Predicate(each))
    .filter(predicate => predicate.holds(tried, place.scope, place.inputId, 0))
    .filter(predicate => counts(predicate, tried))
    .map(predicate => predicate.filter.key)
    .sort();
}

function found(index: PredicateIndex, {event: tried, scope, inputId}: Happening): string[] {
  const predicates: Predicate[] = [];
  index.find(tried, scope, inputId, 0, predicates);
  return predicates
    .filter(predicate => counts(predicate, tried))
    .map(predicate => predicate.filter.key)
    .sort();
}

/** `holds` leaves out conditions that move with now: an event that they never let count may be found or not. */
function counts(predicate: Predicate, tried: EventRecord): boolean {
  return !predicate.isMoving || predicate.contributions(undefined, tried, 0).length > 0;
}

test('the index finds what trying every predicate finds, as they come and go', () => {
  const step = fc.oneof(
    {weight: 4, arbitrary: fc.record({kind: fc.constant('add' as const), filter})},
    {weight: 1, arbitrary: fc.record({kind: fc.constant('remove' as const), at: fc.nat(30)})},
    {weight: 6, arbitrary: fc.record({kind: fc.constant('event' as const), happening})},
  );
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60}), steps => {
      const index = new PredicateIndex();
      let kept: BoundFilter[] = [];
      for (const each of steps) {
        if (each.kind === 'add') {
          index.add(each.filter);
          if (!kept.some(known => known.key === each.filter.key)) kept.push(each.filter);
        } else if (each.kind === 'remove') {
          const gone = kept[each.at % Math.max(1, kept.length)];
          if (gone === undefined) continue;
          index.remove(gone);
          kept = kept.filter(other => other !== gone);
        } else expect(found(index, each.happening)).toEqual(bruteForce(kept, each.happening));
      }
    }),
    {numRuns: 400},
  );
});

describe('what is asked', () => {
  const index = new PredicateIndex();
  const where = (...conditions: Condition[]): void => {
    const bound = {
      kind: 'custom' as const,
      names: ['View'],
      type: undefined,
      scopes: [2],
      inputs: undefined,
      where: conditions,
    };
    index.add({key: JSON.stringify(bound), ...bound});
  };
  for (let n = 0; n < 100; n++) {
    where({attribute: 'color', test: {type: 'string', operator: 'exact_match', value: `c${n}`}});
    where({attribute: 'price', test: {type: 'number', operator: 'greater_than', value: n}});
    where({attribute: 'weight', test: {type: 'number', operator: 'less_than', value: n}});
    where(
      {attribute: 'color', test: {type: 'string', operator: 'exact_match', value: `c${n}`}},
      {attribute: 'note', test: {type: 'string', operator: 'contains', value: 'x'}},
    );
  }

  test.each<[fields: Fields, asked: number]>([
    [[], 0],
    [['other', 'x'], 0],
    // One alone, and one with a second condition that waits behind the first.
    [['color', 'C7'], 2],
    [['color', 'unknown'], 0],
    [['note', 'x'], 0],
    [['price', 4], 5],
    [['price', '4'], 5],
    [['price', 'four'], 0],
    [['weight', 97], 3],
    [['color', 'c1', 'price', 0, 'weight', 99], 4],
  ])('of %j: %i of 400', (fields, asked) => {
    const before = index.asked;
    found(index, {
      event: {kind: 'custom', name: 'View', type: 'other', timeMs: 0, fields, items: []},
      scope: 2,
      inputId: 1,
    });
    expect(index.asked - before).toBe(asked);
  });
});

test('equal filters are one predicate, and it goes with the last removal', () => {
  const index = new PredicateIndex();
  const bound: BoundFilter = {
    key: 'k',
    kind: 'custom',
    names: ['View'],
    type: undefined,
    scopes: [2],
    inputs: undefined,
    where: [],
  };
  expect(index.add(bound)).toBe(index.add({...bound}));
  const tried = {
    event: {
      kind: 'custom',
      name: 'View',
      type: '',
      timeMs: 0,
      fields: [],
      items: [],
    } as EventRecord,
    scope: 2,
    inputId: 1,
  };
  expect(found(index, tried)).toEqual(['k']);
  index.remove(bound);
  expect(found(index, tried)).toEqual([]);
  index.remove(bound);
  expect(found(index, tried)).toEqual([]);
});
