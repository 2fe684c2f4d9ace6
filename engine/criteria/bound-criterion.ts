/**
 * A criterion bound to its data: the audience's workspaces, inputs and environment have become scopes,
 * so the same words in two audiences over the same data are one criterion, and over different data two.
 * `key` is equal exactly for equal meanings.
 */
import {assert, unreachable} from '../assert.ts';
import type {Calculation, CalculatedAttributeSpec} from '../definitions/calculated-attribute.ts';
import type {
  AttributionCriterion,
  Compare,
  Condition,
  ConsentCriterion,
  Criterion,
  DeviceCriterion,
  EventFilter,
  IdentityCriterion,
  LocationCriterion,
  Measure,
  SeenCriterion,
  Test,
  UserAttributeCriterion,
  When,
} from '../definitions/definition.ts';
import {type Environment, type ScopeId, scopeOf} from '../ids.ts';
import type {EventKind} from '../record.ts';

export interface BindingContext {
  readonly workspaces: readonly number[];
  /** undefined: every input. */
  readonly inputs: readonly number[] | undefined;
  readonly environment: Environment;
  readonly eventRetentionMs: number;
  /** The calculated attributes that the definition names, of its workspaces. */
  readonly calculated?: readonly CalculatedAttributeSpec[] | undefined;
}

/** Which events of which scopes and inputs: what the predicate index matches. */
export interface BoundFilter {
  readonly key: string;
  readonly kind: EventKind;
  /** undefined: any name. */
  readonly names: readonly string[] | undefined;
  readonly type: string | undefined;
  readonly scopes: readonly ScopeId[];
  readonly inputs: readonly number[] | undefined;
  readonly where: readonly Condition[];
}

/** A history to keep: the times of a filter's events, with a value where a measure needs one. */
export interface HistorySpec {
  readonly key: string;
  readonly filter: BoundFilter;
  /** Attribute or `$product` field whose values are kept; undefined keeps times alone. */
  readonly value: KeptValue | undefined;
  /** Only the latest few entries up to now are kept; Infinity keeps all within the retention. */
  readonly keep: number;
}

/** `text` is folded: equal ignoring case is equal. `spelling` is text as it came. */
export interface KeptValue {
  readonly attribute: string;
  readonly as: 'number' | 'text' | 'spelling';
}

/** `lo ≤ t ≤ hi` with lo and hi moving with now, or fixed; always within the event retention. */
export type EventWindow =
  | {readonly kind: 'sliding'; readonly olderMs: number; readonly newerMs: number}
  | {readonly kind: 'fixed'; readonly fromMs: number; readonly toMs: number};

export type ProfileCriterion =
  | UserAttributeCriterion
  | ConsentCriterion
  | DeviceCriterion
  | SeenCriterion
  | LocationCriterion
  | IdentityCriterion
  | AttributionCriterion;

/** A calculated attribute of one workspace, in one environment. */
export interface BoundCalculation {
  readonly key: string;
  readonly scope: ScopeId;
  readonly calculation: Calculation;
  readonly history: HistorySpec;
  readonly window: EventWindow;
}

export type BoundCriterion =
  | {readonly kind: 'population'; readonly key: string; readonly scopes: readonly ScopeId[]}
  | {
      readonly kind: 'window';
      readonly key: string;
      readonly history: HistorySpec;
      readonly window: EventWindow;
      readonly measure: Measure['function'];
      readonly compare: Compare;
    }
  | {
      readonly kind: 'cart';
      readonly key: string;
      readonly added: HistorySpec;
      readonly until: HistorySpec;
      readonly waitMs: number;
    }
  | {
      readonly kind: 'sequence';
      readonly key: string;
      readonly steps: readonly HistorySpec[];
      /** The first is Infinity. */
      readonly withinMs: readonly number[];
      readonly window: EventWindow;
    }
  | {
      readonly kind: 'calculated';
      readonly key: string;
      /** One for each workspace that has the attribute. */
      readonly calculations: readonly BoundCalculation[];
      readonly test: Test;
    }
  | {
      readonly kind: 'profile';
      readonly key: string;
      readonly scopes: readonly ScopeId[];
      readonly criterion: ProfileCriterion;
    };

/** Counts up to this can be told from the latest entries alone; eight covers what people ask. */
const KEEP_LATEST = 8;

export function bindPopulation(context: BindingContext): BoundCriterion {
  const scopes = scopesOf(undefined, context);
  return {kind: 'population', key: `population ${scopes.join()}`, scopes};
}

/** `audience` criteria are not bound: they are the other audience's node. */
export function bindCriterion(criterion: Criterion, context: BindingContext): BoundCriterion {
  switch (criterion.kind) {
    case 'event':
    case 'commerce':
    case 'screen_view':
    case 'session':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
    case 'attribution_event': {
      const window = windowOf(criterion.when, context);
      const {measure, compare} = criterion;
      const keep =
        measure.function === 'count' && countNeeded(compare) <= KEEP_LATEST && isUpToNow(window)
          ? KEEP_LATEST
          : Infinity;
      const history = historyOf(bindFilter(criterion, context, measure), measure, keep);
      return {
        kind: 'window',
        key: `window ${history.key} ${text([window, measure.function, compare])}`,
        history,
        window,
        measure: measure.function,
        compare,
      };
    }
    case 'cart_abandonment': {
      const {workspaces, inputs, where, until} = criterion;
      const product = {kind: 'commerce', workspaces, inputs, eventType: undefined} as const;
      const added = bindFilter({...product, name: 'add_to_cart', where}, context, COUNT);
      const ends = bindFilter({...product, name: undefined, where: []}, context, COUNT);
      const names = until === 'any' ? PRODUCT_ACTIONS : [...until].sort();
      const histories = {
        added: historyOf(added, COUNT, Infinity),
        until: historyOf(withNames(ends, names), COUNT, Infinity),
      };
      return {
        kind: 'cart',
        key: `cart ${histories.added.key} ${histories.until.key} ${criterion.waitMs}`,
        ...histories,
        waitMs: criterion.waitMs,
      };
    }
    case 'sequence': {
      const steps = criterion.steps.map(step =>
        historyOf(
          bindFilter(
            {...step.filter, workspaces: step.filter.workspaces ?? criterion.workspaces},
            context,
            COUNT,
          ),
          COUNT,
          Infinity,
        ),
      );
      const withinMs = criterion.steps.map(step => step.withinMs ?? Infinity);
      const window = windowOf(criterion.when, context);
      return {
        kind: 'sequence',
        key: `sequence ${steps.map(step => step.key).join(' then ')} ${text([withinMs, window])}`,
        steps,
        withinMs,
        window,
      };
    }
    case 'user_attribute':
    case 'consent':
    case 'device':
    case 'first_seen':
    case 'last_seen':
    case 'location':
    case 'identity':
    case 'attribution': {
      const scopes = scopesOf(criterion.workspaces, context);
      const {workspaces: _, ...meaning} = criterion;
      return {kind: 'profile', key: `profile ${scopes.join()} ${text(meaning)}`, scopes, criterion};
    }
    case 'calculated_attribute': {
      const {name, test} = criterion;
      const workspaces = criterion.workspaces ?? context.workspaces;
      const calculations = (context.calculated ?? [])
        .filter(spec => spec.name === name && workspaces.includes(spec.workspace))
        .map(spec => bindCalculation(spec, context))
        .sort((a, b) => a.scope - b.scope);
      const keys = calculations.map(calculation => calculation.key).join(' or ');
      return {kind: 'calculated', key: `calculated ${keys} ${text(test)}`, calculations, test};
    }
    case 'audience':
      throw new Error(`assertion failed: ${criterion.kind} is not bound here`);
    default:
      return unreachable(criterion);
  }
}

/** Equal keys are equal values, whatever the attributes are called. */
export function bindCalculation(
  spec: CalculatedAttributeSpec,
  {environment, eventRetentionMs}: Pick<BindingContext, 'environment' | 'eventRetentionMs'>,
): BoundCalculation {
  const {workspace, calculation, filter, attribute} = spec;
  const context = {workspaces: [workspace], inputs: undefined, environment, eventRetentionMs};
  const measure: Measure = attribute === undefined ? COUNT : {function: 'sum', attribute};
  const as = keptAs(calculation);
  const value = attribute === undefined || as === undefined ? undefined : {attribute, as};
  const history = historySpec(bindFilter(filter, context, measure), value, Infinity);
  const window = windowOf(spec.when, context);
  return {
    key: `${calculation} of ${history.key} ${text(window)}`,
    scope: scopeOf(workspace, environment),
    calculation,
    history,
    window,
  };
}

function keptAs(calculation: Calculation): KeptValue['as'] | undefined {
  switch (calculation) {
    case 'count':
    case 'first_occurrence_timestamp':
    case 'last_occurrence_timestamp':
      return undefined;
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
      return 'number';
    case 'unique_values_count':
      return 'text';
    case 'most_frequent':
    case 'unique_list':
    case 'first_occurrence':
    case 'last_occurrence':
      return 'spelling';
    default:
      return unreachable(calculation);
  }
}

const COUNT: Measure = {function: 'count'};

export const PRODUCT_ACTIONS: readonly string[] = [
  'add_to_cart',
  'add_to_wishlist',
  'checkout',
  'checkout_option',
  'click',
  'purchase',
  'refund',
  'remove_from_cart',
  'remove_from_wishlist',
  'view_detail',
];

function bindFilter(filter: EventFilter, context: BindingContext, measure: Measure): BoundFilter {
  const everyInput = EVERY_INPUT.has(filter.kind);
  const inputs = filter.inputs ?? (everyInput ? undefined : context.inputs);
  const bound = {
    kind: eventKindOf(filter, measure),
    names: filter.name === undefined || !NAMED.has(filter.kind) ? undefined : [filter.name],
    type: filter.kind === 'attribution_event' ? 'attribution' : filter.eventType,
    scopes: scopesOf(filter.workspaces, context),
    inputs: inputs === undefined ? undefined : sortedNumbers(inputs),
    where: sortedConditions(filter.where),
  };
  return {key: text(bound), ...bound};
}

function withNames(filter: BoundFilter, names: readonly string[]): BoundFilter {
  const {key: _, ...rest} = filter;
  const bound = {...rest, names};
  return {key: text(bound), ...bound};
}

/** These belong to the profile's devices, not to an input. */
const EVERY_INPUT: ReadonlySet<string> = new Set(['crash', 'install', 'uninstall', 'upgrade']);
const NAMED: ReadonlySet<string> = new Set([
  'event',
  'commerce',
  'screen_view',
  'attribution_event',
]);

function eventKindOf(filter: EventFilter, measure: Measure): EventKind {
  switch (filter.kind) {
    case 'event':
    case 'attribution_event':
      return 'custom';
    case 'session': {
      // A session counts when it starts; only its end knows how long it was.
      const asksLength =
        filter.where.some(condition => condition.attribute === '$session_duration_ms') ||
        (measure.function !== 'count' && measure.attribute === '$session_duration_ms');
      return asksLength ? 'session_end' : 'session_start';
    }
    case 'commerce':
    case 'screen_view':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
      return filter.kind;
    default:
      return unreachable(filter.kind);
  }
}

function historyOf(filter: BoundFilter, measure: Measure, keepMax: number): HistorySpec {
  const value =
    measure.function === 'count'
      ? undefined
      : ({
          attribute: measure.attribute,
          as: measure.function === 'distinct' ? 'text' : 'number',
        } as const);
  return historySpec(filter, value, keepMax);
}

function historySpec(
  filter: BoundFilter,
  value: KeptValue | undefined,
  keepMax: number,
): HistorySpec {
  // Of events that count only from time to time any may count again.
  const keep = filter.where.some(isMoving) ? Infinity : keepMax;
  const suffix =
    value === undefined ? (keep === Infinity ? '' : ` latest ${keep}`) : ` ${text(value)}`;
  return {key: filter.key + suffix, filter, value, keep};
}

function isMoving({test}: Condition): boolean {
  return test.type === 'date' && test.when.kind === 'sliding';
}

function windowOf(when: When, context: BindingContext): EventWindow {
  switch (when.kind) {
    case 'always':
      return {kind: 'sliding', olderMs: context.eventRetentionMs, newerMs: 0};
    case 'sliding':
      return {
        kind: 'sliding',
        olderMs: Math.min(when.olderMs, context.eventRetentionMs),
        newerMs: when.newerMs,
      };
    case 'fixed':
      return when;
    default:
      return unreachable(when);
  }
}

function isUpToNow(window: EventWindow): boolean {
  return window.kind === 'sliding' && window.newerMs === 0;
}

/** The highest count that has to be told from higher ones. */
function countNeeded(compare: Compare): number {
  const bound = compare.operator === 'between' ? compare.high : compare.value;
  return Math.max(0, Math.floor(bound) + 1);
}

function scopesOf(workspaces: readonly number[] | undefined, context: BindingContext): ScopeId[] {
  const chosen = workspaces ?? context.workspaces;
  assert(chosen.length > 0, 'a criterion has a workspace');
  return sortedNumbers(chosen.map(id => scopeOf(id, context.environment)));
}

function sortedNumbers(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function sortedConditions(where: readonly Condition[]): Condition[] {
  const byKey = new Map(where.map(condition => [text(condition), condition]));
  return [...byKey.keys()].sort().map(key => byKey.get(key)!);
}

/** JSON with sorted keys; open window ends, which JSON cannot say, are named. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === Infinity) return 'Infinity';
    if (part === -Infinity) return '-Infinity';
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
