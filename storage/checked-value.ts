/**
 * Every value on disk starts with a version byte and a CRC-32 of the rest: LMDB has no checksums, and
 * half of all single-bit flips would come back as wrong values.
 */
import {crc32} from 'node:zlib';

/** Before the payload. */
export const SEAL_BYTES = 5;

export class DamagedValueError extends Error {
  constructor(what: string) {
    super(
      `${what} is damaged on disk (its checksum does not match). Restore the data folder from a backup, ` +
        'or remove it to start anew.',
    );
  }
}

export function seal(version: number, parts: readonly Uint8Array[]): Buffer {
  let bytes = SEAL_BYTES;
  for (const part of parts) bytes += part.byteLength;
  const sealed = Buffer.allocUnsafe(bytes);
  let at = SEAL_BYTES;
  for (const part of parts) {
    sealed.set(part, at);
    at += part.byteLength;
  }
  return sealInPlace(version, sealed);
}

/** Seals a payload that has SEAL_BYTES before it. */
export function sealInPlace(version: number, sealed: Buffer): Buffer {
  sealed[0] = version;
  sealed.writeUInt32LE(crc32(sealed.subarray(SEAL_BYTES)), 1);
  return sealed;
}

/** The payload, which shares the memory of `sealed`. */
export function unseal(version: number, sealed: Uint8Array, what: string): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < SEAL_BYTES || bytes[0] !== version) {
    throw new DamagedValueError(what);
  }
  const payload = bytes.subarray(SEAL_BYTES);
  if (crc32(payload) !== bytes.readUInt32LE(1)) throw new DamagedValueError(what);
  return payload;
}
