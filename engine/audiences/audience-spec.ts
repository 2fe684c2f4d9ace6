import type {CalculatedAttributeSpec} from '../definitions/calculated-attribute.ts';
import type {Criterion, Expression} from '../definitions/definition.ts';
import type {Environment} from '../ids.ts';

/** All a shard knows of an audience. Drafts are known too: others may nest them. */
export interface AudienceSpec {
  readonly id: number;
  /** Of this definition; ascending. */
  readonly version: number;
  readonly active: boolean;
  readonly expression: Expression;
  readonly workspaces: readonly number[];
  /** undefined: every input of the workspaces. */
  readonly inputs: readonly number[] | undefined;
  readonly environment: Environment;
  /** Those that its expression names, of its workspaces; undefined: it names none. */
  readonly calculated?: readonly CalculatedAttributeSpec[] | undefined;
}

/** The audiences that a definition names directly. */
export function nestedAudiences(expression: Expression): number[] {
  const found = new Set<number>();
  for (const criterion of criteriaOf(expression)) {
    if (criterion.kind === 'audience') found.add(criterion.audience);
  }
  return [...found];
}

/** The calculated attributes that a definition names. */
export function calculatedNames(expression: Expression): string[] {
  const found = new Set<string>();
  for (const criterion of criteriaOf(expression)) {
    if (criterion.kind === 'calculated_attribute') found.add(criterion.name);
  }
  return [...found];
}

function criteriaOf(expression: Expression): Criterion[] {
  switch (expression.kind) {
    case 'criterion':
      return [expression.criterion];
    case 'exclude':
      return criteriaOf(expression.of);
    case 'and':
    case 'or':
      return expression.of.flatMap(criteriaOf);
  }
}
