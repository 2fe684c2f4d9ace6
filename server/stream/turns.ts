/**
 * Shares the main thread among subscribers: work is done one piece after another in the order it was
 * asked for, in slices, so that neither many readers nor one with a long way to go holds up
 * requests. Every piece is synchronous and short.
 */
export class Turns {
  readonly #sliceMs: number;
  #queue: (() => void)[] = [];
  #isServing = false;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  /** Resolves with what `work` returned, once its turn came. */
  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      if (!this.#isServing) this.#serveSoon();
    });
  }

  #serveSoon(): void {
    this.#isServing = true;
    // After the poll phase: commits of several shards that arrived together are sent together.
    setImmediate(() => this.#serve());
  }

  #serve(): void {
    const untilMs = performance.now() + this.#sliceMs;
    let served = 0;
    for (const work of this.#queue) {
      work();
      served++;
      if (performance.now() >= untilMs) break;
    }
    this.#queue = this.#queue.slice(served);
    if (this.#queue.length > 0) this.#serveSoon();
    else this.#isServing = false;
  }
}
