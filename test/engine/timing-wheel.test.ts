import fc from 'fast-check';
import {expect, test} from 'vitest';
import {TimingWheel, WHEEL_END_MS} from '../../engine/time/timing-wheel.ts';

test('timers fire at their exact millisecond in order, whatever the steps of the clock', () => {
  fc.assert(
    fc.property(
      fc.integer({min: 0, max: 2 ** 41}),
      fc.array(fc.tuple(fc.nat(2 ** 40), fc.nat(50)), {maxLength: 60}),
      fc.array(fc.oneof(fc.nat(200), fc.nat(2 ** 22), fc.nat(2 ** 39)), {maxLength: 30}),
      (startMs, timers, steps) => {
        const wheel = new TimingWheel(startMs);
        const expected: number[] = [];
        timers.forEach(([delay, coarse], i) => {
          // A few delays are small or equal, so that slots are shared.
          const atMs = startMs + (coarse < 25 ? coarse : delay);
          wheel.arm(i, atMs);
          expected.push(Math.max(atMs, startMs + 1));
        });
        let nowMs = startMs;
        const fired: number[] = [];
        for (const step of [...steps, 2 ** 41]) {
          nowMs += step;
          const lower = wheel.nextMs();
          let first = true;
          wheel.advance(nowMs, Infinity, (ordinal, atMs) => {
            if (first) expect(atMs).toBeGreaterThanOrEqual(lower);
            first = false;
            expect(atMs).toBe(expected[ordinal]);
            expect(atMs).toBeLessThanOrEqual(nowMs);
            fired.push(atMs);
          });
          expect(wheel.nowMs).toBe(nowMs);
          expect(fired.length).toBe(expected.filter(atMs => atMs <= nowMs).length);
        }
        expect(fired).toEqual([...fired].sort((a, b) => a - b));
      },
    ),
    {numRuns: 300},
  );
});

test('a storm is drained in slices that end on a millisecond', () => {
  const wheel = new TimingWheel(0);
  for (let i = 0; i < 100; i++) wheel.arm(i, 1 + (i % 10));
  const seen: number[] = [];
  const reached = wheel.advance(1000, 15, (_ordinal, atMs) => seen.push(atMs));
  expect(seen.length).toBe(20);
  expect(reached).toBe(2);
  expect(wheel.count).toBe(80);
});

test('firing may arm again, and moments past the end count as never', () => {
  const wheel = new TimingWheel(10);
  wheel.arm(1, 5);
  wheel.arm(2, WHEEL_END_MS);
  const seen: number[] = [];
  wheel.advance(300, Infinity, (ordinal, atMs) => {
    seen.push(atMs);
    if (atMs < 100) wheel.arm(ordinal, atMs + 64);
  });
  expect(seen).toEqual([11, 75, 139]);
  expect(wheel.count).toBe(0);
});
