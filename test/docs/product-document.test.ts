import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {DOCUMENT} from './product-document.ts';

const ROOT = join(import.meta.dirname, '../..');
const differences = readFileSync(join(ROOT, 'docs/differences.md'), 'utf8').split('\n');
const statements = Object.values(DOCUMENT).flat();

/** Titles of tests, as they are written. */
function titlesIn(file: string): string[] {
  const text = readFileSync(join(ROOT, 'test', file), 'utf8');
  return [...text.matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1,\s*(?:async )?[({a-z_]/g)].map(
    ([, , title = '']) => title,
  );
}

describe('the product document, sentence by sentence', () => {
  test.each(Object.entries(DOCUMENT))('%s', (_, own) => {
    for (const {says, held, differs} of own) {
      expect([says, held === undefined]).toEqual([says, differs !== undefined]);
      if (held !== undefined) {
        const [file = '', ...title] = held.split(': ');
        expect([says, titlesIn(file)]).toEqual([says, expect.arrayContaining([title.join(': ')])]);
      } else {
        const lines = differences.filter(line => line.startsWith(`| ${differs}`));
        expect([says, lines]).toEqual([says, [expect.any(String)]]);
      }
    }
  });

  test('is counted', () => {
    const held = statements.filter(statement => statement.held !== undefined).length;
    process.stdout.write(
      `  ${held} held by tests, ${statements.length - held} told as differences\n`,
    );
    expect(statements.length).toBeGreaterThan(90);
  });
});
