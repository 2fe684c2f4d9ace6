/** Definitions that come after data, while data goes on coming, and again after a restart. */
import {expect, test} from 'vitest';
import {custom, record} from '../support/oracle-build.ts';
import {Stage} from '../support/stage.ts';

const NOON_MS = Date.parse('2026-03-10T12:00:00.000Z');

function view(mpid: bigint, atMs: number): ReturnType<typeof record> {
  return record(atMs, {mpid, events: [custom(atMs, 'View')]});
}

function views(count: number): unknown {
  return {kind: 'event', name: 'View', compare: {operator: 'equals', value: count}};
}

test('events that come while the journal is searched count once', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.send(view(1n, NOON_MS));
  stage.announce({definition: views(2)});
  // These are taken as they come, and the search finds them too.
  stage.send(view(1n, NOON_MS + 1), view(2n, NOON_MS + 2), view(3n, NOON_MS + 3));
  stage.send(view(3n, NOON_MS + 4));
  stage.fill();
  expect(stage.members()).toEqual(['1', '3']);
});

test('a second definition that comes while the first is filled has each event once', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.send(view(1n, NOON_MS));
  stage.announce({id: 1, definition: views(2)});
  stage.send(view(1n, NOON_MS + 1));
  stage.announce({
    id: 2,
    definition: {...(views(2) as object), where: [{attribute: 'a', operator: 'not_exists'}]},
  });
  stage.send(view(2n, NOON_MS + 2), view(2n, NOON_MS + 3));
  stage.fill();
  expect(stage.members(1)).toEqual(['1', '2']);
  expect(stage.members(2)).toEqual(['1', '2']);
});

test('an audience that is switched off and on after a restart has each event once', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.define({definition: views(1)});
  stage.send(view(1n, NOON_MS));
  stage.restart();
  expect(stage.members()).toEqual(['1']);
  stage.define({definition: views(1), active: false});
  expect(stage.members()).toEqual([]);
  stage.define({definition: views(1)});
  expect(stage.members()).toEqual(['1']);
});

test('a restart while the journal is searched loses nothing and has nothing twice', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.send(view(1n, NOON_MS), view(2n, NOON_MS));
  stage.announce({definition: views(2)});
  stage.send(view(1n, NOON_MS + 1));
  stage.restart();
  stage.send(view(2n, NOON_MS + 2), view(2n, NOON_MS + 3));
  stage.fill();
  expect(stage.members()).toEqual(['1']);
});

test('a restart says nothing of the time before a definition was served', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.send(view(1n, NOON_MS));
  stage.advance(NOON_MS + 30 * 60_000);
  stage.announce({definition: {kind: 'event', name: 'View', when: {within_last: '1h'}}});
  stage.advance(NOON_MS + 2 * 3_600_000);
  stage.fill();
  stage.restart();
  stage.advance(NOON_MS + 3 * 3_600_000);
  expect(stage.told).toEqual([]);
});

test('a definition that cannot be compiled harms no other one, also after a restart', () => {
  const nests = (audience: number): object => ({kind: 'audience', audience, operator: 'member'});
  const stage = new Stage({startMs: NOON_MS});
  stage.send(view(1n, NOON_MS), view(1n, NOON_MS + 1), view(2n, NOON_MS + 2));
  stage.define({id: 1, definition: views(1)}, {id: 3, definition: views(2)});
  stage.define({id: 2, definition: nests(1)});
  // A circle, which is refused before it comes so far: it stands for any defect.
  stage.define(
    {id: 1, definition: {and: [views(3), nests(2)]}},
    {id: 4, definition: {or: [views(3), views(1)]}},
  );
  const failures = (): unknown[] =>
    [1, 2, 3, 4].map(id => stage.shard.audiences.get(id)?.failed?.includes('circle') ?? false);
  for (const restarts of [false, true]) {
    if (restarts) stage.restart();
    expect(failures()).toEqual([true, true, false, false]);
    expect([stage.members(3), stage.members(4)]).toEqual([['1'], ['2']]);
  }
  stage.send(view(3n, NOON_MS + 3));
  expect(stage.members(4)).toEqual(['2', '3']);
  stage.define({id: 1, definition: views(1)});
  expect(failures()).toEqual([false, false, false, false]);
  expect([stage.members(1), stage.members(2)]).toEqual([
    ['2', '3'],
    ['2', '3'],
  ]);
});

test('after a restart a new definition does not count what profiles kept of one that is gone', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.define({definition: views(2)});
  // Not a member, so that nothing writes its row again when the audience goes.
  stage.send(view(1n, NOON_MS));
  stage.checkpoint();
  stage.define({definition: views(2), active: false});
  stage.restart();
  stage.define({id: 2, definition: {kind: 'event', name: 'Buy'}});
  stage.checkpoint();
  stage.restart();
  expect(stage.members(2)).toEqual([]);
});
