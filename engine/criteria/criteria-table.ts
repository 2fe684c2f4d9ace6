/**
 * Every criterion in use, found by what can change it: an event by the predicates it meets and the
 * histories they feed, a change of a profile by its topic, a lapse of time by the history whose due has
 * come.
 */
import {must} from '../assert.ts';
import {
  type HistorySlab,
  MOVING_NUMBERS,
  MOVING_TEXTS,
  NUMBERS,
  type Shape,
  TEXTS,
  TIMES,
} from '../histories/history-slab.ts';
import type {TextDictionary} from '../histories/text-dictionary.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import type {BoundCriterion, HistorySpec} from './bound-criterion.ts';
import {compileTruth, type CriterionTruth, ScopedProfileTruth} from './criterion-truth.ts';
import {EMPTY_SCOPE} from '../profiles/profile-data.ts';
import {AttributeIndex} from './attribute-index.ts';
import type {Predicate} from './predicate.ts';
import {ThresholdSet} from './threshold-set.ts';
import {PredicateIndex} from './predicate-index.ts';

/** History ids below this are not predicates' histories (see `Shard`). */
export const FIRST_HISTORY = 8;

export interface Criterion {
  readonly slot: number;
  readonly bound: BoundCriterion;
  readonly truth: CriterionTruth;
  /** Its predicates' histories; or, for a criterion on profiles that time can change, one without entries. */
  readonly histories: readonly number[];
  /** Scratch: the record for which it is already on the list. */
  stamp: number;
}

export interface History {
  readonly id: number;
  readonly key: string;
  readonly spec: HistorySpec | undefined;
  readonly predicate: Predicate | undefined;
  readonly shape: Shape;
  readonly criteria: Criterion[];
  /** Of the criteria; made when first asked for. */
  thresholds: ThresholdSet | undefined;
  /** Watermark of the entry that made it: all after that it takes as it comes. Infinity while recovering. */
  since: number;
  /** Whether it holds all that the retained journal has. */
  ready: boolean;
  /** Scratch: the record that touched it. */
  stamp: number;
}

/** The criteria on profiles of one scope. */
interface ScopeCriteria {
  readonly byTopic: Map<string, Criterion[]>;
  readonly byAttribute: Map<string, AttributeIndex>;
  /** Those that hold, or may, as soon as the workspace meets the profile. */
  readonly onArrival: Criterion[];
}

export class CriteriaTable {
  readonly index = new PredicateIndex();
  readonly #slab: HistorySlab;
  readonly #texts: TextDictionary;
  readonly #eventRetentionMs: number;
  #bySlot: (Criterion | undefined)[] = [];
  #histories = new Map<number, History>();
  #historyIds = new Map<string, number>();
  #scopes = new Map<number, ScopeCriteria>();
  #nextHistory = FIRST_HISTORY;

  constructor(slab: HistorySlab, texts: TextDictionary, eventRetentionMs: number) {
    this.#slab = slab;
    this.#texts = texts;
    this.#eventRetentionMs = eventRetentionMs;
  }

  get(slot: number): Criterion {
    return must(this.#bySlot[slot], 'a criterion slot has its criterion');
  }

  find(slot: number): Criterion | undefined {
    return this.#bySlot[slot];
  }

  history(id: number): History | undefined {
    return this.#histories.get(id);
  }

  historyByKey(key: string): History | undefined {
    const id = this.#historyIds.get(key);
    return id === undefined ? undefined : this.#histories.get(id);
  }

  histories(): IterableIterator<History> {
    return this.#histories.values();
  }

  thresholdsOf(history: History): ThresholdSet {
    history.thresholds ??= new ThresholdSet(history.criteria, {isPlain: history.shape === TIMES});
    return history.thresholds;
  }

  scope(scope: number): ScopeCriteria | undefined {
    return this.#scopes.get(scope);
  }

  /** Ids are given in ascending order and never again; a restart goes on after those it loads. */
  reserveIds(next: number): void {
    this.#nextHistory = Math.max(this.#nextHistory, next);
  }

  get nextHistoryId(): number {
    return this.#nextHistory;
  }

  /** Gives a new slot its criterion. New histories are not ready. `idOf` lets a restart keep its ids. */
  add(slot: number, bound: BoundCriterion, idOf: (key: string) => number | undefined): Criterion {
    const specs = historiesOfBound(bound);
    const histories = specs.map(spec => this.#historyFor(spec, idOf).id);
    const eventRetentionMs = this.#eventRetentionMs;
    const truth = compileTruth(bound, {histories, eventRetentionMs, texts: this.#texts});
    if (truth instanceof ScopedProfileTruth && truth.truth.timed) {
      const key = `timer ${bound.key}`;
      histories.push(this.#addHistory(key, undefined, idOf(key)).id);
    }
    const criterion: Criterion = {slot, bound, truth, histories, stamp: 0};
    this.#bySlot[slot] = criterion;
    for (const id of new Set(histories)) {
      const history = this.#histories.get(id)!;
      history.criteria.push(criterion);
      history.thresholds = undefined;
    }
    this.#addToScopes(criterion);
    return criterion;
  }

  remove(slot: number): void {
    const criterion = this.#bySlot[slot];
    if (criterion === undefined) return;
    this.#bySlot[slot] = undefined;
    for (const id of new Set(criterion.histories)) this.#removeFromHistory(id, criterion);
    const {bound} = criterion;
    for (const scope of scopesAskedFor(bound)) {
      const criteria = this.#scopes.get(scope)!;
      dropFrom(criteria.onArrival, criterion);
      for (const list of criteria.byTopic.values()) dropFrom(list, criterion);
      if (bound.kind === 'profile' && bound.criterion.kind === 'user_attribute') {
        criteria.byAttribute.get(bound.criterion.attribute)?.remove(criterion);
      }
    }
  }

  /** Whether it holds for a profile of which nothing is known. */
  holdsForBlank(criterion: Criterion, blank: ProfileData): boolean {
    this.#slab.open(-1);
    criterion.truth.evaluate(this.#slab, blank, 0);
    return criterion.truth.holds;
  }

  #historyFor(spec: HistorySpec, idOf: (key: string) => number | undefined): History {
    const known = this.historyByKey(spec.key);
    if (known !== undefined) return known;
    const history = this.#addHistory(spec.key, spec, idOf(spec.key));
    const predicate = must(history.predicate, 'a history with a spec has a predicate');
    predicate.histories = [...predicate.histories, history];
    return history;
  }

  #addHistory(key: string, spec: HistorySpec | undefined, keptId: number | undefined): History {
    const id = keptId ?? this.#nextHistory++;
    const predicate = spec === undefined ? undefined : this.index.add(spec.filter);
    const history: History = {
      id,
      key,
      spec,
      predicate,
      shape: shapeOf(spec, predicate?.isMoving ?? false),
      criteria: [],
      thresholds: undefined,
      since: Infinity,
      ready: spec === undefined,
      stamp: 0,
    };
    this.#histories.set(id, history);
    this.#historyIds.set(key, id);
    return history;
  }

  #removeFromHistory(id: number, criterion: Criterion): void {
    const history = this.#histories.get(id)!;
    dropFrom(history.criteria, criterion);
    history.thresholds = undefined;
    if (history.criteria.length > 0) return;
    this.#histories.delete(id);
    this.#historyIds.delete(history.key);
    const {predicate} = history;
    if (predicate === undefined) return;
    predicate.histories = predicate.histories.filter(other => other !== history);
    if (predicate.histories.length === 0) this.index.remove(predicate.filter);
  }

  #addToScopes(criterion: Criterion): void {
    const {bound, truth} = criterion;
    for (const scope of scopesAskedFor(bound)) {
      let criteria = this.#scopes.get(scope);
      if (criteria === undefined) {
        this.#scopes.set(
          scope,
          (criteria = {byTopic: new Map(), byAttribute: new Map(), onArrival: []}),
        );
      }
      if (!(truth instanceof ScopedProfileTruth)) {
        criteria.onArrival.push(criterion);
        continue;
      }
      if (truth.truth.holds(EMPTY_SCOPE, 0)) criteria.onArrival.push(criterion);
      if (bound.kind === 'profile' && bound.criterion.kind === 'user_attribute') {
        const {attribute, test} = bound.criterion;
        let index = criteria.byAttribute.get(attribute);
        if (index === undefined)
          criteria.byAttribute.set(attribute, (index = new AttributeIndex()));
        index.add(criterion, truth.truth.timed ? undefined : test);
        continue;
      }
      const {topic} = truth.truth;
      const list = criteria.byTopic.get(topic);
      if (list === undefined) criteria.byTopic.set(topic, [criterion]);
      else list.push(criterion);
    }
  }
}

function shapeOf(spec: HistorySpec | undefined, isMoving: boolean): Shape {
  const as = spec?.value?.as;
  const isText = as === 'text' || as === 'spelling';
  if (isMoving) return isText ? MOVING_TEXTS : MOVING_NUMBERS;
  if (as === undefined) return TIMES;
  return isText ? TEXTS : NUMBERS;
}

/** The filters whose events a criterion needs. */
export function historiesOfBound(bound: BoundCriterion): readonly HistorySpec[] {
  switch (bound.kind) {
    case 'window':
      return [bound.history];
    case 'cart':
      return [bound.added, bound.until];
    case 'sequence':
      return bound.steps;
    case 'calculated':
      return bound.calculations.map(calculation => calculation.history);
    case 'population':
    case 'profile':
      return [];
  }
}

/** Scopes in which it matters whether they know the profile. */
function scopesAskedFor(bound: BoundCriterion): readonly number[] {
  switch (bound.kind) {
    case 'population':
    case 'profile':
      return bound.scopes;
    case 'calculated':
      return bound.calculations.map(calculation => calculation.scope);
    case 'window':
    case 'cart':
    case 'sequence':
      return [];
  }
}

function dropFrom<T>(list: T[], element: T): void {
  const at = list.indexOf(element);
  if (at >= 0) list.splice(at, 1);
}
