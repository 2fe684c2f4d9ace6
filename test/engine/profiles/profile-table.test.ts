import fc from 'fast-check';
import {expect, test} from 'vitest';
import {mpidFrom, mpidHi, mpidLo} from '../../../engine/ids.ts';
import {ProfileTable} from '../../../engine/profiles/profile-table.ts';

const EXTREMES = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n), 2n ** 31n];

test('it knows what a map knows, through additions, removals and reuse', () => {
  const mpid = fc.oneof(
    fc.constantFrom(...EXTREMES),
    // Many, and near one another: tables have to grow, and graves to be filled.
    fc.bigInt({min: 0n, max: 40n}),
    fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(mpid, fc.boolean()), {maxLength: 300}), steps => {
      const table = new ProfileTable();
      const model = new Map<bigint, number>();
      for (const [id, adds] of steps) {
        const ordinal = table.find(mpidHi(id), mpidLo(id));
        expect(ordinal).toBe(model.get(id) ?? -1);
        if (adds && ordinal < 0) {
          const given = table.add(mpidHi(id), mpidLo(id));
          expect([...model.values()]).not.toContain(given);
          model.set(id, given);
        } else if (!adds && ordinal >= 0) {
          table.release(ordinal);
          model.delete(id);
          expect(table.isLive(ordinal)).toBe(false);
        }
      }
      expect(table.count).toBe(model.size);
      for (const [id, ordinal] of model) {
        expect(table.find(mpidHi(id), mpidLo(id))).toBe(ordinal);
        expect(mpidFrom(table.hi(ordinal), table.lo(ordinal))).toBe(id);
        expect(table.isLive(ordinal)).toBe(true);
        expect(ordinal).toBeLessThan(table.end);
      }
    }),
    {numRuns: 200},
  );
});

test('it grows to a hundred thousand, and ordinals stay dense as profiles come and go', () => {
  const table = new ProfileTable();
  for (let n = 0; n < 100_000; n++) table.add(n % 7, n);
  for (let n = 0; n < 100_000; n++) expect(table.find(n % 7, n) === n).toBe(true);
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 100_000; n += 2) table.release(table.find(n % 7, n));
    for (let n = 0; n < 100_000; n += 2) table.add(n % 7, n);
  }
  expect(table.count).toBe(100_000);
  expect(table.end).toBe(100_000);
});

test('only the living are released', () => {
  const table = new ProfileTable();
  const ordinal = table.add(1, 2);
  table.release(ordinal);
  expect(() => table.release(ordinal)).toThrow('only a live ordinal');
});
