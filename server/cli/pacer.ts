import {setTimeout as sleep} from 'node:timers/promises';

/** Shorter waits than this cost more in timers than they gain in evenness. */
const WAIT_MS_MIN = 4;
/** A stall is caught up for at most this long, then forgotten. */
const BEHIND_MS_MAX = 1000;

/** Lets things through at so many per second, evenly. */
export class Pacer {
  readonly #msEach: number;
  readonly #stopped: AbortSignal;
  #dueMs = performance.now();

  constructor(perSecond: number, stopped: AbortSignal) {
    this.#msEach = 1000 / perSecond;
    this.#stopped = stopped;
  }

  /** Resolves when `count` more may go. */
  async take(count: number): Promise<void> {
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs - BEHIND_MS_MAX);
    const waitMs = this.#dueMs - nowMs;
    this.#dueMs += count * this.#msEach;
    if (waitMs < WAIT_MS_MIN || this.#stopped.aborted) return;
    await sleep(waitMs, undefined, {signal: this.#stopped}).catch(() => {});
  }
}
