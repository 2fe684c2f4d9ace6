/**
 * The contract's operators, one value at a time. A value that cannot be read as the type of the test
 * meets nothing, negative operators included; an absent one meets only `not_exists`.
 */
import type {Scalar, Value} from '../../engine/record.ts';
import {compareDecimals, decimalOf, decimalOfNumber} from './oracle-decimal.ts';
import type {Decimal} from './oracle-decimal.ts';
import {isList} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';
import {dayMs, formHolds} from './oracle-time.ts';

/** Whether `value` (undefined: absent) meets `{operator, value, type?}`. */
export function meets(value: Value | undefined, test: JsonObject, nowMs: number): boolean {
  const operator = String(test['operator']);
  if (operator === 'exists') return value !== undefined;
  if (operator === 'not_exists') return value === undefined;
  if (value === undefined || value === null) return false;
  const operand = test['value'];
  const type = test['type'] ?? inferredType(operator, operand, test);
  switch (type) {
    case 'string':
      return meetsText(textOf(value), operator, operand);
    case 'number':
      return meetsOrder(decimalIn(value), operator, operand, decimalIn, compareDecimals);
    case 'version':
      return meetsOrder(versionOf(value), operator, operand, versionOf, compareVersions);
    case 'boolean':
      return operator === 'equals' && booleanOf(value) === booleanOf(operand);
    case 'date': {
      const instant = instantOf(value);
      return instant !== undefined && formHolds(operator, operand, instant, nowMs);
    }
    case 'list':
      return meetsList(value, operator, operand);
    default:
      throw new Error(`unknown type in ${JSON.stringify(test)}`);
  }
}

const TEXT_OPERATORS = /^(not_)?(exact_match|contains|pattern)$|^(starts|ends)_with$/;
const DATE_OPERATORS = /^(before|after|on|within_last|between_ago)$/;
const LIST_OPERATORS = /^(not_)?includes$|^partial_match$/;

const VERSION_FIELDS = new Set<Json | undefined>(['$app_version', '$os_version']);
const VERSION_DEVICES = new Set<Json | undefined>(['os_version', 'app_version']);

/**
 * Without `type` the operator decides, and where it does not, the operand. Fields that hold versions are
 * compared as versions, or 10.10 would come before 10.2.
 */
function inferredType(operator: string, operand: Json | undefined, test: JsonObject): string {
  if (TEXT_OPERATORS.test(operator)) return 'string';
  if (DATE_OPERATORS.test(operator)) return 'date';
  if (LIST_OPERATORS.test(operator)) return 'list';
  const operands = isList(operand) ? operand : [operand];
  const isVersion = VERSION_FIELDS.has(test['attribute']) || VERSION_DEVICES.has(test['field']);
  if (operator === 'equals' && operands.every(each => booleanOf(each) !== undefined))
    return 'boolean';
  const isIn = operator === 'in' || operator === 'not_in';
  if (isVersion && !isIn && operands.every(each => versionOf(each) !== undefined)) return 'version';
  if (operands.every(each => typeof each === 'number')) return 'number';
  if (isIn) return 'string';
  if (operands.every(each => typeof each === 'string' && dayMs(each) !== undefined)) return 'date';
  if (operands.every(each => decimalIn(each) !== undefined)) return 'number';
  return 'version';
}

function meetsText(text: string | undefined, operator: string, operand: Json | undefined): boolean {
  if (text === undefined) return false;
  const lower = text.toLowerCase();
  if (operator === 'in' || operator === 'not_in') {
    const among = texts(operand).includes(lower);
    return operator === 'in' ? among : !among;
  }
  const wanted = texts(operand)[0] ?? '';
  switch (operator) {
    case 'exact_match':
      return lower === wanted;
    case 'not_exact_match':
      return lower !== wanted;
    case 'contains':
      return lower.includes(wanted);
    case 'not_contains':
      return !lower.includes(wanted);
    case 'starts_with':
      return lower.startsWith(wanted);
    case 'ends_with':
      return lower.endsWith(wanted);
    case 'pattern':
      return patternMatches(Array.from(wanted), Array.from(lower));
    case 'not_pattern':
      return !patternMatches(Array.from(wanted), Array.from(lower));
    default:
      throw new Error(`unknown string operator ${operator}`);
  }
}

/** Anchored at both ends, `*` any run, `?` any one character: a table of prefixes, row by row. */
function patternMatches(pattern: readonly string[], text: readonly string[]): boolean {
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

/** The number operators, over anything with an order: numbers and versions. */
function meetsOrder<T>(
  value: T | undefined,
  operator: string,
  operand: Json | undefined,
  read: (value: Json | undefined) => T | undefined,
  compare: (a: T, b: T) => number,
): boolean {
  if (value === undefined) return false;
  const orders = (isList(operand) ? operand : [operand]).map(each => {
    const wanted = read(each);
    if (wanted === undefined) throw new Error(`unreadable operand ${JSON.stringify(each)}`);
    return compare(value, wanted);
  });
  const first = orders[0] ?? Number.NaN;
  switch (operator) {
    case 'equals':
      return first === 0;
    case 'not_equals':
      return first !== 0;
    case 'greater_than':
      return first > 0;
    case 'greater_or_equal':
      return first >= 0;
    case 'less_than':
      return first < 0;
    case 'less_or_equal':
      return first <= 0;
    case 'between':
      return first >= 0 && (orders[1] ?? Number.NaN) <= 0;
    case 'in':
      return orders.includes(0);
    case 'not_in':
      return !orders.includes(0);
    default:
      throw new Error(`unknown number operator ${operator}`);
  }
}

/** `compare` of a measure: the same operators on an exact decimal. */
export function meetsCompare(value: Decimal, compare: JsonObject | undefined): boolean {
  const {operator, value: operand} = compare ?? {operator: 'greater_than', value: 0};
  return meetsOrder(value, String(operator), operand, decimalIn, compareDecimals);
}

function meetsList(value: Value, operator: string, operand: Json | undefined): boolean {
  if (!Array.isArray(value)) return false;
  const elements = (value as readonly Scalar[])
    .map(element => textOf(element)?.toLowerCase())
    .filter(element => element !== undefined);
  const wanted = texts(operand);
  switch (operator) {
    case 'includes':
    case 'in':
      return wanted.some(each => elements.includes(each));
    case 'not_includes':
      return !wanted.some(each => elements.includes(each));
    case 'partial_match':
      return elements.some(element => wanted.some(each => element.includes(each)));
    default:
      throw new Error(`unknown list operator ${operator}`);
  }
}

/** Numbers and booleans as the text JSON gives them; undefined for null and lists. */
export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
  return undefined;
}

function texts(operand: Json | undefined): string[] {
  const operands = isList(operand) ? operand : [operand];
  return operands.flatMap(each => textOf(each)?.toLowerCase() ?? []);
}

export function decimalIn(value: Json | undefined): Decimal | undefined {
  if (typeof value === 'number') return decimalOfNumber(value);
  return typeof value === 'string' ? decimalOf(value) : undefined;
}

function booleanOf(value: Json | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?\s*([Zz]|[+-]\d{2}:?\d{2})?)?$/;

/** ISO 8601 (UTC where it names no zone) and epoch milliseconds, as a number or in digits. */
export function instantOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  const found = ISO.exec(value);
  const midnight = dayMs(found?.[1] ?? '');
  if (!found || midnight === undefined || found[2] === undefined) return midnight;
  const zone = (found[4] ?? 'Z').toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const seconds = (found[3] ?? ':00').slice(0, ':00.000'.length);
  const instant = Date.parse(`${found[1]}T${found[2]}${seconds}${zone}`);
  return Number.isNaN(instant) ? undefined : instant;
}

function versionOf(value: Json | undefined): readonly bigint[] | undefined {
  const text = textOf(value);
  if (text === undefined || !/^\d+(\.\d+)*$/.test(text)) return undefined;
  return text.split('.').map(BigInt);
}

/** Part by part, missing parts as 0. */
function compareVersions(a: readonly bigint[], b: readonly bigint[]): number {
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    const left = a[part] ?? 0n;
    const right = b[part] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
