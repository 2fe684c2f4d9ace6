/**
 * Names for the parts of definitions: deterministic text, the same for two parts that mean the same
 * however they were spelled (as far as canonical-test.ts and the rules below can tell), different for
 * parts that do not. Keys know nothing of the audience: a criterion without `workspaces` or `inputs`
 * has the same key in every audience, and whoever shares across audiences fills those in first.
 */
import {canonicalCriterion, canonicalFilter, canonicalText} from './canonical-criterion.ts';
import type {Criterion, EventFilter, Expression} from './definition.ts';

export function filterKey(filter: EventFilter): string {
  return canonicalText(canonicalFilter(filter));
}

export function criterionKey(criterion: Criterion): string {
  return canonicalText(canonicalCriterion(criterion));
}

export function expressionKey(expression: Expression): string {
  return canonicalForm(expression).key;
}

/** An expression in canonical form, with its key and the forms of its operands. */
export interface CanonicalForm {
  readonly expression: Expression;
  readonly key: string;
  readonly operands: readonly CanonicalForm[];
}

/**
 * Bottom up: an `and` within an `and` (`or` within `or`) gives its operands to the outer, equal operands
 * are one, the rest stand in the order of their keys, a single one needs no operator, and two `exclude`
 * cancel each other.
 */
export function canonicalForm(expression: Expression): CanonicalForm {
  switch (expression.kind) {
    case 'criterion': {
      const criterion = canonicalCriterion(expression.criterion);
      return {
        expression: {kind: 'criterion', criterion},
        key: canonicalText(criterion),
        operands: [],
      };
    }
    case 'exclude': {
      const form = canonicalForm(expression.of);
      const [excluded] = form.operands;
      if (form.expression.kind === 'exclude' && excluded !== undefined) return excluded;
      return {
        expression: {kind: 'exclude', of: form.expression},
        key: `exclude(${form.key})`,
        operands: [form],
      };
    }
    case 'and':
    case 'or':
      return combinedForm(expression.kind, expression.of);
  }
}

function combinedForm(kind: 'and' | 'or', of: readonly Expression[]): CanonicalForm {
  const byKey = new Map<string, CanonicalForm>();
  for (const each of of) {
    const form = canonicalForm(each);
    const parts = form.expression.kind === kind ? form.operands : [form];
    for (const part of parts) byKey.set(part.key, part);
  }
  const operands = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const [only] = operands;
  if (operands.length === 1 && only !== undefined) return only;
  return {
    expression: {kind, of: operands.map(each => each.expression)},
    key: `${kind}(${operands.map(each => each.key).join(',')})`,
    operands,
  };
}
