import {createHistogram} from 'node:perf_hooks';

/** A delta as the socket brings it; the fields that the demo reads. */
export interface DemoDelta {
  readonly audience: number;
  readonly mpid: string;
  readonly action: 'add' | 'delete' | 'attribute_update';
  readonly at_ms: number;
  readonly cause: string;
}

export interface SeenDelta {
  readonly delta: DemoDelta;
  readonly seenMs: number;
  /** From the moment its event was sent, or for a delta of the clock from its exact moment. */
  readonly latencyMs: number;
}

interface Sent {
  readonly eventMs: number;
  readonly sentAt: number;
}

const SENT_PER_PROFILE_MAX = 8;
const LATEST_MAX = 64;
const TREND_MAX = 40;

/** Who is in which audience, as the deltas tell it, and how fast they told. */
export class Scoreboard {
  eventCount = 0;
  deltaCount = 0;
  refusedCount = 0;
  readonly members = new Map<number, Set<string>>();
  /** Sizes at each look, oldest first. */
  readonly trends = new Map<number, number[]>();
  readonly #latest: SeenDelta[] = [];
  readonly #sent = new Map<string, Sent[]>();
  readonly #eventMicros = createHistogram();
  readonly #clockMicros = createHistogram();

  constructor(audiences: readonly number[]) {
    for (const audience of audiences) {
      this.members.set(audience, new Set());
      this.trends.set(audience, []);
    }
  }

  /** Newest first. */
  get latest(): readonly SeenDelta[] {
    return this.#latest;
  }

  size(audience: number): number {
    return this.members.get(audience)?.size ?? 0;
  }

  sent(mpid: string, eventMs: number): void {
    this.eventCount += 1;
    const sent = this.#sent.get(mpid);
    const entry = {eventMs, sentAt: performance.now()};
    if (sent === undefined) this.#sent.set(mpid, [entry]);
    else if (sent.push(entry) > SENT_PER_PROFILE_MAX) sent.shift();
  }

  reset(): void {
    for (const members of this.members.values()) members.clear();
  }

  admit(audience: number, mpids: readonly string[]): void {
    for (const mpid of mpids) this.members.get(audience)?.add(mpid);
  }

  apply(delta: DemoDelta): void {
    this.deltaCount += 1;
    const members = this.members.get(delta.audience);
    if (delta.action === 'add') members?.add(delta.mpid);
    if (delta.action === 'delete') members?.delete(delta.mpid);
    const latencyMs = delta.cause === 'time' ? this.#clockLatency(delta) : this.#latency(delta);
    this.#latest.unshift({delta, seenMs: Date.now(), latencyMs});
    if (this.#latest.length > LATEST_MAX) this.#latest.pop();
  }

  /** Once for each frame or line. */
  look(): void {
    for (const [audience, trend] of this.trends) {
      trend.push(this.size(audience));
      if (trend.length > TREND_MAX) trend.shift();
    }
  }

  /** HTTP request sent to delta on the socket; undefined before the first. */
  eventLatencyMs(percentile: number): number | undefined {
    return percentileMs(this.#eventMicros, percentile);
  }

  /** Exact moment of a window's end to delta on the socket. */
  clockLatencyMs(percentile: number): number | undefined {
    return percentileMs(this.#clockMicros, percentile);
  }

  #latency(delta: DemoDelta): number {
    const sent = this.#sent.get(delta.mpid) ?? [];
    const cause = sent.findLast(entry => entry.eventMs === delta.at_ms) ?? sent.at(-1);
    const latencyMs = cause === undefined ? 0 : performance.now() - cause.sentAt;
    if (cause !== undefined) this.#eventMicros.record(Math.max(1, Math.round(latencyMs * 1000)));
    return latencyMs;
  }

  #clockLatency(delta: DemoDelta): number {
    const latencyMs = Math.max(0, Date.now() - delta.at_ms);
    this.#clockMicros.record(Math.max(1, Math.round(latencyMs * 1000)));
    return latencyMs;
  }
}

function percentileMs(
  histogram: ReturnType<typeof createHistogram>,
  percentile: number,
): number | undefined {
  return histogram.count === 0 ? undefined : histogram.percentile(percentile) / 1000;
}
