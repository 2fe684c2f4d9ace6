import {expect, test} from 'vitest';
import {benchParts} from '../../bench/parts.bench.ts';
import {TINY} from './tiny.ts';

test('every part takes some time', async () => {
  const figures = await benchParts(TINY);
  expect(figures.length).toBeGreaterThan(10);
  expect(figures.filter(({value}) => !(value > 0)).map(({name}) => name)).toEqual([]);
});
