import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import type {Test} from '../../../engine/definitions/definition.ts';
import {parseTest} from '../../../engine/definitions/parse-test.ts';
import {Faults} from '../../../engine/definitions/faults.ts';
import type {Value} from '../../../engine/record.ts';
import {compareNumber} from '../../../engine/values/compare-number.ts';
import {compileTest} from '../../../engine/values/compile-test.ts';
import {canonicalTest} from '../../../engine/definitions/canonical-test.ts';
import {DAY_MS} from '../../../engine/values/calendar.ts';

const NOW_MS = Date.UTC(2018, 8, 9, 13);

function parsed(operator: string, value?: unknown, type?: string): Test {
  const faults = new Faults();
  const read = parseTest({operator, value, type}, 'test', faults);
  if (read === undefined) throw new Error(JSON.stringify(faults.problems));
  return read;
}

function holds(value: Value | undefined, operator: string, operand?: unknown, type?: string) {
  return compileTest(parsed(operator, operand, type)).holds(value, NOW_MS);
}

describe('strings', () => {
  test.each([
    ['blue', 'contains', 'blue', true],
    ['blue shirt', 'contains', 'blue', true],
    ['BLUE shirt', 'contains', 'Blue', true],
    ['red', 'contains', 'blue', false],
    ['red', 'not_contains', 'blue', true],
    ['Blue Shirt', 'not_contains', 'blue', false],
    ['blue', 'exact_match', 'blue', true],
    ['Blue', 'exact_match', 'bLUE', true],
    ['blue shirt', 'exact_match', 'blue', false],
    ['blue shirt', 'not_exact_match', 'blue', true],
    ['BLUE', 'not_exact_match', 'blue', false],
    ['blue', 'pattern', 'bl?e', true],
    ['blue', 'pattern', 'b*e', true],
    ['BLUE', 'pattern', 'B*e', true],
    ['blue shirt', 'pattern', 'b*e', false],
    ['blue shirt', 'not_pattern', 'b*e', true],
    ['blue shirt', 'starts_with', 'BLUE', true],
    ['blue shirt', 'ends_with', 'SHIRT', true],
    ['blue shirt', 'ends_with', 'blue', false],
    ['Blue', 'in', ['red', 'BLUE'], true],
    ['green', 'in', ['red', 'blue'], false],
    ['green', 'not_in', ['red', 'blue'], true],
    ['ΣΊΣΥΦΟΣ Β', 'contains', 'σίσυφος', true],
    ['STRASSE', 'exact_match', 'straße', false],
    [12.5, 'exact_match', '12.5', true],
    [true, 'exact_match', 'TRUE', true],
    [12, 'in', ['12', '13'], true],
  ])('%j %s %j: %s', (value, operator, operand, expected) => {
    expect(holds(value, operator, operand)).toBe(expected);
  });
});

describe('numbers', () => {
  test.each([
    [12.5, 'equals', 12.5, true],
    ['12.50', 'equals', 12.5, true],
    ['12.50', 'equals', '12.5', true],
    [12, 'not_equals', 13, true],
    ['twelve', 'not_equals', 13, false],
    [3, 'greater_than', 3, false],
    [3, 'greater_or_equal', 3, true],
    [3, 'less_than', 3, false],
    [3, 'less_or_equal', 3, true],
    ['10.5', 'greater_than', '10.2', true],
    [2, 'between', [2, 5], true],
    [5, 'between', [2, 5], true],
    [5.1, 'between', [2, 5], false],
    ['3', 'in', [1, 3], true],
    [4, 'not_in', [1, 3], true],
    ['x', 'not_in', [1, 3], false],
    ['0x10', 'equals', 16, false],
    [true, 'equals', 1, false],
    [-0, 'equals', 0, true],
  ])('%j %s %j: %s', (value, operator, operand, expected) => {
    expect(holds(value, operator, operand)).toBe(expected);
  });
});

describe('booleans and versions', () => {
  test.each([
    [true, 'equals', true, undefined, true],
    ['true', 'equals', true, undefined, true],
    ['FALSE', 'equals', false, undefined, true],
    [false, 'equals', true, undefined, false],
    ['no', 'equals', false, undefined, false],
    ['10.10', 'greater_than', '10.2', 'version', true],
    ['10.10', 'greater_than', '10.2', 'number', false],
    ['10.10.1', 'greater_than', '10.2.9', undefined, true],
    ['10.2.0', 'equals', '10.2', 'version', true],
    [10, 'equals', '10.0', 'version', true],
    ['10.2-beta', 'not_equals', '10.3', 'version', false],
    ['10.5', 'between', ['10.2', '10.10'], 'version', true],
    ['10.2.0', 'in', ['10.2', '11'], 'version', true],
    ['10.2.0', 'not_in', ['10.2', '11'], 'version', false],
  ])('%j %s %j as %s: %s', (value, operator, operand, type, expected) => {
    expect(holds(value, operator, operand, type)).toBe(expected);
  });
});

describe('lists', () => {
  const movies = ['Chicago Cubs', 'Casablanca'];
  test.each<[Value | undefined, string, unknown, string | undefined, boolean]>([
    [['Chicago', 'Casablanca'], 'includes', 'chicago', undefined, true],
    [movies, 'includes', 'Chicago', undefined, false],
    [movies, 'not_includes', 'Chicago', undefined, true],
    [movies, 'partial_match', 'chicago', undefined, true],
    [movies, 'partial_match', 'Heat', undefined, false],
    [movies, 'in', ['heat', 'CASABLANCA'], 'list', true],
    [movies, 'in', ['heat'], 'list', false],
    [[1, true, null], 'includes', 1, undefined, true],
    [[1, true, null], 'includes', 'TRUE', undefined, true],
    [[null], 'includes', 'null', undefined, false],
    [[], 'not_includes', 'x', undefined, true],
    ['Chicago', 'includes', 'Chicago', undefined, false],
    ['Chicago', 'not_includes', 'Heat', undefined, false],
    ['Chicago', 'in', ['Chicago'], 'list', false],
    [['blue'], 'contains', 'blue', undefined, false],
    [['blue'], 'not_contains', 'red', undefined, false],
    [['blue'], 'in', ['blue'], undefined, false],
    [['12'], 'equals', 12, undefined, false],
  ])('%j %s %j as %s: %s', (value, operator, operand, type, expected) => {
    expect(holds(value, operator, operand, type)).toBe(expected);
  });
});

describe('absent values and tags', () => {
  const negative: [string, unknown][] = [
    ['not_exact_match', 'x'],
    ['not_contains', 'x'],
    ['not_pattern', 'x*y'],
    ['not_in', ['x']],
    ['not_in', [1]],
    ['not_equals', 1],
    ['not_includes', 'x'],
    ['contains', ''],
    ['before', '2099-01-01'],
    ['equals', false],
  ];
  test.each(negative)('neither meets %s %j', (operator, operand) => {
    expect(holds(undefined, operator, operand)).toBe(false);
    expect(holds(null, operator, operand)).toBe(false);
  });

  test('a tag exists, an absent attribute does not', () => {
    expect(holds(null, 'exists')).toBe(true);
    expect(holds(null, 'not_exists')).toBe(false);
    expect(holds(undefined, 'exists')).toBe(false);
    expect(holds(undefined, 'not_exists')).toBe(true);
    for (const value of ['', 'x', 0, false, [], ['x']]) {
      expect(holds(value, 'exists')).toBe(true);
      expect(holds(value, 'not_exists')).toBe(false);
    }
  });
});

describe('dates', () => {
  const at = (text: string) => Date.parse(`${text}Z`);

  test('between 4 and 6 days before 1 pm on September 9th, to the millisecond', () => {
    const test = compileTest(parsed('between_ago', ['4d', '6d']));
    expect(test.timed).toBe(true);
    const earliest = at('2018-09-03T13:00:00.000');
    const latest = at('2018-09-05T13:00:00.000');
    expect(test.holds(earliest - 1, NOW_MS)).toBe(false);
    expect(test.holds(earliest, NOW_MS)).toBe(true);
    expect(test.holds(latest, NOW_MS)).toBe(true);
    expect(test.holds(latest + 1, NOW_MS)).toBe(false);
    expect(test.changesAtMs(earliest, NOW_MS)).toBe(NOW_MS + 1);
    expect(test.changesAtMs(latest + 1, NOW_MS)).toBe(NOW_MS + 1);
    expect(test.changesAtMs(latest, NOW_MS)).toBe(latest + 6 * DAY_MS + 1);
    expect(test.changesAtMs(earliest - 1, NOW_MS)).toBe(Infinity);
    expect(test.changesAtMs('soon', NOW_MS)).toBe(Infinity);
  });

  test.each([
    ['before', '2018-09-09', '2018-09-08T23:59:59.999', '2018-09-09T00:00:00.000'],
    ['after', '2018-09-09', '2018-09-09T00:00:00.000', '2018-09-08T23:59:59.999'],
    ['on', '2018-09-09', '2018-09-09T00:00:00.000', '2018-09-08T23:59:59.999'],
    ['on', '2018-09-09', '2018-09-09T23:59:59.999', '2018-09-10T00:00:00.000'],
    ['between', ['2018-09-07', '2018-09-09'], '2018-09-07T00:00:00.000', '2018-09-06T23:59:59.999'],
    ['between', ['2018-09-07', '2018-09-09'], '2018-09-09T23:59:59.999', '2018-09-10T00:00:00.000'],
  ])('%s %j holds at %s and not at %s', (operator, operand, inside, outside) => {
    const test = compileTest(parsed(operator, operand));
    for (const [text, expected] of [
      [inside, true],
      [outside, false],
    ] as const) {
      expect(test.holds(text, NOW_MS)).toBe(expected);
      expect(test.holds(at(text), NOW_MS)).toBe(expected);
      expect(test.holds(String(at(text)), NOW_MS)).toBe(expected);
    }
    expect(test.timed).toBe(false);
    expect(test.changesAtMs(inside, NOW_MS)).toBe(Infinity);
  });

  test('changesAtMs is the first moment of another answer', () => {
    const spans = fc.tuple(fc.integer({min: 0, max: 20}), fc.integer({min: 0, max: 20}));
    fc.assert(
      fc.property(spans, fc.integer({min: -60, max: 60}), fc.boolean(), ([a, b], value, half) => {
        const when = {kind: 'sliding', olderMs: Math.max(a, b), newerMs: Math.min(a, b)} as const;
        const test = compileTest({type: 'date', operator: 'when', when});
        const timeMs = half ? value + 0.5 : value;
        const now = test.holds(timeMs, 0);
        let expected = Infinity;
        for (let ms = 100; ms > 0; ms--) if (test.holds(timeMs, ms) !== now) expected = ms;
        expect(test.changesAtMs(timeMs, 0)).toBe(expected);
      }),
    );
  });
});

test('measures are compared as the operators say', () => {
  expect(compareNumber({operator: 'greater_than', value: 0}, 0)).toBe(false);
  expect(compareNumber({operator: 'greater_than', value: 0}, 1)).toBe(true);
  expect(compareNumber({operator: 'equals', value: 0}, 0)).toBe(true);
  expect(compareNumber({operator: 'not_equals', value: 2}, 3)).toBe(true);
  expect(compareNumber({operator: 'between', low: 2, high: 5}, 2)).toBe(true);
  expect(compareNumber({operator: 'between', low: 2, high: 5}, 5)).toBe(true);
  expect(compareNumber({operator: 'between', low: 2, high: 5}, 6)).toBe(false);
});

test('the canonical form of a test means the same and is its own canonical form', () => {
  const text = fc.string({unit: fc.constantFrom('a', 'B', '*', '?', '1', '.'), maxLength: 5});
  const number = fc.integer({min: -2, max: 3});
  const version = fc.constantFrom('1', '1.0', '01', '1.2', '2');
  const anyTest: fc.Arbitrary<Test> = fc.oneof(
    fc.record({
      type: fc.constant('string' as const),
      operator: fc.constantFrom(
        'exact_match',
        'not_exact_match',
        'contains',
        'not_contains',
        'starts_with',
        'ends_with',
        'pattern',
        'not_pattern',
      ),
      value: text,
    }),
    fc.record({
      type: fc.constantFrom('string' as const),
      operator: fc.constantFrom('in', 'not_in'),
      values: fc.array(text, {minLength: 1, maxLength: 3}),
    }),
    fc.record({
      type: fc.constant('number' as const),
      operator: fc.constantFrom('in', 'not_in'),
      values: fc.array(number, {minLength: 1, maxLength: 3}),
    }),
    fc.record({
      type: fc.constant('number' as const),
      operator: fc.constant('between' as const),
      low: number,
      high: number,
    }),
    fc.record({
      type: fc.constant('version' as const),
      operator: fc.constantFrom('in', 'not_in'),
      values: fc.array(version, {minLength: 1, maxLength: 3}),
    }),
    fc.record({
      type: fc.constant('list' as const),
      operator: fc.constant('in' as const),
      values: fc.array(text, {minLength: 1, maxLength: 3}),
    }),
  );
  const value = fc.oneof(text, number, version, fc.array(text, {maxLength: 2}), fc.constant(null));
  fc.assert(
    fc.property(anyTest, value, (given, tested) => {
      const canonical = canonicalTest(given);
      expect(canonicalTest(canonical)).toEqual(canonical);
      expect(compileTest(canonical).holds(tested, 0)).toBe(compileTest(given).holds(tested, 0));
    }),
    {numRuns: 2_000},
  );
});
