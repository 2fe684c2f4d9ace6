/**
 * Profile records as bytes: between the gateway and the shards, in the journal and in the sample, the same
 * bytes, written once. Little endian; texts and values as packed-values.ts has them. Any record, and any event
 * of one, can be read alone.
 *
 * | bytes | of a record |
 * |---|---|
 * | 0–3 | bytes that follow, u32 |
 * | 4–7, 8–11 | mpid: high half i32, low half u32 |
 * | 12–15, 16–19 | scope i32, input u32 |
 * | 20–27, 28–35 | arrivalMs, batchMs, f64 |
 * | 36 | which of the parts after the events there are, a bit each |
 * | 37– | events: how many, then each; the parts, in the order of their bits |
 *
 * An event: the bytes that follow (u32), its kind (u8), timeMs (f64), name, type, fields, items.
 *
 * Hot: bench/parts.bench.ts, `wire/encode-record` and `wire/decode-record`.
 */
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
} from '../engine/record.ts';
import {unreadable, ValueReader, ValueWriter} from './packed-values.ts';

const LENGTH_BYTES = 4;
const HEADER_BYTES = 38;

const ATTRIBUTES = 1;
const IDENTITIES = 2;
const CONSENT = 4;
const DEVICE = 8;
const LOCATION = 16;
const SEEN = 32;
const EXTRA = 64;

const KIND_INDEX = new Map<EventKind, number>(EVENT_KINDS.map((kind, index) => [kind, index]));

/** Collects records into one buffer. */
export class RecordWriter {
  readonly #to = new ValueWriter();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#to.length;
  }

  /** Returns the bytes that the record took. */
  push(record: ProfileRecord): number {
    const to = this.#to;
    const from = to.beginLength();
    to.i32(record.mpidHi);
    to.i32(record.mpidLo);
    to.i32(record.scope);
    to.i32(record.inputId);
    to.f64(record.arrivalMs);
    to.f64(record.batchMs);
    to.u8(partsOf(record));
    to.count(record.events.length);
    for (let i = 0; i < record.events.length; i++) writeEvent(to, record.events[i]!);
    writeParts(to, record);
    to.endLength(from);
    this.#count++;
    return LENGTH_BYTES + to.length - from;
  }

  /** A copy in memory of its own, which may be transferred to another thread. */
  take(): Uint8Array<ArrayBuffer> {
    this.#count = 0;
    return this.#to.take();
  }
}

/** Throws `UnreadableRecordError` when they are not as they were written. */
export function* decodeRecords(bytes: Uint8Array): Generator<ProfileRecord> {
  const reader = new ValueReader(bytes);
  while (reader.at < bytes.byteLength) {
    const end = recordEnd(bytes, reader.at);
    reader.at += LENGTH_BYTES;
    const record = readRecord(reader);
    if (reader.at !== end) throw unreadable();
    yield record;
  }
}

/** One event of a record, from where it begins. */
export function decodeEvent(reader: ValueReader): EventRecord {
  const end = eventEnd(reader);
  const kind = EVENT_KINDS[reader.u8()] ?? 'other';
  const timeMs = reader.f64();
  const name = reader.text();
  const type = reader.text();
  const event = {kind, name, type, timeMs, fields: readFields(reader), items: readItems(reader)};
  if (reader.at !== end) throw unreadable();
  return event;
}

/** Where the event that begins here ends; the reader is past its length then. */
export function eventEnd(reader: ValueReader): number {
  const length = reader.u32();
  if (length > reader.bytes.length - reader.at) throw unreadable();
  return reader.at + length;
}

/** Where the record that begins at `at` ends. */
export function recordEnd(bytes: Uint8Array, at: number): number {
  const end = at + LENGTH_BYTES + u32(bytes, at);
  // Also when bytes are missing, and the sum is none.
  if (!(end >= at + HEADER_BYTES && end <= bytes.length)) throw unreadable();
  return end;
}

/** Whose the record is that begins at `at`, without decoding it. The same object each time. */
export function recordMpid(
  bytes: Uint8Array,
  at: number,
): {readonly hi: number; readonly lo: number} {
  OWNER.hi = u32(bytes, at + 4) | 0;
  OWNER.lo = u32(bytes, at + 8);
  return OWNER;
}

const OWNER = {hi: 0, lo: 0};

function u32(bytes: Uint8Array, at: number): number {
  const high = bytes[at + 3]! * 2 ** 24;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + high;
}

/** From its header on, which begins after the length, up to its events. The same object each time. */
export function readHeader(reader: ValueReader): RecordHeader {
  HEADER.mpidHi = reader.i32();
  HEADER.mpidLo = reader.u32();
  HEADER.scope = reader.i32();
  HEADER.inputId = reader.u32();
  HEADER.arrivalMs = reader.f64();
  HEADER.batchMs = reader.f64();
  HEADER.parts = reader.u8();
  return HEADER;
}

export interface RecordHeader {
  mpidHi: number;
  mpidLo: number;
  scope: number;
  inputId: number;
  arrivalMs: number;
  batchMs: number;
  parts: number;
}

const HEADER: RecordHeader = {
  mpidHi: 0,
  mpidLo: 0,
  scope: 0,
  inputId: 0,
  arrivalMs: 0,
  batchMs: 0,
  parts: 0,
};

const NONE: readonly never[] = [];

function partsOf(record: ProfileRecord): number {
  return (
    (record.attributes.length > 0 ? ATTRIBUTES : 0) |
    (record.identities.length > 0 ? IDENTITIES : 0) |
    (record.consent.length > 0 ? CONSENT : 0) |
    (record.device.length > 0 ? DEVICE : 0) |
    (record.location === undefined ? 0 : LOCATION) |
    (record.seen.length > 0 ? SEEN : 0) |
    (record.extra === '' ? 0 : EXTRA)
  );
}

function writeParts(to: ValueWriter, record: ProfileRecord): void {
  const {attributes, identities, consent, device, location, seen, extra} = record;
  if (attributes.length > 0) {
    to.count(attributes.length);
    for (const {name, value, timeMs} of attributes) {
      to.text(name);
      to.value(value);
      to.f64(timeMs);
    }
  }
  if (identities.length > 0) {
    to.count(identities.length);
    for (const {type, value, sequence} of identities) {
      to.text(type);
      to.value(value);
      to.f64(sequence);
    }
  }
  if (consent.length > 0) {
    to.count(consent.length);
    for (const {regulation, purpose, consented, timeMs} of consent) {
      to.text(regulation);
      to.text(purpose);
      to.value(consented);
      to.f64(timeMs);
    }
  }
  if (device.length > 0) to.values(device);
  if (location !== undefined) to.values(packLocation(location));
  if (seen.length > 0) {
    to.count(seen.length);
    for (let i = 0; i < seen.length; i++) to.i32(seen[i]!);
  }
  if (extra !== '') to.text(extra);
}

function writeEvent(to: ValueWriter, event: EventRecord): void {
  const from = to.beginLength();
  to.u8(KIND_INDEX.get(event.kind)!);
  to.f64(event.timeMs);
  to.text(event.name);
  to.text(event.type);
  to.values(event.fields);
  const {items} = event;
  to.count(items.length);
  for (let i = 0; i < items.length; i++) to.values(items[i]!);
  to.endLength(from);
}

function readRecord(reader: ValueReader): ProfileRecord {
  const {mpidHi, mpidLo, scope, inputId, arrivalMs, batchMs, parts} = readHeader(reader);
  const count = reader.count();
  const events: EventRecord[] = [];
  for (let i = 0; i < count; i++) events.push(decodeEvent(reader));
  return {
    mpidHi,
    mpidLo,
    scope,
    inputId,
    arrivalMs,
    batchMs,
    events,
    attributes: (parts & ATTRIBUTES) === 0 ? NONE : readAttributes(reader),
    identities: (parts & IDENTITIES) === 0 ? NONE : readIdentities(reader),
    consent: (parts & CONSENT) === 0 ? NONE : readConsent(reader),
    device: (parts & DEVICE) === 0 ? NONE : readFields(reader),
    location: (parts & LOCATION) === 0 ? undefined : unpackLocation(readLocation(reader)),
    seen: (parts & SEEN) === 0 ? NONE : readSeen(reader),
    extra: (parts & EXTRA) === 0 ? '' : reader.text(),
  };
}

function readFields(reader: ValueReader): Fields {
  const count = reader.count();
  if (count === 0) return NONE;
  const fields: Fields[number][] = [];
  for (let i = 0; i < count; i++) fields.push(reader.value() ?? null);
  return fields;
}

function readItems(reader: ValueReader): readonly Fields[] {
  const count = reader.count();
  if (count === 0) return NONE;
  const items: Fields[] = [];
  for (let i = 0; i < count; i++) items.push(readFields(reader));
  return items;
}

function readAttributes(reader: ValueReader): AttributeChange[] {
  const changes: AttributeChange[] = [];
  for (let left = reader.count(); left > 0; left--) {
    changes.push({name: reader.text(), value: reader.value(), timeMs: reader.f64()});
  }
  return changes;
}

function readIdentities(reader: ValueReader): IdentityChange[] {
  const changes: IdentityChange[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const type = reader.text();
    const value = reader.value();
    if (value !== undefined && typeof value !== 'string') throw unreadable();
    changes.push({type, value, sequence: reader.f64()});
  }
  return changes;
}

function readConsent(reader: ValueReader): ConsentChange[] {
  const changes: ConsentChange[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const regulation = reader.text();
    const purpose = reader.text();
    const consented = reader.value();
    if (regulation !== 'gdpr' && regulation !== 'ccpa') throw unreadable();
    if (consented !== undefined && typeof consented !== 'boolean') throw unreadable();
    changes.push({regulation, purpose, consented, timeMs: reader.f64()});
  }
  return changes;
}

function readSeen(reader: ValueReader): number[] {
  const seen: number[] = [];
  for (let left = reader.count(); left > 0; left--) seen.push(reader.u32());
  return seen;
}

type PackedLocation = readonly (number | string | undefined)[];

function readLocation(reader: ValueReader): PackedLocation {
  const parts: (number | string | undefined)[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const part = reader.value();
    if (part !== undefined && typeof part !== 'number' && typeof part !== 'string') {
      throw unreadable();
    }
    parts.push(part);
  }
  return parts;
}

export function packLocation(fix: LocationFix): (number | string | undefined)[] {
  const {latitude, longitude, city, state, zip, dma, country, timeMs, stateName} = fix;
  const packed = [latitude, longitude, city, state, zip, dma, country, timeMs];
  return stateName === undefined ? packed : [...packed, stateName];
}

export function unpackLocation(packed: PackedLocation): LocationFix {
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
