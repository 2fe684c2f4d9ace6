import {describe, expect, test} from 'vitest';
import {
  isInShare,
  sampleShare,
  splitPoint,
  variantShares,
} from '../../engine/audiences/variants.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';

const PROFILES = 100_000;

/** Neighbours, as a counter would make them: the worst case for a hash. */
const sequential = Array.from({length: PROFILES}, (_, i) => BigInt(i));
/** Spread over the whole range, the negative half included. */
const spread = sequential.map(i => BigInt.asIntN(64, i * 0x9e3779b97f4a7c15n));

function point(seed: number, mpid: bigint): number {
  return splitPoint(seed, mpidHi(mpid), mpidLo(mpid));
}

function namesOf(testId: number, parts: readonly number[], mpids: readonly bigint[]): string[] {
  const variants = parts.map((each, index) => ({name: `V${index}`, parts: each}));
  const shares = variantShares(testId, variants);
  return mpids.map(mpid => {
    const found = shares.filter(({share}) => isInShare(share, mpidHi(mpid), mpidLo(mpid)));
    return found.length === 1 ? found[0]!.name : `in ${found.length} variants`;
  });
}

/** Sum of (observed − expected)² / expected. */
function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, n, i) => sum + (n - expected[i]!) ** 2 / expected[i]!, 0);
}

function countOf(names: readonly string[], name: string): number {
  return names.filter(each => each === name).length;
}

describe.each([
  ['sequential', sequential],
  ['spread', spread],
])('of %s mpids', (_, mpids) => {
  test.each([1, 2, 3, 1_000, 2 ** 31 - 1])(
    'test %i gives every variant its percentage, as far as chance allows',
    testId => {
      const parts = [4_000, 3_000, 1_500, 1_000, 500];
      const names = namesOf(testId, parts, mpids);
      const observed = parts.map((_part, i) => countOf(names, `V${i}`));
      const expected = parts.map(part => (part / 10_000) * PROFILES);
      // Four degrees of freedom: chance goes beyond this once in 10,000 times.
      expect(chiSquare(observed, expected)).toBeLessThan(23.5);
    },
  );

  test('points fill [0, 1) evenly', () => {
    const cells = new Array<number>(64).fill(0);
    for (const mpid of mpids) cells[Math.floor(point(7, mpid) * 64)]!++;
    // 63 degrees of freedom, once in 10,000.
    expect(chiSquare(cells, new Array<number>(64).fill(PROFILES / 64))).toBeLessThan(112);
  });

  test.each([
    [1, 2],
    [2, 3],
    [1, 1_001],
    [0, 1],
  ])('what test %i decides says nothing of test %i', (a, b) => {
    const cells = new Array<number>(16).fill(0);
    for (const mpid of mpids) {
      cells[Math.floor(point(a, mpid) * 4) * 4 + Math.floor(point(b, mpid) * 4)]!++;
    }
    // 15 degrees of freedom, once in 10,000.
    expect(chiSquare(cells, new Array<number>(16).fill(PROFILES / 16))).toBeLessThan(45);
  });
});

test('where a profile is never changes: points are written down', () => {
  const points = [0n, 1n, -1n, 5991422180106081928n, -1327484737295091692n].map(mpid =>
    [1, 2, 77].map(seed => point(seed, mpid) * 2 ** 32),
  );
  expect(points).toEqual([
    [2389990460, 2102566765, 168550763],
    [2159400841, 2456338962, 1559901940],
    [2533888309, 3192700319, 1418387766],
    [1977491599, 3546681629, 1007894255],
    [1268810980, 2720767445, 2963840277],
  ]);
});

test('shares meet without a gap or an overlap, up to the very ends', () => {
  const shares = variantShares(1, [
    {name: 'A', parts: 3_333},
    {name: 'B', parts: 3_333},
    {name: 'Control', parts: 3_334},
  ]);
  expect(shares.map(({share}) => [share.from, share.to])).toEqual([
    [0, 0.3333],
    [0.3333, 0.6666],
    [0.6666, 1],
  ]);
});

test('a smaller sample is part of every larger one, and all are of their size', () => {
  const members = (fraction: number): Set<bigint> =>
    new Set(spread.filter(mpid => isInShare(sampleShare(fraction), mpidHi(mpid), mpidLo(mpid))));
  const [one, ten, all] = [members(0.01), members(0.1), members(1)];
  expect([...one].every(mpid => ten.has(mpid))).toBe(true);
  expect(Math.abs(one.size - 1_000)).toBeLessThan(4 * Math.sqrt(1_000));
  expect(Math.abs(ten.size - 10_000)).toBeLessThan(4 * Math.sqrt(9_000));
  expect(all.size).toBe(PROFILES);
});
