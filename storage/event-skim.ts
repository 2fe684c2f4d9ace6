/**
 * Reads of packed records (record-codec.ts) only the events that may meet certain filters. Walking over the
 * bytes of an event costs a twentieth of decoding it, and most events are not asked for: kind, name, scope and
 * input are judged from the bytes, the rest by whoever gets the event.
 */
import type {BoundFilter} from '../engine/criteria/bound-criterion.ts';
import {EVENT_KINDS, type EventRecord} from '../engine/record.ts';
import {ValueReader} from './packed-values.ts';
import {decodeEvent, eventEnd, readHeader, recordEnd} from './record-codec.ts';

/** Of whom and of where the event is. The same object each time. */
export interface EventPlace {
  mpidHi: number;
  mpidLo: number;
  scope: number;
  inputId: number;
}

const LENGTH_BYTES = 4;

export class EventSkim {
  readonly #filters: readonly BoundFilter[];
  /** By scope and input, made when first met: what is wanted there. */
  #wanted = new Map<number, Map<number, Wanted>>();
  readonly #place: EventPlace = {mpidHi: 0, mpidLo: 0, scope: 0, inputId: 0};

  constructor(filters: readonly BoundFilter[]) {
    this.#filters = filters;
  }

  /** In order. May tell of an event that meets none of the filters, never leaves one out that does. */
  forEach(records: Uint8Array, visit: (event: EventRecord, place: EventPlace) => void): void {
    const reader = new ValueReader(records);
    while (reader.at < records.byteLength) {
      const end = recordEnd(records, reader.at);
      reader.at += LENGTH_BYTES;
      this.#record(reader, visit);
      reader.at = end;
    }
  }

  #record(reader: ValueReader, visit: (event: EventRecord, place: EventPlace) => void): void {
    const {mpidHi, mpidLo, scope, inputId} = readHeader(reader);
    const wanted = this.#wantedOf(scope, inputId);
    if (wanted === NOTHING) return;
    const place = this.#place;
    place.mpidHi = mpidHi;
    place.mpidLo = mpidLo;
    place.scope = scope;
    place.inputId = inputId;
    for (let left = reader.count(); left > 0; left--) {
      const from = reader.at;
      const end = eventEnd(reader);
      const kind = reader.u8();
      reader.f64();
      const name = reader.skipText();
      if (wanted.has(kind, reader.bytes, name, reader.at)) {
        reader.at = from;
        visit(decodeEvent(reader), place);
      }
      reader.at = end;
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
        const bytes = Buffer.from(name);
        this.#hashes.add(hash(number, bytes, 0, bytes.length));
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
