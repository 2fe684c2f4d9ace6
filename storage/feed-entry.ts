/** The deltas of one journal entry as the feed keeps them. Payload: f64 nowMs twice, then the records of engine/deltas.ts. */
import {seal, unseal} from './checked-value.ts';

const VERSION = 1;
// The same two times that a journal entry begins with, so that both are trimmed alike.
const HEADER_BYTES = 16;

export function encodeFeedEntry(nowMs: number, deltas: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeDoubleLE(nowMs, 0);
  header.writeDoubleLE(nowMs, 8);
  return seal(VERSION, [header, deltas]);
}

/** The shard's time when it applied the entry. */
export function feedEntryMs(value: Uint8Array, watermark: number): number {
  return unseal(VERSION, value, `feed entry ${watermark}`).readDoubleLE(0);
}

/** A copy: the value may be memory of the store. */
export function decodeFeedEntry(value: Uint8Array, watermark: number): Uint8Array {
  return new Uint8Array(unseal(VERSION, value, `feed entry ${watermark}`).subarray(HEADER_BYTES));
}
