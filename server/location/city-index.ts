/**
 * Cities of the file by the key of their name: a hash table of entries without objects, because there are
 * 135,000 of them and few are ever asked for. Beside the file it takes 4 MB.
 */
import {placeKey} from '../../engine/places/place-key.ts';
import {eachCity, readCity} from './cities-file.ts';

export interface IndexedCity {
  /** For `readCity`. */
  readonly start: number;
  readonly latitude: number;
  readonly longitude: number;
}

const SLOTS = 2 ** 19;
const ENTRIES_MAX = 2 ** 18;

export class CityIndex {
  readonly file: Buffer;
  /** Number of the entry and one more; 0 ends a run. */
  readonly #slots = new Uint32Array(SLOTS);
  readonly #starts = new Uint32Array(ENTRIES_MAX);
  readonly #latitudesE5 = new Int32Array(ENTRIES_MAX);
  readonly #longitudesE5 = new Int32Array(ENTRIES_MAX);
  #count = 0;

  constructor(file: Buffer) {
    this.file = file;
    eachCity(file, ({start, name, latitudeE5, longitudeE5}) => {
      const entry = this.#count++;
      if (entry >= ENTRIES_MAX)
        throw new Error('there are more cities than the index has room for');
      this.#starts[entry] = start;
      this.#latitudesE5[entry] = latitudeE5;
      this.#longitudesE5[entry] = longitudeE5;
      for (const key of keysOf(name)) this.#add(key, entry);
    });
  }

  find(key: string): IndexedCity[] {
    const found: IndexedCity[] = [];
    for (let slot = slotOf(key); ; slot = (slot + 1) % SLOTS) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return found;
      const start = this.#starts[entry]!;
      // The run has other names of the same hash, and of hashes beside it.
      if (!keysOf(readCity(this.file, start).name).includes(key)) continue;
      found.push({
        start,
        latitude: this.#latitudesE5[entry]! / 1e5,
        longitude: this.#longitudesE5[entry]! / 1e5,
      });
    }
  }

  #add(key: string, entry: number): void {
    let slot = slotOf(key);
    while (this.#slots[slot] !== 0) slot = (slot + 1) % SLOTS;
    this.#slots[slot] = entry + 1;
  }
}

/** "Washington, D.C." is Washington too. */
function keysOf(name: string): string[] {
  const key = placeKey(name);
  const comma = name.indexOf(',');
  return comma <= 0 ? [key] : [key, placeKey(name.slice(0, comma))];
}

/** FNV-1a over UTF-16 units. */
function slotOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
