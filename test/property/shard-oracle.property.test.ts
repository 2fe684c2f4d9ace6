import {describe, expect, test} from 'vitest';
import type {Kinds} from '../support/arbitraries-context.ts';
import {CROWD, type HistoryOptions, randomHistory} from '../support/arbitraries.ts';
import {type Disturbances, Simulation} from '../support/simulation.ts';

/** Multiplies the runs; ORACLE_SEED replays one. */
const RUNS = Number(process.env['ORACLE_RUNS'] ?? 1);
/** Of each test. */
const HISTORIES = Number(process.env['ORACLE_HISTORIES'] ?? 345);
const SEED = process.env['ORACLE_SEED'];
const CROWDS = 2;
const CROWD_SEEDS = 30_001;

function run(
  seed: number,
  kinds: Kinds,
  disturbances: Disturbances,
  sizes: Omit<HistoryOptions, 'kinds'> = {},
): void {
  const history = randomHistory(seed, {kinds, ...sizes});
  const simulation = new Simulation(history, disturbances);
  for (const [index, step] of history.steps.entries()) {
    try {
      simulation.step(step);
      simulation.disturb();
      if (index === history.steps.length - 1) simulation.finish();
    } catch (error) {
      const where = `seed ${seed} (${kinds}), step ${index} of ${history.steps.length}: ${step.kind}`;
      throw new Error(`${where}\n${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

function seeds(count: number, offset: number): number[] {
  if (SEED !== undefined) return [Number(SEED)];
  return Array.from({length: count * RUNS}, (_, i) => offset + i);
}

describe('members and deltas are what the contract says, after every step', () => {
  test.each(['basic', 'all'] as const)(
    'of random histories with %s kinds',
    kinds => {
      for (const seed of seeds(HISTORIES, 1)) run(seed, kinds, {crashes: false, slowFills: false});
    },
    300_000 * RUNS,
  );

  test.each(['basic', 'all'] as const)(
    'with %s kinds, crashes and checkpoints at random points',
    kinds => {
      for (const seed of seeds(HISTORIES, 10_001))
        run(seed, kinds, {crashes: true, slowFills: false});
    },
    300_000 * RUNS,
  );

  test.each(['basic', 'all'] as const)(
    'with %s kinds, definitions that take their time, and crashes meanwhile',
    kinds => {
      for (const seed of seeds(HISTORIES, 20_001))
        run(seed, kinds, {crashes: true, slowFills: true});
    },
    300_000 * RUNS,
  );
});

describe('so are those of crowds: 1,500 profiles, up to 10,000 records in one turn', () => {
  test.each(Array.from({length: CROWDS * RUNS}, (_, at) => CROWD_SEEDS + at))(
    'history %i',
    seed => run(seed, 'all', {crashes: true, slowFills: seed % 2 === 0}, CROWD),
    300_000,
  );
});

test('the histories are telling: audiences gain and lose members', () => {
  const history = randomHistory(7, {kinds: 'all'});
  const simulation = new Simulation(history);
  for (const step of history.steps) simulation.step(step);
  expect(simulation.told.length).toBeGreaterThan(0);
});
