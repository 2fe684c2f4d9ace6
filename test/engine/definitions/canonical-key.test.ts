import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {criterionKey, expressionKey, filterKey} from '../../../engine/definitions/canonical-key.ts';
import type {Criterion, Expression} from '../../../engine/definitions/definition.ts';
import {normalizeExpression} from '../../../engine/definitions/normalize-expression.ts';
import {parseDefinition} from '../../../engine/definitions/parse-definition.ts';
import {printExpression} from '../../../engine/definitions/print-expression.ts';
import {DAY_MS} from '../../../engine/values/calendar.ts';

function parse(json: unknown): Expression {
  const parsed = parseDefinition(json, {
    eventRetentionMs: 30 * DAY_MS,
    workspaces: [1, 2, 3],
    inputs: undefined,
    hasAudience: () => true,
    hasInput: () => true,
    hasCalculatedAttribute: () => undefined,
    findCity: () => undefined,
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.expression;
}

const key = (json: unknown) => expressionKey(parse(json));

const attribute = (operator: string, value: unknown, type?: string) => ({
  kind: 'user_attribute',
  attribute: 'a',
  operator,
  value,
  type,
});

describe('spellings of one meaning share a key', () => {
  const red = {attribute: 'color', operator: 'exact_match', value: 'red'};
  const big = {attribute: 'size', operator: 'greater_than', value: 5};
  const event = (more: object) => ({kind: 'event', name: 'x', ...more});

  test.each<[string, unknown, unknown]>([
    ['case', attribute('contains', 'Blue'), attribute('contains', 'bLUE')],
    ['a pattern without wildcards', attribute('pattern', 'Blue'), attribute('exact_match', 'blue')],
    ['stars at both ends', attribute('pattern', '**blue*'), attribute('contains', 'blue')],
    ['a star at the end', attribute('pattern', 'blue*'), attribute('starts_with', 'blue')],
    ['a star at the start', attribute('pattern', '*blue'), attribute('ends_with', 'blue')],
    ['any text', attribute('pattern', '*'), attribute('starts_with', '')],
    ['no pattern', attribute('not_pattern', '*blue*'), attribute('not_contains', 'blue')],
    ['in one', attribute('in', ['x']), attribute('exact_match', 'x')],
    ['in in any order', attribute('in', ['b', 'A', 'a']), attribute('in', ['a', 'b'])],
    ['numbers in any order', attribute('in', [3, 1, 3]), attribute('in', [1, 3])],
    ['a range of one', attribute('between', [3, 3]), attribute('equals', '3.0')],
    ['versions', attribute('equals', '01.2.0', 'version'), attribute('equals', '1.2', 'version')],
    ['elements', attribute('in', ['X'], 'list'), attribute('includes', 'x')],
    ['conditions in any order', event({where: [red, big, red]}), event({where: [big, red]})],
    ['defaults', event({}), event({measure: {function: 'count'}, where: []})],
    [
      'more than two and at least three',
      event({compare: {operator: 'greater_than', value: 2}}),
      event({compare: {operator: 'greater_or_equal', value: 3}}),
    ],
    [
      'exactly three',
      event({compare: {operator: 'between', value: [2.5, 3]}}),
      event({compare: {operator: 'equals', value: 3}}),
    ],
    [
      'one day',
      event({when: {on: '2018-09-09'}}),
      event({when: {between: ['2018-09-09', '2018-09-09']}}),
    ],
    ['since now', event({when: {between_ago: ['0s', '7d']}}), event({when: {within_last: '1w'}})],
    ['workspaces', event({workspaces: [2, 1]}), event({workspaces: [1, 2]})],
    [
      'what ends a cart',
      {kind: 'cart_abandonment', wait: '60m', until: ['refund', 'purchase']},
      {kind: 'cart_abandonment', wait: '1h', until: ['purchase', 'refund']},
    ],
  ])('%s', (_what, a, b) => {
    expect(key(a)).toBe(key(b));
  });

  test.each<[string, unknown, unknown]>([
    ['case of event names', event({}), event({name: 'X'})],
    ['strings and numbers', attribute('in', ['1', '2']), attribute('in', [1, 2])],
    ['lists and strings', attribute('in', ['1', '2']), attribute('in', ['1', '2'], 'list')],
    ['a star inside', attribute('pattern', 'b*e'), attribute('starts_with', 'b')],
    ['windows', event({when: {before: '2018-09-09'}}), event({when: {after: '2018-09-09'}})],
    [
      'sums are not whole numbers',
      event({
        measure: {function: 'sum', attribute: 'a'},
        compare: {operator: 'greater_than', value: 2},
      }),
      event({
        measure: {function: 'sum', attribute: 'a'},
        compare: {operator: 'greater_or_equal', value: 3},
      }),
    ],
    [
      'the order of steps',
      {kind: 'sequence', steps: [{kind: 'install'}, {kind: 'crash', within: '1d'}]},
      {kind: 'sequence', steps: [{kind: 'crash'}, {kind: 'install', within: '1d'}]},
    ],
  ])('but not %s', (_what, a, b) => {
    expect(key(a)).not.toBe(key(b));
  });

  test('a filter is the same in whatever window and measure it stands', () => {
    const often = parse(event({where: [red], compare: {operator: 'greater_than', value: 5}}));
    const once = parse(event({where: [red], when: {within_last: '1d'}}));
    if (often.kind !== 'criterion' || once.kind !== 'criterion') throw new Error('not criteria');
    if (often.criterion.kind !== 'event' || once.criterion.kind !== 'event') throw new Error();
    expect(filterKey(often.criterion)).toBe(filterKey(once.criterion));
    expect(criterionKey(often.criterion)).not.toBe(criterionKey(once.criterion));
  });
});

const CRITERIA = ['a', 'b', 'c', 'd'].map((name): Criterion => ({
  kind: 'user_attribute',
  attribute: name,
  test: {type: 'any', operator: 'exists'},
  workspaces: undefined,
}));

const {expression: anyExpression} = fc.letrec<{expression: Expression}>(tie => ({
  expression: fc.oneof(
    {depthSize: 'small', withCrossShrink: true},
    fc.constantFrom(...CRITERIA).map((criterion): Expression => ({kind: 'criterion', criterion})),
    tie('expression').map((of): Expression => ({kind: 'exclude', of})),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('expression'), {minLength: 1, maxLength: 4}),
      )
      .map(([kind, of]): Expression => ({kind, of})),
  ),
}));

/** Bit i of `assignment` is the truth of the criterion on the i-th attribute. */
function truth(expression: Expression, assignment: number): boolean {
  switch (expression.kind) {
    case 'criterion': {
      const {criterion} = expression;
      if (criterion.kind !== 'user_attribute') throw new Error(criterion.kind);
      return ((assignment >> 'abcd'.indexOf(criterion.attribute)) & 1) === 1;
    }
    case 'exclude':
      return !truth(expression.of, assignment);
    case 'and':
      return expression.of.every(each => truth(each, assignment));
    case 'or':
      return expression.of.some(each => truth(each, assignment));
  }
}

describe('normal form', () => {
  test('is true for the same profiles, and its own normal form', () => {
    fc.assert(
      fc.property(anyExpression, expression => {
        const normal = normalizeExpression(expression);
        for (let assignment = 0; assignment < 16; assignment++) {
          expect(truth(normal, assignment)).toBe(truth(expression, assignment));
        }
        expect(normalizeExpression(normal)).toEqual(normal);
        expect(expressionKey(normal)).toBe(expressionKey(expression));
      }),
      {numRuns: 1_000},
    );
  });

  test('equal keys are equal expressions, whatever the order they were written in', () => {
    const reversed = (expression: Expression): Expression => {
      if (expression.kind === 'criterion') return expression;
      if (expression.kind === 'exclude') return {kind: 'exclude', of: reversed(expression.of)};
      return {kind: expression.kind, of: expression.of.map(reversed).toReversed()};
    };
    fc.assert(
      fc.property(anyExpression, expression => {
        expect(expressionKey(reversed(expression))).toBe(expressionKey(expression));
        expect(normalizeExpression(reversed(expression))).toEqual(normalizeExpression(expression));
      }),
    );
  });

  test.each<[string, unknown, unknown]>([
    ['nested and', {and: [A(), {and: [B(), A()]}]}, {and: [B(), A()]}],
    ['nested or', {or: [{or: [A(), B()]}, A()]}, {or: [A(), B()]}],
    ['one of one', {and: [{or: [A()]}]}, A()],
    ['excluded twice', {exclude: {and: [{exclude: A()}]}}, A()],
    ['an and uncovered', {and: [A(), {exclude: {exclude: {and: [B(), A()]}}}]}, {and: [A(), B()]}],
    ['the same twice', {or: [A(), A()]}, A()],
  ])('%s', (_what, a, b) => {
    expect(key(a)).toBe(key(b));
    expect(normalizeExpression(parse(a))).toEqual(normalizeExpression(parse(b)));
  });

  function A() {
    return attribute('equals', 1);
  }
  function B() {
    return attribute('equals', 2);
  }
});

describe('in words', () => {
  const country = {
    kind: 'user_attribute',
    attribute: 'country',
    operator: 'exact_match',
    value: 'France',
  };
  test.each<[unknown, string]>([
    [
      {
        and: [
          {
            kind: 'commerce',
            action: 'purchase',
            when: {within_last: '7d'},
            compare: {operator: 'greater_or_equal', value: 3},
          },
          country,
          {exclude: {kind: 'crash'}},
        ],
      },
      'purchase at least 3 times in the last 7 d and country is "france" exclude crash',
    ],
    [
      {or: [country, {and: [country, {kind: 'install'}]}]},
      'country is "france" or (country is "france" and install)',
    ],
    [{exclude: {or: [country, {kind: 'crash'}]}}, 'exclude (country is "france" or crash)'],
    [
      {
        kind: 'event',
        name: 'Level Up',
        event_type: 'social',
        where: [{attribute: '$app_version', operator: 'greater_than', value: '10.2'}],
        when: {between_ago: ['4d', '6d']},
        compare: {operator: 'equals', value: 1},
        workspaces: [1, 2],
      },
      'social event "Level Up" where $app_version version > 10.2 exactly 1 time between 4 d and 6 d ago in workspaces 1, 2',
    ],
    [
      {
        kind: 'screen_view',
        measure: {function: 'distinct', attribute: '$screen_name'},
        when: {between: ['2018-09-07', '2018-09-09']},
      },
      'screen view with distinct of $screen_name > 0 between 2018-09-07 and 2018-09-09',
    ],
    [
      {kind: 'cart_abandonment', wait: '2h', until: ['any'], inputs: [4]},
      'cart abandoned in input 4 for 2 h without any product action',
    ],
    [
      {
        kind: 'sequence',
        steps: [{kind: 'install'}, {kind: 'event', name: 'x', within: '1d'}],
        when: {after: '2018-09-09'},
      },
      'sequence of install then within 1 d event "x" on or after 2018-09-09',
    ],
    [{kind: 'first_seen', when: {on: '2019-10-31'}}, 'first seen on 2019-10-31'],
    [{kind: 'last_seen', when: {before: '2019-10-31'}}, 'last seen before 2019-10-31'],
    [{kind: 'audience', audience: 7, operator: 'not_member'}, 'not in audience 7'],
    [
      {kind: 'consent', regulation: 'gdpr', state: 'not_given'},
      'gdpr consent not given for any purpose',
    ],
    [
      {kind: 'consent', regulation: 'ccpa', state: 'not_opted_out'},
      'ccpa not opted out of data sale',
    ],
    [
      {kind: 'device', field: 'model', operator: 'in', value: ['A', 'B']},
      'device model is one of "a", "b"',
    ],
    [
      {kind: 'location', equals: {city: 'Paris', country: 'FR'}},
      'location is city "paris", country "fr"',
    ],
    [
      {kind: 'location', within: {latitude: 1, longitude: 2, radius: {value: 5, unit: 'mi'}}},
      'location within 8.047 km of 1, 2',
    ],
    [
      {kind: 'identity', identity: 'email', operator: 'not_exists'},
      'identity email does not exist',
    ],
    [
      {kind: 'attribution', event: 'install', field: 'campaign', operator: 'pattern', value: 'a*b'},
      'install attribution campaign matches "a*b"',
    ],
    [
      {kind: 'calculated_attribute', name: 'ltv', operator: 'between', value: [1, 2]},
      'calculated ltv is between 1 and 2',
    ],
    [
      {kind: 'user_attribute', attribute: 'born', operator: 'within_last', value: '7d'},
      'born is in the last 7 d',
    ],
  ])('%j', (json, words) => {
    expect(printExpression(parse(json))).toBe(words);
  });
});
