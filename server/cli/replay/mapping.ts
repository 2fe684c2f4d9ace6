/**
 * How the rows of a CSV file become batches. A mapping is JSON; docs/replay.md describes it and
 * docs/online-retail.mapping.json is one.
 */
import {columnIndex, RowProblem} from './cell.ts';
import type {MappingProblem, Template, TemplateScope} from './cell.ts';
import type {RowCondition} from './condition.ts';
import {compileCondition} from './condition.ts';
import type {CsvRow} from './csv.ts';
import {compileTemplate} from './template.ts';
import {timeReader} from './time.ts';

export interface Mapping {
  readonly columnCount: number;
  /** 'one': every row is a batch of its own. */
  readonly grouping: 'one' | 'consecutive' | 'all';
  /** Equal for the rows of one batch. */
  groupKey(row: CsvRow): string;
  /** Rows that the mapping leaves out on purpose. */
  skips(row: CsvRow): boolean;
  /** undefined: the mapping has no time. Throws RowProblem for a cell that is none. */
  timeMs(row: CsvRow): number | undefined;
  /** A batch as POST /v2/events takes it. Throws RowProblem. */
  batch(rows: readonly CsvRow[], shiftMs: number): Record<string, unknown>;
}

const FIELDS = ['about', 'delimiter', 'time', 'group', 'skip', 'batch'];

/** Needed before the header can be read. */
export function mappingDelimiter(mapping: unknown): string {
  if (isObject(mapping) && typeof mapping['delimiter'] === 'string') return mapping['delimiter'];
  return ',';
}

/** Compiles against the file's header; every fault at once. */
export function compileMapping(
  mapping: unknown,
  header: readonly string[],
): Mapping | readonly MappingProblem[] {
  const problems: MappingProblem[] = [];
  if (!isObject(mapping)) return [{path: '', message: 'a mapping is a JSON object.'}];
  for (const key of Object.keys(mapping)) {
    if (!FIELDS.includes(key)) {
      problems.push({path: key, message: `unknown; a mapping has ${FIELDS.join(', ')}.`});
    }
  }
  if (mappingDelimiter(mapping).length !== 1) {
    problems.push({path: 'delimiter', message: 'must be one character.'});
  }
  const columns = new Map(header.map((name, index) => [name.trim(), index]));
  const time = compileTime(mapping['time'], {columns, problems, readTime: undefined});
  const scope: TemplateScope = {columns, problems, readTime: time?.read};
  const group = compileGroup(mapping['group'], scope);
  const skips = compileSkips(mapping['skip'], scope);
  if (!isObject(mapping['batch'])) {
    problems.push({path: 'batch', message: 'must be an object, the batch to send.'});
  }
  const template = compileTemplate(mapping['batch'], 'batch', scope);
  if (problems.length > 0) return problems;

  const timeMs = (row: CsvRow): number | undefined => {
    if (time === undefined) return undefined;
    const cell = row.cells[time.index] ?? '';
    const ms = time.read(cell);
    if (ms === undefined) {
      throw new RowProblem(`line ${row.line}: ${time.column} is not a time: "${cell}"`);
    }
    return ms;
  };
  return {
    columnCount: header.length,
    grouping: group.grouping,
    groupKey: row => group.indexes.map(index => row.cells[index] ?? '').join('\u0000'),
    skips: row => skips.some(skip => skip(row)),
    timeMs,
    batch: (rows, shiftMs) => makeBatch(template, {rows, shiftMs, timeMs}),
  };
}

/** The events of a group that set no time of their own take the earliest of its rows. */
function makeBatch(
  template: Template,
  from: {
    rows: readonly CsvRow[];
    shiftMs: number;
    timeMs: (row: CsvRow) => number | undefined;
  },
): Record<string, unknown> {
  const [row] = from.rows;
  if (row === undefined) throw new RowProblem('a batch without rows');
  const batch = template({rows: from.rows, row, shiftMs: from.shiftMs}) as Record<string, unknown>;
  let earliestMs = from.timeMs(row);
  for (const other of from.rows) {
    const ms = from.timeMs(other);
    if (ms !== undefined && earliestMs !== undefined && ms < earliestMs) earliestMs = ms;
  }
  if (earliestMs === undefined || !Array.isArray(batch['events'])) return batch;
  for (const event of batch['events'] as unknown[]) {
    if (!isObject(event)) continue;
    const data = isObject(event['data']) ? event['data'] : (event['data'] = {});
    (data as Record<string, unknown>)['timestamp_unixtime_ms'] ??= earliestMs + from.shiftMs;
  }
  return batch;
}

function compileTime(
  value: unknown,
  scope: TemplateScope,
): {column: string; index: number; read: (text: string) => number | undefined} | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value) || typeof value['column'] !== 'string') {
    scope.problems.push({path: 'time', message: 'must be {"column", "format"}.'});
    return undefined;
  }
  const format = value['format'] ?? 'iso';
  const read = typeof format === 'string' ? timeReader(format) : undefined;
  if (read === undefined) {
    const message = 'must be unix_ms, unix_s, iso, or a pattern like YYYY-MM-DD HH:mm:ss.';
    scope.problems.push({path: 'time.format', message});
  }
  const index = columnIndex(value['column'], 'time.column', scope);
  return {column: value['column'], index, read: read ?? (() => undefined)};
}

function compileGroup(
  value: unknown,
  scope: TemplateScope,
): {grouping: Mapping['grouping']; indexes: readonly number[]} {
  if (value === undefined) return {grouping: 'one', indexes: []};
  const by = isObject(value) ? value['by'] : undefined;
  const rows = isObject(value) ? value['rows'] : undefined;
  if (!Array.isArray(by) || by.length === 0 || (rows !== 'all' && rows !== 'consecutive')) {
    const message = 'must be {"by": [columns], "rows": "all" or "consecutive"}.';
    scope.problems.push({path: 'group', message});
    return {grouping: 'one', indexes: []};
  }
  const indexes = by.map((column, i) => columnIndex(String(column), `group.by[${i}]`, scope));
  return {grouping: rows, indexes};
}

function compileSkips(value: unknown, scope: TemplateScope): RowCondition[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    return value.map((item, i) => compileCondition(item, `skip[${i}]`, scope));
  }
  scope.problems.push({path: 'skip', message: 'must be a list of conditions.'});
  return [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
