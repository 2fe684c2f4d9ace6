/** The faults that are put in on purpose have their place in the code as it is: one that has lost it proves nothing. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {MUTANTS} from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');

test('each has one name, and finds its one place', () => {
  expect(new Set(MUTANTS.map(({name}) => name)).size).toBe(MUTANTS.length);
  const lost = MUTANTS.filter(({file, from, to}) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return text.split(from).length !== 2 || from === to;
  });
  expect(lost.map(({name, file}) => `${name} (${file})`)).toEqual([]);
});
