/**
 * What the journal, the sample and the feed still have of profiles that were erased: found on a snapshot, off
 * the shard's thread, and taken out entry by entry on it.
 *
 * Of the feed one delta stays for each audience: the last one, which took the profile out. A reader that was away
 * has to hear it, or it would keep the person for ever; it goes when the feed forgets its time, and with it the
 * farewell, by which a reader that knows people by their identities learns whom to drop.
 */
import {DELETE, DeltaReader, eraseDelta} from '../engine/deltas.ts';
import type {Watermark} from '../engine/ids.ts';
import {decodeFeedEntry, encodeFeedEntry, feedEntryMs} from './feed-entry.ts';
import {hasFormer, withoutFormer} from './former-identities.ts';
import {decodeJournalEntry, encodeJournalEntry} from './journal-entry.ts';
import {recordEnd, recordMpid} from './record-codec.ts';
import type {Put, ShardStore} from './shard-store.ts';

/** Everything of the profile up to its erasure goes; what came after is of a new one. */
export interface ErasedProfile {
  readonly mpidHi: number;
  readonly mpidLo: number;
  /** Of the journal entry that erased it. */
  readonly watermark: Watermark;
}

export interface ErasedDeltas {
  readonly watermark: Watermark;
  /** Of the deltas in the entry. */
  readonly indexes: readonly number[];
}

export interface ErasedEntries {
  /** Entries of the journal or of the sample that have records of them, or former identities. */
  readonly records: Watermark[];
  readonly deltas: ErasedDeltas[];
}

/** By mpid: the last erasure of each counts. */
export class ErasedProfiles {
  readonly last: Watermark;
  readonly #byLo = new Map<number, ErasedProfile[]>();

  constructor(profiles: Iterable<ErasedProfile>) {
    let last = 0;
    for (const profile of profiles) {
      last = Math.max(last, profile.watermark);
      const others = this.#byLo.get(profile.mpidLo);
      if (others === undefined) this.#byLo.set(profile.mpidLo, [profile]);
      else others.push(profile);
    }
    this.last = last;
  }

  /** The erasure that covers an entry of this profile. Hot: once for each record. */
  of(mpidHi: number, mpidLo: number, entry: Watermark): ErasedProfile | undefined {
    const alike = this.#byLo.get(mpidLo);
    if (alike === undefined) return undefined;
    let found: ErasedProfile | undefined;
    for (const profile of alike) {
      if (profile.mpidHi !== mpidHi || profile.watermark < entry) continue;
      if (found === undefined || profile.watermark > found.watermark) found = profile;
    }
    return found;
  }
}

/** Yields between entries, so that whoever runs it can let others run too. The last value is the answer. */
export function* findErased(
  store: Pick<ShardStore, 'entries'>,
  profiles: readonly ErasedProfile[],
): Generator<undefined, ErasedEntries> {
  const erased = new ErasedProfiles(profiles);
  const records = new Set<Watermark>();
  for (const table of ['journal', 'sample'] as const) {
    for (const {key, value} of store.entries(table, 0)) {
      if (key > erased.last) break;
      const {content} = decodeJournalEntry(value, key);
      if (content.kind === 'records' && hasErased(content.records, key, erased)) records.add(key);
      yield;
    }
  }
  for (const {key, value} of store.entries('former', 0)) {
    if (key > erased.last) break;
    if (hasFormer(value, key, (hi, lo) => erased.of(hi, lo, key) !== undefined)) records.add(key);
    yield;
  }
  const deltas = new DeltasOfErased(erased);
  for (const {key, value} of store.entries('feed', 0)) {
    if (key > erased.last) break;
    deltas.look(key, decodeFeedEntry(value, key));
    yield;
  }
  return {records: [...records].sort((a, b) => a - b), deltas: deltas.found()};
}

function hasErased(records: Uint8Array, entry: Watermark, erased: ErasedProfiles): boolean {
  for (let at = 0; at < records.byteLength; at = recordEnd(records, at)) {
    const {hi, lo} = recordMpid(records, at);
    if (erased.of(hi, lo, entry) !== undefined) return true;
  }
  return false;
}

class DeltasOfErased {
  readonly #erased: ErasedProfiles;
  readonly #indexes = new Map<Watermark, number[]>();
  /** The last delete of each profile from each audience. */
  readonly #last = new Map<string, {readonly entry: Watermark; readonly index: number}>();

  constructor(erased: ErasedProfiles) {
    this.#erased = erased;
  }

  look(entry: Watermark, bytes: Uint8Array): void {
    const deltas = new DeltaReader(bytes);
    for (let index = 0; index < deltas.count; index++) {
      if (deltas.isErased(index)) continue;
      const hi = deltas.mpidHi(index);
      const lo = deltas.mpidLo(index);
      if (this.#erased.of(hi, lo, entry) === undefined) continue;
      if (deltas.action(index) !== DELETE) {
        this.#add(entry, index);
        continue;
      }
      const name = `${hi} ${lo} ${deltas.audience(index)}`;
      const before = this.#last.get(name);
      if (before !== undefined) this.#add(before.entry, before.index);
      this.#last.set(name, {entry, index});
    }
  }

  found(): ErasedDeltas[] {
    return [...this.#indexes]
      .map(([watermark, indexes]) => ({watermark, indexes}))
      .sort((a, b) => a.watermark - b.watermark);
  }

  #add(entry: Watermark, index: number): void {
    const indexes = this.#indexes.get(entry);
    if (indexes === undefined) this.#indexes.set(entry, [index]);
    else indexes.push(index);
  }
}

/** What is taken out is told one by one. */
type OnRemoved = (profile: ErasedProfile) => void;

/** The entry in the journal, in the sample and among the former identities without them; nothing when there is nothing of them. */
export function withoutRecords(
  store: Pick<ShardStore, 'get'>,
  watermark: Watermark,
  {erased, onRemoved}: {erased: ErasedProfiles; onRemoved: OnRemoved},
): Put[] {
  const puts: Put[] = [];
  for (const table of ['journal', 'sample'] as const) {
    const value = store.get(table, watermark);
    if (value === undefined) continue;
    const entry = decodeJournalEntry(value, watermark);
    if (entry.content.kind !== 'records') continue;
    const {records} = entry.content;
    const kept: Uint8Array[] = [];
    for (let at = 0; at < records.byteLength;) {
      const end = recordEnd(records, at);
      const {hi, lo} = recordMpid(records, at);
      const profile = erased.of(hi, lo, watermark);
      if (profile === undefined) kept.push(records.subarray(at, end));
      else if (table === 'journal') onRemoved(profile);
      at = end;
    }
    const left = Buffer.concat(kept);
    if (left.byteLength === records.byteLength) continue;
    // The times of a journal entry are needed when nothing else of it is left.
    const isGone = table === 'sample' && left.byteLength === 0;
    const content = {kind: 'records', records: left} as const;
    const rewritten = isGone ? undefined : encodeJournalEntry({...entry, content});
    puts.push({table, key: watermark, value: rewritten});
  }
  const isErased = (hi: number, lo: number): boolean => erased.of(hi, lo, watermark) !== undefined;
  puts.push(...withoutFormer(store, watermark, isErased));
  return puts;
}

/** The entry of the feed with these deltas overwritten in place. */
export function withoutDeltas(
  store: Pick<ShardStore, 'get'>,
  {watermark, indexes}: ErasedDeltas,
  {erased, onRemoved}: {erased: ErasedProfiles; onRemoved: OnRemoved},
): Put[] {
  const value = store.get('feed', watermark);
  if (value === undefined) return [];
  const bytes = decodeFeedEntry(value, watermark);
  const deltas = new DeltaReader(bytes);
  let count = 0;
  for (const index of indexes) {
    if (index >= deltas.count || deltas.isErased(index)) continue;
    const profile = erased.of(deltas.mpidHi(index), deltas.mpidLo(index), watermark);
    if (profile === undefined) continue;
    eraseDelta(bytes, index);
    onRemoved(profile);
    count++;
  }
  if (count === 0) return [];
  const nowMs = feedEntryMs(value, watermark);
  return [{table: 'feed', key: watermark, value: encodeFeedEntry(nowMs, bytes)}];
}
