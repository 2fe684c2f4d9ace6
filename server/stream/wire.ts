import {Packr} from 'msgpackr';
import {ACTIONS, CAUSES, type DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';

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

export const jsonWire: Wire = {
  protocol: 'muster.json',
  sizeOf: piece => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length) + 1,
  value: value => JSON.stringify(value),
  // Hot: the names are fixed and no field needs escaping, so this is half the time of JSON.stringify.
  delta: (deltas, index) =>
    `{"audience":${deltas.audience(index)},"mpid":"${mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index))}","action":"${ACTIONS[deltas.action(index)] ?? ''}","at_ms":${deltas.atMs(index)},"cause":"${CAUSES[deltas.cause(index)] ?? ''}","version":${deltas.version(index)}}`,
  deltasMessage: (cursor, deltas) =>
    `{"type":"deltas","cursor":"${cursor}","deltas":[${deltas.join(',')}]}`,
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
