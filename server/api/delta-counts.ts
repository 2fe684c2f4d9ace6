import {ADD, DELETE, DeltaReader} from '../../engine/deltas.ts';
import type {Shards} from '../shards/protocol.ts';

export interface AudienceCounts {
  /** Of the 24 hours before `nowMs`, by the moments the deltas carry. */
  lastDay(audience: number, nowMs: number): {readonly added: number; readonly dropped: number};
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/**
 * Adds and drops by the minute, in memory, since the server started: an audience costs 12 bytes for each
 * minute in which something happened. Exact to the minute at the old end of the day.
 */
export class DeltaCounts implements AudienceCounts {
  readonly #days = new Map<number, DayOfMinutes>();

  constructor(shards: Shards) {
    shards.onCommit((_shard, _watermark, deltas) => this.#count(deltas));
  }

  lastDay(audience: number, nowMs: number): {added: number; dropped: number} {
    const day = this.#days.get(audience);
    return day === undefined ? {added: 0, dropped: 0} : day.sum(Math.floor(nowMs / MINUTE_MS));
  }

  /** Hot: once for every delta. */
  #count(deltas: Uint8Array): void {
    const reader = new DeltaReader(deltas);
    for (let index = 0; index < reader.count; index++) {
      const action = reader.action(index);
      if (action !== ADD && action !== DELETE) continue;
      const audience = reader.audience(index);
      let day = this.#days.get(audience);
      if (day === undefined) this.#days.set(audience, (day = new DayOfMinutes()));
      day.count(Math.floor(reader.atMs(index) / MINUTE_MS), action);
    }
  }
}

const FIELDS = 3;
const ADDED = 1;
const DROPPED = 2;

/** `[minute, added, dropped]`, ascending by minute, only minutes in which something happened. */
class DayOfMinutes {
  #cells = new Uint32Array(FIELDS * 8);
  #used = 0;

  count(minute: number, action: typeof ADD | typeof DELETE): void {
    const at = this.#place(minute) + (action === ADD ? ADDED : DROPPED);
    this.#cells[at] = (this.#cells[at] ?? 0) + 1;
  }

  sum(nowMinute: number): {added: number; dropped: number} {
    this.#forgetBefore(nowMinute - DAY_MINUTES + 1);
    const sum = {added: 0, dropped: 0};
    for (let at = 0; at < this.#used; at += FIELDS) {
      sum.added += this.#cells[at + ADDED] ?? 0;
      sum.dropped += this.#cells[at + DROPPED] ?? 0;
    }
    return sum;
  }

  /** Nearly always the newest: shards are a little apart, and moments that were missed come late. */
  #place(minute: number): number {
    if (this.#used === this.#cells.length) this.#makeRoom();
    let at = this.#used;
    while (at > 0 && (this.#cells[at - FIELDS] ?? 0) > minute) at -= FIELDS;
    if (at > 0 && this.#cells[at - FIELDS] === minute) return at - FIELDS;
    this.#cells.copyWithin(at + FIELDS, at, this.#used);
    this.#cells.fill(0, at, at + FIELDS);
    this.#cells[at] = minute;
    this.#used += FIELDS;
    return at;
  }

  /** Doubles until a day fits; after that the oldest minute makes way. */
  #makeRoom(): void {
    if (this.#used >= FIELDS * (DAY_MINUTES + 1)) {
      this.#drop(FIELDS);
      return;
    }
    const grown = new Uint32Array(this.#cells.length * 2);
    grown.set(this.#cells);
    this.#cells = grown;
  }

  #forgetBefore(minute: number): void {
    let old = 0;
    while (old < this.#used && (this.#cells[old] ?? 0) < minute) old += FIELDS;
    this.#drop(old);
  }

  #drop(cells: number): void {
    this.#cells.copyWithin(0, cells, this.#used);
    this.#used -= cells;
  }
}
