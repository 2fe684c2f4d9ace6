import {Packr} from 'msgpackr';
import {ACTIONS, CAUSES, type DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';
import {DELTA_TEXT_BYTES_MAX, writeDeltaText} from './delta-text.ts';

/** A message or a part of one, encoded: text for JSON, bytes for msgpack. */
export type Piece = string | Uint8Array;

/**
 * One subprotocol. Deltas and members are encoded apart from the message that carries them, so that
 * what many readers get is encoded once and a frame is only put together.
 */
export interface Wire {
  readonly protocol: string;
  sizeOf(piece: Piece): number;
  /** Any plain value: a whole small message, or a delta or member that carries more than the ordinary. */
  value(value: unknown): Piece;
  /** What `describeDelta` says, encoded. */
  delta(deltas: DeltaReader, index: number): Piece;
  deltasMessage(cursor: string, deltas: readonly Piece[]): Piece;
  /** Writes a delta and returns where it ends; `at` has `deltaBytesMax` of room. */
  writeDelta(
    deltas: DeltaReader,
    index: number,
    place: {readonly to: Buffer; readonly at: number},
  ): number;
  readonly deltaBytesMax: number;
  /** Between two deltas that were written. */
  readonly separator: number | undefined;
  /** Of deltas that were written, in stretches that are separated within but not from each other. */
  writtenMessage(cursor: string, count: number, stretches: readonly Uint8Array[]): Piece;
  snapshotMessage(audience: number, members: readonly Piece[], last: boolean): Piece;
}

/** More than a message adds to the pieces and the cursor it carries, on either wire. */
export const ENVELOPE_BYTES = 80;

export interface PlainDelta {
  readonly audience: number;
  readonly mpid: string;
  readonly action: string;
  readonly at_ms: number;
  readonly cause: string;
  readonly version: number;
}

export function describeDelta(deltas: DeltaReader, index: number): PlainDelta {
  return {
    audience: deltas.audience(index),
    mpid: mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index)).toString(),
    action: ACTIONS[deltas.action(index)] ?? '',
    at_ms: deltas.atMs(index),
    cause: CAUSES[deltas.cause(index)] ?? '',
    version: deltas.version(index),
  };
}

const COMMA = 0x2c;
const COMMA_BYTES = Buffer.of(COMMA);
const DELTAS_END = Buffer.from(']}');

export const jsonWire: Wire = {
  protocol: 'muster.json',
  sizeOf: piece => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length) + 1,
  value: value => JSON.stringify(value),
  delta: (deltas, index) => {
    const to = Buffer.allocUnsafe(DELTA_TEXT_BYTES_MAX);
    return to.toString('latin1', 0, writeDeltaText(deltas, index, {to, at: 0}));
  },
  deltasMessage: (cursor, deltas) =>
    `{"type":"deltas","cursor":"${cursor}","deltas":[${deltas.join(',')}]}`,
  writeDelta: writeDeltaText,
  deltaBytesMax: DELTA_TEXT_BYTES_MAX,
  separator: COMMA,
  writtenMessage: (cursor, _count, stretches) => {
    const parts: Uint8Array[] = [Buffer.from(`{"type":"deltas","cursor":"${cursor}","deltas":[`)];
    for (const [i, stretch] of stretches.entries()) {
      if (i > 0) parts.push(COMMA_BYTES);
      parts.push(stretch);
    }
    parts.push(DELTAS_END);
    // All of it is ASCII.
    return Buffer.concat(parts).toString('latin1');
  },
  snapshotMessage: (audience, members, last) =>
    `{"type":"snapshot","audience":${audience},"members":[${members.join(',')}],"last":${last}}`,
};

// Plain maps, which every msgpack library reads: no record extension.
const packr = new Packr({useRecords: false, variableMapSize: true});
const DELTAS_HEAD = Buffer.concat([
  Buffer.of(0x83),
  ...['type', 'deltas', 'cursor'].map(text => packr.pack(text)),
]);
const SNAPSHOT_HEAD = Buffer.concat([
  Buffer.of(0x84),
  ...['type', 'snapshot', 'audience'].map(text => packr.pack(text)),
]);
const DELTAS_KEY = packr.pack('deltas');
const MEMBERS_KEY = packr.pack('members');
const LAST_KEY = packr.pack('last');

export const msgpackWire: Wire = {
  protocol: 'muster.msgpack',
  sizeOf: piece => piece.length,
  value: value => packr.pack(value),
  delta: (deltas, index) => packr.pack(describeDelta(deltas, index)),
  deltasMessage: (cursor, deltas) =>
    joined([DELTAS_HEAD, packr.pack(cursor), DELTAS_KEY, arrayHead(deltas.length)], deltas, []),
  writeDelta: (deltas, index, {to, at}) => {
    const packed = packr.pack(describeDelta(deltas, index));
    to.set(packed, at);
    return at + packed.length;
  },
  deltaBytesMax: DELTA_TEXT_BYTES_MAX,
  separator: undefined,
  writtenMessage: (cursor, count, stretches) =>
    Buffer.concat([DELTAS_HEAD, packr.pack(cursor), DELTAS_KEY, arrayHead(count), ...stretches]),
  snapshotMessage: (audience, members, last) =>
    joined([SNAPSHOT_HEAD, packr.pack(audience), MEMBERS_KEY, arrayHead(members.length)], members, [
      LAST_KEY,
      packr.pack(last),
    ]),
};

/** In order of preference; a client that names none gets JSON. */
export const WIRES: readonly Wire[] = [jsonWire, msgpackWire];

/** An array of up to 65,535 elements, which follow. */
function arrayHead(length: number): Uint8Array {
  return Buffer.of(0xdc, length >> 8, length & 0xff);
}

function joined(
  head: readonly Uint8Array[],
  pieces: readonly Piece[],
  tail: readonly Uint8Array[],
): Uint8Array {
  const all = [...head];
  for (const piece of pieces) all.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  return Buffer.concat([...all, ...tail]);
}
