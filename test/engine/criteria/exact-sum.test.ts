import fc from 'fast-check';
import {expect, test} from 'vitest';
import {ExactSum} from '../../../engine/criteria/exact-sum.ts';

function sum(...amounts: readonly number[]): number {
  const total = new ExactSum();
  for (const amount of amounts) total.add(amount);
  return total.value();
}

test.each<[amounts: readonly number[], total: number]>([
  [[], 0],
  [[0.1, 0.2], 0.3],
  [[0.1, 0.2, -0.3], 0],
  [[0.1, 0.7, 0.1], 0.9],
  [[19.99, 5.01], 25],
  [[1.005, 1.005], 2.01],
  [[0.000001, 0.000002], 0.000003],
  [[1e-7, 2e-7], 3e-7],
  [[1e-7, 0.1, 0.2], 0.3000001],
  [[9_007_199_254, 0.01, -9_007_199_254], 0.01],
  [[9_007_199_254.74, 9_007_199_254.74, -18_014_398_509.48], 0],
  [[1e21, 1, -1e21], 1],
  [[1.5e300, -1.5e300, 0.1, 0.2], 0.3],
  [[5e-324, -5e-324], 0],
  [[0.1, -0.1, -0], 0],
])('%j sum to %d', (amounts, total) => {
  expect(sum(...amounts)).toBe(total);
});

test.each<[amounts: readonly number[], average: number]>([
  [[0.2, 0.2, 0.2], 0.2],
  [[1.1, 1.1, 1.1], 1.1],
  [[0.1, 0.2], 0.15],
  [[1, 2], 1.5],
  [[1e-7, 1e-7, 1e-7], 1e-7],
  [[1e21, 1e21, 3], 2e21 / 3 + 1],
  [[-0.3, -0.3, -0.3], -0.3],
])('%j average to %d', (amounts, average) => {
  const total = new ExactSum();
  for (const amount of amounts) total.add(amount);
  expect(total.average(amounts.length)).toBe(average);
});

const cents = fc.integer({min: -10_000_000, max: 10_000_000}).map(each => each / 100);
const anything = fc.oneof(
  cents,
  fc.double({noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15}),
);

test('what is added and taken away again leaves exactly 0, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(anything, {maxLength: 20}), fc.nat(), (amounts, seed) => {
      const all = [...amounts, ...amounts.map(amount => -amount)];
      const shuffled = all
        .map((amount, index) => ({amount, order: Math.imul(index + seed, 0x9e3779b1) >>> 0}))
        .sort((a, b) => a.order - b.order);
      expect(sum(...shuffled.map(({amount}) => amount)) === 0).toBe(true);
    }),
  );
});

test('sums of cents are what sums of whole cents are', () => {
  fc.assert(
    fc.property(fc.array(cents, {maxLength: 50}), amounts => {
      const whole = amounts.reduce((total, amount) => total + Math.round(amount * 100), 0);
      expect(sum(...amounts) === whole / 100).toBe(true);
    }),
  );
});

test('the order of the amounts does not matter', () => {
  fc.assert(
    fc.property(fc.array(anything, {maxLength: 20}), amounts => {
      expect(sum(...amounts) === sum(...amounts.toReversed())).toBe(true);
    }),
  );
});
