import {createHistogram} from 'node:perf_hooks';

const COMPLAINTS_MAX = 5;

/** What has been sent and what became of it. */
export class ReplayTally {
  sentBatches = 0;
  sentEvents = 0;
  acceptedBatches = 0;
  acceptedEvents = 0;
  rejectedBatches = 0;
  rejectedEvents = 0;
  retries = 0;
  /** Times the server asked to wait (429). */
  waits = 0;
  /** The first few refusals, as sentences. */
  readonly complaints: string[] = [];
  readonly startedMs = performance.now();
  readonly #latencyMicros = createHistogram();

  accept(eventCount: number): void {
    this.acceptedBatches += 1;
    this.acceptedEvents += eventCount;
  }

  reject(eventCount: number, sentence: string): void {
    this.rejectedBatches += 1;
    this.rejectedEvents += eventCount;
    if (this.complaints.length < COMPLAINTS_MAX) this.complaints.push(sentence);
  }

  /** From the first byte of a request sent to the last byte of its answer read. */
  recordLatency(ms: number): void {
    this.#latencyMicros.record(Math.max(1, Math.round(ms * 1000)));
  }

  get elapsedMs(): number {
    return performance.now() - this.startedMs;
  }

  get requestCount(): number {
    return this.#latencyMicros.count;
  }

  /** undefined before the first answer. */
  latencyMs(percentile: number): number | undefined {
    if (this.#latencyMicros.count === 0) return undefined;
    return this.#latencyMicros.percentile(percentile) / 1000;
  }
}
