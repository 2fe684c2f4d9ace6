/** Has the profiles of the next records fetched ahead of the records. */
import {AHEAD, type FetchAhead} from '../engine/profiles/fetch-ahead.ts';
import {recordEnd, recordMpid} from './record-codec.ts';

/** For up to AHEAD records from an offset on; returns where those after them begin. */
export function expectRecords(ahead: FetchAhead, records: Uint8Array, from: number): number {
  let at = from;
  for (let i = 0; i < AHEAD && at < records.length; i++, at = recordEnd(records, at)) {
    const {hi, lo} = recordMpid(records, at);
    ahead.expect(hi, lo);
  }
  ahead.fetch();
  return at;
}
