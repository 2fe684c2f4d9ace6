/**
 * Reads a definition from JSON that anybody may have written: every fault is reported, each with its
 * place, and nothing is thrown. Size and depth are measured first and without recursion, so that what
 * comes after may recurse.
 */
import type {Expression, Problem} from './definition.ts';
import {Faults, fieldOf, found, isObject, memberPath, quoted} from './faults.ts';
import type {JsonObject} from './faults.ts';
import {parseCriterion} from './parse-criterion.ts';
import type {Parsing} from './parse-scope.ts';

export interface ParseContext {
  /** No window on events may reach back further. */
  readonly eventRetentionMs: number;
  /** Of the audience. */
  readonly workspaces: readonly number[];
  /** Of the audience; undefined: every input of its workspaces. */
  readonly inputs: readonly number[] | undefined;
  hasAudience(id: number): boolean;
  /** Whether the audience's workspaces have this input. */
  hasInput(id: number): boolean;
  /** Whether any of the workspaces has it; undefined: nobody keeps a list of them, so any name is taken. */
  hasCalculatedAttribute(name: string, workspaces: readonly number[]): boolean | undefined;
  /** undefined: no city is called so. */
  findCity(name: string): CityFound | undefined;
}

/** Where a city is; or, of several that are equally meant, what each would be called. */
export type CityFound =
  | {readonly latitude: number; readonly longitude: number}
  | {readonly candidates: readonly string[]};

export type ParsedDefinition =
  | {readonly expression: Expression}
  | {readonly problems: readonly Problem[]};

export const CRITERIA_MAX = 256;
/** Of `and`, `or` and `exclude` around a criterion. */
export const DEPTH_MAX = 32;

export function parseDefinition(json: unknown, context: ParseContext): ParsedDefinition {
  const oversize = measure(json);
  if (oversize !== undefined) return {problems: [oversize]};
  const faults = new Faults();
  const expression = parseExpression(json, 'definition', {context, faults});
  return expression === undefined || faults.count > 0 ? {problems: faults.problems} : {expression};
}

/** Operators beside criteria that are looked at: more than any definition within the limits has. */
const PARTS_MAX = CRITERIA_MAX * (DEPTH_MAX + 1);

/** The one problem of a definition that is too large or too deep to be read; `waiting` grows as it is read. */
function measure(json: unknown): Problem | undefined {
  const waiting: {readonly part: unknown; readonly depth: number; readonly path: string}[] = [
    {part: json, depth: 0, path: 'definition'},
  ];
  let criteria = 0;
  for (const {part, depth, path} of waiting) {
    if (!isObject(part)) continue;
    const children = operandsOf(part, path);
    if (children.length === 0) criteria++;
    if (children.length > 0 && depth >= DEPTH_MAX) {
      return {path, message: `is nested more than ${DEPTH_MAX} levels deep`};
    }
    if (criteria > CRITERIA_MAX || waiting.length + children.length > PARTS_MAX) {
      return {path: 'definition', message: `has more than ${CRITERIA_MAX} criteria`};
    }
    for (const child of children) waiting.push({...child, depth: depth + 1});
  }
  return undefined;
}

function operandsOf(object: JsonObject, path: string): {part: unknown; path: string}[] {
  const operands: {part: unknown; path: string}[] = [];
  for (const operator of ['and', 'or']) {
    const list = fieldOf(object, operator);
    if (!Array.isArray(list)) continue;
    for (let index = 0; index < Math.min(list.length, PARTS_MAX); index++) {
      operands.push({part: list[index], path: `${path}.${operator}[${index}]`});
    }
  }
  const excluded = fieldOf(object, 'exclude');
  if (excluded !== undefined) operands.push({part: excluded, path: `${path}.exclude`});
  return operands;
}

const OPERATORS = ['and', 'or', 'exclude'] as const;

function parseExpression(json: unknown, path: string, parsing: Parsing): Expression | undefined {
  const {faults} = parsing;
  if (!isObject(json)) {
    return faults.at(
      path,
      `must be an object with and, or, exclude or the kind of a criterion, not ${found(json)}`,
    );
  }
  const named = OPERATORS.filter(each => Object.hasOwn(json, each));
  const [operator] = named;
  if (operator === undefined) return parseLeaf(json, path, parsing);
  for (const other of Object.keys(json)) {
    if (faults.isFull) break;
    if (other === operator) continue;
    faults.at(
      memberPath(path, other),
      `${quoted(operator)} stands alone in its object: ${quoted(other)} does not belong beside it`,
    );
  }
  const parts = named.map(each => parseOperator(each, json, path, parsing));
  return parts.length === 1 ? parts[0] : undefined;
}

function parseLeaf(json: JsonObject, path: string, parsing: Parsing): Expression | undefined {
  if (fieldOf(json, 'kind') === undefined) {
    const negation = Object.hasOwn(json, 'not') ? '; the complement is "exclude"' : '';
    return parsing.faults.at(path, `needs and, or, exclude or the kind of a criterion${negation}`);
  }
  const criterion = parseCriterion(json, path, parsing);
  return criterion === undefined ? undefined : {kind: 'criterion', criterion};
}

function parseOperator(
  operator: (typeof OPERATORS)[number],
  json: JsonObject,
  path: string,
  parsing: Parsing,
): Expression | undefined {
  const at = `${path}.${operator}`;
  const operand = fieldOf(json, operator);
  if (operator === 'exclude') {
    const of = parseExpression(operand, at, parsing);
    return of === undefined ? undefined : {kind: 'exclude', of};
  }
  if (!Array.isArray(operand) || operand.length === 0) {
    return parsing.faults.at(
      at,
      `must be a list of at least one expression, not ${found(operand)}`,
    );
  }
  const of: Expression[] = [];
  for (const [index, each] of operand.entries()) {
    const part = parseExpression(each, `${at}[${index}]`, parsing);
    if (part !== undefined) of.push(part);
  }
  return {kind: operator, of};
}
