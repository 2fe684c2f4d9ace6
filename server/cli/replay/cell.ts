/**
 * A string of a mapping: text in which `{Column|filter}` stands for a cell of the row.
 */
import type {CsvRow} from './csv.ts';

/** A fault in a mapping file. Paths look like `batch.events[0].data`. */
export interface MappingProblem {
  readonly path: string;
  readonly message: string;
}

/** A cell that cannot be read as the mapping says: that batch is passed over and counted. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem';
}

export interface TemplateScope {
  readonly columns: ReadonlyMap<string, number>;
  readonly problems: MappingProblem[];
  /** For the `time` filter; undefined when the mapping has no time. */
  readonly readTime: ((text: string) => number | undefined) | undefined;
}

export interface RowGroup {
  readonly rows: readonly CsvRow[];
  /** The row that columns are read from: the first, or inside `$rows` each in turn. */
  readonly row: CsvRow;
  readonly shiftMs: number;
}

/** undefined: leave the field out. */
export type Template = (group: RowGroup) => unknown;

/**
 * `"{Column}"`, `"{Column|filter|filter}"`, or text around such references; `{{` and `}}` are braces.
 * One reference alone keeps the type its filters gave it. An empty cell leaves the field out.
 */
export function compileText(text: string, path: string, scope: TemplateScope): Template {
  const parts = text.match(/\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g) ?? [];
  const pieces = parts.map((part): string | Template => {
    if (part === '{{') return '{';
    if (part === '}}') return '}';
    if (part.startsWith('{') && part.length > 1) {
      return compileReference(part.slice(1, -1), path, scope);
    }
    if (part === '{' || part === '}') {
      scope.problems.push({path, message: `a lone "${part}"; write "${part}${part}" for a brace.`});
    }
    return part;
  });
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === 'function') return only;
  if (pieces.every(piece => typeof piece === 'string')) {
    const literal = pieces.join('');
    return () => literal;
  }
  return group => {
    let made = '';
    for (const piece of pieces) {
      const value = typeof piece === 'string' ? piece : piece(group);
      if (value === undefined) return undefined;
      made += String(value);
    }
    return made;
  };
}

type Cell = string | number | boolean;
type Filter = (value: Cell, group: RowGroup, column: string) => Cell | undefined;

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['trim', value => text(String(value).trim())],
  ['lower', value => String(value).toLowerCase()],
  ['upper', value => String(value).toUpperCase()],
  // A column of ids with gaps comes out of many tools as floating point: 12923.0 is 12923.
  ['id', value => text(String(value).trim().replace(/\.0+$/, ''))],
  ['number', (value, group, column) => readNumber(String(value), group.row, column)],
  ['integer', (value, group, column) => Math.trunc(readNumber(String(value), group.row, column))],
  ['abs', (value, group, column) => Math.abs(readNumber(String(value), group.row, column))],
  ['negate', (value, group, column) => -readNumber(String(value), group.row, column)],
  ['boolean', (value, group, column) => readBoolean(String(value), group.row, column)],
]);

export const FILTER_NAMES: readonly string[] = [...FILTERS.keys(), 'time'];

function compileReference(reference: string, path: string, scope: TemplateScope): Template {
  const [column = '', ...names] = reference.split('|').map(part => part.trim());
  const index = columnIndex(column, path, scope);
  const filters: Filter[] = [];
  for (const name of names) {
    const filter = name === 'time' ? timeFilter(path, scope) : FILTERS.get(name);
    if (filter === undefined) {
      const message = `no filter "${name}"; there are ${FILTER_NAMES.join(', ')}.`;
      scope.problems.push({path, message});
    } else {
      filters.push(filter);
    }
  }
  return group => {
    let value: Cell | undefined = text(group.row.cells[index] ?? '');
    for (const filter of filters) {
      if (value === undefined) return undefined;
      value = filter(value, group, column);
    }
    return value;
  };
}

function timeFilter(path: string, scope: TemplateScope): Filter {
  const {readTime} = scope;
  if (readTime === undefined) {
    scope.problems.push({path, message: 'the filter "time" needs the mapping to have a "time".'});
  }
  return (value, group, column) => {
    const ms = readTime?.(String(value));
    if (ms === undefined)
      throw new RowProblem(`line ${group.row.line}: ${column} is not a time: "${value}"`);
    return ms + group.shiftMs;
  };
}

function text(value: string): string | undefined {
  return value === '' ? undefined : value;
}

export function readNumber(value: string, row: CsvRow, what: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isFinite(number)) return number;
  throw new RowProblem(`line ${row.line}: ${what} is not a number: "${value}"`);
}

function readBoolean(value: string, row: CsvRow, what: string): boolean {
  if (/^(true|t|yes|y|1)$/i.test(value.trim())) return true;
  if (/^(false|f|no|n|0)$/i.test(value.trim())) return false;
  throw new RowProblem(`line ${row.line}: ${what} is not true or false: "${value}"`);
}

export function columnIndex(column: string, path: string, scope: TemplateScope): number {
  const index = scope.columns.get(column);
  if (index !== undefined) return index;
  const known = [...scope.columns.keys()].join(', ');
  scope.problems.push({path, message: `no column "${column}"; the file has ${known}.`});
  return -1;
}
