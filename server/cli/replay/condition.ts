import {columnIndex} from './cell.ts';
import type {CsvRow} from './csv.ts';
import type {TemplateScope} from './cell.ts';

export type RowCondition = (row: CsvRow) => boolean;

const TESTS: ReadonlyMap<string, (operand: unknown) => ((cell: string) => boolean) | undefined> =
  new Map([
    [
      'empty',
      operand =>
        typeof operand === 'boolean' ? cell => (cell.trim() === '') === operand : undefined,
    ],
    ['equals', operand => (isScalar(operand) ? cell => cell === String(operand) : undefined)],
    ['not_equals', operand => (isScalar(operand) ? cell => cell !== String(operand) : undefined)],
    [
      'starts_with',
      operand => (typeof operand === 'string' ? cell => cell.startsWith(operand) : undefined),
    ],
    [
      'contains',
      operand => (typeof operand === 'string' ? cell => cell.includes(operand) : undefined),
    ],
    [
      'less_than',
      operand =>
        typeof operand === 'number'
          ? cell => cell.trim() !== '' && Number(cell) < operand
          : undefined,
    ],
    [
      'greater_than',
      operand =>
        typeof operand === 'number'
          ? cell => cell.trim() !== '' && Number(cell) > operand
          : undefined,
    ],
    [
      'in',
      operand => {
        if (!Array.isArray(operand)) return undefined;
        const values = new Set(operand.map(String));
        return cell => values.has(cell);
      },
    ],
  ]);

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** `{"column": C, TEST: operand}`, or `all`, `any` and `not` over such. */
export function compileCondition(value: unknown, path: string, scope: TemplateScope): RowCondition {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const {all, any, not, column, ...tests} = value as Record<string, unknown>;
    const [[name, operand] = ['', undefined], ...more] = Object.entries(tests);
    if (Array.isArray(all) || Array.isArray(any)) {
      const key = Array.isArray(all) ? 'all' : 'any';
      const list: unknown[] = Array.isArray(all) ? all : (any as unknown[]);
      const conditions = list.map((item, i) =>
        compileCondition(item, `${path}.${key}[${i}]`, scope),
      );
      return key === 'all'
        ? row => conditions.every(condition => condition(row))
        : row => conditions.some(condition => condition(row));
    }
    if (not !== undefined) {
      const condition = compileCondition(not, `${path}.not`, scope);
      return row => !condition(row);
    }
    const test = TESTS.get(name)?.(operand);
    if (typeof column === 'string' && test !== undefined && more.length === 0) {
      const index = columnIndex(column, `${path}.column`, scope);
      return row => test(row.cells[index] ?? '');
    }
  }
  scope.problems.push({
    path,
    message: `must be {"column", and one of ${[...TESTS.keys()].join(', ')}}, or "all", "any" or "not" of such.`,
  });
  return () => false;
}
