import {expect, test} from 'vitest';
import {readByteRange} from '../../server/downloads/byte-range.ts';

test.each([
  ['bytes=0-', {start: 0, end: 99}],
  ['bytes=0-0', {start: 0, end: 0}],
  ['bytes=10-19', {start: 10, end: 19}],
  ['bytes=10-1000', {start: 10, end: 99}],
  ['bytes=99-', {start: 99, end: 99}],
  ['bytes=-1', {start: 99, end: 99}],
  ['bytes=-1000', {start: 0, end: 99}],
  ['BYTES= 5-6 ', {start: 5, end: 6}],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=100-200', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=19-10', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=0-1,5-6', 'whole'],
  ['items=0-1', 'whole'],
  ['bytes=99999999999999999999-', 'whole'],
])('%s of 100 bytes', (header, expected) => {
  expect(readByteRange(header, 100)).toEqual(expected);
});
