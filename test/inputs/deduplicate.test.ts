import {expect, test} from 'vitest';
import {Deduplicator} from '../../server/inputs/deduplicate.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

function rememberDays(seen: Deduplicator, {days, idsADay}: {days: number; idsADay: number}): void {
  for (let day = 0; day < days; day++) {
    for (let id = 0; id < idsADay; id++) {
      seen.add(seen.hash('message', 1, `${day} ${id}`), START_MS + day * DAY_MS);
    }
  }
}

function isKnown(seen: Deduplicator, day: number): boolean {
  return seen.has(seen.hash('message', 1, `${day} 0`));
}

test('ids are remembered for the retention and at most a day more', async () => {
  const seen = await Deduplicator.load(5 * DAY_MS, Infinity);
  rememberDays(seen, {days: 30, idsADay: 1_000});
  expect(Array.from({length: 5}, (_, ago) => isKnown(seen, 29 - ago))).not.toContain(false);
  expect(seen.count).toBeLessThan(12_000);
  expect(seen.forgotten).toBe(0);
});

test('when there are too many those of the oldest days go, and memory grows no more', async () => {
  const seen = await Deduplicator.load(1_000 * DAY_MS, 4_000);
  rememberDays(seen, {days: 10, idsADay: 1_000});
  const {bytes} = seen;
  rememberDays(seen, {days: 100, idsADay: 1_000});
  expect(seen.bytes).toBe(bytes);
  expect(Array.from({length: 3}, (_, ago) => isKnown(seen, 99 - ago))).not.toContain(false);
  expect(isKnown(seen, 0)).toBe(false);
  expect(seen.forgotten).toBeGreaterThan(80_000);
});
