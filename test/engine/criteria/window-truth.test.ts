import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import type {EventWindow} from '../../../engine/criteria/bound-criterion.ts';
import {HistoryWindowTruth} from '../../../engine/criteria/criterion-truth.ts';
import {WindowTruth} from '../../../engine/criteria/window-truth.ts';
import type {Compare, Measure} from '../../../engine/definitions/definition.ts';
import {compareNumber} from '../../../engine/values/compare-number.ts';
import {expectTruth, type Laid, type LaidEntry, slabOf} from './truth-of.ts';

const RETENTION_MS = 20;
const HISTORY = 8;

function laid(entries: readonly LaidEntry[]): Laid {
  return new Map([[HISTORY, entries]]);
}

function truthOf(window: EventWindow, measure: Measure['function'], compare: Compare) {
  return new HistoryWindowTruth(HISTORY, new WindowTruth(window, measure, compare, RETENTION_MS));
}

const AT_LEAST_ONE: Compare = {operator: 'greater_than', value: 0};
const NONE: Compare = {operator: 'equals', value: 0};
const LAST_5: EventWindow = {kind: 'sliding', olderMs: 5, newerMs: 0};

describe('boundaries, to the millisecond', () => {
  const cases: readonly (readonly [string, EventWindow, Compare, number[], [number, number][]])[] =
    [
      ['within the last 5', LAST_5, AT_LEAST_ONE, [100], [[100, 105]]],
      [
        'none within the last 5',
        LAST_5,
        NONE,
        [100],
        [
          [90, 99],
          [106, 140],
        ],
      ],
      [
        'twice within the last 5',
        LAST_5,
        {operator: 'greater_or_equal', value: 2},
        [100, 103],
        [[103, 105]],
      ],
      [
        'once, not twice',
        LAST_5,
        {operator: 'equals', value: 1},
        [100, 103],
        [
          [100, 102],
          [106, 108],
        ],
      ],
      [
        'between 4 and 6 ago',
        {kind: 'sliding', olderMs: 6, newerMs: 4},
        AT_LEAST_ONE,
        [100],
        [[104, 106]],
      ],
      [
        'exactly 4 ago',
        {kind: 'sliding', olderMs: 4, newerMs: 4},
        AT_LEAST_ONE,
        [100],
        [[104, 104]],
      ],
      [
        'fixed, until it is too old',
        {kind: 'fixed', fromMs: 100, toMs: 102},
        AT_LEAST_ONE,
        [101],
        [[101, 121]],
      ],
      [
        'fixed, the first millisecond',
        {kind: 'fixed', fromMs: 100, toMs: 102},
        AT_LEAST_ONE,
        [100],
        [[100, 120]],
      ],
      [
        'fixed, one before the first',
        {kind: 'fixed', fromMs: 100, toMs: 102},
        AT_LEAST_ONE,
        [99],
        [],
      ],
      [
        'fixed, the end is outside',
        {kind: 'fixed', fromMs: 100, toMs: 102},
        AT_LEAST_ONE,
        [102],
        [],
      ],
      [
        'before a date',
        {kind: 'fixed', fromMs: -Infinity, toMs: 102},
        AT_LEAST_ONE,
        [101],
        [[101, 121]],
      ],
      [
        'after a date',
        {kind: 'fixed', fromMs: 101, toMs: Infinity},
        AT_LEAST_ONE,
        [101],
        [[101, 121]],
      ],
      [
        'the retention',
        {kind: 'sliding', olderMs: RETENTION_MS, newerMs: 0},
        AT_LEAST_ONE,
        [100],
        [[100, 120]],
      ],
      ['two at one time', LAST_5, {operator: 'greater_than', value: 1}, [100, 100], [[100, 105]]],
    ];

  test.each(cases)('%s', (_, window, compare, times, intervals) => {
    expectTruth(
      truthOf(window, 'count', compare),
      laid(times.map(timeMs => ({timeMs}))),
      {fromMs: 90, toMs: 140},
      nowMs => intervals.some(([from, to]) => from <= nowMs && nowMs <= to),
    );
  });

  test('the next change is named exactly', () => {
    const slab = slabOf(laid([{timeMs: 100}, {timeMs: 103}]));
    const next = (compare: Compare, nowMs: number): number => {
      const truth = truthOf(LAST_5, 'count', compare);
      slab.open(0);
      truth.evaluate(slab, undefined as never, nowMs);
      return truth.nextMs;
    };
    expect(next(AT_LEAST_ONE, 99)).toBe(100);
    expect(next(AT_LEAST_ONE, 100)).toBe(106);
    expect(next(AT_LEAST_ONE, 103)).toBe(109);
    expect(next(AT_LEAST_ONE, 109)).toBe(Infinity);
    expect(next({operator: 'greater_than', value: 1}, 100)).toBe(103);
    expect(next({operator: 'greater_than', value: 1}, 103)).toBe(106);
  });
});

const operators = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_or_equal',
  'less_than',
  'less_or_equal',
] as const;

const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({operator: fc.constantFrom(...operators), value: fc.integer({min: -1, max: 4})}),
  fc.record({operator: fc.constantFrom(...operators), value: fc.constantFrom(0.5, 1.5, 2.5)}),
  fc
    .tuple(fc.integer({min: -1, max: 3}), fc.nat(2))
    .map(([low, width]) => ({operator: 'between' as const, low, high: low + width})),
);

const window: fc.Arbitrary<EventWindow> = fc.oneof(
  fc.tuple(fc.nat(RETENTION_MS), fc.nat(RETENTION_MS)).map(([a, b]) => ({
    kind: 'sliding' as const,
    olderMs: Math.max(a, b),
    newerMs: Math.min(a, b),
  })),
  fc.nat(RETENTION_MS).map(olderMs => ({kind: 'sliding' as const, olderMs, newerMs: 0})),
  fc
    .tuple(fc.integer({min: 95, max: 130}), fc.nat(10))
    .map(([fromMs, width]) => ({kind: 'fixed' as const, fromMs, toMs: fromMs + width})),
  fc.integer({min: 95, max: 130}).map(toMs => ({kind: 'fixed' as const, fromMs: -Infinity, toMs})),
  fc.integer({min: 95, max: 130}).map(fromMs => ({kind: 'fixed' as const, fromMs, toMs: Infinity})),
);

const measure = fc.constantFrom<Measure['function']>(
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'distinct',
);

/** The contract, read plainly. */
function expected(
  entries: readonly LaidEntry[],
  asked: {window: EventWindow; measure: Measure['function']; compare: Compare},
  nowMs: number,
): boolean {
  const values = entries
    .filter(({timeMs}) => timeMs <= nowMs && nowMs - timeMs <= RETENTION_MS)
    .filter(({timeMs}) =>
      asked.window.kind === 'sliding'
        ? nowMs - asked.window.olderMs <= timeMs && timeMs <= nowMs - asked.window.newerMs
        : asked.window.fromMs <= timeMs && timeMs < asked.window.toMs,
    )
    .filter(({from = -Infinity, to = Infinity}) => from <= nowMs && nowMs <= to)
    .map(entry => entry.value ?? 0);
  const sum = values.reduce((a, b) => a + b, 0);
  switch (asked.measure) {
    case 'count':
      return compareNumber(asked.compare, values.length);
    case 'sum':
      return compareNumber(asked.compare, sum);
    case 'distinct':
      return compareNumber(asked.compare, new Set(values).size);
    case 'avg':
      return values.length > 0 && compareNumber(asked.compare, sum / values.length);
    case 'min':
      return values.length > 0 && compareNumber(asked.compare, Math.min(...values));
    case 'max':
      return values.length > 0 && compareNumber(asked.compare, Math.max(...values));
  }
}

const entry = fc.record({
  timeMs: fc.integer({min: 90, max: 130}),
  value: fc.integer({min: 0, max: 3}),
});
const movingEntry = fc
  .tuple(entry, fc.integer({min: 90, max: 140}), fc.nat(15))
  .map(([each, from, width]) => ({...each, from, to: from + width}));

test('any measure over any window agrees with the plain reading at every millisecond', () => {
  const entries = fc.oneof(fc.array(entry, {maxLength: 6}), fc.array(movingEntry, {maxLength: 6}));
  fc.assert(
    fc.property(fc.record({window, measure, compare}), entries, (asked, drawn) => {
      const sorted = [...drawn].sort((a, b) => a.timeMs - b.timeMs);
      expectTruth(
        truthOf(asked.window, asked.measure, asked.compare),
        laid(sorted),
        {fromMs: 88, toMs: 165},
        nowMs => expected(sorted, asked, nowMs),
      );
    }),
    {numRuns: 800},
  );
});
