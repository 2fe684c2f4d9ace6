import fc from 'fast-check';
import {expect, test} from 'vitest';
import {compileWildcard} from '../../../engine/values/wildcard.ts';

test.each([
  ['bl?e', 'blue', true],
  ['b*e', 'blue', true],
  ['bl?e', 'ble', false],
  ['b*e', 'blue shirt', false],
  ['b*e', 'be', true],
  ['blue', 'blue', true],
  ['blue', 'blue shirt', false],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['?', '', false],
  ['?', '😀', true],
  ['??', '😀', false],
  ['*??', '😀', false],
  ['?*?', '😀', false],
  ['*?😀', 'a😀', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['*ab*ab*', 'ab', false],
  ['*a?c*', 'xxabxabc', true],
  ['**', 'x', true],
  ['a.c', 'abc', false],
  ['[a-z]+', 'abc', false],
])('%j on %j: %s', (pattern, text, matches) => {
  expect(compileWildcard(pattern).matches(text)).toBe(matches);
});

test('it agrees with a table of prefixes on every small pattern and text', () => {
  const pattern = fc.string({unit: fc.constantFrom('a', 'b', '*', '?', '😀'), maxLength: 8});
  const text = fc.string({unit: fc.constantFrom('a', 'b', '😀'), maxLength: 10});
  fc.assert(
    fc.property(pattern, text, (wanted, given) => {
      expect(compileWildcard(wanted).matches(given)).toBe(
        matchesByTable(Array.from(wanted), Array.from(given)),
      );
    }),
    {numRuns: 3_000},
  );
});

test('hostile patterns take no time', () => {
  const startedMs = performance.now();
  const stars = `${'*a'.repeat(500)}*b`;
  expect(compileWildcard(stars).matches('a'.repeat(10_000))).toBe(false);
  expect(compileWildcard(`*${'?a'.repeat(400)}b*`).matches('a'.repeat(10_000))).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

function matchesByTable(pattern: readonly string[], text: readonly string[]): boolean {
  let reachable = [true, ...text.map(() => false)];
  for (const sign of pattern) {
    const next: boolean[] = [];
    for (let end = 0; end <= text.length; end++) {
      const before = end > 0 && reachable[end - 1] === true;
      if (sign === '*') next.push(reachable[end] === true || (end > 0 && next[end - 1] === true));
      else next.push(before && (sign === '?' || sign === text[end - 1]));
    }
    reachable = next;
  }
  return reachable[text.length] === true;
}
