import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {isKeeper} from '../../engine/audiences/keeper.ts';
import {ApiServer, errorsOf} from './api-server.ts';

const SPENT = {
  name: 'spent',
  workspace: 1,
  calculation: 'sum',
  event: {kind: 'commerce', action: 'purchase'},
  attribute: '$total_amount',
  when: {within: '7d'},
};
const PATH = '/v1/calculated_attributes';
const RICH = {kind: 'calculated_attribute', name: 'spent', operator: 'greater_than', value: 100};

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
  await server.workspace();
  await server.workspace('Other');
});
afterEach(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

/** What each shard was told last, keepers apart. */
function lastTold(): {audiences: number[]; keepers: number; removed: readonly number[]} {
  const {upsert = [], remove = []} = server.shards.defined.at(-1) ?? {};
  return {
    audiences: upsert.filter(({id}) => !isKeeper(id)).map(({id}) => id),
    keepers: upsert.filter(({id}) => isKeeper(id)).length,
    removed: remove,
  };
}

test('one is made as it was sent, and every shard keeps it in both environments', async () => {
  const made = await server.want(201, 'POST', PATH, SPENT);
  expect(made).toMatchObject({
    id: 1,
    ...SPENT,
    is_calculated: true,
    progress: 1,
    used_by: [],
    created_by: 'admin',
  });
  expect(lastTold()).toEqual({audiences: [], keepers: 2, removed: []});
  expect(await server.want(200, 'GET', `${PATH}/1`)).toEqual(made);
  server.shards.progress = 0.5;
  expect(await server.want(200, 'GET', `${PATH}/1`)).toMatchObject({
    is_calculated: false,
    progress: 0.5,
  });
});

test('a list is chosen by workspace and name', async () => {
  await server.want(201, 'POST', PATH, SPENT);
  await server.want(201, 'POST', PATH, {...SPENT, workspace: 2});
  await server.want(201, 'POST', PATH, {...SPENT, name: 'other'});
  const ids = async (query: string): Promise<number[]> =>
    (await server.want<{id: number}[]>(200, 'GET', PATH + query)).map(({id}) => id);
  expect(await ids('')).toEqual([1, 2, 3]);
  expect(await ids('?workspace=1')).toEqual([1, 3]);
  expect(await ids('?workspace=2&name=spent')).toEqual([2]);
  expect((await server.get(`${PATH}?workspace=x`)).status).toBe(422);
});

test('a name is taken once in a workspace', async () => {
  await server.want(201, 'POST', PATH, SPENT);
  expect((await server.send('POST', PATH, SPENT)).status).toBe(409);
  await server.want(201, 'POST', PATH, {...SPENT, name: 'other'});
  expect((await server.send('PATCH', `${PATH}/2`, {name: 'spent'})).status).toBe(409);
});

describe('what is wrong is told all at once', () => {
  type Row = readonly [object, string[]];
  const rows: readonly Row[] = [
    [{workspace: 9}, ['workspace']],
    [{calculation: 'median'}, ['calculation']],
    [{event: 'purchase'}, ['event']],
    [{event: {kind: 'purchase'}}, ['event.kind']],
    [
      {event: {kind: 'commerce', action: 'buy', workspaces: [1]}, attribute: '$nothing', when: {}},
      ['event.workspaces', 'event.action', 'attribute', 'when'],
    ],
    [{event: {kind: 'session', inputs: [7]}}, ['event.inputs[0]']],
    [{attribute: null}, ['attribute']],
    [{calculation: 'count'}, ['attribute']],
    [{when: {within: '31d'}}, ['when.within']],
    [{when: {since: '2026-02-30'}}, ['when.since']],
    [{when: {since: '2026-02-03', within: '1d'}}, ['when']],
  ];
  test.each(rows)('%j', async (wrong, paths) => {
    const reply = await server.send('POST', PATH, {...SPENT, ...wrong});
    expect(reply.status).toBe(422);
    expect(errorsOf(reply).map(({path}) => path)).toEqual(paths);
  });
});

describe('audiences', () => {
  beforeEach(async () => {
    await server.want(201, 'POST', PATH, SPENT);
  });

  test('ask for those that one of their workspaces has', async () => {
    const id = await server.audience({definition: RICH, workspaces: [1, 2]});
    expect(server.shards.audiences.get(id)?.calculated).toMatchObject([
      {workspace: 1, name: 'spent', calculation: 'sum'},
    ]);
    const refuse = async (fields: object): Promise<unknown> => {
      const body = {name: 'x', workspaces: [1, 2], definition: RICH, ...fields};
      const reply = await server.send('POST', '/v1/audiences', body);
      return reply.status === 422 && errorsOf(reply).map(({path}) => path);
    };
    expect(await refuse({workspaces: [2]})).toEqual(['definition.name']);
    expect(await refuse({definition: {...RICH, workspaces: [2]}})).toEqual(['definition.name']);
    expect(await refuse({definition: {...RICH, name: 'Spent'}})).toEqual(['definition.name']);
  });

  test('follow every change of what they ask for', async () => {
    const id = await server.audience({definition: {and: [RICH, {exclude: RICH}]}});
    const other = await server.audience();
    expect(await server.want(200, 'PATCH', `${PATH}/1`, {when: {within: '1d'}})).toMatchObject({
      when: {within: '1d'},
      used_by: [id],
    });
    expect(lastTold()).toEqual({audiences: [id], keepers: 2, removed: []});
    expect(server.shards.audiences.get(id)?.calculated).toMatchObject([
      {when: {kind: 'sliding', olderMs: 86_400_000}},
    ]);
    expect(server.shards.audiences.get(other)?.calculated).toBeUndefined();
    await server.want(200, 'PATCH', `${PATH}/1`, {
      when: null,
      calculation: 'count',
      attribute: null,
    });
    const told = server.shards.defined.length;
    await server.want(200, 'PATCH', `${PATH}/1`, {calculation: 'count'});
    expect(server.shards.defined.length).toBe(told);
  });

  test('that ask for it keep it from being deleted or renamed, and are named', async () => {
    const id = await server.audience({name: 'Rich', definition: RICH});
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PATCH', {name: 'wealth'}],
    ] as const) {
      const reply = await server.send(method, `${PATH}/1`, body);
      expect(reply.status).toBe(409);
      expect(errorsOf(reply)[0]?.message).toContain(`${id} (Rich)`);
    }
    await server.want(204, 'DELETE', `/v1/audiences/${id}`);
    await server.want(204, 'DELETE', `${PATH}/1`);
    expect(lastTold().removed).toHaveLength(2);
    expect((await server.get(`${PATH}/1`)).status).toBe(404);
  });
});

test('a restart tells the shards again, and takes from them what was deleted meanwhile', async () => {
  await server.want(201, 'POST', PATH, SPENT);
  await server.audience({definition: RICH});
  const {shards} = server;
  server = await server.restart(shards);
  shards.defined.length = 0;
  await server.audiences.resendAll();
  expect(lastTold()).toEqual({audiences: [1], keepers: 2, removed: []});
  await server.want(204, 'DELETE', '/v1/audiences/1');
  shards.isDown = true;
  expect((await server.send('DELETE', `${PATH}/1`)).status).toBe(503);
  shards.isDown = false;
  server.errors.length = 0;
  await server.audiences.resendAll();
  expect(lastTold().removed).toHaveLength(2);
});
