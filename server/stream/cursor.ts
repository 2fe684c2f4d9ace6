import {crc32} from 'node:zlib';
import {Position} from './position.ts';

/**
 * A cursor is a position made opaque: base64url of
 *
 *     format u8 | flags u8 | feed id u32 | shards | (watermark, index) of each shard | CRC-32 of all before
 *
 * with the counts as LEB128. The checksum finds cursors cut or mistyped; it is no signature, and needs
 * none: a cursor says where to read, never what may be read.
 */
export interface Cursor {
  readonly position: Position;
  /** Which data folder it was made for. */
  readonly feedId: number;
  /** False: its reader was in the middle of a snapshot, so deltas alone do not complete what it has. */
  readonly complete: boolean;
}

const FORMAT = 1;
const INCOMPLETE = 1;
const HEADER_BYTES = 6;
const CHECKSUM_BYTES = 4;
const SHARDS_MAX = 4096;
const TEXT_MAX = 64 * 1024;

export function encodeCursor({position, feedId, complete}: Cursor): string {
  const shards = position.shardCount;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + 5 + shards * 16 + CHECKSUM_BYTES);
  bytes[0] = FORMAT;
  bytes[1] = complete ? 0 : INCOMPLETE;
  bytes.writeUInt32LE(feedId >>> 0, 2);
  let at = writeCount(bytes, HEADER_BYTES, shards);
  for (let shard = 0; shard < shards; shard++) {
    at = writeCount(bytes, at, position.watermark(shard));
    at = writeCount(bytes, at, position.index(shard));
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at);
  return bytes.toString('base64url', 0, at + CHECKSUM_BYTES);
}

/** undefined when it is not a cursor of this server's making. */
export function decodeCursor(text: string): Cursor | undefined {
  if (text.length > TEXT_MAX || !/^[\w-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  const end = bytes.length - CHECKSUM_BYTES;
  if (end <= HEADER_BYTES || bytes[0] !== FORMAT) return undefined;
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return undefined;
  const reader = new CountReader(bytes.subarray(HEADER_BYTES, end));
  const shards = reader.next();
  if (shards > SHARDS_MAX) return undefined;
  const watermarks: number[] = [];
  const indexes: number[] = [];
  for (let shard = 0; shard < shards; shard++) {
    watermarks.push(reader.next());
    indexes.push(reader.next());
  }
  if (!reader.isDone) return undefined;
  const flags = bytes[1] ?? 0;
  const position = new Position(watermarks, indexes);
  return {position, feedId: bytes.readUInt32LE(2), complete: (flags & INCOMPLETE) === 0};
}

/** LEB128 by arithmetic, because watermarks outgrow 32 bits. */
function writeCount(bytes: Buffer, start: number, count: number): number {
  let at = start;
  let rest = count;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

class CountReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #overrun = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Every byte was read, and none beyond. */
  get isDone(): boolean {
    return !this.#overrun && this.#at === this.#bytes.length;
  }

  next(): number {
    let count = 0;
    let scale = 1;
    for (let digits = 0; digits < 8; digits++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      count += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return Number.isSafeInteger(count) ? count : this.#fail();
    }
    return this.#fail();
  }

  #fail(): number {
    this.#overrun = true;
    return 0;
  }
}
