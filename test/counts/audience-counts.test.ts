import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {ADD, ATTRIBUTE_UPDATE, DELETE} from '../../engine/deltas.ts';
import {AudienceCounts} from '../../server/counts/audience-counts.ts';
import {CountsStore} from '../../storage/counts-store.ts';
import {ToldShards} from '../api/told-shards.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 10, 23, 7, 31, 12, 345);

interface Change {
  readonly audience: number;
  readonly mpid: bigint;
  readonly action: number;
  readonly atMs: number;
}

/** The counter over a feed, with a clock of its own, and what it should say by looking at every delta. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'muster-counts-'));
  readonly shards = new ToldShards();
  readonly told: Change[] = [];
  nowMs = START_MS;
  #counts: AudienceCounts | undefined;

  get counts(): AudienceCounts {
    if (this.#counts === undefined) throw new Error('not open');
    return this.#counts;
  }

  async open(): Promise<this> {
    this.#counts = await AudienceCounts.open({
      shards: this.shards,
      store: CountsStore.open(this.folder),
      nowMs: () => this.nowMs,
      onError: error => {
        throw error;
      },
      flushEveryMs: 3_600_000,
    });
    return this;
  }

  /** What was not flushed is forgotten. */
  async crash(): Promise<void> {
    await this.counts.abandon();
    this.shards.forgetListeners();
    await this.open();
  }

  commit(changes: readonly Change[]): void {
    this.told.push(...changes);
    this.shards.commit(changes);
  }

  expected(audience: number, fromMs: number, toMs: number): {added: number; dropped: number} {
    const own = this.told.filter(
      each => each.audience === audience && each.atMs > fromMs && each.atMs <= toMs,
    );
    return {
      added: own.filter(({action}) => action === ADD).length,
      dropped: own.filter(({action}) => action === DELETE).length,
    };
  }

  async remove(): Promise<void> {
    await this.counts.stop();
    rmSync(this.folder, {recursive: true});
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      changes: fc.array(
        fc.record({
          audience: fc.integer({min: 1, max: 3}),
          action: fc.constantFrom(ADD, ADD, DELETE, ATTRIBUTE_UPDATE),
          // Mostly of just now; some told long after they happened.
          lateMs: fc.oneof(
            fc.nat({max: 1_500}),
            fc.nat({max: 3 * MINUTE_MS}),
            fc.nat({max: 30 * HOUR_MS}),
          ),
        }),
        {minLength: 1, maxLength: 8},
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.nat({max: 2_000}),
        fc.nat({max: 5 * MINUTE_MS}),
        fc.nat({max: 7 * HOUR_MS}),
        fc.nat({max: 26 * HOUR_MS}),
      ),
    }),
  },
  {weight: 1, arbitrary: fc.constant({kind: 'flush' as const})},
  {weight: 1, arbitrary: fc.constant({kind: 'crash' as const})},
);

test('the last 24 hours and every hour are what looking at every delta says, through late ones and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, {minLength: 5, maxLength: 40}), async steps => {
      const bench = await new Bench().open();
      try {
        for (const each of steps) {
          if (each.kind === 'wait') bench.nowMs += each.ms;
          else if (each.kind === 'flush') await bench.counts.flush();
          else if (each.kind === 'crash') await bench.crash();
          else {
            bench.commit(
              each.changes.map(({audience, action, lateMs}) => ({
                audience,
                mpid: 1n,
                action,
                atMs: bench.nowMs - lateMs,
              })),
            );
          }
          for (const audience of [1, 2, 3]) {
            expect(bench.counts.lastDay(audience, bench.nowMs)).toEqual(
              bench.expected(audience, bench.nowMs - DAY_MS, bench.nowMs),
            );
          }
        }
        const fromMs = START_MS - 40 * HOUR_MS;
        for (const audience of [1, 2, 3]) {
          const hours = bench.counts.hours(audience, fromMs, bench.nowMs);
          for (const {atMs, added, dropped} of hours) {
            expect({added, dropped}).toEqual(
              bench.expected(audience, atMs - 1, atMs + HOUR_MS - 1),
            );
          }
          expect(hours[0]!.atMs).toBe(Math.floor(fromMs / HOUR_MS) * HOUR_MS);
          expect(hours.at(-1)!.atMs).toBe(Math.floor(bench.nowMs / HOUR_MS) * HOUR_MS);
        }
      } finally {
        await bench.remove();
      }
    }),
    {numRuns: 60},
  );
}, 60_000);

test('a delta falls out after exactly 24 hours', async () => {
  const bench = await new Bench().open();
  bench.commit([
    {audience: 1, mpid: 1n, action: ADD, atMs: bench.nowMs},
    {audience: 1, mpid: 2n, action: ADD, atMs: bench.nowMs + 1},
  ]);
  expect(bench.counts.lastDay(1, bench.nowMs + DAY_MS - 1)).toEqual({added: 2, dropped: 0});
  expect(bench.counts.lastDay(1, bench.nowMs + DAY_MS)).toEqual({added: 1, dropped: 0});
  expect(bench.counts.lastDay(1, bench.nowMs + DAY_MS + 1)).toEqual({added: 0, dropped: 0});
  await bench.remove();
});

test('hours before the last 90 days go from the disk', async () => {
  const bench = await new Bench().open();
  const firstMs = bench.nowMs;
  bench.commit([{audience: 1, mpid: 1n, action: ADD, atMs: firstMs}]);
  await bench.counts.flush();
  bench.nowMs += 92 * DAY_MS;
  await bench.counts.flush();
  expect(bench.counts.hours(1, firstMs, firstMs)[0]).toMatchObject({added: 0, dropped: 0});
  await bench.remove();
});
