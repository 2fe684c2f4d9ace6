/**
 * A shard made again from what was written: definitions, then profiles, then records and memberships
 * that came after (state only), then the truth of every profile once.
 */
import {assert} from './assert.ts';
import {type History, FIRST_HISTORY} from './criteria/criteria-table.ts';
import {CAUSE_DEFINITION} from './deltas.ts';
import {evaluateCriterion, evaluateHistory, fillNodes} from './evaluation.ts';
import {dropHistory} from './histories/entries.ts';
import {holdsTexts} from './histories/history-slab.ts';
import type {Ordinal} from './ids.ts';
import {armLifetime, hasExpired} from './profiles/lifetime.ts';
import type {ServedRoots} from './profiles/served-roots.ts';
import type {ProfileRecord} from './record.ts';
import type {Shard} from './shard.ts';
import {TimingWheel} from './time/timing-wheel.ts';

export interface ExportedHistories {
  readonly words: Uint8Array;
  /** The texts that text entries name, in the order of the entries. */
  readonly texts: readonly string[];
}

/** Serves every definition at once; before the first profile, so that none has to be asked. */
export function serveAll(shard: Shard): void {
  assert(shard.table.end === 0, 'definitions are restored before profiles');
  for (const audience of shard.audiences.all()) {
    if (audience.next !== undefined) shard.audiences.promote(audience);
  }
  shard.audiences.hold();
  for (let slot = 0; slot < shard.graph.end; slot++) shard.graph.settle(slot);
  for (const history of shard.criteria.histories()) history.ready = true;
}

/** Opens the profile; histories that nobody uses any more are dropped on the way. */
export function exportHistories(shard: Shard, ordinal: Ordinal): ExportedHistories {
  const {slab} = shard;
  const texts: string[] = [];
  if (!slab.open(ordinal)) return {words: new Uint8Array(0), texts};
  for (const id of presentHistories(shard)) {
    slab.locate(id);
    if (id >= FIRST_HISTORY && shard.criteria.history(id) === undefined) dropHistory(shard);
    else if (holdsTexts(slab.shape)) {
      for (let i = 0; i < slab.entryCount; i++) {
        texts.push(shard.texts.text(slab.words[slab.entryAt + i * slab.width + 1]!));
      }
    }
  }
  return {words: slab.exportBytes(), texts};
}

/** The reverse; histories that are not `wanted` are left out. */
export function importHistories(
  shard: Shard,
  ordinal: Ordinal,
  {words, texts}: ExportedHistories,
  wanted: (history: number) => boolean,
): void {
  const {slab} = shard;
  slab.importBytes(ordinal, words);
  if (!slab.open(ordinal)) return;
  let next = 0;
  for (const id of presentHistories(shard)) {
    slab.locate(id);
    if (holdsTexts(slab.shape)) {
      for (let i = 0; i < slab.entryCount; i++) {
        slab.words[slab.entryAt + i * slab.width + 1] = shard.texts.acquire(texts[next++]!);
      }
    }
    if (id >= FIRST_HISTORY && !wanted(id)) dropHistory(shard);
  }
}

/** A record of the journal whose deltas are in the feed: state without truth. −1 when it is about nobody. */
export function replayRecord(shard: Shard, record: ProfileRecord, nowMs: number): Ordinal {
  shard.nowMs = Math.max(shard.nowMs, nowMs);
  shard.intake.begin();
  let ordinal = shard.table.find(record.mpidHi, record.mpidLo);
  const known = ordinal < 0 ? undefined : shard.data(ordinal)!;
  if (record.scope < 0) {
    if (known === undefined) return -1;
    known.toldMs = nowMs;
    shard.intake.takeLosses(known, record);
    return ordinal;
  }
  if (known !== undefined && hasExpired(shard, known, nowMs)) {
    shard.release(ordinal);
    ordinal = -1;
  }
  if (ordinal < 0) {
    ordinal = shard.addProfile(record.mpidHi, record.mpidLo, shard.watermark);
  }
  shard.intake.reachFuture(shard.data(ordinal)!, nowMs);
  shard.slab.open(ordinal);
  shard.intake.take(ordinal, record, nowMs);
  return ordinal;
}

/** An erasure of the journal. */
export function replayErasure(shard: Shard, hi: number, lo: number): void {
  const ordinal = shard.table.find(hi, lo);
  if (ordinal >= 0) shard.release(ordinal);
}

/** A membership delta of the feed. */
export function replayMembership(
  shard: Shard,
  ordinal: Ordinal,
  {audience, member, atMs}: {audience: number; member: boolean; atMs: number},
): void {
  if (member) shard.membershipLists.add(ordinal, audience, atMs);
  else shard.membershipLists.remove(ordinal, audience);
}

/** The journal ends: every change by time up to `drainedMs` was told. Before the first `makeTruth`. */
export function endReplay(shard: Shard, drainedMs: number): void {
  assert(shard.wheel.count === 0, 'nothing is armed before truth is made');
  shard.wheel = new TimingWheel(drainedMs);
  shard.nowMs = Math.max(shard.nowMs, drainedMs);
}

/**
 * Makes the truth of a restored profile as of `atMs`, the moment to which its changes were told. What
 * its memberships were differs from what they should be only where a definition was being prepared, or
 * the meaning of a criterion was mended between releases: that difference is told.
 */
export function makeTruth(shard: Shard, ordinal: Ordinal, atMs: number): void {
  const data = shard.data(ordinal)!;
  if (hasExpired(shard, data, atMs)) {
    shard.release(ordinal);
    return;
  }
  const {slab, intake, propagation} = shard;
  intake.begin();
  intake.reachFuture(data, atMs);
  shard.rows.reset(ordinal);
  propagation.countRow(1);
  slab.open(ordinal);
  armLifetime(shard, data);
  const present: History[] = [];
  for (let i = 0; i < slab.historyCount; i++) {
    const history = shard.criteria.history(slab.historyAt(i));
    if (history !== undefined) present.push(history);
  }
  for (const history of present) evaluateHistory(shard, data, history, atMs);
  intake.touchAllOf(data);
  for (const slot of heldRoots(shard, ordinal)) propagation.flip(slot, true);
  const {criteria} = intake;
  for (let i = 0; i < criteria.count; i++) {
    evaluateCriterion(shard, data, criteria.items[i]!, atMs);
  }
  propagation.drain();
  repairMemberships(shard, ordinal, atMs);
  slab.open(ordinal);
  shard.armOpened(ordinal);
}

/**
 * Takes over the truth that a restored profile brought along, as of `atMs`, before which nothing of it is
 * due. `missing` nodes are asked. A definition that was being prepared is served now, and its root may be a
 * node that rows knew already: `roots` finds whose memberships are not what they should be.
 */
export function adoptTruth(
  shard: Shard,
  ordinal: Ordinal,
  {
    bits,
    missing,
    roots,
    atMs,
  }: {bits: Uint32Array; missing: readonly number[]; roots: ServedRoots; atMs: number},
): void {
  const {rows, slab, propagation, memberships, membershipLists, audiences} = shard;
  rows.open(ordinal);
  rows.import(bits);
  slab.open(ordinal);
  fillNodes(shard, shard.data(ordinal)!, missing, atMs);
  for (const slot of heldRoots(shard, ordinal)) rows.set(slot, true);
  propagation.countRow(1);
  if (!roots.agree(rows, membershipLists.list(ordinal))) {
    memberships.begin();
    for (const audience of audiences.all()) {
      const was = !Number.isNaN(membershipLists.sinceMs(ordinal, audience.id));
      const is = audience.root >= 0 && rows.get(ordinal, audience.root >> 1);
      if (was !== is) {
        memberships.tell(ordinal, audience, {member: is, cause: CAUSE_DEFINITION, atMs});
      }
    }
  }
  slab.open(ordinal);
  shard.armOpened(ordinal);
}

/** Of held audiences that the profile is in; while it is restored, nothing has another definition yet. */
function heldRoots({audiences, membershipLists}: Shard, ordinal: Ordinal): number[] {
  return audiences.held
    .filter(({id}) => !Number.isNaN(membershipLists.sinceMs(ordinal, id)))
    .map(({root}) => root >> 1);
}

/** From a blank row, in which no root holds, the flipped roots are the ones that hold. */
function repairMemberships(shard: Shard, ordinal: Ordinal, atMs: number): void {
  const {memberships, membershipLists, audiences, propagation} = shard;
  memberships.begin();
  const told = new Set<number>();
  const list = membershipLists.list(ordinal);
  for (let i = 0; i < list.length; i += 2) told.add(list[i]!);
  const repair = {cause: CAUSE_DEFINITION, atMs};
  const roots = propagation.flippedRoots;
  for (let i = 0; i < roots.count; i++) {
    const flip = roots.items[i]!;
    for (const audience of audiences.atRoot(flip >> 1) ?? []) {
      if (!told.delete(audience.id)) memberships.tell(ordinal, audience, {member: true, ...repair});
    }
  }
  roots.clear();
  for (const id of told) {
    const audience = audiences.get(id);
    if (audience !== undefined) memberships.tell(ordinal, audience, {member: false, ...repair});
    else membershipLists.remove(ordinal, id);
  }
}

/** Ids in the opened block; they stay while histories are dropped. */
function presentHistories({slab}: Shard): number[] {
  return Array.from({length: slab.historyCount}, (_, index) => slab.historyAt(index));
}
