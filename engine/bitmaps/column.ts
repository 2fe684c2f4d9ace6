/**
 * The profiles for which one node holds, as a bitmap that lags behind the rows: flips are noted, one word each,
 * and brought in as sorted runs when somebody asks. One WASM call for each flip cost more than half of the
 * throughput; a note costs a write to a list, and only for nodes that somebody asked about lately.
 */
import {assert, must} from '../assert.ts';
import type {Follower} from '../expressions/propagation.ts';
import type {Ordinal} from '../ids.ts';
import type {Bitmap} from './bitmap.ts';

export class Column implements Follower {
  readonly slot: number;
  /** When it was asked for last, in questions. */
  usedAt = 0;
  /** Notes that nobody asked for outgrew what it would cost to make it anew. */
  isOverrun = false;
  #bitmap: Bitmap | undefined;
  /** What the rows from here on say is read later, by the scan that makes it. */
  #readTo: Ordinal = 0;
  readonly #notesMax: number;
  /** `ordinal × 2 + now true`. */
  #notes = new Uint32Array(64);
  #count = 0;

  constructor(slot: number, notesMax: number) {
    this.slot = slot;
    this.#notesMax = notesMax;
  }

  get bytes(): number {
    return (this.#bitmap?.bytes ?? 0) + this.#notes.byteLength;
  }

  get isMade(): boolean {
    return this.#bitmap !== undefined;
  }

  /** Rows below `ordinal` are read: what changes there is noted from now on. */
  readTo(ordinal: Ordinal): void {
    this.#readTo = ordinal;
  }

  made(bitmap: Bitmap): void {
    this.#bitmap = bitmap;
    this.#readTo = Infinity;
  }

  /** Hot: for each flip of the node. */
  note(ordinal: Ordinal, value: boolean): boolean {
    if (ordinal >= this.#readTo) return true;
    if (this.#count === this.#notes.length && !this.#grow()) return false;
    this.#notes[this.#count++] = ordinal * 2 + (value ? 1 : 0);
    return true;
  }

  /** Up to date until the next change of a row. */
  read(): Bitmap {
    const bitmap = must(this.#bitmap, 'a column is read when it is made');
    if (this.#count === 0) return bitmap;
    const notes = this.#notes.subarray(0, this.#count).sort();
    const added = new Uint32Array(notes.length);
    const removed = new Uint32Array(notes.length);
    let addedCount = 0;
    let removedCount = 0;
    for (let i = 0; i < notes.length;) {
      const ordinal = notes[i]! >>> 1;
      let by = 0;
      for (; i < notes.length && notes[i]! >>> 1 === ordinal; i++) by += notes[i]! & 1 ? 1 : -1;
      assert(by >= -1 && by <= 1, 'a bit becomes what it is not');
      if (by === 1) added[addedCount++] = ordinal;
      else if (by === -1) removed[removedCount++] = ordinal;
    }
    bitmap.remove(removed.subarray(0, removedCount));
    bitmap.add(added.subarray(0, addedCount));
    this.#count = 0;
    return bitmap;
  }

  dispose(): void {
    this.#bitmap?.dispose();
    this.#bitmap = undefined;
  }

  #grow(): boolean {
    if (this.#count >= this.#notesMax) {
      this.isOverrun = true;
      this.#notes = new Uint32Array(0);
      this.#count = 0;
      return false;
    }
    const notes = new Uint32Array(Math.min(this.#count * 2, this.#notesMax));
    notes.set(this.#notes);
    this.#notes = notes;
    return true;
  }
}
