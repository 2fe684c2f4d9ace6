/**
 * Which variant of a test a profile is in, and who is in a sample: pure functions of a seed and the
 * mpid. Nothing is stored, so a definition may change, a server restart and a profile leave and come
 * back: it is in the variant it was in before.
 */

/** The profiles whose point under `seed` lies in [from, to), both of [0, 1]. */
export interface Share {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

export interface VariantShare {
  readonly name: string;
  readonly share: Share;
}

/** A percentage has two decimals at most: a whole is ten thousand parts. */
export const PARTS = 10_000;

/** Not of any test: their seeds start at 1. */
const SAMPLE_SEED = 0;

/** Adjoining shares in the order given. Parts of `PARTS`, which they must add up to. */
export function variantShares(
  testId: number,
  variants: readonly {readonly name: string; readonly parts: number}[],
): VariantShare[] {
  let reached = 0;
  return variants.map(({name, parts}) => {
    const from = reached;
    reached += parts;
    return {name, share: {seed: testId, from: from / PARTS, to: reached / PARTS}};
  });
}

/** The same profiles every time, and a smaller sample is part of every larger one. */
export function sampleShare(fraction: number): Share {
  return {seed: SAMPLE_SEED, from: 0, to: fraction};
}

export function isInShare({seed, from, to}: Share, mpidHi: number, mpidLo: number): boolean {
  const point = splitPoint(seed, mpidHi, mpidLo);
  return point >= from && point < to;
}

/**
 * Murmur3 (x86, 32 bits) of the mpid's two halves, as a number in [0, 1). The seed is mixed in as a word
 * of its own before them and again at the end, so that the points of one profile under neighbouring
 * seeds have nothing to do with one another.
 */
export function splitPoint(seed: number, mpidHi: number, mpidLo: number): number {
  let h = mix(0x9747b28c, seed | 0);
  h = mix(h, mpidHi);
  h = mix(h, mpidLo);
  h = mix(h, seed | 0);
  h ^= 16;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = h ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
