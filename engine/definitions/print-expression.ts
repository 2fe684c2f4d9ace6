/** Definitions as a person would say them, for explanations, logs and the history of versions. */
import {printCriterion} from './print-criterion.ts';
import type {Expression} from './definition.ts';

/** `purchase at least 3 times in the last 7 d and country is "france" exclude crash` */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'criterion':
      return printCriterion(expression.criterion);
    case 'exclude':
      return `exclude ${printOperand(expression.of)}`;
    case 'or':
      return expression.of.map(printOperand).join(' or ');
    case 'and':
      return printAnd(expression.of);
  }
}

/** What is excluded comes last and needs no `and`, unless there is nothing that it is excluded from. */
function printAnd(of: readonly Expression[]): string {
  const included = of.filter(each => each.kind !== 'exclude');
  if (included.length === 0) return of.map(printOperand).join(' and ');
  const excluded = of.filter(each => each.kind === 'exclude');
  return [included.map(printOperand).join(' and '), ...excluded.map(printExpression)].join(' ');
}

/** In parentheses if it has operators of its own. */
function printOperand(expression: Expression): string {
  const text = printExpression(expression);
  return expression.kind === 'criterion' ? text : `(${text})`;
}
