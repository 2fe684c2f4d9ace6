import fc from 'fast-check';
import {expect, test} from 'vitest';
import {CsvProblem, csvRows} from '../../server/cli/replay/csv.ts';

test.each([
  [
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\r\n1,2\r\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['"a,1",b\n', [['a,1', 'b']]],
  ['"say ""hi""",b\n', [['say "hi"', 'b']]],
  ['"two\nlines",b\n', [['two\nlines', 'b']]],
  ['"",\n', [['', '']]],
  ['5" nail,b\n', [['5" nail', 'b']]],
  ['a,"b"\r\n', [['a', 'b']]],
  ['a\n\n\nb\n', [['a'], ['b']]],
])('%j', async (text, cells) => {
  expect((await read([text])).map(row => row.cells)).toEqual(cells);
});

test('rows know the line they begin on, across quoted line ends', async () => {
  const rows = await read(['h\n"a\nb\nc"\n\nd\n']);
  expect(rows.map(row => row.line)).toEqual([1, 2, 6]);
});

test('a quote that never closes is told with its line', async () => {
  await expect(read(['a\nb,"c\nd\n'])).rejects.toThrow(
    new CsvProblem('line 2: a quote is left open.'),
  );
});

test('what is written is read back, wherever the chunks are cut', async () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', 'é', ',', '"', '\n', '\r', ' '),
    maxLength: 6,
  });
  const table = fc.array(fc.array(cell, {minLength: 2, maxLength: 4}), {maxLength: 8});
  await fc.assert(
    fc.asyncProperty(table, fc.array(fc.nat(40), {maxLength: 6}), async (rows, cuts) => {
      const text = rows.map(cells => `${cells.map(quote).join(',')}\r\n`).join('');
      const places = [...new Set(cuts.map(cut => Math.min(cut, text.length)))].sort(
        (a, b) => a - b,
      );
      const chunks = [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
      expect((await read(chunks)).map(row => row.cells)).toEqual(rows);
    }),
  );
});

function quote(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

async function read(
  chunks: readonly string[],
): Promise<{line: number; cells: readonly string[]}[]> {
  const rows = [];
  for await (const group of csvRows(each(chunks))) rows.push(...group);
  return rows;
}

async function* each(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}
