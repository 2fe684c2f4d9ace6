/** From counts, of everybody and of the sample, to a size: exact, or with the interval that holds 95 times in 100. */

export type Estimate =
  | {readonly kind: 'exact'; readonly size: number}
  | {
      readonly kind: 'estimated';
      readonly size: number;
      readonly low: number;
      readonly high: number;
      /** Members among those asked. */
      readonly sampled: number;
    }
  /** The sample has too few members to say anything. */
  | {readonly kind: 'unknown'; readonly sampled: number; readonly reason: string}
  /** It could not be computed. */
  | {readonly kind: 'failed'; readonly reason: string};

/** What one shard says: all of its profiles are settled, or open and asked in part. */
export interface Count {
  readonly certain: number;
  readonly open: number;
  readonly asked: number;
  readonly held: number;
  /** Everybody who is open was asked. */
  readonly isComplete: boolean;
}

/** Shards sample at one rate, so what stays open in them is one population. */
export function estimate(counts: readonly Count[]): Estimate {
  let certain = 0;
  let open = 0;
  let asked = 0;
  let held = 0;
  for (const count of counts) {
    certain += count.certain;
    if (count.isComplete) certain += count.held;
    else {
      open += count.open;
      asked += count.asked;
      held += count.held;
    }
  }
  if (open === 0) return {kind: 'exact', size: certain};
  const {low, high} = wilson(held, asked);
  // Whoever was asked is known: no fewer than those who are in, no more than those who are not out.
  const lowest = Math.max(certain + held, Math.floor(certain + low * open));
  const highest = Math.min(certain + open - (asked - held), Math.ceil(certain + high * open));
  const size = asked === 0 ? certain : Math.round(certain + (held / asked) * open);
  if (highest - lowest > size) {
    const reason =
      asked === 0
        ? 'nobody whom this concerns is in the sample'
        : `of ${asked} profiles in the sample whom this concerns ${held} would be members, too few to tell the size`;
    return {kind: 'unknown', sampled: held, reason};
  }
  return {kind: 'estimated', size, low: lowest, high: highest, sampled: held};
}

/**
 * The normal quantile for 97.5 times in 100. Wilson's interval holds a little less often than it is meant to
 * for some proportions, and 95 is a promise.
 */
const Z = 2.241403;

/**
 * Wilson's score interval for a proportion: unlike the textbook's it holds for few and for nearly all.
 */
export function wilson(held: number, asked: number): {low: number; high: number} {
  if (asked === 0) return {low: 0, high: 1};
  const p = held / asked;
  const z2 = (Z * Z) / asked;
  const middle = (p + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((p * (1 - p)) / asked + z2 / (4 * asked));
  return {low: Math.max(0, middle - half), high: Math.min(1, middle + half)};
}
