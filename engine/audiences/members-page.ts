/**
 * Members by ascending mpid, a page at a time. Nothing keeps them in that order, so every page looks at each
 * member; but only those that may be on the page are kept and sorted, not all of them.
 */
import {must} from '../assert.ts';
import {mpidFrom, mpidHi, mpidLo} from '../ids.ts';
import type {Shard} from '../shard.ts';

export interface MembersPage {
  /** Ascending as signed 64-bit numbers. */
  readonly mpids: BigInt64Array;
  /** Beside them: when each joined. */
  readonly sinceMs: Float64Array;
}

/** The first `limit` members after `after`, by mpid. */
export function membersPage(
  {audiences, columns, membershipLists, propagation, table}: Shard,
  {
    audience,
    after,
    limit,
  }: {readonly audience: number; readonly after: bigint | undefined; readonly limit: number},
): MembersPage {
  const root = audiences.get(audience)?.root ?? -1;
  if (root < 0) return {mpids: new BigInt64Array(0), sinceMs: new Float64Array(0)};
  const slot = root >> 1;
  const lowest = new LowestMpids(Math.min(limit, propagation.count(slot)), after);
  const [members] = columns.askAtOnce([slot]);
  must(members, 'one was asked for').forEach(ordinal =>
    lowest.offer(table.hi(ordinal), table.lo(ordinal)),
  );
  const mpids = lowest.take();
  return {
    mpids,
    sinceMs: Float64Array.from(mpids, mpid =>
      membershipLists.sinceMs(table.find(mpidHi(mpid), mpidLo(mpid)), audience),
    ),
  };
}

/** The lowest of all that are offered, above a bound. When twice as many are kept as wanted, half of them go. */
class LowestMpids {
  readonly #limit: number;
  readonly #kept: BigInt64Array;
  #count = 0;
  // In halves: a bigint for each that is offered would be an object for each.
  readonly #afterHi: number;
  readonly #afterLo: number;
  /** From here on it is no use. */
  #endHi = Infinity;
  #endLo = 0;

  constructor(limit: number, after: bigint | undefined) {
    this.#limit = limit;
    this.#kept = new BigInt64Array(limit * 2);
    this.#afterHi = after === undefined ? -Infinity : mpidHi(after);
    this.#afterLo = after === undefined ? 0 : mpidLo(after);
  }

  offer(hi: number, lo: number): void {
    if (hi < this.#afterHi || (hi === this.#afterHi && lo <= this.#afterLo)) return;
    if (hi > this.#endHi || (hi === this.#endHi && lo >= this.#endLo)) return;
    this.#kept[this.#count++] = mpidFrom(hi, lo);
    if (this.#count < this.#kept.length) return;
    this.#kept.sort();
    this.#count = this.#limit;
    const last = this.#kept[this.#limit - 1]!;
    this.#endHi = mpidHi(last);
    this.#endLo = mpidLo(last);
  }

  /** Ascending. */
  take(): BigInt64Array {
    const kept = this.#kept.subarray(0, this.#count).sort();
    return kept.slice(0, this.#limit);
  }
}
