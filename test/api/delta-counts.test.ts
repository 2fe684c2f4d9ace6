import fc from 'fast-check';
import {expect, test} from 'vitest';
import {ADD, DELETE} from '../../engine/deltas.ts';
import {DeltaCounts} from '../../server/api/delta-counts.ts';
import {DAY_MS} from './api-server.ts';
import {ToldShards} from './told-shards.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 23);

test('counts are what counting every delta of the last 1,440 minutes would give', () => {
  const change = fc.record({
    minute: fc.integer({min: 0, max: 40}),
    lateMinutes: fc.nat({max: 3}),
    audience: fc.integer({min: 1, max: 2}),
    action: fc.constantFrom(ADD, DELETE),
  });
  fc.assert(
    fc.property(fc.array(change, {maxLength: 60}), fc.nat({max: 3_000}), (changes, ask) => {
      const shards = new ToldShards();
      const counts = new DeltaCounts(shards);
      const deltas = changes
        .toSorted((a, b) => a.minute - b.minute)
        .map(({minute, lateMinutes, audience, action}) => ({
          audience,
          mpid: 1n,
          action,
          // Spread over two days, some a little out of order.
          atMs: START_MS + (minute * 60 - lateMinutes * 70) * MINUTE_MS + 17,
        }));
      shards.commit(deltas);
      const nowMs = START_MS + ask * MINUTE_MS;
      const oldest = Math.floor(nowMs / MINUTE_MS) - 1_439;
      const inDay = deltas.filter(({atMs}) => Math.floor(atMs / MINUTE_MS) >= oldest);
      for (const audience of [1, 2]) {
        const own = inDay.filter(delta => delta.audience === audience);
        expect(counts.lastDay(audience, nowMs)).toEqual({
          added: own.filter(({action}) => action === ADD).length,
          dropped: own.filter(({action}) => action === DELETE).length,
        });
      }
    }),
  );
});

test('a day of minutes is all that is ever kept', () => {
  const shards = new ToldShards();
  const counts = new DeltaCounts(shards);
  for (let minute = 0; minute < 6_000; minute++) {
    const atMs = START_MS + minute * MINUTE_MS;
    shards.commit([{audience: 1, mpid: 1n, action: minute % 2 === 0 ? ADD : DELETE, atMs}]);
  }
  const end = START_MS + 5_999 * MINUTE_MS;
  expect(counts.lastDay(1, end)).toEqual({added: 720, dropped: 720});
  expect(counts.lastDay(1, end + DAY_MS)).toEqual({added: 0, dropped: 0});
});
