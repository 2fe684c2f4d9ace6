/**
 * A definition after parsing: defaults filled in, durations in milliseconds, dates as instants, text
 * that is compared without case in lower case. `parse-definition.ts` makes it from JSON and reports every
 * fault; `canonical-key.ts` names each part, so that equal parts are one thing in the engine.
 */
export type Expression =
  | {readonly kind: 'and' | 'or'; readonly of: readonly Expression[]}
  | {readonly kind: 'exclude'; readonly of: Expression}
  | {readonly kind: 'criterion'; readonly criterion: Criterion};

export type Criterion =
  | EventCriterion
  | CartAbandonmentCriterion
  | SequenceCriterion
  | UserAttributeCriterion
  | CalculatedAttributeCriterion
  | AudienceCriterion
  | ConsentCriterion
  | DeviceCriterion
  | SeenCriterion
  | LocationCriterion
  | IdentityCriterion
  | AttributionCriterion;

/** On every criterion. undefined: all workspaces of the audience. */
interface Scoped {
  readonly workspaces: readonly number[] | undefined;
}

export type EventCriterionKind =
  | 'event'
  | 'commerce'
  | 'screen_view'
  | 'session'
  | 'crash'
  | 'install'
  | 'uninstall'
  | 'upgrade'
  | 'attribution_event';

/** Which events, before any window: the part that a history is kept for. */
export interface EventFilter extends Scoped {
  readonly kind: EventCriterionKind;
  /** Event name, exact; commerce: the action; screen_view: undefined is any screen; else undefined. */
  readonly name: string | undefined;
  /** custom_event_type, lower case; undefined is any. */
  readonly eventType: string | undefined;
  readonly where: readonly Condition[];
  /** undefined: the audience's inputs, or every input for install, uninstall, upgrade and crash. */
  readonly inputs: readonly number[] | undefined;
}

export interface EventCriterion extends EventFilter {
  readonly when: When;
  readonly measure: Measure;
  readonly compare: Compare;
}

export interface CartAbandonmentCriterion extends Scoped {
  readonly kind: 'cart_abandonment';
  readonly waitMs: number;
  /** Product actions that end it; 'any': every product action. */
  readonly until: readonly string[] | 'any';
  readonly where: readonly Condition[];
  readonly inputs: readonly number[] | undefined;
}

export interface SequenceCriterion extends Scoped {
  readonly kind: 'sequence';
  /** At least two. withinMs of the first is undefined. */
  readonly steps: readonly {readonly filter: EventFilter; readonly withinMs: number | undefined}[];
  readonly when: When;
}

export interface UserAttributeCriterion extends Scoped {
  readonly kind: 'user_attribute';
  readonly attribute: string;
  readonly test: Test;
}

export interface CalculatedAttributeCriterion extends Scoped {
  readonly kind: 'calculated_attribute';
  readonly name: string;
  readonly test: Test;
}

export interface AudienceCriterion extends Scoped {
  readonly kind: 'audience';
  readonly audience: number;
  readonly operator: 'member' | 'not_member';
}

export interface ConsentCriterion extends Scoped {
  readonly kind: 'consent';
  readonly regulation: 'gdpr' | 'ccpa';
  /** Lower case; 'data_sale_opt_out' for ccpa; '' for gdpr is any purpose. */
  readonly purpose: string;
  readonly state: 'given' | 'not_given' | 'opted_out' | 'not_opted_out';
}

export interface DeviceCriterion extends Scoped {
  readonly kind: 'device';
  readonly field: string;
  readonly test: Test;
}

export interface SeenCriterion extends Scoped {
  readonly kind: 'first_seen' | 'last_seen';
  readonly when: When;
}

export interface LocationCriterion extends Scoped {
  readonly kind: 'location';
  readonly place: Place;
}

export type Place =
  | {
      readonly kind: 'equals';
      readonly city: string | undefined;
      readonly state: string | undefined;
      readonly zip: string | undefined;
      readonly dma: string | undefined;
      readonly country: string | undefined;
    }
  | {
      readonly kind: 'within';
      readonly latitude: number;
      readonly longitude: number;
      readonly radiusMeters: number;
    };

export interface IdentityCriterion extends Scoped {
  readonly kind: 'identity';
  readonly identity: string;
  readonly test: Test;
}

export interface AttributionCriterion extends Scoped {
  readonly kind: 'attribution';
  readonly event: 'install' | 'uninstall';
  readonly field: 'publisher' | 'campaign';
  readonly test: Test;
}

/** A condition on one event, or on one product or promotion of it. */
export interface Condition {
  /** A bare custom attribute name, or a built-in field with its `$`. */
  readonly attribute: string;
  readonly test: Test;
}

/** An operator with its operand, typed. Text operands are folded by `foldCase`. */
export type Test =
  | {readonly type: 'any'; readonly operator: 'exists' | 'not_exists'}
  | {
      readonly type: 'string';
      readonly operator:
        | 'exact_match'
        | 'not_exact_match'
        | 'contains'
        | 'not_contains'
        | 'starts_with'
        | 'ends_with'
        | 'pattern'
        | 'not_pattern';
      readonly value: string;
    }
  | {
      readonly type: 'string';
      readonly operator: 'in' | 'not_in';
      readonly values: readonly string[];
    }
  | {readonly type: 'number'; readonly operator: NumberOperator; readonly value: number}
  | {
      readonly type: 'number';
      readonly operator: 'between';
      readonly low: number;
      readonly high: number;
    }
  | {
      readonly type: 'number';
      readonly operator: 'in' | 'not_in';
      readonly values: readonly number[];
    }
  | {readonly type: 'boolean'; readonly operator: 'equals'; readonly value: boolean}
  | {readonly type: 'date'; readonly operator: 'when'; readonly when: When}
  | {readonly type: 'version'; readonly operator: NumberOperator; readonly value: string}
  | {
      readonly type: 'version';
      readonly operator: 'between';
      readonly low: string;
      readonly high: string;
    }
  | {
      readonly type: 'version';
      readonly operator: 'in' | 'not_in';
      readonly values: readonly string[];
    }
  | {
      readonly type: 'list';
      readonly operator: 'includes' | 'not_includes' | 'partial_match';
      readonly value: string;
    }
  | {readonly type: 'list'; readonly operator: 'in'; readonly values: readonly string[]};

export type NumberOperator =
  | 'equals'
  | 'not_equals'
  | 'greater_than'
  | 'greater_or_equal'
  | 'less_than'
  | 'less_or_equal';

/**
 * For event time t: 'always' is the event retention alone. Windows that move with now are closed on both
 * sides (`now − olderMs ≤ t ≤ now − newerMs`); fixed ones are half open (`fromMs ≤ t < toMs`), with
 * −Infinity and Infinity for open ends.
 */
export type When =
  | {readonly kind: 'always'}
  | {readonly kind: 'sliding'; readonly olderMs: number; readonly newerMs: number}
  | {readonly kind: 'fixed'; readonly fromMs: number; readonly toMs: number};

export type Measure =
  | {readonly function: 'count'}
  | {readonly function: 'sum' | 'avg' | 'min' | 'max' | 'distinct'; readonly attribute: string};

export type Compare =
  | {readonly operator: NumberOperator; readonly value: number}
  | {readonly operator: 'between'; readonly low: number; readonly high: number};

/** A fault in a definition: where, and what to do about it. Paths look like `definition.and[1].when`. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}
