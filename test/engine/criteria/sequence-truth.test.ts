import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {EventWindow} from '../../../engine/criteria/bound-criterion.ts';
import {SequenceTruth} from '../../../engine/criteria/sequence-truth.ts';
import {expectTruth, type Laid, slabOf, truthAt} from './truth-of.ts';

const RETENTION_MS = 20;
const WHENEVER: EventWindow = {kind: 'sliding', olderMs: RETENTION_MS, newerMs: 0};

/** Steps are histories 8, 9, …; times of each in order. */
function laid(steps: readonly (readonly number[])[]): Laid {
  return new Map(steps.map((times, step) => [8 + step, times.map(timeMs => ({timeMs}))]));
}

function sequence(withinMs: readonly number[], window = WHENEVER): SequenceTruth {
  const steps = Array.from({length: withinMs.length + 1}, (_, step) => 8 + step);
  return new SequenceTruth(steps, [Infinity, ...withinMs], window, RETENTION_MS);
}

test.each<[string, number[][], number[], boolean]>([
  ['in order, soon enough', [[100], [105]], [5], true],
  ['one millisecond too late', [[100], [106]], [5], false],
  ['at the same time is not after', [[100], [100]], [5], false],
  ['in the wrong order', [[105], [100]], [5], false],
  ['the nearer first step is the one that counts', [[100, 104], [107]], [5], true],
  ['three steps', [[100], [103], [106]], [3, 3], true],
  ['three steps, the middle one unreachable', [[100], [104], [106]], [3, 3], false],
  [
    'the last step hangs on a middle one that hangs on the first',
    [[100], [99, 103], [105]],
    [3, 2],
    true,
  ],
  ['a middle step that nothing led to does not count', [[100], [99, 110], [111]], [3, 5], false],
  ['a step that never happened', [[100], []], [5], false],
])('%s', (_, times, withinMs, holds) => {
  expect(truthAt(sequence(withinMs), slabOf(laid(times)), 112)).toBe(holds);
});

test('one event can be a step of the same kind only once', () => {
  const twice = new SequenceTruth([8, 8], [Infinity, 5], WHENEVER, RETENTION_MS);
  expect(truthAt(twice, slabOf(laid([[100]])), 110)).toBe(false);
  expect(truthAt(twice, slabOf(laid([[100, 103]])), 110)).toBe(true);
  expect(truthAt(twice, slabOf(laid([[100, 100]])), 110)).toBe(false);
});

test('it holds from the last step until the last step leaves the window', () => {
  const window: EventWindow = {kind: 'sliding', olderMs: 6, newerMs: 2};
  expectTruth(
    sequence([5], window),
    laid([[100], [104]]),
    {fromMs: 98, toMs: 140},
    nowMs => nowMs >= 106 && nowMs <= 110,
  );
});

test('it ends when its first step passes the retention', () => {
  expectTruth(
    sequence([15]),
    laid([[100], [112]]),
    {fromMs: 98, toMs: 140},
    nowMs => nowMs >= 112 && nowMs <= 120,
  );
});

const window: fc.Arbitrary<EventWindow> = fc.oneof(
  fc.constant(WHENEVER),
  fc.nat(RETENTION_MS).map(olderMs => ({kind: 'sliding' as const, olderMs, newerMs: 0})),
  fc.tuple(fc.nat(RETENTION_MS), fc.nat(RETENTION_MS)).map(([a, b]) => ({
    kind: 'sliding' as const,
    olderMs: Math.max(a, b),
    newerMs: Math.min(a, b),
  })),
  fc
    .tuple(fc.integer({min: 95, max: 125}), fc.nat(10))
    .map(([fromMs, width]) => ({kind: 'fixed' as const, fromMs, toMs: fromMs + width})),
);

test('agrees with trying every chain at every millisecond', () => {
  const times = fc
    .array(fc.integer({min: 95, max: 125}), {maxLength: 4})
    .map(drawn => [...drawn].sort((a, b) => a - b));
  const asked = fc.integer({min: 2, max: 3}).chain(count =>
    fc.record({
      steps: fc.array(times, {minLength: count, maxLength: count}),
      withinMs: fc.array(fc.integer({min: 1, max: 15}), {
        minLength: count - 1,
        maxLength: count - 1,
      }),
      window,
    }),
  );
  fc.assert(
    fc.property(asked, ({steps, withinMs, window: when}) => {
      expectTruth(sequence(withinMs, when), laid(steps), {fromMs: 93, toMs: 150}, nowMs => {
        const kept = (timeMs: number) => timeMs <= nowMs && nowMs - timeMs <= RETENTION_MS;
        const inside = (timeMs: number) =>
          when.kind === 'sliding'
            ? nowMs - when.olderMs <= timeMs && timeMs <= nowMs - when.newerMs
            : when.fromMs <= timeMs && timeMs < when.toMs;
        const chains = (step: number, afterMs: number): boolean =>
          steps[step]!.filter(kept)
            .filter(
              timeMs => step === 0 || (timeMs > afterMs && timeMs - afterMs <= withinMs[step - 1]!),
            )
            .some(timeMs =>
              step === steps.length - 1 ? inside(timeMs) : chains(step + 1, timeMs),
            );
        return chains(0, -Infinity);
      });
    }),
    {numRuns: 600},
  );
});
