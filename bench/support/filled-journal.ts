/** Events of the workload in a journal of their own, written past the engine: as many as a scan is to read. */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {encodeJournalEntry} from '../../storage/journal-entry.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import type {Put} from '../../storage/shard-store.ts';
import {isSampled} from '../../engine/profiles/sampled.ts';
import {eventRecord, mpidHiOf, mpidLoOf} from '../workload-records.ts';
import type {Workload} from '../workload.ts';

/** Events that one commit took together, as on a server under load. */
const GROUP_EVENTS = 250;
const GROUPS_A_COMMIT = 64;

export class FilledJournal {
  readonly store: LmdbStore;
  readonly nowMs: number;
  /** Watermark of the last entry. */
  readonly until: number;
  readonly #folder: string;

  private constructor(
    store: LmdbStore,
    {folder, nowMs, until}: {folder: string; nowMs: number; until: number},
  ) {
    this.store = store;
    this.#folder = folder;
    this.nowMs = nowMs;
    this.until = until;
  }

  static async fill(workload: Workload, events: number): Promise<FilledJournal> {
    const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
    const store = LmdbStore.open(folder);
    const all = new RecordWriter();
    const sampled = new RecordWriter();
    let puts: Put[] = [];
    let watermark = 0;
    let writing = Promise.resolve();
    for (let first = 0; first < events; first += GROUP_EVENTS) {
      const block = workload.events(first, Math.min(GROUP_EVENTS, events - first));
      for (let i = 0; i < block.count; i++) {
        const record = eventRecord(workload, block, i);
        all.push(record);
        const profile = block.profile[i]!;
        if (isSampled(mpidHiOf(profile), mpidLoOf(profile))) sampled.push(record);
      }
      const nowMs = workload.timeOf(first);
      watermark++;
      puts.push(entry('journal', watermark, {nowMs, records: all.take()}));
      if (sampled.count > 0)
        puts.push(entry('sample', watermark, {nowMs, records: sampled.take()}));
      if (puts.length < GROUPS_A_COMMIT && first + GROUP_EVENTS < events) continue;
      await writing;
      writing = store.commit(puts);
      puts = [];
    }
    await writing;
    const nowMs = workload.timeOf(events - 1);
    return new FilledJournal(store, {folder, nowMs, until: watermark});
  }

  async remove(): Promise<void> {
    await this.store.close();
    await rm(this.#folder, {recursive: true, force: true});
  }
}

function entry(
  table: 'journal' | 'sample',
  key: number,
  {nowMs, records}: {nowMs: number; records: Uint8Array},
): Put {
  const content = {kind: 'records', records} as const;
  return {table, key, value: encodeJournalEntry({nowMs, lastMs: nowMs, drainedMs: nowMs, content})};
}
