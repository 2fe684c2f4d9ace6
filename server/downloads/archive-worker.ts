/** The thread that writes one archive. It asks for a slice when it is ready for it. */
import {parentPort, workerData} from 'node:worker_threads';
import {must} from '../../engine/assert.ts';
import type {ShardSlice} from '../shards/protocol.ts';
import {
  type ArchivePlan,
  DownloadFailedError,
  type FromArchive,
  type ToArchive,
} from './archive-plan.ts';
import {writeArchive} from './archive.ts';

const port = must(parentPort, 'an archive is written in a worker thread');
const tell = (message: FromArchive): void => port.postMessage(message);
let take: ((slice: ShardSlice | undefined) => void) | undefined;
port.on('message', ({slice}: ToArchive) => take?.(slice));

try {
  const result = await writeArchive(workerData as ArchivePlan, file => {
    tell({kind: 'next', file});
    return new Promise(resolve => (take = resolve));
  });
  tell({kind: 'done', result});
} catch (error) {
  const isOrdinary = error instanceof DownloadFailedError;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tell({kind: 'failed', reason: reasonOf(error), detail: isOrdinary ? undefined : detail});
}
port.close();

function reasonOf(error: unknown): string | undefined {
  if (error instanceof DownloadFailedError) return error.message;
  // The system's own words would name folders of the server.
  const {code} = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : `the disk refused the file (${code})`;
}
