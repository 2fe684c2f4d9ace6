import {expect, test} from 'vitest';
import {benchEngine} from '../../bench/engine.bench.ts';
import {TINY} from './tiny.ts';

test('the engine comes to the same members with its journal on and off', async () => {
  const figures = await benchEngine(TINY);
  expect(figures.map(({name}) => name)).toEqual(
    expect.arrayContaining([
      'engine/journal-off/a20/p300/events',
      'engine/journal-on/a20/p300/events',
      'memory/a20/p300/bytes-per-profile',
    ]),
  );
  for (const {value, min, max} of figures) {
    expect(min).toBeLessThanOrEqual(value);
    expect(max).toBeGreaterThanOrEqual(value);
  }
});
