/**
 * From the store to a shard that is as it was. Definitions first, then rows, then the journal entries
 * and deltas that rows do not have yet; at last the truth of every profile is made once, as of the moment to
 * which its changes were told.
 */
import {unpack} from 'msgpackr';
import type {AudienceSpec} from '../engine/audiences/audience-spec.ts';
import {ADD, ATTRIBUTE_UPDATE, DeltaReader} from '../engine/deltas.ts';
import type {Ordinal, Watermark} from '../engine/ids.ts';
import {ServedRoots} from '../engine/profiles/served-roots.ts';
import {Shard} from '../engine/shard.ts';
import {
  adoptTruth,
  endReplay,
  importHistories,
  makeTruth,
  replayErasure,
  replayMembership,
  replayRecord,
  serveAll,
} from '../engine/shard-recovery.ts';
import {entryAt, scanJournal, type WantedHistory} from './backfill-scan.ts';
import {unseal} from './checked-value.ts';
import type {Checkpoint, DurableShardOptions, StoredHistory} from './durable-shard.ts';
import {decodeFeedEntry} from './feed-entry.ts';
import {decodeJournalEntry} from './journal-entry.ts';
import {HISTORY_END, metaNumber} from './meta-numbers.ts';
import {decodeRecords} from './record-codec.ts';
import {decodeRow, rowKeyMpid} from './row-codec.ts';
import {RestoredTruths} from './restored-truths.ts';
import type {ShardStore} from './shard-store.ts';

export interface Recovery {
  readonly shard: Shard;
  readonly watermark: Watermark;
  readonly histories: Map<number, StoredHistory>;
  readonly checkpoint: Checkpoint;
}

export function recoverShard(
  store: ShardStore,
  options: DurableShardOptions,
  onDirty: (ordinal: Ordinal) => void,
): Recovery {
  const checkpoint = readCheckpoint(store, options);
  const histories = readHistories(store);
  const shard = restoreDefinitions(store, {options, checkpoint, histories});
  // What each profile's row is as of; 0 for a profile that has none.
  const rowWatermark: Watermark[] = [];
  const truths = new RestoredTruths(store, shard.graph);
  shard.onDirty = onDirty;
  shard.onGone = ordinal => {
    rowWatermark[ordinal] = 0;
    truths.forget(ordinal);
  };
  loadRows(store, {shard, histories, rowWatermark, truths});
  // Whatever changes a profile from here on makes the truth it brought along out of date.
  shard.onDirty = ordinal => {
    truths.forget(ordinal);
    onDirty(ordinal);
  };
  backfillUndurable(store, {shard, histories, rowWatermark, options});
  const watermark = replayJournal(store, {shard, checkpoint, rowWatermark, truths});
  shard.onDirty = onDirty;
  return {shard, watermark, histories, checkpoint};
}

function readCheckpoint(store: ShardStore, options: DurableShardOptions): Checkpoint {
  const value = store.get('meta', 'checkpoint');
  if (value === undefined) {
    return {watermark: 0, nowMs: options.startMs, drainedMs: options.startMs};
  }
  return unpack(unseal(1, value, 'the checkpoint')) as Checkpoint;
}

function readHistories(store: ShardStore): Map<number, StoredHistory> {
  const histories = new Map<number, StoredHistory>();
  for (const {key, value} of store.entries('histories', -1)) {
    histories.set(key, unpack(unseal(1, value, `history ${key}`)) as StoredHistory);
  }
  return histories;
}

function restoreDefinitions(
  store: ShardStore,
  parts: {
    options: DurableShardOptions;
    checkpoint: Checkpoint;
    histories: ReadonlyMap<number, StoredHistory>;
  },
): Shard {
  const idOf = new Map([...parts.histories].map(([id, {key}]) => [key, id]));
  const shard = new Shard({
    eventRetentionMs: parts.options.eventRetentionMs,
    profileRetentionMs: parts.options.profileRetentionMs,
    columnBytesMax: parts.options.columnBytesMax,
    startMs: parts.checkpoint.drainedMs,
    historyIdOf: key => idOf.get(key),
  });
  shard.criteria.reserveIds(metaNumber(store, HISTORY_END));
  for (const id of parts.histories.keys()) shard.criteria.reserveIds(id + 1);
  const specs: AudienceSpec[] = [];
  for (const {key, value} of store.entries('audiences', -1)) {
    specs.push(unpack(unseal(1, value, `audience ${key}`)) as AudienceSpec);
  }
  shard.audiences.define(specs, []);
  serveAll(shard);
  // An id that nothing claimed stays unused: profiles may still have entries of what it was.
  idOf.clear();
  return shard;
}

function loadRows(
  store: ShardStore,
  parts: {
    shard: Shard;
    histories: ReadonlyMap<number, StoredHistory>;
    rowWatermark: Watermark[];
    truths: RestoredTruths;
  },
): void {
  const {shard, histories, rowWatermark, truths} = parts;
  // A timer has no entries that could be missing.
  const isWhole = (id: number): boolean => {
    const history = shard.criteria.history(id);
    if (history === undefined) return false;
    return history.spec === undefined || histories.get(id)?.durable === true;
  };
  for (const {key, value} of store.rows()) {
    const {hi, lo} = rowKeyMpid(key);
    const row = decodeRow(value);
    const ordinal = shard.addProfile(hi, lo, row.facts.born);
    shard.data(ordinal)!.restore(row.facts);
    rowWatermark[ordinal] = row.watermark;
    truths.add(ordinal, row.truth);
    shard.membershipLists.import(ordinal, row.memberships);
    importHistories(shard, ordinal, {words: row.histories, texts: row.texts}, isWhole);
  }
}

/** Histories that rows may have in part are made anew from the journal, up to what each row has. */
function backfillUndurable(
  store: ShardStore,
  parts: {
    shard: Shard;
    histories: ReadonlyMap<number, StoredHistory>;
    rowWatermark: readonly Watermark[];
    options: DurableShardOptions;
  },
): void {
  const {shard, histories, rowWatermark, options} = parts;
  const wanted: WantedHistory[] = [];
  for (const {id, spec} of shard.criteria.histories()) {
    if (spec !== undefined && histories.get(id)?.durable !== true) wanted.push({id, spec});
  }
  if (wanted.length === 0 || shard.table.count === 0) return;
  const until = rowWatermark.reduce((most, watermark) => Math.max(most, watermark), 0);
  const range = {until, oldestMs: shard.nowMs - options.eventRetentionMs, nowMs: shard.nowMs};
  for (const {watermark, found} of scanJournal(store, wanted, range)) {
    for (let i = 0; i < found.history.length; i++) {
      const hi = found.hi[i]!;
      const lo = found.lo[i]!;
      const ordinal = shard.table.find(hi, lo);
      if (ordinal < 0 || (rowWatermark[ordinal] ?? 0) < watermark) continue;
      const history = shard.criteria.history(found.history[i]!)!;
      const at = {hi, lo, watermark};
      shard.backfill(history, at, entryAt(found, i));
    }
  }
}

function replayJournal(
  store: ShardStore,
  parts: {
    shard: Shard;
    checkpoint: Checkpoint;
    rowWatermark: Watermark[];
    truths: RestoredTruths;
  },
): Watermark {
  const {shard, checkpoint, rowWatermark, truths} = parts;
  let watermark = checkpoint.watermark;
  let drainedMs = checkpoint.drainedMs;
  const lacks = (ordinal: Ordinal, entry: Watermark): boolean =>
    (rowWatermark[ordinal] ?? 0) < entry;
  for (const {key, value} of store.entries('journal', checkpoint.watermark)) {
    const entry = decodeJournalEntry(value, key);
    watermark = key;
    drainedMs = entry.drainedMs;
    shard.watermark = key;
    if (entry.content.kind === 'records') {
      for (const record of decodeRecords(entry.content.records)) {
        const known = shard.table.find(record.mpidHi, record.mpidLo);
        if (known >= 0 && !lacks(known, key)) continue;
        const ordinal = replayRecord(shard, record, entry.nowMs);
        if (ordinal >= 0) shard.onDirty(ordinal);
      }
    } else if (entry.content.kind === 'control' && entry.content.control.kind === 'erase') {
      const {mpidHi, mpidLo} = entry.content.control;
      const known = shard.table.find(mpidHi, mpidLo);
      if (known >= 0 && lacks(known, key)) replayErasure(shard, mpidHi, mpidLo);
    }
    const deltas = store.get('feed', key);
    if (deltas !== undefined)
      replayDeltas(shard, decodeFeedEntry(deltas, key), ordinal => lacks(ordinal, key));
  }
  endReplay(shard, drainedMs);
  const roots = new ServedRoots(shard.audiences.all());
  for (let ordinal = 0; ordinal < shard.table.end; ordinal++) {
    if (!shard.table.isLive(ordinal)) continue;
    const atMs = Math.max(drainedMs, shard.data(ordinal)!.toldMs);
    const restored = truths.of(ordinal);
    shard.slab.open(ordinal);
    if (restored !== undefined && shard.slab.earliestDue() > atMs) {
      adoptTruth(shard, ordinal, {...restored, roots, atMs});
    } else makeTruth(shard, ordinal, atMs);
  }
  return watermark;
}

function replayDeltas(shard: Shard, bytes: Uint8Array, lacks: (ordinal: Ordinal) => boolean): void {
  const deltas = new DeltaReader(bytes);
  for (let i = 0; i < deltas.count; i++) {
    if (deltas.action(i) === ATTRIBUTE_UPDATE || deltas.isErased(i)) continue;
    const ordinal = shard.table.find(deltas.mpidHi(i), deltas.mpidLo(i));
    if (ordinal < 0 || !lacks(ordinal)) continue;
    shard.onDirty(ordinal);
    replayMembership(shard, ordinal, {
      audience: deltas.audience(i),
      member: deltas.action(i) === ADD,
      atMs: deltas.atMs(i),
    });
  }
}
