/** The operand of an operator, read as the type that was named or inferred. */
import {foldCase} from '../values/fold-case.ts';
import {numberOf} from '../values/read-value.ts';
import {compareVersions, isVersion} from '../values/version.ts';
import type {Test} from './definition.ts';
import {found} from './faults.ts';
import type {Faults} from './faults.ts';
import {TEXT_MAX} from './parse-attribute.ts';
import {NUMBER_OPERATORS} from './parse-measure.ts';
import {isWindowForm, parsePair, parseWindow, WINDOW_FORMS} from './parse-when.ts';

const PATTERN_CHARACTERS_MAX = 1_024;
/** Values of one `in`. */
const VALUES_MAX = 10_000;

export const TEXT_OPERATORS = [
  'exact_match',
  'not_exact_match',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'pattern',
  'not_pattern',
] as const;
export const LIST_OPERATORS = ['includes', 'not_includes', 'partial_match'] as const;
export const OPERATORS = {
  string: [...TEXT_OPERATORS, 'in', 'not_in'],
  number: [...NUMBER_OPERATORS, 'between', 'in', 'not_in'],
  boolean: ['equals'],
  date: WINDOW_FORMS,
  version: [...NUMBER_OPERATORS, 'between', 'in', 'not_in'],
  list: [...LIST_OPERATORS, 'in'],
} as const satisfies {readonly [type: string]: readonly string[]};

export type ValueType = keyof typeof OPERATORS;
/** Every fault of the operand; `operator` is one that the type has. */
export function parseOperand(
  type: ValueType,
  operator: string,
  operand: unknown,
  path: string,
  faults: Faults,
): Test | undefined {
  if (operand === undefined) return faults.at(path, 'is missing');
  switch (type) {
    case 'string':
      return parseTextTest(operator, operand, path, faults);
    case 'number':
      return parseNumberTest(operator, operand, path, faults);
    case 'version':
      return parseVersionTest(operator, operand, path, faults);
    case 'list':
      return parseListTest(operator, operand, path, faults);
    case 'boolean': {
      const value = booleanOperand(operand);
      if (value !== undefined) return {type: 'boolean', operator: 'equals', value};
      return faults.at(path, `must be true or false, not ${found(operand)}`);
    }
    case 'date': {
      if (!isWindowForm(operator)) return undefined;
      const when = parseWindow(operator, operand, path, {longestMs: Infinity}, faults);
      return when === undefined ? undefined : {type: 'date', operator: 'when', when};
    }
  }
}

function parseTextTest(
  operator: string,
  operand: unknown,
  path: string,
  faults: Faults,
): Test | undefined {
  if (operator === 'in' || operator === 'not_in') {
    const values = parseValues(operand, path, parseText, faults);
    return values === undefined ? undefined : {type: 'string', operator, values};
  }
  const known = TEXT_OPERATORS.find(each => each === operator);
  const isPattern = known === 'pattern' || known === 'not_pattern';
  if (isPattern && typeof operand === 'string' && isLongPattern(operand)) {
    return faults.at(path, `a pattern has at most ${PATTERN_CHARACTERS_MAX} characters`);
  }
  const value = parseText(operand, path, faults);
  if (known === undefined || value === undefined) return undefined;
  return {type: 'string', operator: known, value};
}

/** Characters are code points; only texts that may be short enough are counted out. */
function isLongPattern(pattern: string): boolean {
  if (pattern.length <= PATTERN_CHARACTERS_MAX) return false;
  return (
    pattern.length > 2 * PATTERN_CHARACTERS_MAX ||
    Array.from(pattern).length > PATTERN_CHARACTERS_MAX
  );
}

function parseNumberTest(
  operator: string,
  operand: unknown,
  path: string,
  faults: Faults,
): Test | undefined {
  const parseEnd = (json: unknown, at: string) => parseNumber(json, operator, at, faults);
  if (operator === 'in' || operator === 'not_in') {
    const values = parseValues(operand, path, parseEnd, faults);
    return values === undefined ? undefined : {type: 'number', operator, values};
  }
  if (operator === 'between') {
    const pair = parsePair(operand, path, '[2,5]', parseEnd, faults);
    if (pair === undefined) return undefined;
    const [low, high] = pair;
    if (low > high) return faults.at(path, 'the smaller number comes first');
    return {type: 'number', operator, low, high};
  }
  const known = NUMBER_OPERATORS.find(each => each === operator);
  const value = parseEnd(operand, path);
  if (known === undefined || value === undefined) return undefined;
  return {type: 'number', operator: known, value};
}

function parseVersionTest(
  operator: string,
  operand: unknown,
  path: string,
  faults: Faults,
): Test | undefined {
  if (operator === 'in' || operator === 'not_in') {
    const values = parseValues(operand, path, parseVersion, faults);
    return values === undefined ? undefined : {type: 'version', operator, values};
  }
  if (operator === 'between') {
    const pair = parsePair(operand, path, '["10.2","10.10"]', parseVersion, faults);
    if (pair === undefined) return undefined;
    const [low, high] = pair;
    if (compareVersions(low, high) > 0) return faults.at(path, 'the earlier version comes first');
    return {type: 'version', operator, low, high};
  }
  const known = NUMBER_OPERATORS.find(each => each === operator);
  const value = parseVersion(operand, path, faults);
  if (known === undefined || value === undefined) return undefined;
  return {type: 'version', operator: known, value};
}

function parseListTest(
  operator: string,
  operand: unknown,
  path: string,
  faults: Faults,
): Test | undefined {
  if (operator === 'in') {
    const values = parseValues(operand, path, parseElement, faults);
    return values === undefined ? undefined : {type: 'list', operator, values};
  }
  const known = LIST_OPERATORS.find(each => each === operator);
  const value = parseElement(operand, path, faults);
  if (known === undefined || value === undefined) return undefined;
  return {type: 'list', operator: known, value};
}

function parseValues<T>(
  json: unknown,
  path: string,
  parseEach: (json: unknown, path: string, faults: Faults) => T | undefined,
  faults: Faults,
): readonly T[] | undefined {
  if (!Array.isArray(json) || json.length === 0) {
    return faults.at(path, `must be a list of at least one value, not ${found(json)}`);
  }
  if (json.length > VALUES_MAX) return faults.at(path, `has more than ${VALUES_MAX} values`);
  const values: T[] = [];
  for (const [index, each] of json.entries()) {
    const value = parseEach(each, `${path}[${index}]`, faults);
    if (value !== undefined) values.push(value);
  }
  return values.length === json.length ? values : undefined;
}

function parseText(json: unknown, path: string, faults: Faults): string | undefined {
  if (typeof json !== 'string') return faults.at(path, `must be a text, not ${found(json)}`);
  if (json.length > TEXT_MAX) return faults.at(path, `is longer than ${TEXT_MAX} characters`);
  return foldCase(json);
}

/** Elements of lists may be numbers and booleans: they are compared as text. */
function parseElement(json: unknown, path: string, faults: Faults): string | undefined {
  if (typeof json === 'number' || typeof json === 'boolean') return String(json);
  return parseText(json, path, faults);
}

function parseNumber(
  json: unknown,
  operator: string,
  path: string,
  faults: Faults,
): number | undefined {
  const number = numberOperand(json);
  if (number !== undefined) return number;
  const negative = operator.startsWith('not_') ? 'not_' : '';
  const isEquality = operator === 'equals' || operator === 'not_equals';
  const hint =
    isEquality && typeof json === 'string' ? `; text is compared with ${negative}exact_match` : '';
  return faults.at(path, `must be a number, not ${found(json)}${hint}`);
}

function parseVersion(json: unknown, path: string, faults: Faults): string | undefined {
  const version = versionOperand(json);
  if (version !== undefined) return version;
  return faults.at(path, `must be a version like "10.2.1", not ${found(json)}`);
}

export function numberOperand(json: unknown): number | undefined {
  if (typeof json === 'number') return Number.isFinite(json) ? json : undefined;
  return typeof json === 'string' ? numberOf(json) : undefined;
}

export function versionOperand(json: unknown): string | undefined {
  const text = typeof json === 'number' ? String(json) : json;
  return typeof text === 'string' && text.length <= TEXT_MAX && isVersion(text) ? text : undefined;
}

export function booleanOperand(json: unknown): boolean | undefined {
  if (typeof json === 'boolean') return json;
  const text = typeof json === 'string' && json.length <= 5 ? json.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}
