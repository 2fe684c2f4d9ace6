/** What a bench comes back with. */
export interface Figure {
  /** Like `engine/journal-on/a1000/p100k/events`. */
  readonly name: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** Of what was computed: equal work has equal checksums. '' where there is nothing to compare. */
  readonly checksum: string;
}

export interface BenchOptions {
  readonly audiences: number;
  readonly profiles: number;
  /** In seconds, of one measured round. */
  readonly roundSeconds: number;
  readonly rounds: number;
  /** Events before anything is measured. */
  readonly warmUpEvents: number;
  readonly calm: boolean;
  /** A size at which it says nothing but that it works. */
  readonly tiny: boolean;
  /** Of the peers; undefined is all of them. */
  readonly only?: readonly string[] | undefined;
  /** Told what is going on, for whoever waits. */
  readonly say: (message: string) => void;
}

export type Bench = (options: BenchOptions) => Promise<Figure[]>;

export function figure(
  name: string,
  unit: string,
  samples: readonly number[],
  checksum = '',
): Figure {
  return {
    name,
    value: median(samples),
    unit,
    min: Math.min(...samples),
    max: Math.max(...samples),
    checksum,
  };
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** 1000 → 1k, 1000000 → 1m, as in the names of figures. */
export function sizeName(count: number): string {
  if (count >= 1_000_000 && count % 1_000_000 === 0) return `${count / 1_000_000}m`;
  if (count >= 10_000 && count % 1000 === 0) return `${count / 1000}k`;
  return String(count);
}

export function sizesName({audiences, profiles, calm}: BenchOptions): string {
  return `a${audiences}/p${sizeName(profiles)}${calm ? '/calm' : ''}`;
}
