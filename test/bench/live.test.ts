import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';
import type {Figure} from '../../bench/support/figures.ts';

const ROOT = join(import.meta.dirname, '../..');

/** From the command line, because each starts servers, and those start threads. */
async function tiny(name: string): Promise<Figure[]> {
  const {stdout} = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/main.ts', '--tiny', '--json', '--only', name],
    {cwd: ROOT},
  );
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Figure);
}

const MOST_MS = 120_000;

test(
  'from HTTP to a socket: every probe has its delta, and the reader has the members of the server',
  async () => {
    const figures = await tiny('gateway');
    for (const encoding of ['json', 'msgpack']) {
      const full = figures.find(({name}) => name === `gateway/${encoding}/a10/p300/full/events`);
      expect(full?.value).toBeGreaterThan(0);
      expect(full?.checksum).toMatch(/^\d+ members agree$/);
    }
  },
  MOST_MS,
);

test(
  'a storm ends with the members that it should end with',
  async () => {
    const figures = await tiny('storm');
    const value = (name: string): number | undefined =>
      figures.find(figure => figure.name === `storm/a10/p300/${name}`)?.value;
    expect(value('deltas-by-time')).toBeGreaterThan(0);
    expect(value('lateness-max')).toBeGreaterThanOrEqual(value('lateness-p50') ?? Infinity);
  },
  MOST_MS,
);

test(
  'of a minute in which every window ends, every delta has its exact moment',
  async () => {
    const figures = await tiny('minute');
    const [p50] = figures.filter(({name}) => name === 'minute/a10/p300/lateness-p50');
    expect(p50?.checksum).toBe('300 at their exact moments');
    expect(figures.find(({name}) => name.endsWith('lateness-max'))?.value).toBeGreaterThan(0);
  },
  MOST_MS,
);

test(
  'a server that only waits has a timer for every profile',
  async () => {
    const figures = await tiny('idle');
    const cpu = figures.find(({name}) => name === 'idle/a10/p300/cpu');
    expect(cpu?.checksum).toMatch(/^3\d\d timers$/);
    expect(cpu?.value).toBeGreaterThanOrEqual(0);
  },
  MOST_MS,
);

test(
  'a restart has the members that there were before, stopped or killed',
  async () => {
    const figures = await tiny('restart');
    expect(figures.map(({name}) => name)).toEqual(
      expect.arrayContaining(['restart/a10/p300/clean', 'restart/a10/p300/killed']),
    );
  },
  MOST_MS,
);

test(
  'what a person waits for: audiences switched on, filled while events come, estimated, listed',
  async () => {
    const figures = await tiny('bulk');
    const named = (part: string): Figure | undefined =>
      figures.find(({name}) => name === `bulk/${part}`);
    expect(named('a10/p300/activate-known')?.checksum).toMatch(/^[0-9a-f]{8}$/);
    expect(named('backfill/3000-events')?.checksum).toMatch(/^[1-9]\d* entries$/);
    expect(named('a10/p300/backfill-live/events-with')?.checksum).toMatch(/^[1-9]\d* audiences/);
    expect(named('list-40/all')?.checksum).toMatch(/^\d{5} bytes$/);
    for (const part of [
      'activate-one-known',
      'overlap-of-8',
      'estimate-known',
      'estimate-from-sample',
    ]) {
      expect([part, named(`a10/p300/${part}`)?.value]).toEqual([part, expect.any(Number)]);
    }
  },
  MOST_MS,
);
