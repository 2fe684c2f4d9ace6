/**
 * Erasures that are not finished: the profiles are gone, and the journal, the sample and the feed may still have
 * something of them. They stand in the shard's meta from the transaction that erased the profile on until nothing
 * is left, so a restart goes on with them.
 */
import {pack, unpack} from 'msgpackr';
import type {Watermark} from '../engine/ids.ts';
import {seal, unseal} from './checked-value.ts';
import {
  type ErasedDeltas,
  type ErasedEntries,
  type ErasedProfile,
  ErasedProfiles,
  withoutDeltas,
  withoutRecords,
} from './erased-entries.ts';
import {decodeJournalEntry, encodeJournalEntry} from './journal-entry.ts';
import type {Put, ShardStore} from './shard-store.ts';

/** Who asked for it, and what of the identities directory it covers. */
export interface ErasureRequest {
  readonly who: string;
  readonly askedMs: number;
  /** Claims of identities up to this number were the erased profile's. */
  readonly sequence: number;
}

export interface PendingErasure extends ErasureRequest {
  readonly mpidHi: number;
  readonly mpidLo: number;
  readonly watermark: Watermark;
  /** Taken out of the journal so far. */
  readonly records: number;
  /** Taken out of the feed so far. */
  readonly deltas: number;
}

export interface RemovedSlice {
  readonly puts: Put[];
  /** Entries dealt with, from the first. */
  readonly records: number;
  readonly deltas: number;
}

const META_KEY = 'erasures';
const META_VERSION = 1;

export class PendingErasures {
  readonly #store: Pick<ShardStore, 'get'>;
  #pending: readonly PendingErasure[];

  constructor(store: Pick<ShardStore, 'get'>) {
    this.#store = store;
    const value = store.get('meta', META_KEY);
    this.#pending =
      value === undefined
        ? []
        : (unpack(unseal(META_VERSION, value, 'the erasures')) as PendingErasure[]);
  }

  get pending(): readonly PendingErasure[] {
    return this.#pending;
  }

  /** To be committed with the entry that erases the profile. */
  add(profile: Pick<PendingErasure, 'mpidHi' | 'mpidLo' | 'watermark'>, by: ErasureRequest): Put {
    return this.#replace([...this.#pending, {...profile, ...by, records: 0, deltas: 0}]);
  }

  /**
   * Takes what was found out of the first of these entries, about `bytesMax` of them, and counts it. Says how many
   * it dealt with; those that are gone meanwhile need nothing.
   */
  remove({records, deltas}: ErasedEntries, bytesMax: number): RemovedSlice {
    const slice = new Slice(this.#store, this.#pending);
    let done = 0;
    for (; done < records.length && slice.bytes < bytesMax; done++)
      slice.takeRecords(records[done]!);
    const recordsDone = done;
    for (done = 0; done < deltas.length && slice.bytes < bytesMax; done++) {
      slice.takeDeltas(deltas[done]!);
    }
    const {puts} = slice;
    if (puts.length > 0) puts.push(this.#replace(slice.counted()));
    return {puts, records: recordsDone, deltas: done};
  }

  /** Nothing is left of these: the journal forgets their mpids too. */
  end(watermarks: readonly Watermark[]): Put[] {
    const puts: Put[] = [];
    for (const watermark of watermarks) {
      const value = this.#store.get('journal', watermark);
      if (value === undefined) continue;
      const entry = decodeJournalEntry(value, watermark);
      const {content} = entry;
      if (content.kind !== 'control' || content.control.kind !== 'erase') continue;
      const tick = encodeJournalEntry({...entry, content: {kind: 'tick'}});
      puts.push({table: 'journal', key: watermark, value: tick});
    }
    const left = this.#pending.filter(({watermark}) => !watermarks.includes(watermark));
    return [...puts, this.#replace(left)];
  }

  #replace(pending: readonly PendingErasure[]): Put {
    this.#pending = pending;
    const value = pending.length === 0 ? undefined : seal(META_VERSION, [pack(pending)]);
    return {table: 'meta', key: META_KEY, value};
  }
}

/** Entries of one step, and what was taken out of them. */
class Slice {
  readonly puts: Put[] = [];
  bytes = 0;
  readonly #store: Pick<ShardStore, 'get'>;
  readonly #pending: readonly PendingErasure[];
  readonly #erased: ErasedProfiles;
  readonly #records = new Map<Watermark, number>();
  readonly #deltas = new Map<Watermark, number>();

  constructor(store: Pick<ShardStore, 'get'>, pending: readonly PendingErasure[]) {
    this.#store = store;
    this.#pending = pending;
    this.#erased = new ErasedProfiles(pending);
  }

  takeRecords(entry: Watermark): void {
    const onRemoved = counter(this.#records);
    this.#take(withoutRecords(this.#store, entry, {erased: this.#erased, onRemoved}));
  }

  takeDeltas(entry: ErasedDeltas): void {
    const onRemoved = counter(this.#deltas);
    this.#take(withoutDeltas(this.#store, entry, {erased: this.#erased, onRemoved}));
  }

  counted(): PendingErasure[] {
    return this.#pending.map(each => ({
      ...each,
      records: each.records + (this.#records.get(each.watermark) ?? 0),
      deltas: each.deltas + (this.#deltas.get(each.watermark) ?? 0),
    }));
  }

  #take(puts: readonly Put[]): void {
    for (const put of puts) {
      this.puts.push(put);
      this.bytes += put.value?.byteLength ?? 0;
    }
  }
}

function counter(counts: Map<Watermark, number>): (profile: ErasedProfile) => void {
  return ({watermark}) => counts.set(watermark, (counts.get(watermark) ?? 0) + 1);
}
