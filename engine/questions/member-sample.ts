import {forEachBit} from '../bitmaps/bitmap.ts';
import type {MembersPage} from '../audiences/members-page.ts';
import {walkColumns} from '../bitmaps/walk-columns.ts';
import type {Shard} from '../shard.ts';
import {mpidHi, mpidLo} from '../ids.ts';
import {EXAMPLE_LOOKS, Examples} from './examples.ts';

/** A few members as if drawn by lot, the same ones each time. Yields between slices. */
export function* memberSample(
  shard: Shard,
  {audience, limit}: {readonly audience: number; readonly limit: number},
): Generator<undefined, MembersPage> {
  const examples = new Examples(limit);
  const {table, membershipLists} = shard;
  for (let isWhole = false; !isWhole;) {
    const root = shard.audiences.get(audience)?.root ?? -1;
    if (root < 0) break;
    isWhole = yield* walkColumns(shard, [root >> 1], ([words], from) => {
      let count = 0;
      forEachBit(words!, from, ordinal => {
        examples.offer(table.hi(ordinal), table.lo(ordinal));
        count++;
      });
      return count * EXAMPLE_LOOKS;
    });
  }
  // Who left meanwhile is no member.
  const found = [...examples.mpids()].flatMap(mpid => {
    const ordinal = table.find(mpidHi(mpid), mpidLo(mpid));
    const sinceMs = ordinal < 0 ? NaN : membershipLists.sinceMs(ordinal, audience);
    return Number.isNaN(sinceMs) ? [] : [{mpid, sinceMs}];
  });
  return {
    mpids: BigInt64Array.from(found, ({mpid}) => mpid),
    sinceMs: Float64Array.from(found, ({sinceMs}) => sinceMs),
  };
}
