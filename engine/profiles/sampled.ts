/**
 * One profile in 64 is in the sample, chosen by a hash of its mpid that has nothing to do with the one
 * that chooses its shard, and for ever: the choice is in what is on disk.
 */
export const SAMPLED_ONE_IN = 64;

const SHIFT = 32 - Math.log2(SAMPLED_ONE_IN);

export function isSampled(mpidHi: number, mpidLo: number): boolean {
  return mpidHash(mpidHi, mpidLo) >>> SHIFT === 0;
}

/** 32 bits, unsigned, well mixed: mpids may be sequential. */
export function mpidHash(mpidHi: number, mpidLo: number): number {
  let h = Math.imul(mpidLo ^ 0x2545f491, 0xcc9e2d51);
  h = Math.imul((h << 15) | (h >>> 17), 0x1b873593) ^ mpidHi;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
