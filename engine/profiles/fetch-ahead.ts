/**
 * Has the memory of profiles fetched that are about to be needed. A profile's parts lie in some thirty cache
 * lines all over memory, and work on one profile waits for them one after the other. Loads that do not depend on
 * each other are waited for together, a dozen at a time: so the lines of several profiles are read first, for
 * nothing but to have them near. (Group prefetching: Chen, Ailamaki, Gibbons and Mowry, 2004, who had an
 * instruction for it.)
 *
 * What is read is not looked at: a profile that is gone meanwhile, or that changes, does no harm.
 */
import type {Ordinal} from '../ids.ts';
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

  /** Profiles whose time comes. */
  forLapse(ordinals: Int32Array, from: number, count: number): void {
    const {rows, slab, membershipLists} = this.#state;
    this.#pointers(ordinals, from, count);
    let sum = 0;
    for (let i = from; i < from + count; i++) sum += slab.touch(ordinals[i]!);
    for (let i = from; i < from + count; i++) sum += rows.touch(ordinals[i]!);
    for (let i = from; i < from + count; i++) sum += membershipLists.touch(ordinals[i]!);
    this.read ^= sum;
  }

  /** One of up to AHEAD profiles of which something arrives; `forArrival` has them all fetched. */
  expect(mpidHi: number, mpidLo: number): void {
    this.#hi[this.#expected] = mpidHi;
    this.#lo[this.#expected++] = mpidLo;
  }

  forArrival(): void {
    const {table, facts} = this.#state;
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
    for (let i = 0; i < count; i++) sum += facts.touchPointer(ordinals[i]!);
    for (let i = 0; i < count; i++) sum += facts.touch(ordinals[i]!);
    this.read ^= sum;
    this.forLapse(ordinals, 0, count);
  }

  #pointers(ordinals: Int32Array, from: number, count: number): void {
    const {dueMs, armedMs, slab, membershipLists, table} = this.#state;
    let sum = 0;
    for (let i = from; i < from + count; i++) {
      const ordinal: Ordinal = ordinals[i]!;
      sum += dueMs[ordinal]! + armedMs[ordinal]!;
      sum += slab.touchPointer(ordinal) + membershipLists.touchPointer(ordinal);
      sum += table.hi(ordinal) + table.lo(ordinal);
    }
    this.read ^= sum;
  }
}
