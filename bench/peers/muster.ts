import type {ProfileRecord} from '../../engine/record.ts';
import {MemoryRun} from '../support/engine-run.ts';
import {eventRecord} from '../workload-records.ts';
import type {EventBlock, Workload} from '../workload.ts';
import type {Peer} from './peer.ts';

/** The engine alone: decoded records in, deltas out and read, time told before every event. */
export async function makeMuster(workload: Workload, warmUpEvents: number): Promise<Peer> {
  const run = MemoryRun.start(workload);
  await run.warmUp(warmUpEvents);
  const {shard, reader} = run;
  let records: ProfileRecord[] = [];
  return {
    prepare(block) {
      records = Array.from({length: block.count}, (_, i) => eventRecord(workload, block, i));
    },
    apply(block: EventBlock, from, to, memberships) {
      for (let i = from; i < to; i++) {
        const nowMs = workload.timeOf(block.first + i);
        shard.advance(nowMs, Infinity);
        shard.apply(records[i]!, nowMs);
        if (shard.deltas.count > 0) reader.take(shard.deltas.take());
        memberships[i] = reader.memberships[block.profile[i]!]!;
      }
    },
  };
}
