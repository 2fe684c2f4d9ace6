/**
 * A shard: a slice of the profiles and every audience over them, as a deterministic state machine. The
 * time is an argument; nothing here reads a clock, a random number or a disk, so the same calls give the
 * same deltas.
 *
 * One record, step by step: what the profile's time brought meanwhile is settled first, at its exact
 * moments; then facts and events go into the profile and its histories; the criteria they touch are asked; a
 * criterion that flips is propagated through the expressions that use it; a root that flips is a delta.
 */
import {assert} from './assert.ts';
import type {Audience} from './audiences/audience-table.ts';
import {AudienceTable} from './audiences/audience-table.ts';
import type {AudienceSpec} from './audiences/audience-spec.ts';
import {FillPass} from './audiences/fill-pass.ts';
import {
  CriteriaTable,
  type Criterion,
  FIRST_HISTORY,
  type History,
} from './criteria/criteria-table.ts';
import type {ThresholdSet} from './criteria/threshold-set.ts';
import type {Interval, Predicate} from './criteria/predicate.ts';
import {
  ADD,
  ATTRIBUTE_UPDATE,
  CAUSE_DEFINITION,
  CAUSE_EVENT,
  CAUSE_PROFILE,
  CAUSE_TIME,
  DELETE,
  DeltaWriter,
} from './deltas.ts';
import {ExpressionGraph} from './expressions/expression-graph.ts';
import {Propagation} from './expressions/propagation.ts';
import {HistorySlab, holdsTexts, NUMBERS, type Shape, TIMES} from './histories/history-slab.ts';
import {TextDictionary} from './histories/text-dictionary.ts';
import type {Ordinal} from './ids.ts';
import {ProfileData, type ScopeData} from './profiles/profile-data.ts';
import {ProfileTable} from './profiles/profile-table.ts';
import {TruthRows} from './profiles/truth-rows.ts';
import type {EventRecord, ProfileRecord, Value} from './record.ts';
import {TimingWheel} from './time/timing-wheel.ts';
import {foldCase} from './values/fold-case.ts';
import {readNumber, readText} from './values/read-value.ts';

export interface ShardOptions {
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  /** Everything up to here has happened. */
  readonly startMs: number;
  readonly historyIdOf?: (key: string) => number | undefined;
}

/** History 0: the audiences a profile is in (value) and since when (time). */
export const MEMBERSHIPS = 0;
/** History 1, no entries: due when the profile may have gone without activity for too long. */
const EXPIRY = 1;
/** History 2, no entries: due when an event from the future has its time. */
const FUTURE = 2;

/**
 * Scopes of records that only take identities away: in every workspace of the environment the profile
 * loses those that still have the value. They make no profile and are no sign of life.
 */
export const LOSSES_OF = {production: -2, development: -1} as const;

export class Shard {
  readonly table = new ProfileTable();
  readonly slab = new HistorySlab();
  readonly rows = new TruthRows();
  readonly graph = new ExpressionGraph();
  readonly propagation = new Propagation(this.graph, this.rows);
  readonly texts = new TextDictionary();
  readonly criteria: CriteriaTable;
  readonly audiences: AudienceTable;
  readonly deltas = new DeltaWriter();
  readonly work = {events: 0, records: 0, criteria: 0, settled: 0, deltas: 0};

  readonly #options: ShardOptions;
  #wheel: TimingWheel;
  #data: (ProfileData | undefined)[] = [];
  /** The profile's next change by time, and the moment the wheel has it for. */
  #dueMs = new Float64Array(1024).fill(Infinity);
  #armedMs = new Float64Array(1024).fill(Infinity);
  #nowMs: number;
  #stamp = 0;
  #watched: readonly string[] = [];
  #fill: FillPass | undefined;
  // Scratch of one record.
  #touchedHistories: History[] = [];
  #touchedCriteria: Criterion[] = [];
  #found: Predicate[] = [];
  #watchedChanges: number[] = [];
  #joined: number[] = [];
  /** Of the entry being applied; profiles that appear remember it. */
  watermark = 0;
  /** Told of every profile whose row has to be written again. */
  onDirty: (ordinal: Ordinal) => void = () => {};
  /** Told of a profile that is gone, before its ordinal is free. */
  onGone: (ordinal: Ordinal) => void = () => {};

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#nowMs = options.startMs;
    this.#wheel = new TimingWheel(options.startMs);
    this.criteria = new CriteriaTable(this.slab, options.eventRetentionMs);
    this.audiences = new AudienceTable({
      graph: this.graph,
      rows: this.rows,
      propagation: this.propagation,
      criteria: this.criteria,
      eventRetentionMs: options.eventRetentionMs,
      historyIdOf: options.historyIdOf ?? (() => undefined),
    });
    this.propagation.reserve();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Up to here every change by time has been told. */
  get drainedMs(): number {
    return this.#wheel.nowMs;
  }

  get timers(): number {
    return this.#wheel.count;
  }

  /** No change by time comes before this. */
  nextDueMs(): number {
    return this.#wheel.nextMs();
  }

  data(ordinal: Ordinal): ProfileData | undefined {
    return this.#data[ordinal];
  }

  /** Applies one record at `nowMs`, which never goes back. */
  apply(record: ProfileRecord, nowMs: number): void {
    assert(nowMs >= this.#nowMs, 'time does not go back');
    this.#nowMs = nowMs;
    this.work.records++;
    if (record.scope < 0) {
      this.#applyLosses(record, nowMs);
      return;
    }
    const ordinal = this.#ordinalAt(record.mpidHi, record.mpidLo, nowMs);
    this.rows.open(ordinal);
    this.slab.open(ordinal);
    this.#takeIn(ordinal, record, nowMs);
    for (const history of this.#touchedHistories)
      this.#evaluateHistory(ordinal, history, nowMs, true);
    for (const criterion of this.#touchedCriteria)
      this.#evaluateCriterion(ordinal, criterion, nowMs);
    this.#finish(ordinal, nowMs, record.events.length > 0 ? CAUSE_EVENT : CAUSE_PROFILE);
    if (this.#watchedChanges.length > 0) this.#tellAttributes(ordinal, nowMs);
    this.onDirty(ordinal);
  }

  /**
   * Lets time pass to `nowMs`, telling what it changes in order. Stops at the end of a millisecond after
   * about `profilesMax` profiles; `drainedMs` says how far it came.
   */
  advance(nowMs: number, profilesMax: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    this.#wheel.advance(nowMs, profilesMax, (ordinal, atMs) => {
      if (this.#armedMs[ordinal] !== atMs) return;
      this.#armedMs[ordinal] = Infinity;
      this.#settle(ordinal, atMs);
      this.#arm(ordinal);
    });
  }

  /** Takes new definitions; members of audiences that are gone or inactive leave. */
  define(upsert: readonly AudienceSpec[], remove: readonly number[], nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#fill = undefined;
    for (const audience of this.audiences.define(upsert, remove)) {
      if (audience.root >= 0) {
        this.rows.forEachSet(audience.root >> 1, this.table.end, ordinal => {
          if (this.table.isLive(ordinal))
            this.#tell(ordinal, audience, false, CAUSE_DEFINITION, this.#nowMs);
        });
      }
      this.audiences.drop(audience);
    }
    this.#joined.length = 0;
    this.audiences.sweep();
  }

  /**
   * An entry of one history found in the journal at a watermark; the profile may be gone since, or be
   * another one under the same mpid.
   */
  backfill(
    history: History,
    found: {readonly hi: number; readonly lo: number; readonly watermark: number},
    timeMs: number,
    value: Value | undefined,
    interval?: Interval,
  ): void {
    const ordinal = this.table.find(found.hi, found.lo);
    if (ordinal < 0 || history.spec === undefined) return;
    if (found.watermark < this.#data[ordinal]!.born) return;
    this.slab.open(ordinal);
    this.#insert(history, timeMs, value, this.#nowMs, interval);
    this.onDirty(ordinal);
  }

  /**
   * Goes on with preparing new definitions, for about `rowsMax` profiles. True while there is more to do
   * now; definitions that wait for histories are not counted.
   */
  prepare(rowsMax: number): boolean {
    this.#fill ??= FillPass.start(this.audiences);
    const fill = this.#fill;
    if (fill === undefined) return false;
    const end = Math.min(this.table.end, fill.cursor + rowsMax);
    for (; fill.cursor < end; fill.cursor++) {
      if (this.table.isLive(fill.cursor)) this.#fillRow(fill.cursor, fill.nodes);
    }
    if (fill.cursor < this.table.end) return true;
    this.#fill = undefined;
    for (const slot of fill.nodes) {
      this.graph.settle(slot);
      this.propagation.setCount(slot, this.rows.countSet(slot, this.table.end));
    }
    for (const audience of fill.audiences) this.#promote(audience);
    this.audiences.sweep();
    return FillPass.start(this.audiences) !== undefined;
  }

  /** 0–1 of the pass over profiles that prepares this audience. */
  fillProgress(audience: Audience): number {
    if (this.#fill === undefined || !this.#fill.audiences.includes(audience)) return 0;
    return this.table.end === 0 ? 1 : this.#fill.cursor / this.table.end;
  }

  watch(attributes: readonly string[]): void {
    this.#watched = attributes;
  }

  /** Everything of a profile is gone; its memberships end. False when there is none. */
  erase(hi: number, lo: number, nowMs: number): boolean {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const ordinal = this.table.find(hi, lo);
    if (ordinal < 0) return false;
    this.#forget(ordinal, this.#nowMs, CAUSE_PROFILE);
    return true;
  }

  sinceMs(ordinal: Ordinal, audience: number): number {
    if (!this.slab.open(ordinal) || !this.slab.locate(MEMBERSHIPS)) return NaN;
    const at = this.#membershipIndex(audience);
    return at < 0 ? NaN : this.slab.words[this.slab.entryAt + at * 2]!;
  }

  /** Audience ids and moments of a profile's memberships, flat, by time of joining. */
  memberships(ordinal: Ordinal): number[] {
    const found: number[] = [];
    if (!this.slab.open(ordinal) || !this.slab.locate(MEMBERSHIPS)) return found;
    for (let i = 0; i < this.slab.entryCount; i++) {
      const at = this.slab.entryAt + i * 2;
      found.push(this.slab.words[at + 1]!, this.slab.words[at]!);
    }
    return found;
  }

  // ── Recovery: rows and journal first (state only), then `recovered` for each profile ──────────────

  /** A profile from disk; its row of truth is made by `recovered`. */
  restore(hi: number, lo: number, data: ProfileData): Ordinal {
    const ordinal = this.table.add(hi, lo);
    this.#reserve(ordinal);
    this.#data[ordinal] = data;
    this.rows.reset(ordinal);
    return ordinal;
  }

  /** Serves every definition at once; before the first `restore`, so that no profile has to be asked. */
  serveAll(): void {
    assert(this.table.end === 0, 'definitions are restored before profiles');
    for (const audience of this.audiences.all()) {
      if (audience.next !== undefined) this.audiences.promote(audience);
    }
    for (let slot = 0; slot < this.graph.end; slot++) this.graph.settle(slot);
    for (const history of this.criteria.histories()) history.ready = true;
  }

  /** The words of the opened profile's histories, and the texts that its text entries name, in order. */
  exportHistories(ordinal: Ordinal): {words: Uint8Array; texts: string[]} {
    const {slab} = this;
    const texts: string[] = [];
    if (!slab.open(ordinal)) return {words: new Uint8Array(0), texts};
    const present: number[] = [];
    for (let i = 0; i < slab.historyCount; i++) present.push(slab.historyAt(i));
    for (const id of present) {
      slab.locate(id);
      if (id >= FIRST_HISTORY && this.criteria.history(id) === undefined) this.#dropHistory();
      else if (holdsTexts(slab.shape)) {
        for (let i = 0; i < slab.entryCount; i++) {
          texts.push(this.texts.text(slab.words[slab.entryAt + i * slab.width + 1]!));
        }
      }
    }
    return {words: slab.exportBytes(), texts};
  }

  /** The reverse; histories that are not `wanted` are left out. */
  importHistories(
    ordinal: Ordinal,
    {words, texts}: {readonly words: Uint8Array; readonly texts: readonly string[]},
    wanted: (history: number) => boolean,
  ): void {
    const {slab} = this;
    slab.importBytes(ordinal, words);
    if (!slab.open(ordinal)) return;
    const present: number[] = [];
    for (let i = 0; i < slab.historyCount; i++) present.push(slab.historyAt(i));
    let next = 0;
    for (const id of present) {
      slab.locate(id);
      if (holdsTexts(slab.shape)) {
        for (let i = 0; i < slab.entryCount; i++) {
          slab.words[slab.entryAt + i * slab.width + 1] = this.texts.acquire(texts[next++]!);
        }
      }
      if (id >= FIRST_HISTORY && !wanted(id)) this.#dropHistory();
    }
  }

  /** A record of the journal whose deltas are in the feed: state without truth. −1 when it is about nobody. */
  replay(record: ProfileRecord, nowMs: number): Ordinal {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    let ordinal = this.table.find(record.mpidHi, record.mpidLo);
    if (record.scope < 0) {
      if (ordinal >= 0) {
        this.#data[ordinal]!.toldMs = nowMs;
        this.#takeLosses(this.#data[ordinal]!, record);
      }
      this.#clearTouched();
      return ordinal;
    }
    if (ordinal >= 0 && this.#hasExpired(ordinal, nowMs)) {
      this.#release(ordinal);
      ordinal = -1;
    }
    if (ordinal < 0) ordinal = this.#appear(record.mpidHi, record.mpidLo);
    this.#reachFuture(this.#data[ordinal]!, nowMs);
    this.slab.open(ordinal);
    this.#takeIn(ordinal, record, nowMs);
    this.#watchedChanges.length = 0;
    this.#clearTouched();
    return ordinal;
  }

  /** The journal ends: every change by time up to `drainedMs` was told. Before the first `recovered`. */
  replayed(drainedMs: number): void {
    assert(this.#wheel.count === 0, 'nothing is armed before truth is made');
    this.#wheel = new TimingWheel(drainedMs);
    this.#nowMs = Math.max(this.#nowMs, drainedMs);
  }

  /** An erasure of the journal. */
  replayErase(hi: number, lo: number): void {
    const ordinal = this.table.find(hi, lo);
    if (ordinal >= 0) this.#release(ordinal);
  }

  /** A membership delta of the feed. */
  replayMembership(ordinal: Ordinal, audience: number, member: boolean, sinceMs: number): void {
    this.slab.open(ordinal);
    if (member) this.#join(audience, sinceMs);
    else this.#leave(audience);
  }

  /**
   * Makes the truth of a restored profile as of `atMs`, the moment to which its changes were told. What
   * its memberships were differs from what they should be only where a definition was being prepared, or
   * the meaning of a criterion was mended between releases: that difference is told.
   */
  recovered(ordinal: Ordinal, atMs: number): void {
    const data = this.#data[ordinal]!;
    if (this.#hasExpired(ordinal, atMs)) {
      this.#release(ordinal);
      return;
    }
    this.#reachFuture(data, atMs);
    this.#stamp++;
    this.rows.open(ordinal);
    this.propagation.countRow(1);
    this.slab.open(ordinal);
    this.#armLifetime(data);
    const present: History[] = [];
    for (let i = 0; i < this.slab.historyCount; i++) {
      const history = this.criteria.history(this.slab.historyAt(i));
      if (history !== undefined) present.push(history);
    }
    for (const history of present) this.#evaluateHistory(ordinal, history, atMs, false);
    for (const scope of data.scopes) {
      const criteria = this.criteria.scope(scope.scope);
      if (criteria === undefined) continue;
      this.#touchAll(criteria.onArrival);
      for (const list of criteria.byTopic.values()) this.#touchAll(list);
      for (const [attribute, index] of criteria.byAttribute) {
        index.changed(undefined, scope.attribute(attribute), this.#touchAll);
      }
    }
    for (const criterion of this.#touchedCriteria)
      this.#evaluateCriterion(ordinal, criterion, atMs);
    this.propagation.drain();
    this.#clearTouched();
    this.#repairMemberships(ordinal, atMs);
    this.slab.open(ordinal);
    this.#dueMs[ordinal] = this.slab.earliestDue();
    this.#arm(ordinal);
  }

  // ── One profile ───────────────────────────────────────────────────────────────────────────────

  #ordinalAt(hi: number, lo: number, nowMs: number): Ordinal {
    const known = this.table.find(hi, lo);
    if (known >= 0) {
      if (this.#dueMs[known]! <= nowMs) this.#settle(known, nowMs);
      if (this.table.isLive(known)) return known;
    }
    const ordinal = this.#appear(hi, lo);
    this.rows.open(ordinal);
    this.propagation.countRow(1);
    return ordinal;
  }

  #appear(hi: number, lo: number): Ordinal {
    const data = new ProfileData();
    data.born = this.watermark;
    return this.restore(hi, lo, data);
  }

  #applyLosses(record: ProfileRecord, nowMs: number): void {
    const ordinal = this.table.find(record.mpidHi, record.mpidLo);
    if (ordinal < 0) return;
    if (this.#dueMs[ordinal]! <= nowMs) this.#settle(ordinal, nowMs);
    const data = this.#data[ordinal];
    if (data === undefined) return;
    data.toldMs = nowMs;
    this.rows.open(ordinal);
    this.slab.open(ordinal);
    this.#stamp++;
    this.#takeLosses(data, record);
    for (const criterion of this.#touchedCriteria)
      this.#evaluateCriterion(ordinal, criterion, nowMs);
    this.#finish(ordinal, nowMs, CAUSE_PROFILE);
    this.onDirty(ordinal);
  }

  #takeLosses(data: ProfileData, record: ProfileRecord): void {
    for (const scope of data.scopes) {
      if ((scope.scope & 1) !== (record.scope & 1)) continue;
      for (const {type, value, sequence} of record.identities) {
        if (scope.identities.get(type)?.value !== value) continue;
        if (scope.setIdentity({type, value: undefined, sequence})) {
          this.#touch(scope.scope, `identity ${type}`);
        }
      }
    }
  }

  /** Facts and events of a record into the profile and its histories; lists the criteria to ask. */
  #takeIn(ordinal: Ordinal, record: ProfileRecord, nowMs: number): void {
    this.#stamp++;
    const data = this.#data[ordinal]!;
    data.toldMs = nowMs;
    const isNew = data.scopes.length === 0;
    let hasFuture = false;
    let scope = data.find(record.scope);
    const criteria = this.criteria.scope(record.scope);
    if (scope === undefined) {
      scope = data.add(record.scope);
      if (criteria !== undefined) this.#touchAll(criteria.onArrival);
    }
    scope.firstMs = Math.min(scope.firstMs, record.arrivalMs);
    scope.lastMs = Math.max(scope.lastMs, record.arrivalMs);
    this.#takeFacts(scope, record);
    const oldestMs = nowMs - this.#options.eventRetentionMs;
    for (const event of record.events) {
      this.work.events++;
      if (event.timeMs > nowMs) {
        scope.addFuture(event);
        hasFuture = true;
      }
      if (event.timeMs <= nowMs && scope.noteEvent(event)) this.#touch(record.scope, 'attribution');
      if (event.timeMs >= oldestMs) this.#takeEvent(event, record, nowMs);
    }
    this.#touch(record.scope, 'seen');
    // Life only gets longer, which the timer finds out when it fires; only a first or a future event must be told.
    if (isNew || hasFuture) this.#armLifetime(data);
  }

  #takeFacts(scope: ScopeData, record: ProfileRecord): void {
    for (const change of record.attributes) {
      const before = scope.attribute(change.name);
      if (!scope.setAttribute(change)) continue;
      const index = this.criteria.scope(scope.scope)?.byAttribute.get(change.name);
      index?.changed(before, change.value, this.#touchAll);
      const watched = this.#watched.indexOf(change.name);
      if (watched >= 0) this.#watchedChanges.push(watched);
    }
    for (const change of record.identities) {
      if (scope.setIdentity(change)) this.#touch(scope.scope, `identity ${change.type}`);
    }
    for (const change of record.consent) {
      if (scope.setConsent(change)) this.#touch(scope.scope, 'consent');
    }
    for (let i = 0; i < record.device.length; i += 2) {
      const field = record.device[i] as string;
      if (scope.setDevice(field, record.device[i + 1]!, record.batchMs)) {
        this.#touch(scope.scope, `device ${field}`);
      }
    }
    if (record.location !== undefined && scope.setLocation(record.location)) {
      this.#touch(scope.scope, 'location');
    }
  }

  #takeEvent(event: EventRecord, record: ProfileRecord, nowMs: number): void {
    const found = this.#found;
    found.length = 0;
    this.criteria.index.find(event, record.scope, record.inputId, nowMs, found);
    for (const predicate of found) {
      for (const history of this.criteria.historiesOf(predicate)) {
        const attribute = history.spec?.value?.attribute;
        if (predicate.isMoving) {
          for (const {value, interval} of predicate.contributions(attribute, event, nowMs)) {
            this.#insert(history, event.timeMs, value, nowMs, interval);
          }
        } else if (attribute === undefined) this.#insert(history, event.timeMs, undefined, nowMs);
        else {
          for (const value of predicate.valuesOf(attribute, event, nowMs)) {
            this.#insert(history, event.timeMs, value, nowMs);
          }
        }
        if (history.stamp !== this.#stamp) {
          history.stamp = this.#stamp;
          this.#touchedHistories.push(history);
        }
      }
    }
  }

  /** Into the opened profile's history, in order of time; what no criterion can need any more goes. */
  #insert(
    history: History,
    timeMs: number,
    value: Value | undefined,
    nowMs: number,
    interval?: Interval,
  ): void {
    const spec = history.spec!;
    const {slab} = this;
    let number = 0;
    if (spec.value?.as === 'number') {
      const read = readNumber(value);
      if (read === undefined) return;
      number = read;
    } else if (spec.value?.as === 'text') {
      const read = readText(value);
      if (read === undefined) return;
      number = this.texts.acquire(foldCase(read));
    }
    slab.locateOrAdd(history.id, history.shape);
    const index = slab.lowerBound(timeMs + 1);
    slab.insert(index, timeMs, number);
    if (interval !== undefined) slab.setInterval(index, interval.fromMs, interval.toMs);
    let stale = slab.lowerBound(nowMs - this.#options.eventRetentionMs);
    if (spec.keep !== Infinity) stale = Math.max(stale, slab.lowerBound(nowMs + 1) - spec.keep);
    this.#dropEntries(stale);
  }

  /** The first entries of the located history. */
  #dropEntries(count: number): void {
    if (count <= 0) return;
    const {slab} = this;
    if (holdsTexts(slab.shape)) {
      for (let i = 0; i < count; i++)
        this.texts.release(slab.words[slab.entryAt + i * slab.width + 1]!);
    }
    slab.remove(0, count);
  }

  #touch(scope: number, topic: string): void {
    const criteria = this.criteria.scope(scope)?.byTopic.get(topic);
    if (criteria !== undefined) this.#touchAll(criteria);
  }

  readonly #touchAll = (criteria: readonly Criterion[]): void => {
    for (const criterion of criteria) {
      if (criterion.stamp === this.#stamp) continue;
      criterion.stamp = this.#stamp;
      this.#touchedCriteria.push(criterion);
    }
  };

  /**
   * Asks the criteria over one history and sets its due. On arrival of an event a criterion that holds
   * and can only rise is not asked: its end is the timer's business, and the due that is set stays early enough.
   */
  #evaluateHistory(ordinal: Ordinal, history: History, nowMs: number, arrival: boolean): void {
    const {slab, rows} = this;
    const set = this.criteria.thresholdsOf(history);
    if (set.others.length === 0) {
      if (slab.locate(history.id)) slab.due = this.#evaluateThresholds(set, nowMs);
      return;
    }
    const data = this.#data[ordinal]!;
    let due = Infinity;
    let skipped = false;
    for (const criterion of set.others) {
      const {truth, slot} = criterion;
      const held = rows.bit(slot) === 1;
      if (arrival && held && truth.risesOnly) {
        skipped = true;
        continue;
      }
      this.work.criteria++;
      truth.evaluate(slab, data, nowMs);
      if (truth.nextMs < due) due = truth.nextMs;
      if (truth.holds !== held) this.propagation.flip(slot, truth.holds);
    }
    if (!slab.locate(history.id)) return;
    if (skipped) due = Math.min(due, slab.due);
    slab.due = Math.min(due, this.#evaluateThresholds(set, nowMs));
  }

  /** Hot: for each history that an event or a lapse touches. Returns the due of the located history. */
  #evaluateThresholds(set: ThresholdSet, nowMs: number): number {
    const {slab, rows} = this;
    const {count, slots, atLeast, olderMs, negated} = set;
    if (count === 0) return Infinity;
    this.work.criteria += count;
    const {words, entryAt, entryCount} = slab;
    // Entries are in order of time, so those from the future are last.
    let end = entryCount;
    while (end > 0 && words[entryAt + end - 1]! > nowMs) end--;
    let due = end < entryCount ? words[entryAt + end]! : Infinity;
    for (let i = 0; i < count; i++) {
      const n = atLeast[i]!;
      let reached = 0;
      if (n <= end) {
        const lastsMs = words[entryAt + end - n]! + olderMs[i]!;
        if (lastsMs >= nowMs) {
          reached = 1;
          if (lastsMs < due) due = lastsMs + 1;
        }
      }
      const slot = slots[i]!;
      const holds = reached ^ negated[i]!;
      if (rows.bit(slot) !== holds) this.propagation.flip(slot, holds === 1);
    }
    return due;
  }

  #evaluateCriterion(ordinal: Ordinal, criterion: Criterion, nowMs: number): void {
    const {truth, slot, histories} = criterion;
    this.work.criteria++;
    truth.evaluate(this.slab, this.#data[ordinal]!, nowMs);
    if (truth.holds !== (this.rows.bit(slot) === 1)) this.propagation.flip(slot, truth.holds);
    if (histories.length === 0) return;
    const timer = histories[0]!;
    if (truth.nextMs !== Infinity) this.slab.locateOrAdd(timer, TIMES);
    else if (!this.slab.locate(timer)) return;
    this.slab.due = truth.nextMs;
  }

  /** Propagates what flipped, tells the deltas, and arms the profile's next moment. */
  #finish(ordinal: Ordinal, atMs: number, cause: number): void {
    this.propagation.drain();
    this.#joined.length = 0;
    const roots = this.propagation.flippedRoots;
    for (let i = 0; i < roots.length; i++) {
      const flip = roots[i]!;
      const audiences = this.audiences.atRoot(flip >> 1);
      if (audiences === undefined) continue;
      for (const audience of audiences)
        this.#tell(ordinal, audience, (flip & 1) === 1, cause, atMs);
    }
    roots.length = 0;
    this.#clearTouched();
    this.slab.open(ordinal);
    this.#dueMs[ordinal] = this.slab.earliestDue();
    this.#arm(ordinal);
  }

  #clearTouched(): void {
    this.#touchedHistories.length = 0;
    this.#touchedCriteria.length = 0;
  }

  #tell(ordinal: Ordinal, audience: Audience, member: boolean, cause: number, atMs: number): void {
    const {table} = this;
    this.work.deltas++;
    this.deltas.push(
      audience.id,
      table.hi(ordinal),
      table.lo(ordinal),
      audience.version,
      member ? ADD : DELETE,
      cause,
      0,
      atMs,
    );
    this.slab.open(ordinal);
    if (member) {
      this.#join(audience.id, atMs);
      this.#joined.push(audience.id);
    } else this.#leave(audience.id);
    this.onDirty(ordinal);
  }

  #join(audience: number, sinceMs: number): void {
    this.slab.locateOrAdd(MEMBERSHIPS, NUMBERS);
    this.slab.insert(this.slab.entryCount, sinceMs, audience);
  }

  #leave(audience: number): void {
    if (!this.slab.locate(MEMBERSHIPS)) return;
    const at = this.#membershipIndex(audience);
    if (at >= 0) this.slab.remove(at, 1);
  }

  /** In the located memberships. */
  #membershipIndex(audience: number): number {
    const {slab} = this;
    for (let i = 0; i < slab.entryCount; i++) {
      if (slab.words[slab.entryAt + i * 2 + 1] === audience) return i;
    }
    return -1;
  }

  #tellAttributes(ordinal: Ordinal, atMs: number): void {
    const memberships = this.memberships(ordinal);
    for (const attribute of this.#watchedChanges) {
      for (let i = 0; i < memberships.length; i += 2) {
        const audience = this.audiences.get(memberships[i]!);
        if (audience === undefined || this.#joined.includes(audience.id)) continue;
        this.deltas.push(
          audience.id,
          this.table.hi(ordinal),
          this.table.lo(ordinal),
          audience.version,
          ATTRIBUTE_UPDATE,
          CAUSE_PROFILE,
          attribute,
          atMs,
        );
      }
    }
    this.#watchedChanges.length = 0;
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────

  /** Lives through the profile's due moments up to `untilMs`, one after the other, each at its exact time. */
  #settle(ordinal: Ordinal, untilMs: number): void {
    while (this.table.isLive(ordinal) && this.#dueMs[ordinal]! <= untilMs) {
      this.work.settled++;
      this.#settleMoment(ordinal, this.#dueMs[ordinal]!);
    }
  }

  #settleMoment(ordinal: Ordinal, atMs: number): void {
    const data = this.#data[ordinal]!;
    if (this.#hasExpired(ordinal, atMs)) {
      this.#forget(ordinal, atMs, CAUSE_TIME);
      return;
    }
    this.#stamp++;
    this.rows.open(ordinal);
    this.slab.open(ordinal);
    const due: number[] = [];
    for (let i = 0; i < this.slab.historyCount; i++) {
      if (this.slab.dueAt(i) <= atMs) due.push(this.slab.historyAt(i));
    }
    for (const id of due) {
      if (id === EXPIRY || id === FUTURE) {
        this.#reachFuture(data, atMs);
        this.#armLifetime(data);
        continue;
      }
      const history = this.criteria.history(id);
      if (history !== undefined) this.#evaluateHistory(ordinal, history, atMs, false);
      else if (this.slab.locate(id)) this.#dropHistory();
    }
    for (const criterion of this.#touchedCriteria)
      this.#evaluateCriterion(ordinal, criterion, atMs);
    this.#finish(ordinal, atMs, CAUSE_TIME);
    assert(this.#dueMs[ordinal]! > atMs, 'a settled moment does not come again');
    this.onDirty(ordinal);
  }

  #dropHistory(): void {
    this.#dropEntries(this.slab.entryCount);
    this.slab.removeHistory();
  }

  /** Events whose time has come count for what is known of the profile. */
  #reachFuture(data: ProfileData, atMs: number): void {
    for (const scope of data.scopes) {
      while (scope.future.length > 0 && scope.future[0]!.timeMs <= atMs) {
        if (scope.noteEvent(scope.future.shift()!)) this.#touch(scope.scope, 'attribution');
        this.#touch(scope.scope, 'seen');
      }
    }
  }

  /** Of the opened profile: when it may expire, and when its next event from the future is reached. */
  #armLifetime(data: ProfileData): void {
    const {slab} = this;
    const expiresMs = data.activityMs() + this.#options.profileRetentionMs + 1;
    slab.locateOrAdd(EXPIRY, TIMES);
    slab.due = expiresMs;
    const futureMs = data.nextFutureMs();
    if (futureMs !== Infinity) slab.locateOrAdd(FUTURE, TIMES);
    else if (!slab.locate(FUTURE)) return;
    slab.due = futureMs;
  }

  #hasExpired(ordinal: Ordinal, nowMs: number): boolean {
    const data = this.#data[ordinal]!;
    let activityMs = data.activityMs();
    for (const scope of data.scopes) {
      // An event whose time comes while the profile lives prolongs its life.
      for (const event of scope.future) {
        if (event.timeMs > nowMs || event.timeMs > activityMs + this.#options.profileRetentionMs)
          break;
        activityMs = Math.max(activityMs, event.timeMs);
      }
    }
    return data.scopes.length > 0 && activityMs + this.#options.profileRetentionMs < nowMs;
  }

  #arm(ordinal: Ordinal): void {
    const due = this.#dueMs[ordinal]!;
    if (due >= this.#armedMs[ordinal]!) return;
    const atMs = Math.max(due, this.#wheel.nowMs + 1);
    this.#armedMs[ordinal] = atMs;
    this.#wheel.arm(ordinal, atMs);
  }

  // ── Appearing and disappearing ────────────────────────────────────────────────────────────────

  #forget(ordinal: Ordinal, atMs: number, cause: number): void {
    const memberships = this.memberships(ordinal);
    for (let i = 0; i < memberships.length; i += 2) {
      const audience = this.audiences.get(memberships[i]!);
      if (audience !== undefined) this.#tell(ordinal, audience, false, cause, atMs);
    }
    this.rows.open(ordinal);
    this.propagation.countRow(-1);
    this.#release(ordinal);
  }

  #release(ordinal: Ordinal): void {
    this.onGone(ordinal);
    this.slab.open(ordinal);
    for (let i = 0; i < this.slab.historyCount; i++) {
      this.slab.locate(this.slab.historyAt(i));
      if (holdsTexts(this.slab.shape)) this.#dropEntries(this.slab.entryCount);
    }
    this.slab.release(ordinal);
    this.rows.clear(ordinal);
    this.#data[ordinal] = undefined;
    this.#dueMs[ordinal] = Infinity;
    this.#armedMs[ordinal] = Infinity;
    this.table.release(ordinal);
  }

  #reserve(ordinal: Ordinal): void {
    if (ordinal < this.#dueMs.length) return;
    const size = Math.max(this.#dueMs.length * 2, ordinal + 1);
    const dueMs = new Float64Array(size).fill(Infinity);
    dueMs.set(this.#dueMs);
    this.#dueMs = dueMs;
    const armedMs = new Float64Array(size).fill(Infinity);
    armedMs.set(this.#armedMs);
    this.#armedMs = armedMs;
  }

  // ── New definitions ───────────────────────────────────────────────────────────────────────────

  #fillRow(ordinal: Ordinal, nodes: readonly number[]): void {
    const {rows, slab, graph} = this;
    const data = this.#data[ordinal]!;
    // What is due was told with the old definitions; a new one starts from the profile's present.
    if (this.#dueMs[ordinal]! <= this.#nowMs) this.#settle(ordinal, this.#nowMs);
    if (!this.table.isLive(ordinal)) return;
    rows.open(ordinal);
    slab.open(ordinal);
    for (const slot of nodes) {
      if (!graph.isCriterion(slot)) {
        rows.set(slot, this.propagation.evaluate(slot));
        continue;
      }
      const {truth, histories} = this.criteria.get(slot);
      truth.evaluate(slab, data, this.#nowMs);
      rows.set(slot, truth.holds);
      if (truth.nextMs === Infinity || histories.length === 0) continue;
      slab.locateOrAdd(histories[0]!, this.#shapeOf(histories[0]!));
      slab.due = Math.min(slab.due, truth.nextMs);
    }
    this.#dueMs[ordinal] = slab.earliestDue();
    this.#arm(ordinal);
  }

  #shapeOf(history: number): Shape {
    return this.criteria.history(history)?.shape ?? TIMES;
  }

  /** Tells the difference between the served and the prepared definition, and serves the new one. */
  #promote(audience: Audience): void {
    const next = audience.next!;
    const before = audience.root;
    this.audiences.promote(audience);
    for (let ordinal = 0; ordinal < this.table.end; ordinal++) {
      if (!this.table.isLive(ordinal)) continue;
      this.rows.open(ordinal);
      const was = before >= 0 && this.rows.bit(before >> 1) === 1;
      const is = this.rows.bit(next.root >> 1) === 1;
      if (was !== is) this.#tell(ordinal, audience, is, CAUSE_DEFINITION, this.#nowMs);
    }
    this.#joined.length = 0;
  }

  /** From a blank row, in which no root holds, the flipped roots are the ones that hold. */
  #repairMemberships(ordinal: Ordinal, atMs: number): void {
    const told = new Set<number>();
    const memberships = this.memberships(ordinal);
    for (let i = 0; i < memberships.length; i += 2) told.add(memberships[i]!);
    for (const flip of this.propagation.flippedRoots) {
      for (const audience of this.audiences.atRoot(flip >> 1) ?? []) {
        if (!told.delete(audience.id)) this.#tell(ordinal, audience, true, CAUSE_DEFINITION, atMs);
      }
    }
    this.propagation.flippedRoots.length = 0;
    for (const id of told) {
      const audience = this.audiences.get(id);
      if (audience !== undefined) this.#tell(ordinal, audience, false, CAUSE_DEFINITION, atMs);
      else {
        this.slab.open(ordinal);
        this.#leave(id);
      }
    }
    this.#joined.length = 0;
  }
}
