import type {Shard} from '../shard.ts';
import type {MembersPage} from '../shard-queries.ts';
import {mpidHi, mpidLo} from '../ids.ts';
import {Examples} from './examples.ts';

const SLICE_ROWS = 1 << 17;

/** A few members as if drawn by lot, the same ones each time. Yields between slices. */
export function* memberSample(
  shard: Shard,
  {audience, limit}: {readonly audience: number; readonly limit: number},
): Generator<undefined, MembersPage> {
  const examples = new Examples(limit);
  const {table, rows, membershipLists} = shard;
  for (let from = 0; from < table.end; from += SLICE_ROWS) {
    if (from > 0) yield;
    // Asked for anew in each slice: it may have another definition by now.
    const root = shard.audiences.get(audience)?.root ?? -1;
    if (root < 0) break;
    const word = root >>> 6;
    const mask = 1 << ((root >>> 1) & 31);
    const end = Math.min(table.end, from + SLICE_ROWS);
    rows.forEachBlock(from, end, (words, at, stride, first, count) => {
      for (let row = 0, base = at + word; row < count; row++, base += stride) {
        if ((words[base]! & mask) === 0) continue;
        examples.offer(table.hi(first + row), table.lo(first + row));
      }
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
