/** The deltas of one journal entry as the feed keeps them. Payload: f64 nowMs twice, then the records of engine/deltas.ts. */
import {SEAL_BYTES, sealInPlace, unseal} from './checked-value.ts';

const VERSION = 1;
// The same two times that a journal entry begins with, so that both are trimmed alike.
const HEADER_BYTES = 16;

/** What an entry has before its deltas. */
export const FEED_HEAD_BYTES = SEAL_BYTES + HEADER_BYTES;

export function encodeFeedEntry(nowMs: number, deltas: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(FEED_HEAD_BYTES + deltas.byteLength);
  entry.set(deltas, FEED_HEAD_BYTES);
  return sealEntry(nowMs, entry);
}

/** The entry in the memory of the deltas, which have FEED_HEAD_BYTES free before them. */
export function feedEntryAround(nowMs: number, deltas: Uint8Array): Buffer {
  const {buffer, byteOffset, byteLength} = deltas;
  const from = byteOffset - FEED_HEAD_BYTES;
  return sealEntry(nowMs, Buffer.from(buffer, from, FEED_HEAD_BYTES + byteLength));
}

function sealEntry(nowMs: number, entry: Buffer): Buffer {
  entry.writeDoubleLE(nowMs, SEAL_BYTES);
  entry.writeDoubleLE(nowMs, SEAL_BYTES + 8);
  return sealInPlace(VERSION, entry);
}

/** The shard's time when it applied the entry. */
export function feedEntryMs(value: Uint8Array, watermark: number): number {
  return unseal(VERSION, value, `feed entry ${watermark}`).readDoubleLE(0);
}

/** A copy: the value may be memory of the store. */
export function decodeFeedEntry(value: Uint8Array, watermark: number): Uint8Array {
  return new Uint8Array(unseal(VERSION, value, `feed entry ${watermark}`).subarray(HEADER_BYTES));
}
