/**
 * The simplest test that means the same: patterns without a wildcard are exact matches, `in` of one
 * value is equality, order and repetition of values do not count. Tests that are equal in this form
 * are one test to the engine; the converse is not promised.
 */
import {canonicalVersion} from '../values/version.ts';
import {foldCase} from '../values/fold-case.ts';
import type {Compare, Test} from './definition.ts';

export function canonicalTest(test: Test): Test {
  switch (test.type) {
    case 'string':
      return canonicalTextTest(test);
    case 'number':
      return canonicalNumberTest(test);
    case 'version':
      return canonicalVersionTest(test);
    case 'list':
      return canonicalListTest(test);
    case 'any':
    case 'boolean':
    case 'date':
      return test;
  }
}

type TextTest = Extract<Test, {type: 'string'}>;
type NumberTest = Extract<Test, {type: 'number'}>;
type VersionTest = Extract<Test, {type: 'version'}>;
type ListTest = Extract<Test, {type: 'list'}>;

function canonicalTextTest(test: TextTest): TextTest {
  if ('values' in test) {
    const values = sortedTexts(test.values.map(foldCase));
    const [only] = values;
    if (values.length !== 1 || only === undefined) return {...test, values};
    return textTest(test.operator === 'in' ? 'exact_match' : 'not_exact_match', only);
  }
  const value = foldCase(test.value);
  switch (test.operator) {
    case 'pattern':
      return canonicalPattern(value);
    case 'not_pattern':
      return canonicalNotPattern(value);
    case 'starts_with':
    case 'ends_with':
      return textTest(value === '' ? 'contains' : test.operator, value);
    case 'exact_match':
    case 'not_exact_match':
    case 'contains':
    case 'not_contains':
      return textTest(test.operator, value);
  }
}

type SingleTextOperator = Extract<TextTest, {value: string}>['operator'];

function textTest(operator: SingleTextOperator, value: string): TextTest {
  return {type: 'string', operator, value};
}

/** Stars at the ends alone are what the plain operators say, and those are found by hash or search. */
function canonicalPattern(pattern: string): TextTest {
  const value = withoutRepeatedStars(pattern);
  const literal = value.replaceAll('*', '');
  const stars = value.length - literal.length;
  if (literal.includes('?') || stars > 2) return textTest('pattern', value);
  if (stars === 0) return textTest('exact_match', literal);
  if (literal === '') return textTest('contains', '');
  const opens = value.startsWith('*');
  const closes = value.endsWith('*');
  if (stars === 2)
    return opens && closes ? textTest('contains', literal) : textTest('pattern', value);
  if (opens) return textTest('ends_with', literal);
  return closes ? textTest('starts_with', literal) : textTest('pattern', value);
}

function canonicalNotPattern(pattern: string): TextTest {
  const positive = canonicalPattern(pattern);
  if (positive.operator === 'exact_match') return textTest('not_exact_match', positive.value);
  if (positive.operator === 'contains') return textTest('not_contains', positive.value);
  return textTest('not_pattern', withoutRepeatedStars(pattern));
}

function withoutRepeatedStars(pattern: string): string {
  return pattern.replaceAll(/\*+/g, '*');
}

function canonicalNumberTest(test: NumberTest): NumberTest {
  if ('values' in test) {
    const values = [...new Set(test.values)].sort((a, b) => a - b);
    const [only] = values;
    if (values.length !== 1 || only === undefined) return {...test, values};
    return {
      type: 'number',
      operator: test.operator === 'in' ? 'equals' : 'not_equals',
      value: only,
    };
  }
  if (test.operator === 'between' && test.low === test.high) {
    return {type: 'number', operator: 'equals', value: test.low};
  }
  return test;
}

function canonicalVersionTest(test: VersionTest): VersionTest {
  if ('values' in test) {
    const values = sortedTexts(test.values.map(canonicalVersion));
    const [only] = values;
    if (values.length !== 1 || only === undefined) return {...test, values};
    return {
      type: 'version',
      operator: test.operator === 'in' ? 'equals' : 'not_equals',
      value: only,
    };
  }
  if (test.operator !== 'between') return {...test, value: canonicalVersion(test.value)};
  const low = canonicalVersion(test.low);
  const high = canonicalVersion(test.high);
  return low === high
    ? {type: 'version', operator: 'equals', value: low}
    : {type: 'version', operator: 'between', low, high};
}

function canonicalListTest(test: ListTest): ListTest {
  if (!('values' in test)) return {...test, value: foldCase(test.value)};
  const values = sortedTexts(test.values.map(foldCase));
  const [only] = values;
  if (values.length !== 1 || only === undefined) return {...test, values};
  return {type: 'list', operator: 'includes', value: only};
}

/**
 * `integral`: the measure is a count, so that "more than 2" is "at least 3", and between 2 and 2 is
 * exactly 2.
 */
export function canonicalCompare(compare: Compare, measure: {readonly integral: boolean}): Compare {
  if (compare.operator === 'between') {
    const low = measure.integral ? Math.ceil(compare.low) : compare.low;
    const high = measure.integral ? Math.floor(compare.high) : compare.high;
    return low === high ? {operator: 'equals', value: low} : {operator: 'between', low, high};
  }
  if (!measure.integral) return compare;
  const {operator, value} = compare;
  switch (operator) {
    case 'greater_than':
      return {operator: 'greater_or_equal', value: Math.floor(value) + 1};
    case 'greater_or_equal':
      return {operator, value: Math.ceil(value)};
    case 'less_than':
      return {operator: 'less_or_equal', value: Math.ceil(value) - 1};
    case 'less_or_equal':
      return {operator, value: Math.floor(value)};
    case 'equals':
    case 'not_equals':
      return compare;
  }
}

/** By UTF-16 units: the same order in every process. */
function sortedTexts(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
