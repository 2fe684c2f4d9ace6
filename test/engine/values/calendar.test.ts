import fc from 'fast-check';
import {expect, test} from 'vitest';
import {DAY_MS, dayStartMs, dayText} from '../../../engine/values/calendar.ts';
import {durationMs, durationText} from '../../../engine/values/duration.ts';

test('a day starts at its midnight in UTC', () => {
  expect(dayStartMs('2018-09-07')).toBe(Date.UTC(2018, 8, 7));
  expect(dayStartMs('1970-01-01')).toBe(0);
  expect(dayStartMs('1969-12-31')).toBe(-DAY_MS);
  expect(dayStartMs('2000-02-29')).toBe(Date.UTC(2000, 1, 29));
});

test.each([
  '2018-02-30',
  '2019-02-29',
  '1900-02-29',
  '2018-13-01',
  '2018-00-10',
  '2018-04-31',
  '2018-01-00',
  '0000-01-01',
  '2018-9-7',
  '2018-09-07T00:00:00Z',
  ' 2018-09-07',
  '+12018-09-07',
  '20180907',
  '',
])('%j is not a day', text => {
  expect(dayStartMs(text)).toBeUndefined();
});

test('every day of ten thousand years is the day that the platform knows', () => {
  const first = Date.parse('0001-01-01T00:00:00Z') / DAY_MS;
  const last = Date.parse('9999-12-31T00:00:00Z') / DAY_MS;
  const wrong: string[] = [];
  for (let day = first; day <= last; day += 7) {
    const text = new Date(day * DAY_MS).toISOString().slice(0, 10);
    if (dayText(day * DAY_MS + DAY_MS - 1) !== text) wrong.push(text);
    if (dayStartMs(text) !== day * DAY_MS) wrong.push(text);
  }
  expect(wrong).toEqual([]);
});

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['12h', 43_200_000],
  ['7d', 7 * DAY_MS],
  ['2w', 14 * DAY_MS],
  ['0d', 0],
])('%s is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['7', 'd', '7 d', '-7d', '1.5d', '7D', '7days', '1e3s', '', '9999999999w', '٧d'])(
  '%j is not a duration',
  text => {
    expect(durationMs(text)).toBeUndefined();
  },
);

test('durations are said in the largest unit that fits', () => {
  expect(durationText(7 * DAY_MS)).toBe('7 d');
  expect(durationText(90 * 60_000)).toBe('90 m');
  expect(durationText(1_500)).toBe('1500 ms');
  expect(durationText(0)).toBe('0 s');
});

test('whole durations survive being written and read', () => {
  fc.assert(
    fc.property(fc.integer({min: 0, max: 10_000_000}), seconds => {
      expect(durationMs(durationText(seconds * 1_000).replace(' ', ''))).toBe(seconds * 1_000);
    }),
  );
});
