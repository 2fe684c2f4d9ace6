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
import type {AudienceSpec} from './audiences/audience-spec.ts';
import {FillPass} from './audiences/fill-pass.ts';
import {COLUMNS_AT_ONCE, serveFilled} from './audiences/serve-filled.ts';
import type {History} from './criteria/criteria-table.ts';
import {CAUSE_DEFINITION, CAUSE_EVENT, CAUSE_PROFILE, CAUSE_TIME} from './deltas.ts';
import {evaluateCriterion, evaluateHistory, fillNodes} from './evaluation.ts';
import {dropEntries, dropHistory, type Entry, insertEntry} from './histories/entries.ts';
import {holdsTexts} from './histories/history-slab.ts';
import type {Ordinal} from './ids.ts';
import {Intake} from './intake.ts';
import {armLifetime, EXPIRY, FUTURE, hasExpired} from './profiles/lifetime.ts';
import {Memberships} from './profiles/memberships.ts';
import {watchedIdentities} from './profiles/former-identities.ts';
import type {ProfileData} from './profiles/profile-data.ts';
import type {ProfileRecord} from './record.ts';
import {type ShardOptions, ShardState} from './shard-state.ts';

/** Looks at bits that take as long: a thousand are two microseconds. */
const ROW_LOOKS = 1000;

export class Shard extends ShardState {
  readonly memberships = new Memberships(this);
  readonly intake = new Intake(this);
  #fill: FillPass | undefined;

  constructor(options: ShardOptions) {
    super(options);
  }

  /** Up to here every change by time has been told. */
  get drainedMs(): number {
    return this.wheel.nowMs;
  }

  /** Moments waited for. */
  get timers(): number {
    return this.wheel.count;
  }

  /** No change by time comes before this. */
  nextDueMs(): number {
    return this.wheel.nextMs();
  }

  /** Applies one record at `nowMs`, which never goes back. */
  apply(record: ProfileRecord, nowMs: number): void {
    assert(nowMs >= this.nowMs, 'time does not go back');
    this.nowMs = nowMs;
    this.work.records++;
    if (record.scope < 0) {
      this.#applyLosses(record, nowMs);
      return;
    }
    const ordinal = this.#ordinalAt(record.mpidHi, record.mpidLo, nowMs);
    this.#begin(ordinal);
    this.intake.take(ordinal, record, nowMs);
    const data = this.data(ordinal)!;
    const {histories} = this.intake;
    for (let i = 0; i < histories.count; i++) {
      evaluateHistory(this, data, histories.items[i]!, nowMs);
    }
    this.#evaluateTouched(data, nowMs);
    this.#finish(ordinal, nowMs, record.events.length > 0 ? CAUSE_EVENT : CAUSE_PROFILE);
    this.#keepLost(ordinal);
    const {watched} = this.intake;
    if (watched.count > 0) this.memberships.tellAttributes(ordinal, watched, nowMs);
    this.onDirty(ordinal);
  }

  /**
   * Lets time pass to `nowMs`, telling what it changes in order. Stops at the end of a millisecond after
   * about `profilesMax` profiles; `drainedMs` says how far it came.
   */
  advance(nowMs: number, profilesMax: number): void {
    if (nowMs > this.nowMs) this.nowMs = nowMs;
    this.wheel.advance(nowMs, profilesMax, this.#fire);
  }

  /** Everything of a profile is gone; its memberships end. False when there is none. */
  erase(hi: number, lo: number, nowMs: number): boolean {
    this.nowMs = Math.max(this.nowMs, nowMs);
    const ordinal = this.table.find(hi, lo);
    if (ordinal < 0) return false;
    this.#forget(ordinal, this.nowMs, CAUSE_PROFILE);
    return true;
  }

  /** User attributes and identities whose changes are told; the order gives the index. */
  watch(attributes: readonly string[]): void {
    this.watched = attributes;
  }

  // ── Definitions ───────────────────────────────────────────────────────────────────────────────

  /** Takes new definitions; members of audiences that are gone or inactive leave. */
  define(upsert: readonly AudienceSpec[], remove: readonly number[], nowMs: number): void {
    this.nowMs = Math.max(this.nowMs, nowMs);
    this.#fill?.abandon(this.columns, this.graph);
    this.#fill = undefined;
    this.memberships.begin();
    this.#leave(this.audiences.define(upsert, remove));
    this.audiences.sweep();
    for (const history of this.criteria.histories()) {
      if (history.since === Infinity) history.since = this.watermark;
    }
  }

  /**
   * An entry of one history found in the journal at a watermark; the profile may be gone since, or be
   * another one under the same mpid, and what came after the history was made it has already.
   */
  backfill(
    history: History,
    found: {readonly hi: number; readonly lo: number; readonly watermark: number},
    entry: Entry,
  ): void {
    const ordinal = this.table.find(found.hi, found.lo);
    if (ordinal < 0 || history.spec === undefined || found.watermark > history.since) return;
    if (found.watermark < this.data(ordinal)!.born) return;
    this.slab.open(ordinal);
    insertEntry(this, history, entry, this.nowMs);
    this.onDirty(ordinal);
  }

  /**
   * Goes on with preparing new definitions, for about `rowsMax` profiles' worth of work. True while there is more to do
   * now; definitions that wait for histories are not counted.
   */
  prepare(rowsMax: number): boolean {
    this.#fill ??= FillPass.start(this.audiences, this.graph);
    const fill = this.#fill;
    if (fill === undefined) return false;
    if (fill.serving === undefined) {
      this.#fillRows(fill, rowsMax);
      if (fill.cursor < this.table.end) return true;
      fill.serving = serveFilled(this, fill, {
        settle: () => this.#settleAll(),
        promote: audience => this.#promote(audience),
        tell: (ordinal, audience, member) => this.#tellDefinition(ordinal, audience, member),
      });
    }
    fill.sliceLooks = rowsMax * ROW_LOOKS;
    if (fill.serving.next().done !== true) return true;
    this.#fill = undefined;
    this.audiences.sweep();
    return FillPass.start(this.audiences, this.graph) !== undefined;
  }

  /** 0–1 of the pass over profiles that prepares this audience. */
  fillProgress(audience: Audience): number {
    if (this.#fill === undefined || !this.#fill.audiences.includes(audience)) return 0;
    return this.table.end === 0 ? 1 : this.#fill.cursor / this.table.end;
  }

  #fillRows(fill: FillPass, rowsMax: number): void {
    const {combinations, nodes, cursor} = fill;
    fill.cursor = Math.min(this.table.end, cursor + Math.max(1, Math.floor(rowsMax * fill.rate)));
    for (let ordinal = cursor; ordinal < fill.cursor; ordinal++) {
      // What is due was told with the old definitions; a new one starts from the profile's present.
      if (this.dueMs[ordinal]! <= this.nowMs && this.table.isLive(ordinal)) {
        this.#settle(ordinal, this.nowMs);
      }
      if (combinations === undefined && this.table.isLive(ordinal)) this.#fillRow(ordinal, nodes);
    }
    combinations?.fill(this.rows, this.table, cursor, fill.cursor);
  }

  #fillRow(ordinal: Ordinal, nodes: readonly number[]): void {
    const data = this.data(ordinal);
    if (data === undefined) return;
    this.rows.open(ordinal);
    this.slab.open(ordinal);
    fillNodes(this, data, nodes, this.nowMs);
    this.armOpened(ordinal);
  }

  /** Lives through all that is due. True when something was. */
  #settleAll(): boolean {
    // The wheel has told of everything up to here.
    if (this.drainedMs >= this.nowMs) return false;
    let isSettled = false;
    for (let ordinal = 0; ordinal < this.table.end; ordinal++) {
      if (this.dueMs[ordinal]! > this.nowMs || !this.table.isLive(ordinal)) continue;
      this.#settle(ordinal, this.nowMs);
      isSettled = true;
    }
    return isSettled;
  }

  #promote(audience: Audience): void {
    this.audiences.promote(audience);
    this.work.promotions++;
    this.memberships.begin();
  }

  /** Members leave audiences that are gone or no longer active. */
  #leave(leaving: readonly Audience[]): void {
    const served = leaving.filter(({root}) => root >= 0);
    for (let from = 0; from < served.length; from += COLUMNS_AT_ONCE) {
      const group = served.slice(from, from + COLUMNS_AT_ONCE);
      const bitmaps = this.columns.askAtOnce(group.map(({root}) => root >> 1));
      for (const [i, audience] of group.entries()) {
        bitmaps[i]!.forEach(ordinal => this.#tellDefinition(ordinal, audience, false));
      }
    }
    for (const audience of leaving) this.audiences.drop(audience);
  }

  #tellDefinition(ordinal: Ordinal, audience: Audience, member: boolean): void {
    const change = {member, cause: CAUSE_DEFINITION, atMs: this.nowMs};
    this.memberships.tell(ordinal, audience, change);
  }

  // ── One profile ───────────────────────────────────────────────────────────────────────────────

  #ordinalAt(hi: number, lo: number, nowMs: number): Ordinal {
    const known = this.table.find(hi, lo);
    if (known >= 0) {
      if (this.dueMs[known]! <= nowMs) this.#settle(known, nowMs);
      if (this.table.isLive(known)) return known;
    }
    const ordinal = this.addProfile(hi, lo, this.watermark);
    this.rows.open(ordinal);
    this.propagation.countRow(1);
    return ordinal;
  }

  #applyLosses(record: ProfileRecord, nowMs: number): void {
    const ordinal = this.table.find(record.mpidHi, record.mpidLo);
    if (ordinal < 0) return;
    if (this.dueMs[ordinal]! <= nowMs) this.#settle(ordinal, nowMs);
    const data = this.data(ordinal);
    if (data === undefined) return;
    data.toldMs = nowMs;
    this.#begin(ordinal);
    this.intake.takeLosses(data, record);
    this.#evaluateTouched(data, nowMs);
    this.#finish(ordinal, nowMs, CAUSE_PROFILE);
    this.#keepLost(ordinal);
    this.memberships.tellAttributes(ordinal, this.intake.watched, nowMs);
    this.onDirty(ordinal);
  }

  #keepLost(ordinal: Ordinal): void {
    const {lost} = this.intake;
    if (lost.count === 0) return;
    const {table} = this;
    const identities = lost.items.slice(0, lost.count);
    this.former.push({hi: table.hi(ordinal), lo: table.lo(ordinal), identities, isGone: false});
  }

  #begin(ordinal: Ordinal): void {
    this.rows.open(ordinal);
    this.slab.open(ordinal);
    this.intake.begin();
    this.memberships.begin();
  }

  /** Criteria on what is known of the profile. */
  #evaluateTouched(data: ProfileData, nowMs: number): void {
    const {criteria} = this.intake;
    for (let i = 0; i < criteria.count; i++) {
      evaluateCriterion(this, data, criteria.items[i]!, nowMs);
    }
  }

  /** Propagates what flipped, tells the deltas, and arms the profile's next moment. */
  #finish(ordinal: Ordinal, atMs: number, cause: number): void {
    this.propagation.drain();
    const roots = this.propagation.flippedRoots;
    const served = this.audiences.roots;
    for (let i = 0; i < roots.count; i++) {
      const flip = roots.items[i]!;
      const slot = flip >> 1;
      const change = {member: (flip & 1) === 1, cause, atMs};
      const only = served.audience(slot);
      if (only > 0) this.memberships.tellOf(ordinal, only, served.version(slot), change);
      else
        for (const audience of served.list(slot)) this.memberships.tell(ordinal, audience, change);
    }
    roots.clear();
    this.armOpened(ordinal);
  }

  /** Memberships end, and nothing is left. */
  #forget(ordinal: Ordinal, atMs: number, cause: number): void {
    const memberships = this.membershipLists.list(ordinal);
    for (let i = 0; i < memberships.length; i += 2) {
      const audience = this.audiences.get(memberships[i]!);
      if (audience !== undefined) {
        this.memberships.tell(ordinal, audience, {member: false, cause, atMs});
      }
    }
    const identities = watchedIdentities(this.data(ordinal)!.scopes, this.watched);
    if (identities.length > 0) {
      const {table} = this;
      this.former.push({hi: table.hi(ordinal), lo: table.lo(ordinal), identities, isGone: true});
    }
    this.rows.open(ordinal);
    this.propagation.countRow(-1);
    this.release(ordinal);
  }

  /** Without a word. The caller has taken its row out of the counts. */
  release(ordinal: Ordinal): void {
    this.slab.open(ordinal);
    for (let i = 0; i < this.slab.historyCount; i++) {
      this.slab.locate(this.slab.historyAt(i));
      if (holdsTexts(this.slab.shape)) dropEntries(this, this.slab.entryCount);
    }
    this.releaseProfile(ordinal);
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────

  readonly #fire = (ordinal: Ordinal, atMs: number): void => {
    if (this.armedMs[ordinal] !== atMs) return;
    this.armedMs[ordinal] = Infinity;
    this.#settle(ordinal, atMs);
    this.arm(ordinal);
  };

  /** Lives through the profile's due moments up to `untilMs`, one after the other, each at its exact time. */
  #settle(ordinal: Ordinal, untilMs: number): void {
    while (this.table.isLive(ordinal) && this.dueMs[ordinal]! <= untilMs) {
      this.work.settled++;
      this.#settleMoment(ordinal, this.dueMs[ordinal]!);
    }
  }

  #settleMoment(ordinal: Ordinal, atMs: number): void {
    const data = this.data(ordinal)!;
    this.#begin(ordinal);
    const {slab} = this;
    if (slab.locate(EXPIRY) && slab.due <= atMs && hasExpired(this, data, atMs)) {
      this.#forget(ordinal, atMs, CAUSE_TIME);
      return;
    }
    // Evaluating may add histories at the end, not due now, and takes none away but the one at hand.
    for (let i = 0; i < slab.historyCount; i++) {
      if (slab.dueAt(i) > atMs) continue;
      const id = slab.historyAt(i);
      const history = this.criteria.history(id);
      if (id === EXPIRY || id === FUTURE) {
        this.intake.reachFuture(data, atMs);
        armLifetime(this, data);
        // What is known of the profile is now of this moment: a restart must not ask about an earlier one.
        data.toldMs = atMs;
      } else if (history !== undefined) evaluateHistory(this, data, history, atMs);
      else if (slab.locate(id)) {
        dropHistory(this);
        i--;
      }
    }
    this.#evaluateTouched(data, atMs);
    this.#finish(ordinal, atMs, CAUSE_TIME);
    assert(this.dueMs[ordinal]! > atMs, 'a settled moment does not come again');
    this.onDirty(ordinal);
  }
}
