import type {DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';

/**
 * How much of a snapshot was sent. Members are sent audience by audience, shard by shard, in ascending
 * order, each part as of the position the reader then has; so of the deltas that follow exactly
 * those are due that concern a part already sent.
 */
export class SnapshotProgress {
  /** Not begun. Audiences that are not part of the snapshot are never among them. */
  readonly #pending: Set<number>;
  #current = 0;
  #shard = 0;
  #upTo: bigint | undefined;

  constructor(audiences: readonly number[]) {
    this.#pending = new Set(audiences);
  }

  begin(audience: number): void {
    this.#pending.delete(audience);
    this.#current = audience;
    this.#shard = 0;
    this.#upTo = undefined;
  }

  /** Of the current audience everything in earlier shards was sent, and in this one up to `upTo`. */
  reached(shard: number, upTo: bigint | undefined): void {
    this.#shard = upTo === undefined ? shard + 1 : shard;
    this.#upTo = upTo;
  }

  isDue(shard: number, deltas: DeltaReader, index: number): boolean {
    const audience = deltas.audience(index);
    if (this.#pending.has(audience)) return false;
    if (audience !== this.#current || shard < this.#shard) return true;
    if (shard > this.#shard || this.#upTo === undefined) return false;
    return mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index)) <= this.#upTo;
  }
}
