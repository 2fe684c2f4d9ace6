import {expect, test} from 'vitest';
import {benchBulk} from '../../bench/bulk.bench.ts';
import {benchParts} from '../../bench/parts.bench.ts';
import {TINY} from './tiny.ts';

test('every part takes some time', async () => {
  const figures = await benchParts(TINY);
  expect(figures.length).toBeGreaterThan(10);
  expect(figures.filter(({value}) => !(value > 0)).map(({name}) => name)).toEqual([]);
});

test('new audiences over everybody come to members', async () => {
  const figures = await benchBulk(TINY);
  const activated = figures.find(({name}) => name === 'bulk/a20/p300/activate-known');
  expect(activated?.checksum).toMatch(/^[0-9a-f]{8}$/);
});
