import type {Shards} from '../shards/protocol.ts';

/** Of all shards together. */
export interface SummedState {
  readonly size: number;
  /** Mean of the shards. */
  readonly progress: number;
  /** The oldest version that any shard still serves; 0 while one has none. */
  readonly version: number;
  /** Why a shard cannot calculate the newest version. */
  readonly failed?: string | undefined;
}

/**
 * Asks every shard at most once at a time: whoever asks while a question is under way shares the next
 * one, so that an answer is never older than its question.
 */
export class AudienceStates {
  readonly #shards: Shards;
  #current: Promise<unknown> | undefined;
  #next: Promise<ReadonlyMap<number, SummedState>> | undefined;
  /** What the next question asks for. */
  #ids: Set<number> | 'all' = new Set();

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  /** Of all audiences, or at least of those asked for. */
  read(ids?: readonly number[]): Promise<ReadonlyMap<number, SummedState>> {
    if (ids === undefined) this.#ids = 'all';
    else if (this.#ids !== 'all') for (const id of ids) this.#ids.add(id);
    this.#next ??= this.#afterCurrent();
    return this.#next;
  }

  async #afterCurrent(): Promise<ReadonlyMap<number, SummedState>> {
    // Awaits even when there is nothing to wait for: `read` must have kept the promise first.
    await this.#current?.catch(() => undefined);
    const ids = this.#ids === 'all' ? undefined : [...this.#ids];
    this.#ids = new Set();
    const asking = this.#ask(ids);
    this.#current = asking;
    this.#next = undefined;
    return asking;
  }

  async #ask(ids: readonly number[] | undefined): Promise<ReadonlyMap<number, SummedState>> {
    const shardStates = await this.#shards.callAll('states', ids && {ids});
    const sums = new Map<
      number,
      {
        size: number;
        progress: number;
        version: number;
        failed: string | undefined;
        shards: number;
      }
    >();
    for (const {id, size, progress, version, failed} of shardStates.flat()) {
      const sum = sums.get(id);
      if (sum === undefined) {
        sums.set(id, {size, progress, version, failed, shards: 1});
        continue;
      }
      sum.failed ??= failed;
      sum.size += size;
      sum.progress += progress;
      sum.version = Math.min(sum.version, version);
      sum.shards++;
    }
    const {count} = this.#shards;
    return new Map(
      [...sums].map(([id, {size, progress, version, failed, shards}]) => [
        id,
        {size, progress: progress / count, version: shards === count ? version : 0, failed},
      ]),
    );
  }
}
