/** Calculated attributes that definitions ask for. */
import {definitionParts} from './nesting.ts';

export interface CalculatedReference {
  readonly name: string;
  /** undefined: those of the audience. */
  readonly workspaces: readonly number[] | undefined;
}

/** Of a definition that was found well-formed. */
export function calculatedReferences(definition: unknown): CalculatedReference[] {
  const references: CalculatedReference[] = [];
  for (const {part} of definitionParts(definition)) {
    const {kind, name, workspaces} = part;
    if (kind !== 'calculated_attribute' || typeof name !== 'string') continue;
    references.push({name, workspaces: Array.isArray(workspaces) ? workspaces : undefined});
  }
  return references;
}
