/** The string operators on folded text: what is folded once can be asked many times. */
import {unreachable} from '../assert.ts';
import type {Test} from '../definitions/definition.ts';
import {foldCase} from './fold-case.ts';
import {compileWildcard} from './wildcard.ts';

export type TextTest = Extract<Test, {type: 'string'}>;

/** The answer for text that the caller has folded; operands are folded here, once. */
export function compileTextTest(test: TextTest): (folded: string) => boolean {
  if ('values' in test) {
    const among = new Set(test.values.map(foldCase));
    return test.operator === 'in' ? text => among.has(text) : text => !among.has(text);
  }
  const wanted = foldCase(test.value);
  switch (test.operator) {
    case 'exact_match':
      return text => text === wanted;
    case 'not_exact_match':
      return text => text !== wanted;
    case 'contains':
      return text => text.includes(wanted);
    case 'not_contains':
      return text => !text.includes(wanted);
    case 'starts_with':
      return text => text.startsWith(wanted);
    case 'ends_with':
      return text => text.endsWith(wanted);
    case 'pattern': {
      const wildcard = compileWildcard(wanted);
      return text => wildcard.matches(text);
    }
    case 'not_pattern': {
      const wildcard = compileWildcard(wanted);
      return text => !wildcard.matches(text);
    }
    default:
      return unreachable(test);
  }
}
