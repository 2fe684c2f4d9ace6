import type {CalculatedAttributeSpec} from '../definitions/calculated-attribute.ts';
import type {Expression} from '../definitions/definition.ts';
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
  const visit = (part: Expression): void => {
    if (part.kind === 'criterion') {
      if (part.criterion.kind === 'audience') found.add(part.criterion.audience);
    } else if (part.kind === 'exclude') visit(part.of);
    else part.of.forEach(visit);
  };
  visit(expression);
  return [...found];
}
