/**
 * Has the memory of profiles fetched that are about to be needed. A profile's parts lie in some thirty cache
 * lines all over memory, and work on one profile waits for them one after the other. Loads that do not depend on
 * each other are waited for together, a dozen at a time: so the lines of several profiles are read first, for
 * nothing but to have them near. (Group prefetching: Chen, Ailamaki, Gibbons and Mowry, 2004, who had an
 * instruction for it.)
 *
 * What is read is not looked at: a profile that is gone meanwhile, or that changes, does no harm.
 */
import type {ShardState} from '../shard-state.ts';

/** Profiles at a time: their lines have to stay near until they are used. */
export const AHEAD = 16;

export class FetchAhead {
  readonly #state: ShardState;
  readonly #hi = new Int32Array(AHEAD);
  readonly #lo = new Uint32Array(AHEAD);
  readonly #ordinals = new Int32Array(AHEAD);
  #expected = 0;
  /** Where all that was read goes, so that no compiler takes it for nothing. */
  read = 0;

  constructor(state: ShardState) {
    this.#state = state;
  }

  /** One of up to AHEAD profiles of which something arrives; `fetch` has them all near. */
  expect(mpidHi: number, mpidLo: number): void {
    this.#hi[this.#expected] = mpidHi;
    this.#lo[this.#expected++] = mpidLo;
  }

  fetch(): void {
    const {table, facts, dueMs, armedMs, rows, slab, membershipLists} = this.#state;
    const ordinals = this.#ordinals;
    const expected = this.#expected;
    this.#expected = 0;
    let sum = 0;
    for (let i = 0; i < expected; i++) sum += table.touchBucket(this.#hi[i]!, this.#lo[i]!);
    let count = 0;
    for (let i = 0; i < expected; i++) {
      const ordinal = table.find(this.#hi[i]!, this.#lo[i]!);
      if (ordinal >= 0) ordinals[count++] = ordinal;
    }
    // Part after part, so that what leads to one profile's part is not in the way of the next one's.
    for (let i = 0; i < count; i++) sum += dueMs[ordinals[i]!]! + armedMs[ordinals[i]!]!;
    for (let i = 0; i < count; i++) sum += facts.touch(ordinals[i]!);
    for (let i = 0; i < count; i++) sum += slab.touch(ordinals[i]!);
    for (let i = 0; i < count; i++) sum += rows.touch(ordinals[i]!);
    for (let i = 0; i < count; i++) sum += membershipLists.touch(ordinals[i]!);
    this.read ^= sum;
  }
}
