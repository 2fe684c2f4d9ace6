/** The thread that writes one archive. It asks for a slice when it is ready for it. */
import {parentPort, workerData} from 'node:worker_threads';
import {must} from '../../engine/assert.ts';
import type {ShardSlice} from '../shards/protocol.ts';
import type {ArchivePlan, FromArchive, ToArchive} from './archive-plan.ts';
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
  tell({kind: 'failed', message: error instanceof Error ? error.message : String(error)});
}
port.close();
