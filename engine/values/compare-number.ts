import {unreachable} from '../assert.ts';
import type {Compare, NumberOperator} from '../definitions/definition.ts';

/** Whether a measure meets its comparison; `between` is closed at both ends. */
export function compareNumber(compare: Compare, x: number): boolean {
  if (compare.operator === 'between') return compare.low <= x && x <= compare.high;
  return holdsForOrder(compare.operator, x - compare.value);
}

/** The number operators on how a value stands to the operand: negative, 0 or positive. */
export function holdsForOrder(operator: NumberOperator, order: number): boolean {
  switch (operator) {
    case 'equals':
      return order === 0;
    case 'not_equals':
      return order !== 0;
    case 'greater_than':
      return order > 0;
    case 'greater_or_equal':
      return order >= 0;
    case 'less_than':
      return order < 0;
    case 'less_or_equal':
      return order <= 0;
    default:
      return unreachable(operator);
  }
}
