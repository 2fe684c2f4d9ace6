/**
 * Profile records as bytes: between the gateway and the shards, and in the journal, the same bytes. Each
 * record is a length (u32, little endian) and a msgpack array of its fields in the order below, without
 * names.
 */
import {Packr, Unpackr} from 'msgpackr';
import {assert} from '../engine/assert.ts';
import {
  type AttributeChange,
  type ConsentChange,
  EVENT_KINDS,
  type EventKind,
  type EventRecord,
  type Fields,
  type IdentityChange,
  type LocationFix,
  type ProfileRecord,
  type Value,
} from '../engine/record.ts';

const LENGTH_BYTES = 4;

// Plain arrays only: no records, no shared structures, so that any entry can be read alone.
const packr = new Packr({useRecords: false, moreTypes: false, variableMapSize: true});
const unpackr = new Unpackr({useRecords: false, moreTypes: false, int64AsType: 'number'});

const KIND_INDEX = new Map<EventKind, number>(EVENT_KINDS.map((kind, index) => [kind, index]));

type PackedEvent = [number, string, string, number, Fields, readonly Fields[]];
type PackedRecord = [
  mpidHi: number,
  mpidLo: number,
  scope: number,
  inputId: number,
  arrivalMs: number,
  batchMs: number,
  events: PackedEvent[],
  attributes: [string, Value | undefined, number][],
  identities: [string, string | undefined, number][],
  consent: ['gdpr' | 'ccpa', string, boolean | undefined, number][],
  device: Fields,
  location: (number | string | undefined)[] | null,
  seen: readonly number[],
  extra: string,
];

/** Collects records into one buffer. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(16_384);
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#used;
  }

  /** Returns the bytes that the record took. */
  push(record: ProfileRecord): number {
    const packed = packr.pack(toPacked(record));
    const needed = this.#used + LENGTH_BYTES + packed.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#used);
      this.#bytes = grown;
    }
    this.#bytes.writeUInt32LE(packed.length, this.#used);
    packed.copy(this.#bytes, this.#used + LENGTH_BYTES);
    this.#used = needed;
    this.#count++;
    return LENGTH_BYTES + packed.length;
  }

  /** A copy in memory of its own, which may be transferred to another thread. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#used);
    taken.set(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    this.#count = 0;
    return taken;
  }
}

export function* decodeRecords(bytes: Uint8Array): Generator<ProfileRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength;) {
    const length = view.getUint32(at, true);
    const from = at + LENGTH_BYTES;
    yield fromPacked(unpackr.unpack(bytes.subarray(from, from + length)) as PackedRecord);
    at = from + length;
  }
}

/** One event of a record, from where it begins to where it ends. */
export function decodeEvent(bytes: Uint8Array): EventRecord {
  return unpackEvent(unpackr.unpack(bytes) as PackedEvent);
}

/** Where the record that begins at `at` ends. */
export function recordEnd(bytes: Uint8Array, at: number): number {
  const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  return at + LENGTH_BYTES + length + bytes[at + 3]! * 2 ** 24;
}

/** Whose the record is that begins at `at`, without decoding it. The same object each time. */
export function recordMpid(
  bytes: Uint8Array,
  at: number,
): {readonly hi: number; readonly lo: number} {
  // A record is an array of fewer than 16 fields: its header is one byte.
  const from = at + LENGTH_BYTES + 1;
  OWNER.hi = packedInteger(bytes, from);
  OWNER.lo = packedInteger(bytes, from + integerBytes(bytes[from]!));
  return OWNER;
}

const OWNER = {hi: 0, lo: 0};

function integerBytes(code: number): number {
  if (code < 0x80 || code >= 0xe0) return 1;
  return 1 + 2 ** (code & 0x03);
}

/** Integers of up to 32 bits: 0xcc–0xce without a sign, 0xd0–0xd2 with one, else within the code itself. */
function packedInteger(bytes: Uint8Array, at: number): number {
  const code = bytes[at]!;
  if (code < 0x80) return code;
  if (code >= 0xe0) return code - 0x100;
  let value = 0;
  const end = at + integerBytes(code);
  for (let i = at + 1; i < end; i++) value = value * 0x100 + bytes[i]!;
  const bits = (end - at - 1) * 8;
  assert(bits <= 32 && code >= 0xcc, 'an mpid is packed as two integers');
  return code >= 0xd0 && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

function toPacked(record: ProfileRecord): PackedRecord {
  return [
    record.mpidHi,
    record.mpidLo,
    record.scope,
    record.inputId,
    record.arrivalMs,
    record.batchMs,
    record.events.map(event => [
      KIND_INDEX.get(event.kind)!,
      event.name,
      event.type,
      event.timeMs,
      event.fields,
      event.items,
    ]),
    record.attributes.map(change => [change.name, change.value, change.timeMs]),
    record.identities.map(change => [change.type, change.value, change.sequence]),
    record.consent.map(change => [
      change.regulation,
      change.purpose,
      change.consented,
      change.timeMs,
    ]),
    record.device,
    record.location === undefined ? null : packLocation(record.location),
    record.seen,
    record.extra,
  ];
}

function fromPacked(packed: PackedRecord): ProfileRecord {
  const [hi, lo, scope, inputId, arrivalMs, batchMs, events, attributes, identities, consent] =
    packed;
  return {
    mpidHi: hi,
    mpidLo: lo,
    scope,
    inputId,
    arrivalMs,
    batchMs,
    events: events.map(unpackEvent),
    attributes: attributes.map(([name, value, timeMs]): AttributeChange => ({name, value, timeMs})),
    identities: identities.map(([type, value, sequence]): IdentityChange => ({
      type,
      value,
      sequence,
    })),
    consent: consent.map(([regulation, purpose, consented, timeMs]): ConsentChange => ({
      regulation,
      purpose,
      consented,
      timeMs,
    })),
    device: packed[10],
    location: packed[11] === null ? undefined : unpackLocation(packed[11]),
    seen: packed[12],
    extra: packed[13],
  };
}

function unpackEvent([kind, name, type, timeMs, fields, items]: PackedEvent): EventRecord {
  return {kind: EVENT_KINDS[kind] ?? 'other', name, type, timeMs, fields, items};
}

export function packLocation(fix: LocationFix): (number | string | undefined)[] {
  const {latitude, longitude, city, state, zip, dma, country, timeMs, stateName} = fix;
  const packed = [latitude, longitude, city, state, zip, dma, country, timeMs];
  return stateName === undefined ? packed : [...packed, stateName];
}

export function unpackLocation(packed: readonly (number | string | undefined)[]): LocationFix {
  const [latitude, longitude, city, state, zip, dma, country, timeMs, stateName] = packed;
  return {
    ...(stateName === undefined ? undefined : {stateName: stateName as string}),
    latitude: latitude as number | undefined,
    longitude: longitude as number | undefined,
    city: city as string | undefined,
    state: state as string | undefined,
    zip: zip as string | undefined,
    dma: dma as string | undefined,
    country: country as string | undefined,
    timeMs: timeMs as number,
  };
}
