/**
 * A record into its profile: facts by the latest word, events into the histories of the predicates they
 * meet. Lists what they touch, each once, and asks nothing yet.
 */
import type {Criterion, History} from './criteria/criteria-table.ts';
import type {Predicate} from './criteria/predicate.ts';
import {insertEntry, insertTime} from './histories/entries.ts';
import type {Ordinal} from './ids.ts';
import {armLifetime, reachFuture} from './profiles/lifetime.ts';
import {type FormerIdentity, IDENTITY_MARK} from './profiles/former-identities.ts';
import type {ProfileData, ScopeData} from './profiles/profile-data.ts';
import type {EventRecord, IdentityChange, ProfileRecord} from './record.ts';
import {ScratchList} from './scratch-list.ts';
import type {ShardState} from './shard-state.ts';

/**
 * Scopes of records that only take identities away: in every workspace of the environment the profile
 * loses those that still have the value. They make no profile and are no sign of life.
 */
export const LOSSES_OF = {production: -2, development: -1} as const;

export class Intake {
  readonly #state: ShardState;
  readonly #found = new ScratchList<Predicate>();
  readonly histories = new ScratchList<History>();
  readonly criteria = new ScratchList<Criterion>();
  /** Indexes of watched attributes and identities that changed, each once. */
  readonly watched = new ScratchList<number>();
  /** Watched identities that the profile had before. */
  readonly lost = new ScratchList<FormerIdentity>();

  constructor(state: ShardState) {
    this.#state = state;
  }

  begin(): void {
    this.#state.stamp++;
    this.histories.clear();
    this.criteria.clear();
    this.watched.clear();
    this.lost.clear();
  }

  /** The profile's histories are open. */
  take(ordinal: Ordinal, record: ProfileRecord, nowMs: number): void {
    const state = this.#state;
    const data = state.data(ordinal)!;
    data.toldMs = nowMs;
    const isNew = data.scopes.length === 0;
    let scope = data.find(record.scope);
    if (scope === undefined) {
      scope = data.add(record.scope);
      const criteria = state.criteria.scope(record.scope);
      if (criteria !== undefined) this.touch(criteria.onArrival);
    }
    scope.noteArrival(record.arrivalMs);
    this.#takeFacts(scope, record);
    let hasFuture = false;
    const oldestMs = nowMs - state.options.eventRetentionMs;
    for (const event of record.events) {
      state.work.events++;
      if (event.timeMs > nowMs) {
        scope.addFuture(event);
        hasFuture = true;
      } else if (scope.noteEvent(event)) this.#touchTopic(scope, 'attribution');
      if (event.timeMs >= oldestMs) this.#takeEvent(event, record, nowMs);
    }
    this.#touchTopic(scope, 'seen');
    if (isNew || hasFuture) armLifetime(state, data);
  }

  takeLosses(data: ProfileData, record: ProfileRecord): void {
    for (const scope of data.scopes) {
      if ((scope.scope & 1) !== (record.scope & 1)) continue;
      for (const {type, value, sequence} of record.identities) {
        if (scope.identity(type) !== value) continue;
        this.#setIdentity(scope, {type, value: undefined, sequence});
      }
    }
  }

  reachFuture(data: ProfileData, atMs: number): void {
    reachFuture(data, atMs, (scope, topic) => this.#touchTopic(scope, topic));
  }

  /** Every criterion on what is known of the profile that is not sure to be as for a blank one. */
  touchAllOf(data: ProfileData): void {
    for (const scope of data.scopes) {
      const criteria = this.#state.criteria.scope(scope.scope);
      if (criteria === undefined) continue;
      this.touch(criteria.onArrival);
      for (const list of criteria.byTopic.values()) this.touch(list);
      for (const [attribute, index] of criteria.byAttribute) {
        index.changed(undefined, scope.attribute(attribute), this.touch);
      }
    }
  }

  readonly touch = (criteria: readonly Criterion[]): void => {
    const {stamp} = this.#state;
    for (const criterion of criteria) {
      if (criterion.stamp === stamp) continue;
      criterion.stamp = stamp;
      this.criteria.push(criterion);
    }
  };

  #touchTopic(scope: ScopeData, topic: string): void {
    const criteria = this.#state.criteria.scope(scope.scope)?.byTopic.get(topic);
    if (criteria !== undefined) this.touch(criteria);
  }

  #takeFacts(scope: ScopeData, record: ProfileRecord): void {
    const {criteria, watched} = this.#state;
    for (const change of record.attributes) {
      const before = scope.attribute(change.name);
      if (!scope.setAttribute(change)) continue;
      const index = criteria.scope(scope.scope)?.byAttribute.get(change.name);
      index?.changed(before, change.value, this.touch);
      this.#watch(watched.indexOf(change.name));
    }
    for (const change of record.identities) {
      this.#setIdentity(scope, change);
    }
    for (const change of record.consent) {
      if (scope.setConsent(change)) this.#touchTopic(scope, 'consent');
    }
    for (let i = 0; i < record.device.length; i += 2) {
      const field = record.device[i] as string;
      if (scope.setDevice(field, record.device[i + 1]!, record.batchMs)) {
        this.#touchTopic(scope, `device ${field}`);
      }
    }
    if (record.location !== undefined && scope.setLocation(record.location)) {
      this.#touchTopic(scope, 'location');
    }
  }

  #setIdentity(scope: ScopeData, change: IdentityChange): void {
    const {type} = change;
    const value = scope.identity(type);
    if (!scope.setIdentity(change)) return;
    this.#touchTopic(scope, `identity ${type}`);
    const position = this.#state.watched.indexOf(IDENTITY_MARK + type);
    if (position < 0) return;
    this.#watch(position);
    if (value !== undefined) this.lost.push({scope: scope.scope, type, value});
  }

  #watch(position: number): void {
    if (position < 0) return;
    for (let i = 0; i < this.watched.count; i++) if (this.watched.items[i] === position) return;
    this.watched.push(position);
  }

  #takeEvent(event: EventRecord, record: ProfileRecord, nowMs: number): void {
    const state = this.#state;
    const found = this.#found;
    found.clear();
    state.criteria.index.find(event, record.scope, record.inputId, nowMs, found);
    for (let i = 0; i < found.count; i++) {
      const predicate = found.items[i]!;
      const {histories} = predicate;
      for (let h = 0; h < histories.length; h++) {
        const history = histories[h]!;
        this.#feed(history, predicate, event, nowMs);
        if (history.stamp === state.stamp) continue;
        history.stamp = state.stamp;
        this.histories.push(history);
      }
    }
  }

  #feed(history: History, predicate: Predicate, event: EventRecord, nowMs: number): void {
    const {timeMs} = event;
    const attribute = history.spec?.value?.attribute;
    if (predicate.isMoving) {
      for (const {value, interval} of predicate.contributions(attribute, event, nowMs)) {
        insertEntry(this.#state, history, {timeMs, value, interval}, nowMs);
      }
    } else if (attribute === undefined) insertTime(this.#state, history, timeMs, nowMs);
    else {
      for (const value of predicate.valuesOf(attribute, event, nowMs)) {
        insertEntry(this.#state, history, {timeMs, value}, nowMs);
      }
    }
  }
}
