/**
 * Reads of packed records (record-codec.ts) only the events that may meet certain filters. Walking over the
 * bytes of an event costs a twentieth of decoding it, and most events are not asked for: kind, name, scope and
 * input are judged from the bytes, the rest by whoever gets the event.
 */
import {Packr} from 'msgpackr';
import type {BoundFilter} from '../engine/criteria/bound-criterion.ts';
import {EVENT_KINDS, type EventRecord} from '../engine/record.ts';
import {decodeEvent, recordEnd} from './record-codec.ts';

/** Of whom and of where the event is. The same object each time. */
export interface EventPlace {
  mpidHi: number;
  mpidLo: number;
  scope: number;
  inputId: number;
}

const packr = new Packr({useRecords: false, moreTypes: false});
const LENGTH_BYTES = 4;

export class EventSkim {
  readonly #filters: readonly BoundFilter[];
  /** By scope and input, made when first met: what is wanted there. */
  #wanted = new Map<number, Map<number, Wanted>>();
  readonly #place: EventPlace = {mpidHi: 0, mpidLo: 0, scope: 0, inputId: 0};
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  constructor(filters: readonly BoundFilter[]) {
    this.#filters = filters;
  }

  /** In order. May tell of an event that meets none of the filters, never leaves one out that does. */
  forEach(records: Uint8Array, visit: (event: EventRecord, place: EventPlace) => void): void {
    this.#bytes = records;
    this.#view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    for (let at = 0; at < records.byteLength;) {
      const end = recordEnd(records, at);
      this.#at = at + LENGTH_BYTES;
      this.#record(visit);
      at = end;
    }
  }

  #record(visit: (event: EventRecord, place: EventPlace) => void): void {
    this.#header();
    const place = this.#place;
    place.mpidHi = this.#number();
    place.mpidLo = this.#number();
    place.scope = this.#number();
    place.inputId = this.#number();
    const wanted = this.#wantedOf(place.scope, place.inputId);
    if (wanted === NOTHING) return;
    this.#skip();
    this.#skip();
    const events = this.#header();
    for (let i = 0; i < events; i++) {
      const from = this.#at;
      const parts = this.#header();
      const kind = this.#number();
      const isWanted = wanted.has(kind, this.#bytes, this.#text(), this.#at);
      for (let part = 2; part < parts; part++) this.#skip();
      if (isWanted) visit(decodeEvent(this.#bytes.subarray(from, this.#at)), place);
    }
  }

  #wantedOf(scope: number, inputId: number): Wanted {
    let byInput = this.#wanted.get(scope);
    if (byInput === undefined) this.#wanted.set(scope, (byInput = new Map()));
    let wanted = byInput.get(inputId);
    if (wanted === undefined) {
      const filters = this.#filters.filter(
        ({scopes, inputs}) =>
          scopes.includes(scope) && (inputs === undefined || inputs.includes(inputId)),
      );
      wanted = filters.length === 0 ? NOTHING : new Wanted(filters);
      byInput.set(inputId, wanted);
    }
    return wanted;
  }

  // ── msgpack, as record-codec.ts writes it ─────────────────────────────────────────────────────────

  /** Elements of an array. */
  #header(): number {
    const code = this.#bytes[this.#at++]!;
    if (code === 0xdc) return this.#uint16();
    if (code === 0xdd) return this.#uint32();
    return code & 0x0f;
  }

  #number(): number {
    const code = this.#bytes[this.#at++]!;
    if (code < 0x80) return code;
    if (code >= 0xe0) return code - 0x100;
    const at = this.#at;
    this.#at += FIXED_BYTES[code]!;
    switch (code) {
      case 0xcc:
        return this.#view.getUint8(at);
      case 0xcd:
        return this.#view.getUint16(at);
      case 0xce:
        return this.#view.getUint32(at);
      case 0xd0:
        return this.#view.getInt8(at);
      case 0xd1:
        return this.#view.getInt16(at);
      case 0xd2:
        return this.#view.getInt32(at);
      case 0xca:
        return this.#view.getFloat32(at);
      case 0xcb:
        return this.#view.getFloat64(at);
      default:
        throw new Error(`not a number in a packed record: ${code}`);
    }
  }

  /** Where the bytes of a text begin; `#at` is where they end. */
  #text(): number {
    const length = this.#textLength(this.#bytes[this.#at++]!);
    const from = this.#at;
    this.#at += length;
    return from;
  }

  #textLength(code: number): number {
    if (code === 0xd9) return this.#bytes[this.#at++]!;
    if (code === 0xda) return this.#uint16();
    if (code === 0xdb) return this.#uint32();
    return code & 0x1f;
  }

  #skip(): void {
    let left = 1;
    while (left-- > 0) {
      const code = this.#bytes[this.#at++]!;
      if (code < 0x80 || code >= 0xe0) continue;
      if (code < 0x90) left += (code & 0x0f) * 2;
      else if (code < 0xa0) left += code & 0x0f;
      else if (code < 0xc0) this.#at += code & 0x1f;
      else if (code >= 0xd9 && code <= 0xdb) {
        const length = this.#textLength(code);
        this.#at += length;
      } else if (code === 0xdc) left += this.#uint16();
      else if (code === 0xdd) left += this.#uint32();
      else if (code === 0xde) left += this.#uint16() * 2;
      else if (code === 0xdf) left += this.#uint32() * 2;
      else this.#at += FIXED_BYTES[code]!;
    }
  }

  #uint16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2);
  }

  #uint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }
}

/** Bytes after the code of what has no length of its own; records have neither binaries nor long extensions. */
const FIXED_BYTES = new Uint8Array(256);
for (const [code, bytes] of [
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
] as const) {
  FIXED_BYTES[code] = bytes;
}

/** Kinds and names, told from their bytes. Names are told by a hash, so now and then too many are wanted. */
class Wanted {
  readonly #anyName = new Uint8Array(EVENT_KINDS.length);
  readonly #hashes = new Set<number>();

  constructor(filters: readonly BoundFilter[]) {
    for (const {kind, names} of filters) {
      const number = EVENT_KINDS.indexOf(kind);
      if (names === undefined) this.#anyName[number] = 1;
      for (const name of names ?? []) {
        const packed = packr.pack(name);
        const header = packed[0]! < 0xc0 ? 1 : 1 + 2 ** (packed[0]! - 0xd9);
        this.#hashes.add(hash(number, packed, header, packed.length));
      }
    }
  }

  has(kind: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#anyName[kind] === 1) return true;
    return this.#hashes.size > 0 && this.#hashes.has(hash(kind, bytes, from, to));
  }
}

const NOTHING = new Wanted([]);

/** FNV-1a. */
function hash(kind: number, bytes: Uint8Array, from: number, to: number): number {
  let h = Math.imul(0x811c9dc5 ^ kind, 0x01000193);
  for (let at = from; at < to; at++) h = Math.imul(h ^ bytes[at]!, 0x01000193);
  return h;
}
