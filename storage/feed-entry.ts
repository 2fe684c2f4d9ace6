/** The deltas of one journal entry as the feed keeps them. Payload: f64 nowMs, then the records of engine/deltas.ts. */
import {seal, unseal} from './checked-value.ts';

const VERSION = 1;
const HEADER_BYTES = 8;

export function encodeFeedEntry(nowMs: number, deltas: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeDoubleLE(nowMs, 0);
  return seal(VERSION, [header, deltas]);
}

/** A copy: the value may be memory of the store. */
export function decodeFeedEntry(value: Uint8Array, watermark: number): Uint8Array {
  return new Uint8Array(unseal(VERSION, value, `feed entry ${watermark}`).subarray(HEADER_BYTES));
}
