/** What the hot path must reach on a machine of two cores, and what it is to reach. */
import type {Figure} from './support/figures.ts';

export interface Goal {
  readonly what: string;
  readonly must: number;
  readonly goal: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** undefined when it was not measured. */
  readonly measured: number | undefined;
}

export function goalsOf(figures: readonly Figure[]): Goal[] {
  const byName = new Map(figures.map(figure => [figure.name, figure.value]));
  const value = (name: string): number | undefined => byName.get(name);
  const ratio = (a: string, b: string): number | undefined => {
    const [of, to] = [value(a), value(b)];
    return of === undefined || to === undefined ? undefined : of / to;
  };
  const engine = (audiences: string, profiles: string): number | undefined =>
    value(`engine/journal-on/a${audiences}/p${profiles}/events`);
  const peer = (name: string, audiences: string): number | undefined =>
    value(`ratio/${name}/a${audiences}/p100k/moves-nobody-by-time`);
  const full = (encoding: string): string => `gateway/${encoding}/a1000/p100k/full/events`;
  const half = (share: string): number | undefined =>
    value(`gateway/json/a1000/p100k/load-50/request-to-delta-p${share}`);
  const higher = (
    what: string,
    unit: string,
    [must, goal]: readonly [number, number],
    measured: number | undefined,
  ): Goal => ({what, must, goal, unit, better: 'higher', measured});
  const lower = (
    what: string,
    unit: string,
    [must, goal]: readonly [number, number],
    measured: number | undefined,
  ): Goal => ({what, must, goal, unit, better: 'lower', measured});
  const slope = ratio(
    'engine/journal-on/a100/p100k/events',
    'engine/journal-on/a10000/p100k/events',
  );
  const storm = 'storm/a1000/p1m';
  const versus = [
    ['json-rules-engine', [4000, 15_000], [15_000, 65_000]],
    ['json-logic-engine', [60, 250], [250, 1000]],
    ['db-ivm', [60, 250], [250, 1000]],
    ['redis', [40, 180], [30, 150]],
    ['postgres', [150, 700], [400, 2200]],
    ['generated-js', [10, 45], [30, 140]],
  ] as const;
  return [
    higher(
      'engine, 1,000 audiences, 100 k profiles',
      'events/s',
      [100_000, 300_000],
      engine('1000', '100k'),
    ),
    higher('engine, 10,000 audiences', 'events/s', [30_000, 95_000], engine('10000', '100k')),
    higher(
      'engine, 1,000 audiences, 1 M profiles',
      'events/s',
      [80_000, 250_000],
      engine('1000', '1m'),
    ),
    lower('slowdown from 100 to 10,000 audiences', 'times', [14, 6], slope),
    higher(
      'JSON over HTTP, durable, deltas over WebSocket',
      'events/s',
      [40_000, 120_000],
      value(full('json')),
    ),
    higher('the same, msgpack in', 'events/s', [60_000, 200_000], value(full('msgpack'))),
    lower('request to delta at half of that, p50', 'ms', [5, 2], half('50')),
    lower('request to delta at half of that, p99', 'ms', [20, 6], half('99')),
    lower('storm: lateness, p99', 'ms', [100, 10], value(`${storm}/lateness-p99`)),
    lower('storm: lateness, most', 'ms', [1000, 600], value(`${storm}/lateness-max`)),
    lower(
      'storm: request to delta meanwhile, p99',
      'ms',
      [20, 20],
      value(`${storm}/meanwhile/request-to-delta-p99`),
    ),
    lower(
      'memory a profile, 1,000 audiences',
      'bytes',
      [1000, 400],
      value('memory/a1000/p100k/bytes-per-profile'),
    ),
    ...versus.flatMap(([name, thousand, tenThousand]) => [
      higher(`÷ ${name}, 1,000 audiences`, 'times', thousand, peer(name, '1000')),
      higher(`÷ ${name}, 10,000 audiences`, 'times', tenThousand, peer(name, '10000')),
    ]),
    higher(
      'end to end ÷ redis, 1,000 audiences',
      'times',
      [20, 60],
      ratio(full('json'), 'peer/redis/a1000/p100k/events'),
    ),
    higher(
      'end to end ÷ postgres, 1,000 audiences',
      'times',
      [75, 250],
      ratio(full('json'), 'peer/postgres/a1000/p100k/events'),
    ),
    higher(
      '1,000 new audiences over 1 M profiles ÷ DuckDB',
      'times',
      [10, 30],
      value('ratio/duckdb/a1000/p1m/activate-known'),
    ),
    lower(
      'one audience over known criteria, 1 M profiles',
      'ms',
      [100, 50],
      value('bulk/a1000/p1m/activate-one-known'),
    ),
    lower(
      'overlap of 8 audiences, 1 M profiles',
      'ms',
      [50, 20],
      value('bulk/a1000/p1m/overlap-of-8'),
    ),
    lower(
      'estimate from the sample, 1 M profiles',
      'ms',
      [200, 100],
      value('bulk/a1000/p1m/estimate-from-sample'),
    ),
    lower(
      '10,000 audiences, sorted and filtered: a page',
      'ms',
      [100, 30],
      value('bulk/list-10k/filtered-page-by-volatility'),
    ),
    higher(
      'events looked at to fill an audience, one core',
      'events/s',
      [1_000_000, 5_000_000],
      value('bulk/backfill/10m-events'),
    ),
    higher(
      'live events while audiences are filled ÷ without',
      'times',
      [0.8, 0.95],
      value('bulk/a1000/p100k/backfill-live/throughput-share'),
    ),
    lower('restart of 1 M profiles, clean', 'ms', [10_000, 2000], value('restart/a1000/p1m/clean')),
    lower(
      'restart of 1 M profiles, after kill -9',
      'ms',
      [15_000, 4000],
      value('restart/a1000/p1m/killed'),
    ),
  ];
}
