import {ADD, DELETE, DeltaReader} from '../../engine/deltas.ts';
import type {Shards} from '../shards/protocol.ts';

export interface AudienceCounts {
  /** Of the 24 hours before `nowMs`, by the moments the deltas carry. */
  lastDay(audience: number, nowMs: number): {readonly added: number; readonly dropped: number};
}

interface Minute {
  readonly minute: number;
  added: number;
  dropped: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/**
 * Adds and drops by the minute, in memory, since the server started: an audience costs what happens in
 * it, not a day of empty minutes. Exact to the minute at the old end of the day.
 */
export class DeltaCounts implements AudienceCounts {
  /** Ascending by minute. */
  readonly #minutes = new Map<number, Minute[]>();

  constructor(shards: Shards) {
    shards.onCommit((_shard, _watermark, deltas) => this.#count(deltas));
  }

  lastDay(audience: number, nowMs: number): {added: number; dropped: number} {
    const minutes = this.#minutes.get(audience) ?? [];
    forget(minutes, nowMs);
    const sum = {added: 0, dropped: 0};
    for (const {added, dropped} of minutes) {
      sum.added += added;
      sum.dropped += dropped;
    }
    return sum;
  }

  /** Hot: once for every delta. */
  #count(deltas: Uint8Array): void {
    const reader = new DeltaReader(deltas);
    for (let index = 0; index < reader.count; index++) {
      const action = reader.action(index);
      if (action !== ADD && action !== DELETE) continue;
      const minute = this.#minute(reader.audience(index), reader.atMs(index));
      if (action === ADD) minute.added++;
      else minute.dropped++;
    }
  }

  #minute(audience: number, atMs: number): Minute {
    let minutes = this.#minutes.get(audience);
    if (minutes === undefined) this.#minutes.set(audience, (minutes = []));
    const minute = Math.floor(atMs / MINUTE_MS);
    // Nearly always the newest; shards are a little apart.
    let at = minutes.length;
    while (at > 0 && (minutes[at - 1]?.minute ?? 0) > minute) at--;
    const found = minutes[at - 1];
    if (found?.minute === minute) return found;
    const made = {minute, added: 0, dropped: 0};
    minutes.splice(at, 0, made);
    if (minutes.length > DAY_MINUTES + 60) forget(minutes, atMs);
    return made;
  }
}

function forget(minutes: Minute[], nowMs: number): void {
  const oldest = Math.floor(nowMs / MINUTE_MS) - DAY_MINUTES;
  const kept = minutes.findIndex(({minute}) => minute > oldest);
  minutes.splice(0, kept === -1 ? minutes.length : kept);
}
