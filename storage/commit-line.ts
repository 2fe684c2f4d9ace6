/**
 * What is staged, on its way to the disk, in order. While one transaction syncs, everything that is staged
 * meanwhile becomes the next one: the slower the disk, the larger the group. Who stages goes on at once, until
 * more than `bytesMax` wait.
 */
import type {Put, ShardStore} from './shard-store.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class CommitLine {
  readonly #store: Pick<ShardStore, 'commit'>;
  readonly #bytesMax: number;
  readonly #onRefused: (error: unknown) => void;
  #puts: Put[] = [];
  #bytes = 0;
  #waiters: Waiter[] = [];
  #isRunning = false;
  #refusal: {readonly error: unknown} | undefined;

  /** `onRefused`: a transaction was; nothing that was put after the last one that was durable ever will be. */
  constructor(
    store: Pick<ShardStore, 'commit'>,
    {bytesMax, onRefused}: {bytesMax: number; onRefused: (error: unknown) => void},
  ) {
    this.#store = store;
    this.#bytesMax = bytesMax;
    this.#onRefused = onRefused;
  }

  /** Takes effect with the next `start`. `onDurable` is called in the order of the puts. */
  put(puts: readonly Put[], onDurable?: () => void): void {
    for (const put of puts) {
      this.#puts.push(put);
      this.#bytes += put.value?.byteLength ?? 0;
    }
    if (onDurable !== undefined) this.#waiters.push({resolve: onDurable, reject: () => {}});
  }

  /** Begins a transaction with what was put, unless one is under way: then its end begins the next. */
  start(): void {
    if (this.#isRunning || this.#refusal !== undefined || this.#isEmpty) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Resolves when everything put so far is durable; rejects when it cannot be any more. */
  durable(): Promise<void> {
    if (this.#refusal !== undefined) return Promise.reject(asError(this.#refusal.error));
    if (this.#isEmpty && !this.#isRunning) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({resolve, reject});
      this.start();
    });
  }

  /** Resolves when more may be put. */
  async room(): Promise<void> {
    if (this.#bytes > this.#bytesMax) await this.durable();
  }

  get #isEmpty(): boolean {
    return this.#puts.length === 0 && this.#waiters.length === 0;
  }

  async #run(): Promise<void> {
    while (!this.#isEmpty) {
      const puts = this.#puts;
      const waiters = this.#waiters;
      this.#puts = [];
      this.#bytes = 0;
      this.#waiters = [];
      try {
        if (puts.length > 0) await this.#store.commit(puts);
      } catch (error) {
        this.#refuse(error, waiters);
        return;
      }
      for (const {resolve} of waiters) resolve();
    }
    this.#isRunning = false;
  }

  #refuse(error: unknown, waiters: readonly Waiter[]): void {
    this.#refusal = {error};
    this.#onRefused(error);
    for (const {reject} of [...waiters, ...this.#waiters]) reject(error);
    this.#puts = [];
    this.#waiters = [];
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
