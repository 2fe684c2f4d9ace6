/**
 * A few of many profiles, as if drawn by lot, and the same ones each time: those whose mpids have the
 * lowest hashes. Those of several shards are put together in the same way.
 */
import {mpidFrom} from '../ids.ts';
import {mpidHash} from '../profiles/sampled.ts';

export const EXAMPLES_MAX = 10;
/** What it takes to offer one, in looks at bits. */
export const EXAMPLE_LOOKS = 16;

export class Examples {
  readonly #max: number;
  /** Ascending by hash. */
  #held: {readonly hash: number; readonly mpid: bigint}[] = [];

  constructor(max = EXAMPLES_MAX) {
    this.#max = max;
  }

  /** Only what a change does is shown by example. */
  static for(path: string): Examples {
    return new Examples(path === 'added' || path === 'dropped' ? EXAMPLES_MAX : 0);
  }

  get isShown(): boolean {
    return this.#max > 0;
  }

  offer(mpidHi: number, mpidLo: number): void {
    if (this.#max === 0) return;
    const hash = mpidHash(mpidHi, mpidLo);
    if (this.#held.length === this.#max) {
      if (hash >= this.#held[this.#max - 1]!.hash) return;
      this.#held.pop();
    }
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.hash > hash) at--;
    this.#held.splice(at, 0, {hash, mpid: mpidFrom(mpidHi, mpidLo)});
  }

  mpids(): BigInt64Array {
    return BigInt64Array.from(this.#held, ({mpid}) => mpid);
  }
}
