/** Every bench with its sizes. Loaded when it runs, so that one that lacks something fails alone. */
import type {Bench} from './support/figures.ts';

export interface NamedBench {
  readonly name: string;
  readonly sizes: readonly {readonly audiences: number; readonly profiles: number}[];
  readonly roundSeconds: number;
  readonly warmUpEvents: number;
  load(): Promise<Bench>;
}

const P = 100_000;

export const BENCHES: readonly NamedBench[] = [
  {
    name: 'engine',
    sizes: [
      {audiences: 10, profiles: P},
      {audiences: 100, profiles: P},
      {audiences: 1000, profiles: P},
      {audiences: 10_000, profiles: P},
      {audiences: 1000, profiles: 1_000_000},
    ],
    roundSeconds: 5,
    warmUpEvents: 100_000,
    load: async () => (await import('./engine.bench.ts')).benchEngine,
  },
  {
    name: 'gateway',
    sizes: [
      {audiences: 100, profiles: P},
      {audiences: 1000, profiles: P},
    ],
    roundSeconds: 5,
    warmUpEvents: 0,
    load: async () => (await import('./gateway.bench.ts')).benchGateway,
  },
  {
    name: 'storm',
    sizes: [{audiences: 1000, profiles: 1_000_000}],
    roundSeconds: 10,
    warmUpEvents: 0,
    load: async () => (await import('./storm.bench.ts')).benchStorm,
  },
  {
    name: 'minute',
    sizes: [{audiences: 100, profiles: P}],
    roundSeconds: 60,
    warmUpEvents: 0,
    load: async () => (await import('./minute.bench.ts')).benchMinute,
  },
  {
    name: 'idle',
    sizes: [{audiences: 10, profiles: 1_000_000}],
    roundSeconds: 30,
    warmUpEvents: 0,
    load: async () => (await import('./idle.bench.ts')).benchIdle,
  },
  {
    name: 'restart',
    sizes: [{audiences: 1000, profiles: 1_000_000}],
    roundSeconds: 0,
    warmUpEvents: 0,
    load: async () => (await import('./restart.bench.ts')).benchRestart,
  },
  {
    name: 'bulk',
    sizes: [
      {audiences: 1000, profiles: P},
      {audiences: 1000, profiles: 1_000_000},
    ],
    roundSeconds: 0,
    warmUpEvents: 100_000,
    load: async () => (await import('./bulk.bench.ts')).benchBulk,
  },
  {
    name: 'parts',
    sizes: [{audiences: 1000, profiles: P}],
    roundSeconds: 1,
    warmUpEvents: 0,
    load: async () => (await import('./parts.bench.ts')).benchParts,
  },
];

/** All peers of one size in one bench: that is what makes their figures comparable. */
export const PEER_BENCHES: readonly NamedBench[] = [
  {
    name: 'peers',
    sizes: [10, 100, 1000, 10_000].map(audiences => ({audiences, profiles: P})),
    roundSeconds: 3,
    warmUpEvents: 100_000,
    load: async () => (await import('./peers.bench.ts')).benchPeers,
  },
];
