/** A job of the pool: scans a shard's journal on a snapshot and streams what it finds to the shard. */
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {type FoundEntries, noEntries, scanJournal} from '../../storage/backfill-scan.ts';
import {letEventsPass} from './let-events-pass.ts';
import type {BackfillTask, FromBackfill} from './messages.ts';

/** Entries in a chunk, and chunks that may wait at the shard: bounds what a scan holds in memory. */
const CHUNK_ENTRIES = 1024;
const CHUNKS_AHEAD = 16;
/** Journal entries between two looks at whether the shard is still there. */
const ENTRIES_A_TURN = 256;
/** Journal entries after which the shard is told how far it is, also where nothing was found. */
const PROGRESS_ENTRIES = 4096;

export default async function backfill({path, wanted, range, port}: BackfillTask): Promise<void> {
  letEventsPass();
  const store = LmdbStore.open(path, {readOnly: true});
  let ahead = 0;
  let isOver = false;
  let wake: (() => void) | undefined;
  port.on('message', () => {
    ahead--;
    wake?.();
  });
  port.on('close', () => {
    isOver = true;
    wake?.();
  });
  const send = async (found: FoundEntries, progress: number): Promise<void> => {
    while (ahead >= CHUNKS_AHEAD && !isOver) {
      await new Promise<void>(resolve => (wake = resolve));
    }
    ahead++;
    port.postMessage({kind: 'found', found, progress} satisfies FromBackfill);
  };
  try {
    let chunk = noEntries();
    let scanned = 0;
    for (const {watermark, found} of scanJournal(store, wanted, range)) {
      if (++scanned % ENTRIES_A_TURN === 0) await new Promise(resolve => setImmediate(resolve));
      // The shard stopped or died: nobody waits for this.
      if (isOver) return;
      append(chunk, found);
      const isDue = scanned % PROGRESS_ENTRIES === 0;
      if (chunk.history.length < CHUNK_ENTRIES && !isDue) continue;
      await send(chunk, range.until === 0 ? 1 : watermark / range.until);
      chunk = noEntries();
    }
    await send(chunk, 1);
    port.postMessage({kind: 'done'} satisfies FromBackfill);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({kind: 'failed', message} satisfies FromBackfill);
  } finally {
    await store.close();
    port.close();
  }
}

function append(chunk: FoundEntries, found: FoundEntries): void {
  for (let i = 0; i < found.history.length; i++) {
    chunk.hi.push(found.hi[i]!);
    chunk.lo.push(found.lo[i]!);
    chunk.watermark.push(found.watermark[i]!);
    chunk.history.push(found.history[i]!);
    chunk.timeMs.push(found.timeMs[i]!);
    chunk.values.push(found.values[i]);
    chunk.intervals.push(found.intervals[i]);
  }
}
