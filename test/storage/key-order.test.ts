import fc from 'fast-check';
import {expect, test} from 'vitest';
import {SORTED_ROWS, sortByKey} from '../../storage/key-order.ts';
import {rowKey} from '../../storage/row-codec.ts';

test('rows are sorted as their keys are, and none is lost', () => {
  const half = fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1});
  fc.assert(
    fc.property(fc.uniqueArray(half, {minLength: 1, maxLength: 200}), fc.nat(), (halves, first) => {
      // Ordinals from anywhere in a shard of a million profiles.
      const start = first % 1_000_000;
      const ordinals = halves.map((_, i) => start + i);
      const key = (ordinal: number): Buffer => rowKey(halves[ordinal - start]!, 0);
      const expected = [...ordinals].sort((a, b) => Buffer.compare(key(a), key(b)));
      sortByKey(ordinals, 0, ordinal => halves[ordinal - start]!);
      expect(ordinals).toEqual(expected);
    }),
  );
});

test('of more than can be sorted at a time only so many are, from there on', () => {
  const ordinals = Array.from({length: SORTED_ROWS + 3}, (_, i) => i);
  sortByKey(ordinals, 1, ordinal => -ordinal - 1);
  expect(ordinals[0]).toBe(0);
  expect(ordinals.slice(1, 4)).toEqual([SORTED_ROWS, SORTED_ROWS - 1, SORTED_ROWS - 2]);
  expect(ordinals.slice(-2)).toEqual([SORTED_ROWS + 1, SORTED_ROWS + 2]);
  expect(new Set(ordinals).size).toBe(SORTED_ROWS + 3);
});
