import fc from 'fast-check';
import {expect, test} from 'vitest';
import {CartTruth} from '../../../engine/criteria/cart-truth.ts';
import {expectTruth, type Laid, type LaidEntry, slabOf, truthAt} from './truth-of.ts';

const [ADDED, UNTIL] = [8, 9];
const WAIT_MS = 5;
const RETENTION_MS = 20;

function laid(added: readonly LaidEntry[], until: readonly number[]): Laid {
  const histories = new Map<number, readonly LaidEntry[]>();
  // A history that never had an entry is not there.
  if (added.length > 0) histories.set(ADDED, added);
  if (until.length > 0)
    histories.set(
      UNTIL,
      until.map(timeMs => ({timeMs})),
    );
  return histories;
}

function cart(waitMs = WAIT_MS): CartTruth {
  return new CartTruth(ADDED, UNTIL, waitMs, RETENTION_MS);
}

test.each<[string, number[], number[], [number, number][]]>([
  ['nothing was added', [], [100], []],
  ['from the end of the wait to the end of the retention', [100], [], [[105, 120]]],
  ['the latest add counts', [100, 103], [], [[108, 123]]],
  ['bought after', [100], [102], []],
  ['bought before is another cart', [100], [99], [[105, 120]]],
  ['bought in the same millisecond is not after', [100], [100], [[105, 120]]],
  ['bought after the wait', [100], [107], [[105, 106]]],
  ['bought, and added again', [100, 110], [102], [[115, 130]]],
  [
    'an add from the future starts anew when it comes',
    [100, 112],
    [],
    [
      [105, 111],
      [117, 132],
    ],
  ],
])('%s', (_, added, until, intervals) => {
  expectTruth(
    cart(),
    laid(
      added.map(timeMs => ({timeMs})),
      until,
    ),
    {fromMs: 95, toMs: 150},
    // What happens later than now has not happened.
    nowMs => intervals.some(([from, to]) => from <= nowMs && nowMs <= to),
  );
});

test('a purchase from the future ends it when it comes, and not before', () => {
  const slab = slabOf(laid([{timeMs: 100}], [110]));
  const truth = cart();
  expect(truthAt(truth, slab, 105)).toBe(true);
  expect(truth.nextMs).toBe(110);
  expect(truthAt(truth, slab, 110)).toBe(false);
});

test('no wait is at once', () => {
  expect(truthAt(cart(0), slabOf(laid([{timeMs: 100}], [])), 100)).toBe(true);
});

const entry = fc.integer({min: 95, max: 125}).map((timeMs): LaidEntry => ({timeMs}));
const movingEntry = fc
  .record({timeMs: fc.integer({min: 95, max: 125}), from: fc.integer({min: 95, max: 130})})
  .chain(each => fc.nat(10).map((width): LaidEntry => ({...each, to: each.from + width})));

test('agrees with the plain reading at every millisecond', () => {
  const times = fc.array(fc.integer({min: 95, max: 125}), {maxLength: 4});
  const adds = fc.oneof(fc.array(entry, {maxLength: 4}), fc.array(movingEntry, {maxLength: 4}));
  fc.assert(
    fc.property(adds, times, fc.nat(RETENTION_MS), (drawn, ends, waitMs) => {
      const added = [...drawn].sort((a, b) => a.timeMs - b.timeMs);
      const until = [...ends].sort((a, b) => a - b);
      expectTruth(cart(waitMs), laid(added, until), {fromMs: 93, toMs: 155}, nowMs => {
        const latest = Math.max(
          ...added
            .filter(({timeMs}) => timeMs <= nowMs && nowMs - timeMs <= RETENTION_MS)
            .filter(({from = -Infinity, to = Infinity}) => from <= nowMs && nowMs <= to)
            .map(({timeMs}) => timeMs),
        );
        const ended = until.some(timeMs => timeMs > latest && timeMs <= nowMs);
        return latest > -Infinity && !ended && nowMs >= latest + waitMs;
      });
    }),
    {numRuns: 500},
  );
});
