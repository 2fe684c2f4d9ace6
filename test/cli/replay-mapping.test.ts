import {expect, test} from 'vitest';
import type {Mapping} from '../../server/cli/replay/mapping.ts';
import {compileMapping} from '../../server/cli/replay/mapping.ts';
import {timeReader} from '../../server/cli/replay/time.ts';

const HEADER = ['order', 'customer', 'at', 'price', 'quantity', 'vip'];
const ROW = ['A1', '12.0', '2026-01-02 03:04:05', '2.5', '4', 'yes'];
const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

test.each([
  ['{order}', 'A1'],
  ['order-{order}-{customer|id}', 'order-A1-12'],
  ['{price|number}', 2.5],
  ['{price|integer}', 2],
  ['{price|negate}', -2.5],
  ['{vip|boolean}', true],
  ['{order|lower}', 'a1'],
  ['{at|time}', AT_MS],
  ['{{order}}', '{order}'],
  ['plain', 'plain'],
  [7, 7],
  [null, null],
  [
    ['{order}', 1],
    ['A1', 1],
  ],
  [{$times: ['{price|number}', '{quantity}']}, 10],
  [{$total: ['{price|number}', '{quantity}', 0.1]}, 1],
  [{$rows: {p: '{price}'}}, [{p: '2.5'}]],
  [{$choose: [{when: {column: 'quantity', less_than: 0}, use: 'back'}, {use: 'sold'}]}, 'sold'],
  [{$choose: [{when: {column: 'order', in: ['A1']}, use: 'first'}]}, 'first'],
  [
    {
      $choose: [
        {
          when: {
            not: {
              all: [
                {column: 'order', equals: 'A1'},
                {column: 'vip', empty: false},
              ],
            },
          },
          use: 1,
        },
        {use: 2},
      ],
    },
    2,
  ],
])('%j makes %j', (template, made) => {
  expect(one(template)).toEqual(made);
});

test('an empty cell leaves its field out, alone or inside a text', () => {
  const cells = ['A1', '', '2026-01-02 03:04:05', '', '4', ''];
  expect(
    batch({a: '{customer}', b: 'c-{customer}', c: '{price|number}', d: '{order}'}, cells),
  ).toEqual({d: 'A1'});
});

test('events take the time of the row, moved by the shift, unless they set one', () => {
  const made = compiled({
    time: {column: 'at', format: 'YYYY-MM-DD HH:mm:ss'},
    batch: {
      events: [{event_type: 'x'}, {event_type: 'y', data: {timestamp_unixtime_ms: 5}}],
    },
  }).batch([{line: 2, cells: ROW}], 1000);
  expect(made['events']).toEqual([
    {event_type: 'x', data: {timestamp_unixtime_ms: AT_MS + 1000}},
    {event_type: 'y', data: {timestamp_unixtime_ms: 5}},
  ]);
});

test.each([
  [{a: '{price|number}'}, 'line 2: price is not a number: "cheap"'],
  [{a: '{order|time}'}, 'line 2: order is not a time: "A1"'],
  [{a: '{vip|boolean}'}, 'line 2: vip is not true or false: "maybe"'],
  [{a: {$times: [2, '{price}']}}, 'line 2: a factor is not a number: "cheap"'],
])('%j of a cell that cannot be read so names its line and column', (template, sentence) => {
  const cells = ['A1', '12', '2026-01-02 03:04:05', 'cheap', '4', 'maybe'];
  expect(() => batch(template, cells)).toThrow(sentence);
});

test('a row without a readable time names its line and column', () => {
  const cells = ['A1', '12', 'yesterday', '1', '4', ''];
  expect(() => batch({}, cells)).toThrow('line 2: at is not a time: "yesterday"');
});

test('every fault of a mapping is told at once, with its place', () => {
  const faults = compileMapping(
    {
      tiem: {},
      time: {column: 'when', format: 'HH:mm'},
      group: {by: ['order'], rows: 'some'},
      skip: [{column: 'order', looks_like: 'C'}],
      batch: {a: ['{nope}', '{price|round}'], b: {$rows: 1, c: 2}, d: 'a } b'},
    },
    HEADER,
  );
  expect(Array.isArray(faults) && faults.map(fault => fault.path)).toEqual([
    'tiem',
    'time.format',
    'time.column',
    'group',
    'skip[0]',
    'batch.a[0]',
    'batch.a[1]',
    'batch.b',
    'batch.d',
  ]);
});

test.each([
  ['YYYY-MM-DD HH:mm:ss', '2011-10-06 16:20:00', Date.UTC(2011, 9, 6, 16, 20)],
  ['M/D/YYYY H:mm', '12/1/2010 8:26', Date.UTC(2010, 11, 1, 8, 26)],
  ['YYYYMMDD', '20240229', Date.UTC(2024, 1, 29)],
  ['YYYYMMDD', '20230229', undefined],
  ['YYYY-MM-DD HH:mm', '2023-02-01 24:00', undefined],
  ['DD.MM.YYYY', '01x02x2023', undefined],
  ['YYYY-MM-DDTHH:mm:ss.SSS', '2023-02-01T01:02:03.004', Date.UTC(2023, 1, 1, 1, 2, 3, 4)],
  ['unix_ms', '1700000000123', 1_700_000_000_123],
  ['unix_s', '1700000000.5', 1_700_000_000_500],
  ['unix_s', 'soon', undefined],
  ['iso', '2023-02-01T01:02:03Z', Date.UTC(2023, 1, 1, 1, 2, 3)],
  ['iso', '2023-02-01 01:02:03', Date.UTC(2023, 1, 1, 1, 2, 3)],
  ['iso', '2023-02-01T01:02:03+02:00', Date.UTC(2023, 0, 31, 23, 2, 3)],
  ['iso', '2023-02-01', Date.UTC(2023, 1, 1)],
  ['iso', 'tomorrow', undefined],
])('%s reads %s', (format, text, ms) => {
  expect(timeReader(format)?.(text)).toBe(ms);
});

function compiled(mapping: object): Mapping {
  const made = compileMapping(mapping, HEADER);
  if (!('batch' in made)) throw new Error(JSON.stringify(made));
  return made;
}

function batch(template: object, cells: readonly string[]): object {
  const time = {column: 'at', format: 'YYYY-MM-DD HH:mm:ss'};
  return compiled({batch: template, time}).batch([{line: 2, cells}], 0);
}

function one(template: unknown): unknown {
  return (batch({value: template}, ROW) as {value: unknown}).value;
}
