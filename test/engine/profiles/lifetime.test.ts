import {expect, test} from 'vitest';
import {explain} from '../../../engine/explanations/explain.ts';
import {custom, record} from '../../support/oracle-build.ts';
import {Oracle} from '../../support/oracle.ts';
import {Stage} from '../../support/stage.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-03-10T12:00:00.000Z');
const RETENTIONS = {eventRetentionMs: DAY_MS, profileRetentionMs: DAY_MS};

test.each([
  ['in time', 0, true],
  ['in the very millisecond in which the profile would go', 1, true],
  ['too late', 2, false],
])('an event from the future that is reached %s: it is kept or not', (_, moreMs, isKept) => {
  const stage = new Stage({startMs: START_MS, ...RETENTIONS});
  const oracle = new Oracle(RETENTIONS);
  const reachedMs = START_MS + DAY_MS + moreMs;
  const only = record(START_MS, {events: [custom(reachedMs, 'View')]});
  stage.send(only);
  oracle.apply(only, START_MS);
  const goneMs = (isKept ? reachedMs : START_MS) + DAY_MS + 1;
  const asked = {audience: 1, hi: 0, lo: 1};
  expect(explain(stage.shard, asked, START_MS)?.forgottenMs).toBe(goneMs);
  for (const atMs of [reachedMs - 1, reachedMs, goneMs - 1, goneMs].sort((a, b) => a - b)) {
    stage.advance(atMs);
    const count = atMs < goneMs ? 1 : 0;
    const counted = {stage: stage.shard.table.count, oracle: oracle.profiles(atMs).length};
    expect({atMs, ...counted}).toEqual({atMs, stage: count, oracle: count});
  }
});

test('one workspace keeps a profile alive until the events of another are reached, a restart later too', () => {
  const stage = new Stage({startMs: START_MS, ...RETENTIONS});
  const ahead = (days: number) => [custom(START_MS + days * DAY_MS, 'View')];
  stage.send(
    record(START_MS, {events: ahead(1.5)}),
    record(START_MS, {workspace: 2, events: ahead(0.75)}),
  );
  stage.advance(START_MS + 2.25 * DAY_MS);
  expect(stage.shard.table.count).toBe(1);
  stage.restart();
  expect(stage.shard.table.count).toBe(1);
  stage.advance(START_MS + 2.5 * DAY_MS);
  expect(stage.shard.table.count).toBe(1);
  stage.advance(START_MS + 2.5 * DAY_MS + 1);
  expect(stage.shard.table.count).toBe(0);
});
