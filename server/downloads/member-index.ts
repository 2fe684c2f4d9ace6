/**
 * The mpids in an archive, eight bytes each, in a file beside it: whether an erased profile is in an archive is
 * answered without reading the archive.
 */
import {open} from 'node:fs/promises';
import type {ShardSlice} from '../shards/protocol.ts';

const READ_BYTES = 1024 * 1024;

/** Of those with a row. */
export function indexBytes({mpids, identityCounts}: ShardSlice): Uint8Array {
  const written = mpids.filter((_, member) => (identityCounts[member] ?? 0) > 0);
  return new Uint8Array(written.buffer, written.byteOffset, written.byteLength);
}

/** True also when the index cannot be read: then nobody knows who is in the archive. */
export async function holdsAny(path: string, mpids: ReadonlySet<bigint>): Promise<boolean> {
  if (mpids.size === 0) return false;
  const wanted = new WantedMpids(mpids);
  try {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(READ_BYTES);
      for (let at = 0; ;) {
        const {bytesRead} = await file.read(bytes, 0, READ_BYTES, at);
        const whole = bytesRead - (bytesRead % 8);
        if (whole === 0) return bytesRead > 0;
        if (wanted.isAnyIn(bytes, whole)) return true;
        at += whole;
      }
    } finally {
      await file.close();
    }
  } catch {
    return true;
  }
}

/** Compares low halves first: a bigint for each of millions would be slow. */
class WantedMpids {
  readonly #mpids: ReadonlySet<bigint>;
  readonly #lows: ReadonlySet<number>;

  constructor(mpids: ReadonlySet<bigint>) {
    this.#mpids = mpids;
    this.#lows = new Set([...mpids].map(mpid => Number(BigInt.asIntN(32, mpid))));
  }

  isAnyIn(bytes: Uint8Array, length: number): boolean {
    const halves = new Int32Array(bytes.buffer, 0, length / 4);
    const whole = new BigInt64Array(bytes.buffer, 0, length / 8);
    for (let i = 0; i < halves.length; i += 2) {
      if (this.#lows.has(halves[i]!) && this.#mpids.has(whole[i >> 1]!)) return true;
    }
    return false;
  }
}
