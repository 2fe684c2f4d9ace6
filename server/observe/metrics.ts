/** The registry behind `GET /metrics`. Shards return counters when asked; this thread owns the registry. */
import {Counter, Gauge, Registry, collectDefaultMetrics} from 'prom-client';
import type {Shards, ShardStats} from '../shards/protocol.ts';

export interface MetricsParts {
  readonly shards: Shards;
  readonly ingest: {readonly counts: Readonly<Record<string, number>>};
  readonly refused: Readonly<Record<string, number>>;
  readonly queuedBytes: () => number;
  readonly remembered: {readonly count: number; readonly bytes: number; readonly forgotten: number};
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #parts: MetricsParts;
  readonly #gauges: {readonly gauge: Gauge; readonly read: ShardMetric['read']}[];
  readonly #counters: {readonly counter: Counter; readonly read: ShardMetric['read']}[];

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
    const {remembered} = parts;
    this.#gauge('muster_remembered_ids', 'Ids kept for deduplication.', () => remembered.count);
    this.#gauge('muster_remembered_bytes', 'Memory of those ids.', () => remembered.bytes);
    this.#counter(
      'muster_forgotten_ids_total',
      'Ids forgotten before the end of the event retention, because there were too many: repeats of them count again.',
      () => remembered.forgotten,
    );
    const labels = {labelNames: ['shard'], registers: [this.#registry]};
    this.#gauges = SHARD_GAUGES.map(({read, ...named}) => ({
      gauge: new Gauge({...named, ...labels}),
      read,
    }));
    this.#counters = SHARD_COUNTERS.map(({read, ...named}) => ({
      counter: new Counter({...named, ...labels}),
      read,
    }));
  }

  async text(): Promise<string> {
    const all = await this.#parts.shards.callAll('stats', undefined).catch(() => []);
    for (const {gauge, read} of this.#gauges) {
      all.forEach((stats, shard) => gauge.set({shard: String(shard)}, read(stats)));
    }
    for (const {counter, read} of this.#counters) {
      counter.reset();
      all.forEach((stats, shard) => counter.inc({shard: String(shard)}, read(stats)));
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

interface ShardMetric {
  readonly name: string;
  readonly help: string;
  readonly read: (stats: ShardStats) => number;
}

const SHARD_GAUGES: readonly ShardMetric[] = [
  {name: 'muster_profiles', help: 'Profiles.', read: stats => stats.profiles},
  {name: 'muster_timers', help: 'Moments waited for.', read: stats => stats.timers},
  {
    name: 'muster_audiences_failed',
    help: 'Active audiences that cannot be calculated as they are defined: they keep the members they had. The log and their faults say why.',
    read: stats => stats.failedAudiences,
  },
  {
    name: 'muster_history_bytes',
    help: 'Memory of the events that criteria may still need.',
    read: stats => stats.historyBytes,
  },
  {
    name: 'muster_fact_bytes',
    help: 'Memory of attributes, identities and whatever else is known of profiles.',
    read: stats => stats.factBytes,
  },
  {
    name: 'muster_membership_bytes',
    help: 'Memory of who is in what since when.',
    read: stats => stats.membershipBytes,
  },
  {
    name: 'muster_truth_bytes',
    help: 'Memory of what holds for each profile.',
    read: stats => stats.truthBytes,
  },
  {
    name: 'muster_column_bytes',
    help: 'Memory kept between estimates; at most --column-memory.',
    read: stats => stats.columnBytes,
  },
];

/** Since the shard's thread was started. */
const SHARD_COUNTERS: readonly ShardMetric[] = [
  {name: 'muster_deltas_total', help: 'Deltas.', read: stats => stats.deltas},
  {name: 'muster_flips_total', help: 'Truths that flipped.', read: stats => stats.flips},
  {
    name: 'muster_predicates_asked_total',
    help: 'Predicates asked.',
    read: stats => stats.predicatesAsked,
  },
  {
    name: 'muster_facts_refused_total',
    help: 'Attributes and identities that were not kept, because their profile has 10,000 in a workspace or 32 MiB in all.',
    read: stats => stats.factsRefused,
  },
];
