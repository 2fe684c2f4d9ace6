/**
 * A predicate: a bound filter, ready to be asked of an event. Conditions on products (and, apart from
 * them, on promotions) must all hold for one and the same item.
 */
import type {Condition} from '../definitions/definition.ts';
import type {EventRecord, Fields, Value} from '../record.ts';
import {type CompiledTest, compileTest} from '../values/compile-test.ts';
import {readInstantMs} from '../values/read-value.ts';
import type {BoundFilter} from './bound-criterion.ts';
import type {History} from './criteria-table.ts';

interface CompiledCondition {
  readonly attribute: string;
  readonly test: CompiledTest;
}

/** A condition on a date that moves with now: an event meets it from `date + newerMs` to `date + olderMs`. */
interface MovingCondition {
  readonly attribute: string;
  readonly olderMs: number;
  readonly newerMs: number;
}

interface Conditions {
  readonly fixed: readonly CompiledCondition[];
  readonly moving: readonly MovingCondition[];
}

/** Both ends inclusive. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

const ALWAYS: Interval = {fromMs: -Infinity, toMs: Infinity};

export class Predicate {
  readonly filter: BoundFilter;
  readonly #event: Conditions;
  readonly #product: Conditions;
  readonly #promotion: Conditions;
  /** Whether an event may meet it at one time and not at another. */
  readonly isMoving: boolean;
  /** Those that keep what meets it. */
  histories: readonly History[] = [];
  /** Scratch of the index: the event this was last offered for, so that none is offered twice. */
  stamp = 0;

  constructor(filter: BoundFilter) {
    this.filter = filter;
    this.#product = compileConditions(filter.where.filter(isProductCondition));
    this.#promotion = compileConditions(filter.where.filter(isPromotionCondition));
    this.#event = compileConditions(filter.where.filter(condition => !isItemField(condition)));
    this.isMoving = isMovingFilter(filter);
  }

  /**
   * Kind and name are the index's business; type, scope, input and conditions are asked here. Conditions
   * that move with now are left out: `contributions` says when they hold.
   */
  holds(event: EventRecord, scope: number, inputId: number, nowMs: number): boolean {
    const {scopes, inputs, type} = this.filter;
    if (!scopes.includes(scope)) return false;
    if (inputs !== undefined && !inputs.includes(inputId)) return false;
    if (type !== undefined && type !== event.type) return false;
    return (
      meets(this.#event.fixed, event.fields, nowMs) &&
      this.#someItemMeets(this.#product, event, nowMs) &&
      this.#someItemMeets(this.#promotion, event, nowMs)
    );
  }

  /**
   * What a measure over `attribute` takes from an event that meets the predicate: one value per
   * matching item for a `$product` or `$promotion` field, one per event otherwise. Absent ones are undefined.
   */
  valuesOf(attribute: string, event: EventRecord, nowMs: number): (Value | undefined)[] {
    const conditions = this.#conditionsOf(attribute);
    if (conditions === undefined) return [fieldOf(event.fields, attribute)];
    return event.items
      .filter(item => meets(conditions.fixed, item, nowMs))
      .map(item => fieldOf(item, attribute));
  }

  /**
   * For a predicate that moves: from when to when the event, or each of its matching products, counts, in
   * disjoint intervals. `attribute` as in `valuesOf`; undefined counts the event.
   */
  contributions(
    attribute: string | undefined,
    event: EventRecord,
    nowMs: number,
  ): {readonly value: Value | undefined; readonly interval: Interval}[] {
    const own = intervalOf(this.#event.moving, event.fields);
    const products = this.#itemIntervals(this.#product, event, nowMs);
    const promotions = this.#itemIntervals(this.#promotion, event, nowMs);
    const conditions = attribute === undefined ? undefined : this.#conditionsOf(attribute);
    if (attribute === undefined || conditions === undefined) {
      const value = attribute === undefined ? undefined : fieldOf(event.fields, attribute);
      return intersect([own, products, promotions]).map(interval => ({value, interval}));
    }
    const others = conditions === this.#product ? promotions : products;
    return event.items
      .filter(item => meets(conditions.fixed, item, nowMs))
      .flatMap(item =>
        intersect([own, intervalOf(conditions.moving, item), others]).map(interval => ({
          value: fieldOf(item, attribute),
          interval,
        })),
      );
  }

  /** Of the sort of item that has this field; undefined for a field of the event itself. */
  #conditionsOf(attribute: string): Conditions | undefined {
    if (isProductField(attribute)) return this.#product;
    return isPromotionField(attribute) ? this.#promotion : undefined;
  }

  #someItemMeets({fixed, moving}: Conditions, event: EventRecord, nowMs: number): boolean {
    if (fixed.length === 0 && moving.length === 0) return true;
    return event.items.some(item => meets(fixed, item, nowMs));
  }

  #itemIntervals({fixed, moving}: Conditions, event: EventRecord, nowMs: number): Interval[] {
    if (moving.length === 0) return [ALWAYS];
    const intervals = event.items
      .filter(item => meets(fixed, item, nowMs))
      .flatMap(item => intervalOf(moving, item));
    return union(intervals);
  }
}

export function isMovingFilter(filter: BoundFilter): boolean {
  return filter.where.some(condition => movingOf(condition) !== undefined);
}

function compileConditions(conditions: readonly Condition[]): Conditions {
  const moving = conditions.flatMap(condition => movingOf(condition) ?? []);
  const fixed = conditions
    .filter(condition => movingOf(condition) === undefined)
    .map(condition => ({attribute: condition.attribute, test: compileTest(condition.test)}));
  return {fixed, moving};
}

function movingOf({attribute, test}: Condition): MovingCondition | undefined {
  if (test.type !== 'date' || test.when.kind !== 'sliding') return undefined;
  return {attribute, olderMs: test.when.olderMs, newerMs: test.when.newerMs};
}

/** When all of the moving conditions hold of these fields; empty when never. */
function intervalOf(moving: readonly MovingCondition[], fields: Fields): Interval[] {
  let fromMs = -Infinity;
  let toMs = Infinity;
  for (const {attribute, olderMs, newerMs} of moving) {
    const dateMs = readInstantMs(fieldOf(fields, attribute));
    if (dateMs === undefined) return [];
    // Time goes by in whole milliseconds, and a date may lie between two.
    fromMs = Math.max(fromMs, Math.ceil(dateMs + newerMs));
    toMs = Math.min(toMs, Math.floor(dateMs + olderMs));
  }
  return fromMs <= toMs ? [{fromMs, toMs}] : [];
}

function intersect(sets: readonly (readonly Interval[])[]): Interval[] {
  return sets.reduce<readonly Interval[]>(
    (common, set) =>
      common.flatMap(a =>
        set.flatMap(b => {
          const fromMs = Math.max(a.fromMs, b.fromMs);
          const toMs = Math.min(a.toMs, b.toMs);
          return fromMs <= toMs ? [{fromMs, toMs}] : [];
        }),
      ),
    [ALWAYS],
  ) as Interval[];
}

function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last !== undefined && next.fromMs <= last.toMs + 1) {
      merged[merged.length - 1] = {fromMs: last.fromMs, toMs: Math.max(last.toMs, next.toMs)};
    } else merged.push(next);
  }
  return merged;
}

function isProductCondition(condition: Condition): boolean {
  return isProductField(condition.attribute);
}

function isPromotionCondition(condition: Condition): boolean {
  return isPromotionField(condition.attribute);
}

export function isProductField(attribute: string): boolean {
  return attribute.startsWith('$product.');
}

function isPromotionField(attribute: string): boolean {
  return attribute.startsWith('$promotion.');
}

export function isItemField(condition: Condition): boolean {
  return isProductField(condition.attribute) || isPromotionField(condition.attribute);
}

function meets(conditions: readonly CompiledCondition[], fields: Fields, nowMs: number): boolean {
  for (let i = 0; i < conditions.length; i++) {
    const condition = conditions[i]!;
    if (!condition.test.holds(fieldOf(fields, condition.attribute), nowMs)) return false;
  }
  return true;
}

/** Field names sit at the even places. */
export function fieldOf(fields: Fields, name: string): Value | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1];
  }
  return undefined;
}
