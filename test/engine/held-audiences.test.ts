/** An audience whose definition can be compiled no longer, as of a restart, keeps the members it had. */
import {expect, test} from 'vitest';
import {explain} from '../../engine/explanations/explain.ts';
import {memberCount} from '../../engine/shard-queries.ts';
import {custom, record} from '../support/oracle-build.ts';
import {Stage} from '../support/stage.ts';

const NOON_MS = Date.parse('2026-03-10T12:00:00.000Z');
const HOUR_MS = 3_600_000;
const NESTS_1 = {kind: 'audience', audience: 1, operator: 'member'};
const VIEWED = {kind: 'event', name: 'View', when: {within_last: '1h'}};
const VIEWED_TWICE = {...VIEWED, compare: {operator: 'equals', value: 2}};

function view(mpid: bigint, atMs: number): ReturnType<typeof record> {
  return record(atMs, {mpid, events: [custom(atMs, 'View')]});
}

/** Profiles 1 and 2 have viewed, 1 twice; the definition of audience 1 is then one that this release does not know. */
function stageWithUnreadable({rows}: {rows: boolean}): {stage: Stage; mend: () => void} {
  const stage = new Stage({startMs: NOON_MS});
  stage.define({id: 1, definition: VIEWED}, {id: 3, definition: VIEWED_TWICE});
  stage.define({id: 2, definition: NESTS_1});
  stage.send(view(1n, NOON_MS), view(2n, NOON_MS + 1), view(1n, NOON_MS + 2));
  if (rows) stage.checkpoint();
  return {stage, mend: forget(stage)};
}

/** The definition of audience 1 becomes one that this release does not know, until it is mended. */
function forget(stage: Stage): () => void {
  let saved: unknown;
  stage.rewriteSpec(1, spec => {
    saved = spec.expression;
    return {...spec, expression: {kind: 'criterion', criterion: {kind: 'horoscope'}}};
  });
  return () => stage.rewriteSpec(1, spec => ({...spec, expression: saved}));
}

function everyone(stage: Stage): string[][] {
  return [1, 2, 3].map(id => {
    expect(memberCount(stage.shard, id), `size of ${id}`).toBe(stage.members(id).length);
    return stage.members(id);
  });
}

for (const rows of [true, false]) {
  const from = rows ? 'rows' : 'the journal';

  test(`its members stay, through restarts and while time passes, from ${from}`, () => {
    const {stage} = stageWithUnreadable({rows});
    const before = stage.told.length;
    for (let restarts = 0; restarts < 3; restarts++) {
      stage.restart();
      expect(stage.shard.deltas.count).toBe(0);
      expect(everyone(stage)).toEqual([['1', '2'], ['1', '2'], ['1']]);
      if (restarts === 1) stage.checkpoint();
    }
    const failed = [1, 2, 3].map(id => stage.shard.audiences.get(id)!.failed !== undefined);
    expect(failed).toEqual([true, true, false]);
    expect(explain(stage.shard, {audience: 1, hi: 0, lo: 1}, NOON_MS)).toMatchObject({
      isMember: true,
      definition: undefined,
    });
    // The others go on: new events count, and windows end.
    stage.send(view(2n, NOON_MS + 3));
    expect(everyone(stage)).toEqual([
      ['1', '2'],
      ['1', '2'],
      ['1', '2'],
    ]);
    stage.advance(NOON_MS + 2 * HOUR_MS);
    expect(everyone(stage)).toEqual([['1', '2'], ['1', '2'], []]);
    expect(new Set(stage.told.slice(before).map(({audience}) => audience))).toEqual(new Set([3]));
  });

  test(`once its definition can be compiled again, exactly the difference is told, from ${from}`, () => {
    const {stage, mend} = stageWithUnreadable({rows});
    stage.restart();
    stage.send(view(3n, NOON_MS + HOUR_MS));
    stage.advance(NOON_MS + HOUR_MS + 2);
    stage.checkpoint();
    expect(stage.members(1)).toEqual(['1', '2']);
    const before = stage.told.length;
    mend();
    stage.restart();
    stage.advance(NOON_MS + HOUR_MS + 2);
    stage.send(record(NOON_MS + HOUR_MS + 2, {mpid: 9n}));
    // Of the two views of profile 1 the later one is within the hour, of that of profile 2 nothing.
    expect(everyone(stage)).toEqual([['1', '3'], ['1', '3'], []]);
    const told = stage.told
      .slice(before)
      .map(({audience, mpid, action}) => `${audience} ${action} ${mpid}`);
    expect(told.toSorted()).toEqual(['1 add 3', '1 delete 2', '2 add 3', '2 delete 2']);
  });
}

test('a new definition takes over from the members it had', () => {
  const {stage} = stageWithUnreadable({rows: true});
  stage.restart();
  stage.define({id: 1, definition: VIEWED_TWICE});
  expect(everyone(stage)).toEqual([['1'], ['1'], ['1']]);
  const told = stage.told.slice(-2).map(({audience, ...rest}) => ({...rest, audience}));
  expect(told.sort((a, b) => a.audience - b.audience)).toMatchObject([
    {audience: 1, mpid: '2', action: 'delete', cause: 'definition'},
    {audience: 2, mpid: '2', action: 'delete', cause: 'definition'},
  ]);
  stage.restart();
  expect(everyone(stage)).toEqual([['1'], ['1'], ['1']]);
});

test('whoever is erased leaves, and an audience that is switched off has nobody', () => {
  const {stage} = stageWithUnreadable({rows: true});
  stage.restart();
  stage.erase(0, 1);
  expect(everyone(stage)).toEqual([['2'], ['2'], []]);
  const erased = stage.told.slice(-3).map(({audience, mpid, action}) => [audience, mpid, action]);
  expect(erased).toEqual([1, 2, 3].map(audience => [audience, '1', 'delete']));
  stage.define({id: 1, definition: VIEWED, active: false});
  expect(stage.members(1)).toEqual([]);
  expect(stage.told.slice(-1)).toMatchObject([
    {audience: 1, mpid: '2', action: 'delete', cause: 'definition'},
  ]);
});

test('events of before are still known to a definition that can be compiled again', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.define({id: 1, definition: VIEWED_TWICE});
  stage.send(view(1n, NOON_MS), view(1n, NOON_MS + 1), view(2n, NOON_MS + 2));
  stage.checkpoint();
  stage.checkpoint();
  const mend = forget(stage);
  stage.restart();
  // Both rows are written without the history that nobody asks for.
  stage.send(record(NOON_MS + 3, {mpid: 1n}), view(2n, NOON_MS + 4));
  stage.checkpoint();
  mend();
  stage.restart();
  expect(everyone(stage)[0]).toEqual(['1', '2']);
});
