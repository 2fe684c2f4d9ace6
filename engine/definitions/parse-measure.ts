/** What is measured over the matching events, and what the measure is compared with. */
import {parseAttribute} from './parse-attribute.ts';
import type {Compare, Measure, NumberOperator} from './definition.ts';
import {didYouMean, fieldOf, found, isObject, quoted, refuseUnknownFields} from './faults.ts';
import type {Faults} from './faults.ts';
import {parsePair} from './parse-when.ts';

export const NUMBER_OPERATORS: readonly NumberOperator[] = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_or_equal',
  'less_than',
  'less_or_equal',
];

const FUNCTIONS = ['count', 'sum', 'avg', 'min', 'max', 'distinct'] as const;
type MeasureFunction = (typeof FUNCTIONS)[number];

/** Absent: the count. */
export function parseMeasure(json: unknown, path: string, faults: Faults): Measure | undefined {
  if (json === undefined) return {function: 'count'};
  if (!isObject(json)) {
    return faults.at(path, `must be an object like {"function":"count"}, not ${found(json)}`);
  }
  refuseUnknownFields(json, ['function', 'attribute'], path, faults);
  const name = fieldOf(json, 'function');
  const attribute = fieldOf(json, 'attribute');
  if (!isMeasureFunction(name)) {
    const hint = typeof name === 'string' ? didYouMean(name, FUNCTIONS) : '';
    return faults.at(
      `${path}.function`,
      `must be one of ${FUNCTIONS.join(', ')}, not ${found(name)}${hint}`,
    );
  }
  if (name === 'count') {
    if (attribute === undefined) return {function: 'count'};
    return faults.at(`${path}.attribute`, 'count takes no attribute: it counts the events');
  }
  const measured = parseAttribute(attribute, `${path}.attribute`, faults);
  return measured === undefined ? undefined : {function: name, attribute: measured};
}

function isMeasureFunction(json: unknown): json is MeasureFunction {
  return typeof json === 'string' && (FUNCTIONS as readonly string[]).includes(json);
}

/** Absent: more than none. */
export function parseCompare(json: unknown, path: string, faults: Faults): Compare | undefined {
  if (json === undefined) return {operator: 'greater_than', value: 0};
  if (!isObject(json)) {
    return faults.at(
      path,
      `must be an object like {"operator":"greater_than","value":2}, not ${found(json)}`,
    );
  }
  refuseUnknownFields(json, ['operator', 'value'], path, faults);
  const operator = fieldOf(json, 'operator');
  const value = fieldOf(json, 'value');
  if (operator === 'between') {
    const pair = parsePair(value, `${path}.value`, '[2,5]', parseFinite, faults);
    if (pair === undefined) return undefined;
    const [low, high] = pair;
    if (low > high) return faults.at(`${path}.value`, 'the smaller number comes first');
    return {operator: 'between', low, high};
  }
  const known = NUMBER_OPERATORS.find(each => each === operator);
  if (known === undefined) {
    const all = [...NUMBER_OPERATORS, 'between'];
    const hint = typeof operator === 'string' ? didYouMean(operator, all) : '';
    return faults.at(
      `${path}.operator`,
      `must be one of ${all.join(', ')}, not ${found(operator)}${hint}`,
    );
  }
  const number = parseFinite(value, `${path}.value`, faults);
  return number === undefined ? undefined : {operator: known, value: number};
}

function parseFinite(json: unknown, path: string, faults: Faults): number | undefined {
  if (typeof json === 'number' && Number.isFinite(json)) return json;
  const hint = typeof json === 'string' ? `: the text ${quoted(json)} is no number here` : '';
  return faults.at(path, `must be a number, not ${found(json)}${hint}`);
}
