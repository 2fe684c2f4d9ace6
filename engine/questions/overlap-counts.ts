/**
 * Sizes of intersections: one pass over the rows, reading one bit for each audience. A profile is
 * counted once, in the bucket of exactly those audiences that it is in; every intersection is a sum of
 * buckets.
 */
import {assert} from '../assert.ts';
import type {Shard} from '../shard.ts';

export const OVERLAP_AUDIENCES_MAX = 8;
/** Rows between two pauses: about a millisecond. */
const SLICE_ROWS = 1 << 17;

/**
 * Yields between slices. Entry `set` of the result counts the profiles that are in the audiences whose
 * positions are bits of `set`, and in no other of them.
 */
export function* overlapCounts(
  shard: Shard,
  audiences: readonly number[],
): Generator<undefined, Float64Array> {
  assert(audiences.length <= OVERLAP_AUDIENCES_MAX, 'more audiences than buckets');
  for (;;) {
    const {generation} = shard.graph;
    const roots = audiences.map(id => shard.audiences.get(id)?.root ?? -1);
    const counts = new Float64Array(1 << audiences.length);
    let from = 0;
    for (; from < shard.table.end; from += SLICE_ROWS) {
      if (from > 0) yield;
      // A slot that means something else now: what was counted is of no use.
      if (shard.graph.generation !== generation) break;
      countSlice(shard, roots, {from, end: Math.min(shard.table.end, from + SLICE_ROWS)}, counts);
    }
    if (from >= shard.table.end) return counts;
  }
}

function countSlice(
  shard: Shard,
  roots: readonly number[],
  {from, end}: {from: number; end: number},
  counts: Float64Array,
): void {
  const buckets = new Uint32Array(counts.length);
  const known = roots.map((root, position) => ({root, position})).filter(({root}) => root >= 0);
  const words = Int32Array.from(known, ({root}) => root >>> 6);
  const shifts = Int32Array.from(known, ({root}) => (root >>> 1) & 31);
  const bits = Int32Array.from(known, ({position}) => position);
  shard.rows.forEachBlock(from, end, (rows, at, stride, _first, count) => {
    for (let row = 0, base = at; row < count; row++, base += stride) {
      let set = 0;
      for (let i = 0; i < words.length; i++) {
        set |= ((rows[base + words[i]!]! >>> shifts[i]!) & 1) << bits[i]!;
      }
      buckets[set]!++;
    }
  });
  for (let set = 0; set < counts.length; set++) counts[set]! += buckets[set]!;
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
