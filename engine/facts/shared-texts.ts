/**
 * Texts that many profiles have, each kept once while anybody has it. What is seen for the first time is not
 * shared: it may be an e-mail address, and a profile keeps those with its own words. A text is shared when it
 * was met a few times shortly one after the other, which a small table of hashes knows, too short to say of
 * anything that it was there.
 */
import {ownCopy} from './fact-names.ts';

/** A million; whatever comes then is kept with the profiles. */
const SHARED_MAX = 1 << 20;
/** Slots of the table: one byte each, six bits of the hash and how often it was met. */
const SIGHTINGS = 1 << 15;
const MEETINGS = 3;
/** Longer texts are not shared: to hash them takes longer than they save. */
const LENGTH_MAX = 256;

export class SharedTexts {
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  #sightings: Uint8Array | undefined;

  /** One use more of the text, by its number; −1: it is not shared. */
  acquire(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) {
      this.#uses[known]!++;
      return known;
    }
    if (text.length > LENGTH_MAX || !this.#isMetOften(text)) return -1;
    const id = this.#free.pop() ?? this.#texts.length;
    if (id >= SHARED_MAX) return -1;
    const own = ownCopy(text);
    this.#ids.set(own, id);
    this.#texts[id] = own;
    this.#uses[id] = 1;
    return id;
  }

  release(id: number): void {
    if (--this.#uses[id]! > 0) return;
    this.#ids.delete(this.#texts[id]!);
    this.#texts[id] = '';
    this.#free.push(id);
  }

  text(id: number): string {
    return this.#texts[id]!;
  }

  get count(): number {
    return this.#texts.length - this.#free.length;
  }

  #isMetOften(text: string): boolean {
    this.#sightings ??= new Uint8Array(SIGHTINGS);
    const hash = hashOf(text);
    const slot = hash & (SIGHTINGS - 1);
    const mark = (hash >>> 26) << 2;
    const entry = this.#sightings[slot]!;
    const met = (entry & 0xfc) === mark ? (entry & 3) + 1 : 1;
    this.#sightings[slot] = met > MEETINGS ? 0 : mark | met;
    return met > MEETINGS;
  }
}

/** FNV-1a over code units, then mixed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
