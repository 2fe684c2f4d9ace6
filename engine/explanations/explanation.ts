/** Why a profile is in an audience, or is not: the definition as it was written, with what each part saw. */
import type {Criterion} from '../definitions/definition.ts';
import type {Value} from '../record.ts';

export interface Explanation {
  /** The moment that is explained: everything up to it was told. */
  readonly atMs: number;
  /** As it was told; always false of an audience that is not active. */
  readonly isMember: boolean;
  /** When it was told to be one. */
  readonly sinceMs: number | undefined;
  /** When that changes if nothing more happens; undefined: never, or nobody can tell. */
  readonly untilMs: number | undefined;
  /** When the profile is forgotten if nothing more happens. */
  readonly forgottenMs: number;
  /** undefined: the audience has no definition. */
  readonly definition: ExplainedDefinition | undefined;
}

export interface ExplainedDefinition {
  readonly audience: number;
  readonly version: number;
  /** It is the one whose members are served. */
  readonly isServed: boolean;
  /** Any of its workspaces knows the profile: nobody else can be a member. */
  readonly isInPopulation: boolean;
  /** In the population, and the whole holds; undefined: not known. */
  readonly isMember: boolean | undefined;
  readonly whole: ExplainedNode;
}

/** How a part of a definition stands, and for how long. */
export interface Standing {
  /** undefined where it is not known: nobody has calculated it. */
  readonly holds: boolean | undefined;
  /**
   * From when on it has been so without a break, by the times at which events happened and things were
   * said; undefined: longer than can be told.
   */
  readonly sinceMs: number | undefined;
  /** It may have been so before: what was then is no longer known. */
  readonly orEarlier: boolean;
  /** When it will be different if nothing more happens; undefined: never, or nobody can tell. */
  readonly untilMs: number | undefined;
}

export type ExplainedNode =
  | ({readonly kind: 'and' | 'or'; readonly of: readonly ExplainedNode[]} & Standing)
  | ({readonly kind: 'exclude'; readonly of: ExplainedNode} & Standing)
  | ExplainedCriterion;

export interface ExplainedCriterion extends Standing {
  readonly kind: 'criterion';
  readonly criterion: Criterion;
  /** undefined: nothing is known. */
  readonly saw: Saw | undefined;
  /** Of an `audience` criterion: the other definition, once, where it is first named. */
  readonly nested?: ExplainedDefinition | undefined;
}

export type Saw = SawEvents | SawCart | SawSequence | SawValues | SawAudience;

export interface SawEvents {
  readonly kind: 'events';
  /** What was compared; undefined: there is no such value. */
  readonly measured: number | undefined;
  /** Only so many of the latest are kept: there may be more. */
  readonly orMore: boolean;
  /** Events, or values of them, inside the window. */
  readonly count: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** The latest up to now, inside the window or not. */
  readonly latestMs: number | undefined;
}

export interface SawCart {
  readonly kind: 'cart';
  readonly addedMs: number | undefined;
  /** What came after it and ended it. */
  readonly endedMs: number | undefined;
}

export interface SawSequence {
  readonly kind: 'sequence';
  readonly steps: number;
  /** How many of them, from the first on, happened in their order and time. */
  readonly reached: number;
  /** The latest end of a whole sequence, inside the window or not. */
  readonly lastMs: number | undefined;
}

export interface SawValues {
  readonly kind: 'values';
  /** One for each workspace that knows the profile. */
  readonly values: readonly {
    readonly workspace: number;
    /** undefined: absent. */
    readonly value: Value | undefined;
    /** When it was last said; of what is calculated from events: the time of the last of them. */
    readonly saidMs: number | undefined;
  }[];
}

export interface SawAudience {
  readonly kind: 'audience';
  readonly isMember: boolean | undefined;
}
