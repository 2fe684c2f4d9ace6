/** Operators and windows in words. */
import {DAY_MS, dayText} from '../values/calendar.ts';
import {durationText} from '../values/duration.ts';
import type {Test, When} from './definition.ts';

const OPERATOR_WORDS = {
  exact_match: 'is',
  not_exact_match: 'is not',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  pattern: 'matches',
  not_pattern: 'does not match',
  equals: '=',
  not_equals: '≠',
  greater_than: '>',
  greater_or_equal: '≥',
  less_than: '<',
  less_or_equal: '≤',
  includes: 'includes',
  not_includes: 'does not include',
  partial_match: 'partly matches',
  in: 'is one of',
  not_in: 'is none of',
} as const;

/** What follows the name of the attribute: `is "france"`, `> 5`, `exists`. */
export function printTest(test: Test): string {
  switch (test.type) {
    case 'any':
      return test.operator === 'exists' ? 'exists' : 'does not exist';
    case 'boolean':
      return `is ${test.value}`;
    case 'date':
      return test.when.kind === 'always' ? 'is a date' : `is${printWindow(test.when)}`;
    case 'string':
    case 'number':
    case 'version':
    case 'list': {
      const kind = test.type === 'version' ? 'version ' : '';
      if (test.operator === 'between') return `is ${kind}between ${test.low} and ${test.high}`;
      const words = kind + OPERATOR_WORDS[test.operator];
      if (!('values' in test)) return `${words} ${printOperand(test.type, test.value)}`;
      return `${words} ${test.values.map(each => printOperand(test.type, each)).join(', ')}`;
    }
  }
}

function printOperand(type: Test['type'], operand: string | number): string {
  return type === 'string' || type === 'list' ? JSON.stringify(operand) : String(operand);
}

/** With a space before it; nothing for no window. */
export function printWindow(when: When): string {
  switch (when.kind) {
    case 'always':
      return '';
    case 'sliding': {
      const older = durationText(when.olderMs);
      return when.newerMs === 0
        ? ` in the last ${older}`
        : ` between ${durationText(when.newerMs)} and ${older} ago`;
    }
    case 'fixed': {
      const {fromMs, toMs} = when;
      if (fromMs === -Infinity) return toMs === Infinity ? '' : ` before ${dayText(toMs)}`;
      if (toMs === Infinity) return ` on or after ${dayText(fromMs)}`;
      if (toMs === fromMs + DAY_MS) return ` on ${dayText(fromMs)}`;
      return ` between ${dayText(fromMs)} and ${dayText(toMs - DAY_MS)}`;
    }
  }
}
