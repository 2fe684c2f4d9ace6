import {assert} from '../../engine/assert.ts';
import type {Watermark} from '../../engine/ids.ts';

/**
 * How far a reader is in the feed of every shard. For each shard: every entry up to `watermarks[shard]`
 * is behind the reader, and of the first entry after it the first `indexes[shard]` deltas too (then that
 * entry has watermark + 1; 0 when the reader stands between entries). Immutable.
 */
export class Position {
  readonly watermarks: readonly Watermark[];
  readonly indexes: readonly number[];
  #key = '';

  constructor(watermarks: readonly Watermark[], indexes: readonly number[]) {
    assert(watermarks.length === indexes.length, 'a watermark and an index for each shard');
    this.watermarks = watermarks;
    this.indexes = indexes;
  }

  /** Between entries, at these watermarks. */
  static at(watermarks: readonly Watermark[]): Position {
    return new Position(watermarks, new Array<number>(watermarks.length).fill(0));
  }

  get shardCount(): number {
    return this.watermarks.length;
  }

  watermark(shard: number): Watermark {
    return this.watermarks[shard] ?? 0;
  }

  index(shard: number): number {
    return this.indexes[shard] ?? 0;
  }

  /** Equal for equal positions. */
  get key(): string {
    if (this.#key === '') this.#key = `${this.watermarks.join()}:${this.indexes.join()}`;
    return this.#key;
  }

  /** In no shard further on than `other`. */
  isWithin(other: Position): boolean {
    if (this.shardCount !== other.shardCount) return false;
    for (let shard = 0; shard < this.shardCount; shard++) {
      const ahead = this.watermark(shard) - other.watermark(shard);
      if (ahead > 0 || (ahead === 0 && this.index(shard) > other.index(shard))) return false;
    }
    return true;
  }
}
