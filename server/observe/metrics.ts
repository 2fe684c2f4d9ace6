/** The registry behind `GET /metrics`. Shards return counters when asked; this thread owns the registry. */
import {Counter, Gauge, Registry, collectDefaultMetrics} from 'prom-client';
import type {Shards, ShardStats} from '../shards/protocol.ts';

export interface MetricsParts {
  readonly shards: Shards;
  readonly ingest: {readonly counts: Readonly<Record<string, number>>};
  readonly refused: Readonly<Record<string, number>>;
  readonly queuedBytes: () => number;
  readonly rememberedIds: () => number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #parts: MetricsParts;
  readonly #shards: {readonly gauge: Gauge; readonly read: (stats: ShardNumbers) => number}[];

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    collectDefaultMetrics({register: this.#registry});
    const {counts} = parts.ingest;
    this.#counter(
      'muster_batches_total',
      'Batches taken, repeats included.',
      () => counts['batches']!,
    );
    this.#counter(
      'muster_events_total',
      'Events taken, repeats left out.',
      () => counts['events']!,
    );
    this.#counter(
      'muster_repeated_total',
      'Batches and events recognised as repeats.',
      () => counts['repeatedBatches']! + counts['repeatedEvents']!,
    );
    this.#counter(
      'muster_refused_total',
      'Requests with events that were refused: behind, invalid or unauthorized.',
      () => Object.values(parts.refused).reduce((sum, count) => sum + count, 0),
    );
    this.#gauge('muster_queued_bytes', 'Taken and not yet durable.', parts.queuedBytes);
    this.#gauge('muster_remembered_ids', 'Ids kept for deduplication.', parts.rememberedIds);
    this.#shards = SHARD_METRICS.map(({name, help, read}) => ({
      gauge: new Gauge({name, help, labelNames: ['shard'], registers: [this.#registry]}),
      read,
    }));
  }

  async text(): Promise<string> {
    const stats = await this.#parts.shards.callAll('stats', undefined).catch(() => []);
    for (const {gauge, read} of this.#shards) {
      stats.forEach((numbers, shard) => gauge.set({shard: String(shard)}, read(numbers)));
    }
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, value: () => number): void {
    let told = 0;
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect: (): void => {
        counter.inc(value() - told);
        told = value();
      },
    });
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: (): void => gauge.set(value()),
    });
  }
}

type ShardNumbers = ShardStats;

const SHARD_METRICS: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (stats: ShardNumbers) => number;
}[] = [
  {name: 'muster_profiles', help: 'Profiles.', read: stats => stats.profiles},
  {name: 'muster_timers', help: 'Moments waited for.', read: stats => stats.timers},
  {name: 'muster_deltas', help: 'Deltas since the start.', read: stats => stats.deltas},
  {name: 'muster_flips', help: 'Truths that flipped since the start.', read: stats => stats.flips},
  {
    name: 'muster_predicates_asked',
    help: 'Predicates asked since the start.',
    read: stats => stats.predicatesAsked,
  },
  {
    name: 'muster_audiences_failed',
    help: 'Active audiences that cannot be calculated as they are defined: they keep the members they had. The log and their faults say why.',
    read: stats => stats.failedAudiences,
  },
  {name: 'muster_history_bytes', help: 'Memory of histories.', read: stats => stats.historyBytes},
];
