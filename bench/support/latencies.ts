/** Durations in buckets 3 % wide, from a nanosecond to hours: recording one is an increment. */
const STEPS = 24;
const BUCKETS = 45 * STEPS;
const PER_DOUBLING = STEPS / Math.log(2);

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  record(durationMs: number): void {
    const nanoseconds = durationMs * 1e6;
    const bucket = nanoseconds <= 1 ? 0 : Math.log(nanoseconds) * PER_DOUBLING;
    this.#counts[Math.min(BUCKETS - 1, bucket | 0)]!++;
    this.#count++;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** In milliseconds; the upper end of the bucket. `share` like 0.99. */
  percentile(share: number): number {
    if (this.#count === 0) return 0;
    let left = Math.ceil(this.#count * share);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(this.#maxMs, Math.exp((bucket + 1) / PER_DOUBLING) / 1e6);
    }
    return this.#maxMs;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }
}
