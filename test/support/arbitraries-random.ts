/** Everything by chance in the tests comes from here, and so from one number. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Neighbouring seeds start alike; the first few draws are thrown away.
    for (let draw = 0; draw < 8; draw++) this.next();
  }

  /** mulberry32: 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to pick from');
    // An element may itself be undefined.
    return from[this.int(0, from.length - 1)] as T;
  }

  /** One of the branches, by weight, called. */
  branch<T>(branches: readonly (readonly [weight: number, make: () => T])[]): T {
    let left = this.next() * branches.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of branches) {
      left -= weight;
      if (left < 0) return make();
    }
    throw new Error('weights sum to nothing');
  }

  /** A subset that is not empty, in the order of `from`. */
  some<T>(from: readonly T[]): T[] {
    const taken = from.filter(() => this.chance(0.5));
    return taken.length > 0 ? taken : [this.pick(from)];
  }
}
