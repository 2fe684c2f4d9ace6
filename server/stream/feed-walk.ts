import type {Watermark} from '../../engine/ids.ts';
import type {FeedRecords} from './feed-records.ts';
import type {FeedWindow} from './feed-window.ts';
import {Position} from './position.ts';

/** Why a walk stopped: refused by its visitor, long enough for one turn, or nothing is left. */
export type WalkEnd = 'refused' | 'scanned' | 'caught up';

/** Looks at one delta, and says false when it cannot take it now: the walk then stands before it. */
export type DeltaVisitor = (records: FeedRecords, index: number, shard: number) => boolean;

/**
 * Walks on from a position through the feed of all shards, one entry of each in turn, so that a shard
 * with a long way to go holds up no other. In each shard deltas come in order; between shards there is
 * none.
 */
export class FeedWalk {
  readonly #feed: FeedWindow;
  readonly #watermarks: Watermark[];
  readonly #indexes: number[];
  /** Entries beyond are left alone. */
  readonly #ends: readonly Watermark[];
  #shard = 0;

  /** `ends`: walk no further, in each shard; the heads of now when absent. */
  constructor(feed: FeedWindow, from: Position, ends: readonly Watermark[] = feed.heads()) {
    this.#feed = feed;
    this.#watermarks = [...from.watermarks];
    this.#indexes = [...from.indexes];
    this.#ends = ends;
  }

  position(): Position {
    return new Position([...this.#watermarks], [...this.#indexes]);
  }

  /** A shard whose next deltas are no longer kept. */
  lostShard(): number | undefined {
    for (let shard = 0; shard < this.#watermarks.length; shard++) {
      if (this.#feed.isLost(shard, this.#watermarks[shard] ?? 0)) return shard;
    }
    return undefined;
  }

  /** Shows deltas until the visitor refuses one, or about `scanMax` were looked at. */
  run(visit: DeltaVisitor, scanMax: number): WalkEnd {
    const shards = this.#watermarks.length;
    let scanned = 0;
    let emptyInARow = 0;
    while (emptyInARow < shards) {
      const shard = this.#shard;
      const records = this.#nextOf(shard);
      if (records === undefined) {
        emptyInARow++;
      } else {
        emptyInARow = 0;
        const from = this.#indexOf(shard, records);
        const to = this.#visitEntry(shard, records, {from, to: from + scanMax - scanned, visit});
        if (to.refused) return 'refused';
        scanned += to.index - from;
        if (scanned >= scanMax) {
          this.#shard = (shard + 1) % shards;
          return 'scanned';
        }
      }
      this.#shard = (shard + 1) % shards;
    }
    return 'caught up';
  }

  #nextOf(shard: number): FeedRecords | undefined {
    const after = this.#watermarks[shard] ?? 0;
    const end = this.#ends[shard] ?? 0;
    const records = after < end ? this.#feed.next(shard, after) : undefined;
    if (records !== undefined && records.watermark <= end) {
      return records;
    }
    if (end > after) {
      this.#watermarks[shard] = end;
      this.#indexes[shard] = 0;
    }
    return undefined;
  }

  #indexOf(shard: number, records: FeedRecords): number {
    const isPartOf = records.watermark === (this.#watermarks[shard] ?? 0) + 1;
    return isPartOf ? (this.#indexes[shard] ?? 0) : 0;
  }

  #visitEntry(
    shard: number,
    records: FeedRecords,
    {from, to, visit}: {from: number; to: number; visit: DeltaVisitor},
  ): {index: number; refused: boolean} {
    const count = records.deltas.count;
    const last = Math.min(count, to);
    let index = from;
    let refused = false;
    while (index < last && !refused) {
      if (visit(records, index, shard)) index++;
      else refused = true;
    }
    const isWhole = index >= count;
    this.#watermarks[shard] = isWhole ? records.watermark : records.watermark - 1;
    this.#indexes[shard] = isWhole ? 0 : index;
    return {index, refused};
  }
}
