import {afterEach, expect, test} from 'vitest';
import {ApiServer, PURCHASE} from './api-server.ts';
import {ToldShards} from './told-shards.ts';

let server: ApiServer;
afterEach(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

test('everything is as it was after a restart, and the shards have the complete list', async () => {
  server = await ApiServer.start();
  const workspace = await server.workspace();
  const input = await server.want<{id: number}>(201, 'POST', `/v1/workspaces/${workspace}/inputs`, {
    name: 'Web',
    type: 'platform',
  });
  const editor = await server.token('editor', {name: 'eve'});
  await server.audience({tags: ['a']}, editor);
  await server.audience({inputs: [input.id], environment: 'development', access: 'private'});
  await server.audience({definition: null});
  await server.audience({name: 'Gone'});
  await server.want(200, 'PATCH', '/v1/audiences/1', {
    environment: 'development',
    definition: {exclude: {kind: 'audience', audience: 2, operator: 'member'}},
  });
  await server.want(202, 'POST', '/v1/audiences/1/activate');
  await server.want(204, 'DELETE', '/v1/audiences/4');

  const paths = [
    '/v1/workspaces',
    '/v1/workspaces/1/inputs',
    '/v1/tokens',
    '/v1/audiences',
    '/v1/audiences/1/versions',
    '/v1/audit',
  ];
  const read = () => Promise.all(paths.map(async path => (await server.get(path)).body));
  const before = await read();
  const told = new Map(server.shards.audiences);

  // A shard that still knows what was deleted while it could not be told.
  const shards = new ToldShards();
  const stale = told.get(1);
  if (stale !== undefined) shards.audiences.set(77, {...stale, id: 77});
  server = await server.restart(shards);
  await server.audiences.resendAll();
  expect(shards.audiences).toEqual(told);
  expect([...told.keys()]).toEqual([1, 2]);
  expect(await read()).toEqual(before);
  expect((await server.get('/v1/audiences', editor)).status).toBe(200);
  expect(await server.audience({definition: PURCHASE})).toBe(5);
});

test('the audit says who changed what, newest first, from what to what', async () => {
  server = await ApiServer.start();
  await server.workspace();
  const editor = await server.token('editor', {name: 'eve'});
  await server.audience({}, editor);
  await server.want(200, 'PATCH', '/v1/audiences/1', {name: 'Renamed'}, editor);
  await server.want(200, 'PATCH', '/v1/audiences/1', {name: 'Renamed'}, editor);
  await server.want(202, 'POST', '/v1/audiences/1/activate');
  const first = await server.get('/v1/audit?limit=3');
  const entries = first.body as {who: string; action: string; from: unknown; to: unknown}[];
  expect(entries.map(({who, action}) => `${who} ${action}`)).toEqual([
    'admin audience.activate',
    'eve audience.update',
    'eve audience.create',
  ]);
  expect(entries[1]).toMatchObject({from: {name: 'Buyers'}, to: {name: 'Renamed'}});
  const link = /^<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const older = (await server.get(link)).body as {action: string}[];
  expect(older.map(({action}) => action)).toEqual(['token.create', 'workspace.create']);
});

test('every change that is answered is in the audit once', async () => {
  server = await ApiServer.start();
  await server.workspace();
  await server.audience();
  const changes: [string, string, unknown?][] = [
    ['POST', '/v1/workspaces', {name: 'Two'}],
    ['POST', '/v1/workspaces/1/inputs', {name: 'Web', type: 'feed'}],
    ['POST', '/v1/tokens', {name: 'x', role: 'viewer'}],
    ['DELETE', '/v1/tokens/1'],
    ['POST', '/v1/audiences', {name: 'B', workspaces: [1]}],
    ['PATCH', '/v1/audiences/1', {description: 'd'}],
    ['POST', '/v1/audiences/1/activate'],
    ['POST', '/v1/audiences/1/deactivate'],
    ['POST', '/v1/audiences/1/clone'],
    ['PATCH', '/v1/audiences/1', {definition: null}],
    ['POST', '/v1/audiences/1/versions/1/restore'],
    ['DELETE', '/v1/audiences/1'],
  ];
  for (const [method, path, body] of changes) {
    const before = await server.want<unknown[]>(200, 'GET', '/v1/audit');
    const reply = await server.send(method, path, body);
    expect([path, reply.status < 300]).toEqual([path, true]);
    const after = await server.want<unknown[]>(200, 'GET', '/v1/audit');
    expect([path, after.length - before.length]).toEqual([path, 1]);
  }
});
