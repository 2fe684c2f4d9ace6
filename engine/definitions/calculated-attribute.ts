/**
 * A calculated attribute after parsing: a value that the engine works out of a profile's events in one
 * workspace, and that criteria can ask for by its name.
 */
import type {EventFilter, When} from './definition.ts';

export const CALCULATIONS = [
  'count',
  'sum',
  'min',
  'max',
  'average',
  'most_frequent',
  'unique_values_count',
  'unique_list',
  'first_occurrence',
  'last_occurrence',
  'first_occurrence_timestamp',
  'last_occurrence_timestamp',
] as const;
export type Calculation = (typeof CALCULATIONS)[number];

/** Of events themselves, not of what they carry. */
const WITHOUT_ATTRIBUTE: ReadonlySet<Calculation> = new Set<Calculation>([
  'count',
  'first_occurrence_timestamp',
  'last_occurrence_timestamp',
]);

export function takesAttribute(calculation: Calculation): boolean {
  return !WITHOUT_ATTRIBUTE.has(calculation);
}

export interface CalculatedAttributeSpec {
  readonly workspace: number;
  /** Unique within the workspace; compared exactly. */
  readonly name: string;
  readonly calculation: Calculation;
  /** Its `workspaces` are undefined: it is of one. Without `inputs` every input of the workspace. */
  readonly filter: EventFilter;
  /** Attribute or field whose values count; undefined for those that look at events alone. */
  readonly attribute: string | undefined;
  /** A sliding window up to now, a fixed one that stays open, or all that is retained. */
  readonly when: When;
}
