/**
 * A profile on disk: all that is known of it as of a watermark, and its truth, which could be made again
 * from the rest and is kept because a restart would take minutes otherwise.
 *
 * Payload: f64 watermark, u32 bytes of the histories, u32 truth layout, u32 bytes of the truth, u32 bytes of
 * the memberships, the histories' words, the truth's words, the memberships' words, then msgpack of the facts.
 */
import {Packr, Unpackr} from 'msgpackr';
import type {Fact, ProfileFacts, ScopeFacts} from '../engine/profiles/profile-data.ts';
import {EVENT_KINDS, type EventRecord, type Value} from '../engine/record.ts';
import {seal, unseal} from './checked-value.ts';
import {packLocation, unpackLocation} from './record-codec.ts';

const VERSION = 2;
const HEADER_BYTES = 24;

const packr = new Packr({useRecords: false, moreTypes: false});
const unpackr = new Unpackr({useRecords: false, moreTypes: false, int64AsType: 'number'});

export interface Row {
  readonly watermark: number;
  readonly facts: ProfileFacts;
  /** Words of the history slab. */
  readonly histories: Uint8Array;
  /** The texts of text histories, in the order in which the words name them. */
  readonly texts: readonly string[];
  readonly truth: StoredTruth | undefined;
  /** Words of the membership lists. */
  readonly memberships: Uint32Array;
}

export interface StoredTruth {
  /** Number of the layout that says which bit is what (truth-layout.ts). */
  readonly layout: number;
  readonly words: Uint32Array;
}

type PackedTimed = (string | Value | undefined | number)[];
type PackedScope = [
  scope: number,
  firstMs: number,
  lastMs: number,
  attributes: PackedTimed,
  identities: PackedTimed,
  consent: PackedTimed,
  device: PackedTimed,
  attribution: PackedTimed,
  location: (number | string | undefined)[] | null,
  future: unknown[][],
];

export function encodeRow(row: Row): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeDoubleLE(row.watermark, 0);
  const truth = row.truth?.words ?? NO_WORDS;
  header.writeUInt32LE(row.histories.byteLength, 8);
  header.writeUInt32LE(row.truth?.layout ?? 0, 12);
  header.writeUInt32LE(truth.byteLength, 16);
  header.writeUInt32LE(row.memberships.byteLength, 20);
  const facts = packr.pack([
    row.facts.born,
    row.facts.toldMs,
    row.facts.scopes.map(packScope),
    row.texts,
  ]);
  return seal(VERSION, [header, row.histories, bytesOf(truth), bytesOf(row.memberships), facts]);
}

export function decodeRow(value: Uint8Array): Row {
  const payload = unseal(VERSION, value, 'a profile');
  const historiesEnd = HEADER_BYTES + payload.readUInt32LE(8);
  const layout = payload.readUInt32LE(12);
  const truthEnd = historiesEnd + payload.readUInt32LE(16);
  const membershipsEnd = truthEnd + payload.readUInt32LE(20);
  const [born, toldMs, scopes, texts] = unpackr.unpack(payload.subarray(membershipsEnd)) as [
    number,
    number,
    PackedScope[],
    string[],
  ];
  return {
    watermark: payload.readDoubleLE(0),
    facts: {born, toldMs, scopes: scopes.map(unpackScope)},
    histories: payload.subarray(HEADER_BYTES, historiesEnd),
    texts,
    truth:
      layout === 0 ? undefined : {layout, words: wordsOf(payload.subarray(historiesEnd, truthEnd))},
    memberships: wordsOf(payload.subarray(truthEnd, membershipsEnd)),
  };
}

const NO_WORDS = new Uint32Array(0);

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** A copy: the bytes may lie at any address. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(bytes.byteLength / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** The row's key: the mpid's 8 bytes. */
export function rowKey(mpidHi: number, mpidLo: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeInt32BE(mpidHi, 0);
  key.writeUInt32BE(mpidLo, 4);
  return key;
}

export function rowKeyMpid(key: Uint8Array): {hi: number; lo: number} {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return {hi: view.getInt32(0), lo: view.getUint32(4)};
}

function packScope(data: ScopeFacts): PackedScope {
  return [
    data.scope,
    data.firstMs,
    data.lastMs,
    packTimed(data.attributes),
    packTimed(data.identities),
    packTimed(data.consent),
    packTimed(data.device),
    packTimed(data.attribution),
    data.location === undefined ? null : packLocation(data.location),
    data.future.map(event => [
      EVENT_KINDS.indexOf(event.kind),
      event.name,
      event.type,
      event.timeMs,
      event.fields,
    ]),
  ];
}

function unpackScope(packed: PackedScope): ScopeFacts {
  return {
    scope: packed[0],
    firstMs: packed[1],
    lastMs: packed[2],
    attributes: unpackTimed(packed[3]),
    identities: unpackTimed(packed[4]),
    consent: unpackTimed(packed[5]),
    device: unpackTimed(packed[6]),
    attribution: unpackTimed(packed[7]),
    location: packed[8] === null ? undefined : unpackLocation(packed[8]),
    future: packed[9].map(([kind, name, type, timeMs, fields]) => ({
      kind: EVENT_KINDS[kind as number] ?? 'other',
      name: name as string,
      type: type as string,
      timeMs: timeMs as number,
      fields: fields as EventRecord['fields'],
      items: [],
    })),
  };
}

/** Flat triples. */
function packTimed(facts: readonly Fact[]): PackedTimed {
  const packed: PackedTimed = [];
  for (const {name, value, timeMs} of facts) packed.push(name, value, timeMs);
  return packed;
}

function unpackTimed(packed: PackedTimed): Fact[] {
  const facts: Fact[] = [];
  for (let i = 0; i < packed.length; i += 3) {
    facts.push({
      name: packed[i] as string,
      value: packed[i + 1] as Value | undefined,
      timeMs: packed[i + 2] as number,
    });
  }
  return facts;
}
