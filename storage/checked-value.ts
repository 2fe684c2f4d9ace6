/**
 * Every value on disk starts with a version byte and a CRC-32 of the rest: LMDB has no checksums, and
 * half of all single-bit flips would come back as wrong values.
 */
import {crc32} from 'node:zlib';

const HEADER_BYTES = 5;

export class DamagedValueError extends Error {
  constructor(what: string) {
    super(
      `${what} is damaged on disk (its checksum does not match). Restore the data folder from a backup, ` +
        'or remove it to start anew.',
    );
  }
}

export function seal(version: number, parts: readonly Uint8Array[]): Buffer {
  let bytes = HEADER_BYTES;
  for (const part of parts) bytes += part.byteLength;
  const sealed = Buffer.allocUnsafe(bytes);
  let at = HEADER_BYTES;
  for (const part of parts) {
    sealed.set(part, at);
    at += part.byteLength;
  }
  sealed[0] = version;
  sealed.writeUInt32LE(crc32(sealed.subarray(HEADER_BYTES)), 1);
  return sealed;
}

/** The payload, which shares the memory of `sealed`. */
export function unseal(version: number, sealed: Uint8Array, what: string): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < HEADER_BYTES || bytes[0] !== version) {
    throw new DamagedValueError(what);
  }
  const payload = bytes.subarray(HEADER_BYTES);
  if (crc32(payload) !== bytes.readUInt32LE(1)) throw new DamagedValueError(what);
  return payload;
}
