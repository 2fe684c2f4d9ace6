/**
 * Finds the predicates an event meets without trying them all. By event kind and name first; then each
 * predicate with conditions waits behind one of them, its access condition (Fabret et al., SIGMOD 2001):
 * an equality in a hash of values, a range in a sorted list of bounds, anything else behind the mere
 * presence of its attribute. Only what the event's own values lead to is verified.
 */
import type {Condition} from '../definitions/definition.ts';
import type {EventKind, EventRecord, Fields, Value} from '../record.ts';
import {readFolded, readNumber} from '../values/read-value.ts';
import type {BoundFilter} from './bound-criterion.ts';
import {isItemField, Predicate} from './predicate.ts';

export class PredicateIndex {
  /** By kind, then by name; ANY_NAME for those that take every name. */
  #byEvent = new Map<EventKind, Map<string | typeof ANY_NAME, EventPredicates>>();
  #byFilter = new Map<string, Predicate>();
  #stamp = 0;
  /** Predicates whose conditions were asked, ever: the work that must not grow with unrelated audiences. */
  asked = 0;

  add(filter: BoundFilter): Predicate {
    const known = this.#byFilter.get(filter.key);
    if (known !== undefined) return known;
    const predicate = new Predicate(filter);
    this.#byFilter.set(filter.key, predicate);
    let byName = this.#byEvent.get(filter.kind);
    if (byName === undefined) this.#byEvent.set(filter.kind, (byName = new Map()));
    for (const name of namesOf(filter)) {
      let predicates = byName.get(name);
      if (predicates === undefined) byName.set(name, (predicates = new EventPredicates()));
      predicates.add(predicate);
    }
    return predicate;
  }

  remove(filter: BoundFilter): void {
    const predicate = this.#byFilter.get(filter.key);
    if (predicate === undefined) return;
    this.#byFilter.delete(filter.key);
    const byName = this.#byEvent.get(filter.kind);
    for (const name of namesOf(filter)) {
      const predicates = byName?.get(name);
      predicates?.remove(predicate);
      if (predicates?.count === 0) byName?.delete(name);
    }
  }

  /** Appends to `found` every predicate that the event meets. */
  find(
    event: EventRecord,
    scope: number,
    inputId: number,
    nowMs: number,
    found: {push(predicate: Predicate): void},
  ): void {
    const byName = this.#byEvent.get(event.kind);
    if (byName === undefined) return;
    const named = byName.get(event.name);
    const anyName = byName.get(ANY_NAME);
    if (named === undefined && anyName === undefined) return;
    const stamp = ++this.#stamp;
    const offer = (predicate: Predicate): void => {
      if (predicate.stamp === stamp) return;
      predicate.stamp = stamp;
      this.asked++;
      if (predicate.holds(event, scope, inputId, nowMs)) found.push(predicate);
    };
    named?.offerCandidates(event, offer);
    anyName?.offerCandidates(event, offer);
  }
}

const ANY_NAME: unique symbol = Symbol('any name');

function namesOf(filter: BoundFilter): readonly (string | typeof ANY_NAME)[] {
  return filter.names ?? [ANY_NAME];
}

/** The predicates of one event name. */
class EventPredicates {
  #always: Predicate[] = [];
  #byAttribute = new Map<string, AttributePredicates>();
  count = 0;

  add(predicate: Predicate): void {
    this.count++;
    const access = accessCondition(predicate.filter.where);
    if (access === undefined) {
      this.#always.push(predicate);
      return;
    }
    let predicates = this.#byAttribute.get(access.attribute);
    if (predicates === undefined) {
      this.#byAttribute.set(access.attribute, (predicates = new AttributePredicates()));
    }
    predicates.add(access, predicate);
  }

  remove(predicate: Predicate): void {
    this.count--;
    const access = accessCondition(predicate.filter.where);
    if (access === undefined) this.#always = this.#always.filter(other => other !== predicate);
    else this.#byAttribute.get(access.attribute)?.remove(access, predicate);
  }

  offerCandidates(event: EventRecord, offer: (predicate: Predicate) => void): void {
    for (let i = 0; i < this.#always.length; i++) offer(this.#always[i]!);
    if (this.#byAttribute.size === 0) return;
    this.#offerFields(event.fields, offer);
    for (let i = 0; i < event.items.length; i++) this.#offerFields(event.items[i]!, offer);
  }

  #offerFields(fields: Fields, offer: (predicate: Predicate) => void): void {
    for (let i = 0; i < fields.length; i += 2) {
      const predicates = this.#byAttribute.get(fields[i] as string);
      predicates?.offerCandidates(fields[i + 1]!, offer);
    }
  }
}

/** The predicates that wait behind one attribute of one event name. */
class AttributePredicates {
  #byText = new Map<string, Predicate[]>();
  #byNumber = new Map<number, Predicate[]>();
  /** Met by values above (or at) the bound; ascending by it. */
  #above: {bound: number; predicate: Predicate}[] = [];
  /** Met by values below (or at) the bound; descending by it. */
  #below: {bound: number; predicate: Predicate}[] = [];
  #present: Predicate[] = [];

  add(access: Condition, predicate: Predicate): void {
    const {test} = access;
    if (test.type === 'string' && test.operator === 'exact_match') {
      put(this.#byText, test.value, predicate);
    } else if (test.type === 'string' && test.operator === 'in') {
      for (const value of test.values) put(this.#byText, value, predicate);
    } else if (test.type === 'number' && test.operator === 'equals') {
      put(this.#byNumber, test.value, predicate);
    } else if (test.type === 'number' && test.operator === 'in') {
      for (const value of test.values) put(this.#byNumber, value, predicate);
    } else if (
      test.type === 'number' &&
      (test.operator === 'greater_than' || test.operator === 'greater_or_equal')
    ) {
      this.#above.push({bound: test.value, predicate});
      this.#above.sort((a, b) => a.bound - b.bound);
    } else if (test.type === 'number' && test.operator === 'between') {
      this.#above.push({bound: test.low, predicate});
      this.#above.sort((a, b) => a.bound - b.bound);
    } else if (
      test.type === 'number' &&
      (test.operator === 'less_than' || test.operator === 'less_or_equal')
    ) {
      this.#below.push({bound: test.value, predicate});
      this.#below.sort((a, b) => b.bound - a.bound);
    } else {
      this.#present.push(predicate);
    }
  }

  remove(access: Condition, predicate: Predicate): void {
    const {test} = access;
    if (test.type === 'string' && (test.operator === 'exact_match' || test.operator === 'in')) {
      drop(this.#byText, predicate);
    } else if (test.type === 'number' && (test.operator === 'equals' || test.operator === 'in')) {
      drop(this.#byNumber, predicate);
    } else {
      this.#above = this.#above.filter(entry => entry.predicate !== predicate);
      this.#below = this.#below.filter(entry => entry.predicate !== predicate);
      this.#present = this.#present.filter(other => other !== predicate);
    }
  }

  offerCandidates(value: Value, offer: (predicate: Predicate) => void): void {
    if (this.#byText.size > 0) {
      const folded = readFolded(value);
      if (folded !== undefined) offerAll(this.#byText.get(folded), offer);
    }
    if (this.#byNumber.size > 0 || this.#above.length > 0 || this.#below.length > 0) {
      const number = readNumber(value);
      if (number !== undefined) {
        offerAll(this.#byNumber.get(number), offer);
        for (const {bound, predicate} of this.#above) {
          if (bound > number) break;
          offer(predicate);
        }
        for (const {bound, predicate} of this.#below) {
          if (bound < number) break;
          offer(predicate);
        }
      }
    }
    for (let i = 0; i < this.#present.length; i++) offer(this.#present[i]!);
  }
}

/** The condition that narrows most: an equality, else a range, else any that an absent attribute fails. */
function accessCondition(where: readonly Condition[]): Condition | undefined {
  let best: Condition | undefined;
  let bestRank = 0;
  for (const condition of where) {
    const rank = accessRank(condition);
    if (rank > bestRank) [best, bestRank] = [condition, rank];
  }
  return best;
}

function accessRank(condition: Condition): number {
  const {test} = condition;
  if (test.operator === 'not_exists') return 0;
  // Of two equal ones the event's own field: items are several.
  const own = isItemField(condition) ? 0 : 1;
  if (test.operator === 'exact_match' || (test.type === 'number' && test.operator === 'equals'))
    return 6 + own;
  if (test.operator === 'in' && (test.type === 'string' || test.type === 'number')) return 4 + own;
  if (test.type === 'number' && test.operator !== 'not_equals' && test.operator !== 'not_in')
    return 2 + own;
  return 1;
}

function offerAll(
  predicates: Predicate[] | undefined,
  offer: (predicate: Predicate) => void,
): void {
  if (predicates === undefined) return;
  for (let i = 0; i < predicates.length; i++) offer(predicates[i]!);
}

function put<K>(map: Map<K, Predicate[]>, key: K, predicate: Predicate): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [predicate]);
  else if (!list.includes(predicate)) list.push(predicate);
}

function drop<K>(map: Map<K, Predicate[]>, predicate: Predicate): void {
  for (const [key, list] of map) {
    const kept = list.filter(other => other !== predicate);
    if (kept.length === 0) map.delete(key);
    else map.set(key, kept);
  }
}
