import fc from 'fast-check';
import {expect, test} from 'vitest';
import {AttributeIndex} from '../../../engine/criteria/attribute-index.ts';
import type {Criterion} from '../../../engine/criteria/criteria-table.ts';
import type {Test} from '../../../engine/definitions/definition.ts';
import type {Value} from '../../../engine/record.ts';
import {compileTest} from '../../../engine/values/compile-test.ts';

const number = fc.integer({min: -2, max: 5});
const text = fc.constantFrom('red', 'blue', '3');

const aTest: fc.Arbitrary<Test> = fc.oneof(
  fc.record({
    type: fc.constant('string' as const),
    operator: fc.constantFrom('exact_match', 'not_exact_match', 'contains'),
    value: text,
  }),
  fc.record({
    type: fc.constant('string' as const),
    operator: fc.constantFrom('in', 'not_in'),
    values: fc.array(text, {minLength: 1, maxLength: 2}),
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
  fc.tuple(number, fc.nat(3)).map(([low, width]) => ({
    type: 'number' as const,
    operator: 'between' as const,
    low,
    high: low + width,
  })),
  fc.record({
    type: fc.constant('number' as const),
    operator: fc.constantFrom('in', 'not_in'),
    values: fc.array(number, {minLength: 1, maxLength: 2}),
  }),
  fc.record({type: fc.constant('any' as const), operator: fc.constantFrom('exists', 'not_exists')}),
  fc.constant<Test>({type: 'list', operator: 'includes', value: 'red'}),
);

const value: fc.Arbitrary<Value | undefined> = fc.oneof(
  number,
  text,
  fc.constantFrom<Value | undefined>(undefined, null, true, ['red'], 'RED', '2', 'five'),
);

/** The index only keeps criteria; what they ask is said beside them. */
function criterion(slot: number): Criterion {
  return {slot} as unknown as Criterion;
}

function touched(index: AttributeIndex, before: Value | undefined, after: Value | undefined) {
  const found = new Set<Criterion>();
  index.changed(before, after, criteria => criteria.forEach(each => found.add(each)));
  return found;
}

test('a criterion that a change of value flips is always touched', () => {
  fc.assert(
    fc.property(fc.array(aTest, {maxLength: 12}), value, value, (tests, before, after) => {
      const index = new AttributeIndex();
      const all = tests.map((each, slot) => ({each, criterion: criterion(slot)}));
      for (const one of all) index.add(one.criterion, one.each);
      const found = touched(index, before, after);
      for (const one of all) {
        const {holds} = compileTest(one.each);
        if (holds(before, 0) !== holds(after, 0)) expect(found).toContain(one.criterion);
      }
      for (const one of all) index.remove(one.criterion);
      expect(touched(index, before, after).size).toBe(0);
      expect(index.all().size).toBe(0);
    }),
    {numRuns: 2_000},
  );
});

test('a number that moves touches only the bounds it crosses or stands on', () => {
  const index = new AttributeIndex();
  for (let bound = 0; bound < 1_000; bound++) {
    index.add(criterion(bound), {type: 'number', operator: 'greater_than', value: bound});
  }
  const slots = (before: Value | undefined, after: Value | undefined) =>
    [...touched(index, before, after)].map(each => each.slot);
  expect(slots(10, 12)).toEqual([10, 11, 12]);
  expect(slots(12, 10)).toEqual([10, 11, 12]);
  expect(slots(10.5, 10.6)).toEqual([]);
  expect(slots(7, '7')).toEqual([]);
  expect(slots('seven', 'eight')).toEqual([]);
  expect(slots(undefined, 3)).toHaveLength(1_000);
});
