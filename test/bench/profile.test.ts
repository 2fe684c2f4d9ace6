import {expect, test} from 'vitest';
import {benchProfile} from '../../bench/profile.bench.ts';
import {TINY} from './tiny.ts';

test('the steps of a profile are all of it', async () => {
  const figures = await benchProfile(TINY);
  for (const journal of ['on', 'off']) {
    const steps = figures.filter(({name}) =>
      name.startsWith(`profile/journal-${journal}/a20/p300/step/`),
    );
    const sum = steps.reduce((total, {value}) => total + value, 0);
    expect(Math.round(sum)).toBe(100);
  }
});
