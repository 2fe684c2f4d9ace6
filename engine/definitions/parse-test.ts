/**
 * `operator`, `value` and `type` of a condition. Without a type the operator decides; where several
 * types have the operator, the operand decides:
 *
 * | operator | operand | type |
 * |---|---|---|
 * | equals, not_equals, greater_than, … | a number, `"12.50"` | number |
 * | | `"10.2.1"` | version |
 * | equals | true, `"true"` | boolean |
 * | between | two of the above, or two dates | number, version, date |
 * | in, not_in | all numbers; all texts | number; string |
 *
 * Fields that hold versions (`$app_version`, `os_version`, …) read number operators as versions. Text
 * is never compared by `equals`: that is `exact_match`, and the fault says so.
 */
import {dayStartMs} from '../values/calendar.ts';
import type {Test} from './definition.ts';
import {didYouMean, fieldOf, found, quoted} from './faults.ts';
import type {Faults, JsonObject} from './faults.ts';
import {
  booleanOperand,
  numberOperand,
  OPERATORS,
  parseOperand,
  versionOperand,
} from './parse-operand.ts';
import type {ValueType} from './parse-operand.ts';

export const TEST_FIELDS = ['operator', 'value', 'type'] as const;

const PRESENCE_OPERATORS = ['exists', 'not_exists'] as const;

const TYPES = Object.keys(OPERATORS) as readonly ValueType[];
const ALL_OPERATORS: readonly string[] = [
  ...new Set([...Object.values(OPERATORS).flat(), ...PRESENCE_OPERATORS]),
];

export interface TestContext {
  /** The value tested is a version where a number operator leaves it open. */
  readonly versionField?: boolean | undefined;
  /** The only types that make sense here; undefined is any. */
  readonly types?: readonly ValueType[] | undefined;
}

export function parseTest(
  object: JsonObject,
  path: string,
  faults: Faults,
  context: TestContext = {},
): Test | undefined {
  const operator = fieldOf(object, 'operator');
  const operand = fieldOf(object, 'value');
  const namedType = parseType(fieldOf(object, 'type'), `${path}.type`, faults);
  if (typeof operator !== 'string' || !ALL_OPERATORS.includes(operator)) {
    const hint = typeof operator === 'string' ? didYouMean(operator, ALL_OPERATORS) : '';
    const wrong = operator === undefined ? 'is missing' : `unknown operator ${found(operator)}`;
    return faults.at(`${path}.operator`, `${wrong}${hint}`);
  }
  if (operator === 'exists' || operator === 'not_exists') {
    if (operand === undefined) return {type: 'any', operator};
    return faults.at(`${path}.value`, `${operator} takes no value, remove it`);
  }
  if (namedType === 'refused') return undefined;
  const fitting = TYPES.filter(each => hasOperator(each, operator));
  const possible = fitting.filter(each => context.types?.includes(each) ?? true);
  if (possible.length === 0) {
    const types = (context.types ?? []).join(' or ');
    return faults.at(`${path}.operator`, `${quoted(operator)} does not fit here: this is ${types}`);
  }
  if (namedType !== undefined && !possible.includes(namedType)) {
    return faults.at(
      `${path}.operator`,
      `${quoted(operator)} does not fit type ${quoted(namedType)}, which has ` +
        `${OPERATORS[namedType].join(', ')}, exists, not_exists`,
    );
  }
  const type = namedType ?? inferType(operator, operand, possible, context.versionField ?? false);
  return parseOperand(type, operator, operand, `${path}.value`, faults);
}

function hasOperator(type: ValueType, operator: string): boolean {
  return (OPERATORS[type] as readonly string[]).includes(operator);
}

function parseType(json: unknown, path: string, faults: Faults): ValueType | 'refused' | undefined {
  if (json === undefined) return undefined;
  const type = TYPES.find(each => each === json);
  if (type !== undefined) return type;
  const hint = typeof json === 'string' ? didYouMean(json, TYPES) : '';
  faults.at(path, `must be one of ${TYPES.join(', ')}, not ${found(json)}${hint}`);
  return 'refused';
}

/** The table at the top. What fits nowhere goes to the commonest type, whose fault then explains. */
function inferType(
  operator: string,
  operand: unknown,
  possible: readonly ValueType[],
  versionField: boolean,
): ValueType {
  const [only] = possible;
  if (possible.length === 1 && only !== undefined) return only;
  const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const every = (test: (each: unknown) => boolean) => operands.length > 0 && operands.every(test);
  if (operator === 'in' || operator === 'not_in') {
    return every(each => typeof each === 'number') ? 'number' : 'string';
  }
  if (possible.includes('boolean') && every(each => booleanOperand(each) !== undefined)) {
    return 'boolean';
  }
  if (versionField && every(each => versionOperand(each) !== undefined)) return 'version';
  if (every(each => numberOperand(each) !== undefined)) return 'number';
  if (every(each => versionOperand(each) !== undefined)) return 'version';
  const dates = operands.some(each => typeof each === 'string' && dayStartMs(each) !== undefined);
  return possible.includes('date') && dates ? 'date' : 'number';
}
