/**
 * Sizes of intersections, from the columns of the audiences, a word of each at a time. A profile is counted
 * once, in the bucket of exactly those audiences that it is in; every intersection is a sum of buckets.
 */
import {assert} from '../assert.ts';
import {countBits} from '../bitmaps/count-bits.ts';
import {CHUNK_WORDS, walkColumns} from '../bitmaps/walk-columns.ts';
import type {Shard} from '../shard.ts';

export const OVERLAP_AUDIENCES_MAX = 8;
/** What a chunk takes, in looks at bits. */
const CHUNK_LOOKS = CHUNK_WORDS * 64;

/**
 * Yields between slices. Entry `set` of the result counts the profiles that are in the audiences whose
 * positions are bits of `set`, and in no other of them; entry 0 counts nobody.
 */
export function* overlapCounts(
  shard: Shard,
  audiences: readonly number[],
): Generator<undefined, Float64Array> {
  assert(audiences.length <= OVERLAP_AUDIENCES_MAX, 'more audiences than buckets');
  for (;;) {
    const calculated = audiences.flatMap((id, position) => {
      const root = shard.audiences.get(id)?.root ?? -1;
      return root < 0 ? [] : [{slot: root >> 1, set: 1 << position}];
    });
    const counts = new Float64Array(1 << audiences.length);
    const slots = calculated.map(({slot}) => slot);
    const sets = calculated.map(({set}) => set);
    const isWhole = yield* walkColumns(shard, slots, words => {
      for (let at = 0; at < CHUNK_WORDS; at++) countWord(words, at, sets, counts);
      return CHUNK_LOOKS;
    });
    if (isWhole) return counts;
  }
}

/** A word's profiles parted by the audiences looked at so far: the set of each part, and who is in it. */
const partSets = new Int32Array(32);
const parts = new Int32Array(32);

/** `sets`: the bit of each column's audience. Hot. */
function countWord(
  words: readonly Uint32Array[],
  at: number,
  sets: readonly number[],
  counts: Float64Array,
): void {
  let anybody = 0;
  for (let i = 0; i < words.length; i++) anybody |= words[i]![at]!;
  if (anybody === 0) return;
  partSets[0] = 0;
  parts[0] = anybody;
  let count = 1;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]![at]!;
    if (word === 0) continue;
    // No part is empty, so there are no more than a word has bits.
    for (let part = 0, end = count; part < end; part++) {
      const inside = parts[part]! & word;
      if (inside === 0) continue;
      const outside = parts[part]! & ~word;
      if (outside === 0) partSets[part]! |= sets[i]!;
      else {
        parts[part] = outside;
        partSets[count] = partSets[part]! | sets[i]!;
        parts[count++] = inside;
      }
    }
  }
  for (let part = 0; part < count; part++) counts[partSets[part]!]! += countBits(parts[part]!);
}

/** From counts by exact set to sizes of intersections: entry `set` counts those in all of its audiences. */
export function intersectionSizes(exactCounts: Float64Array): Float64Array {
  const sizes = exactCounts.slice();
  for (let bit = 1; bit < sizes.length; bit <<= 1) {
    for (let set = 0; set < sizes.length; set++) {
      if ((set & bit) === 0) sizes[set]! += sizes[set | bit]!;
    }
  }
  return sizes;
}
