/** Everything by chance in the benches comes from here, and so from one number. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = mix(seed);
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return mix(this.#state) / 4_294_967_296;
  }

  /** 0 ≤ x < end. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

/** Every bit of the number into every bit of the result, unsigned. */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Ranks from 0 by Zipf's law, from a table: for up to some thousands. */
export class ZipfTable {
  readonly #upTo: Float64Array;
  readonly shares: readonly number[];

  constructor(count: number, exponent: number) {
    const weights = Array.from({length: count}, (_, rank) => (rank + 1) ** -exponent);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.shares = weights.map(weight => weight / sum);
    this.#upTo = new Float64Array(count);
    let upTo = 0;
    for (const [rank, share] of this.shares.entries()) this.#upTo[rank] = upTo += share;
    this.#upTo[count - 1] = 1;
  }

  at(chance: number): number {
    let low = 0;
    let high = this.#upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#upTo[middle]! > chance) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A rank below `count` by Zipf's law with an exponent other than 1: the continuous approximation, for any count. */
export function zipfRank(count: number, exponent: number, chance: number): number {
  const power = 1 - exponent;
  const rank = ((count ** power - 1) * chance + 1) ** (1 / power) - 1;
  return Math.min(count - 1, Math.floor(rank));
}
