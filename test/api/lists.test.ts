import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {ADD} from '../../engine/deltas.ts';
import {ApiServer, errorsOf} from './api-server.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
  await server.workspace();
});
afterEach(() => server.remove());

async function pagesOf(path: string, token?: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const reply = await server.get(next, token);
    expect(reply.status).toBe(200);
    rows.push(...(reply.body as Record<string, unknown>[]));
    next = /^<([^>]+)>; rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1];
  }
  return rows;
}

describe('the list of audiences', () => {
  test('is sorted by any of its metrics, what has none last, page by page', async () => {
    const sizes = [3, 0, 7, 3, 12];
    for (const [index, size] of sizes.entries()) {
      const id = await server.audience({name: ['b', 'A', 'c', 'D', 'e'][index]});
      if (index === 1) continue;
      await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
      const members = Array.from({length: size}, (_, mpid): [bigint, number] => [BigInt(mpid), 1]);
      server.shards.members.set(id, new Map(members));
      server.shards.commit([{audience: id, mpid: 1n, action: ADD, atMs: server.nowMs - id}]);
    }
    const ids = async (sort: string): Promise<unknown[]> =>
      (await pagesOf(`/v1/audiences?sort=${sort}&limit=2`)).map(({id}) => id);
    expect(await ids('size')).toEqual([2, 1, 4, 3, 5]);
    expect(await ids('-size')).toEqual([5, 3, 4, 1, 2]);
    expect(await ids('name')).toEqual([2, 1, 3, 4, 5]);
    expect(await ids('-name')).toEqual([5, 4, 3, 1, 2]);
    // Adds over size; the draft has none.
    expect(await ids('volatility')).toEqual([5, 3, 1, 4, 2]);
    expect(await ids('-volatility')).toEqual([4, 1, 3, 5, 2]);
    expect(await ids('-id')).toEqual([5, 4, 3, 2, 1]);
    expect(await ids('-added_last_24_hours')).toEqual([5, 4, 3, 1, 2]);
    for (const query of ['sort=colour', 'sort=', 'sort=name&after=x', 'sort=size&limit=0']) {
      expect((await server.get(`/v1/audiences?${query}`)).status).toBe(422);
    }
  });

  test('goes on at its place when what was shown last is gone', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await server.audience({name});
    const first = await server.get('/v1/audiences?sort=name&limit=2');
    await server.want(204, 'DELETE', '/v1/audiences/2');
    const path = /^<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const rows = (await server.get(path)).body as {name: string}[];
    expect(rows.map(({name}) => name)).toEqual(['c', 'd']);
  });

  test('is filtered by owner, environment and access', async () => {
    const editor = await server.token('editor', {name: 'eve'});
    await server.audience({name: 'One'});
    await server.audience({name: 'Two', environment: 'development', access: 'view_only'}, editor);
    const ids = async (query: string): Promise<unknown[]> =>
      (await pagesOf(`/v1/audiences?${query}`)).map(({id}) => id);
    expect(await ids('owner=eve')).toEqual([2]);
    expect(await ids('environment=production')).toEqual([1]);
    expect(await ids('access=view_only')).toEqual([2]);
    expect(await ids('access=view_only&owner=admin')).toEqual([]);
    const refused = await server.get('/v1/audiences?environment=x&access=y');
    expect(errorsOf(refused).map(({path}) => path)).toEqual(['environment', 'access']);
  });
});

describe('the audit', () => {
  test('is asked by who, what, of which thing and when', async () => {
    const editor = await server.token('editor', {name: 'eve'});
    await server.audience({name: 'One'});
    server.nowMs += 1_000;
    await server.audience({name: 'Two'}, editor);
    await server.want(200, 'PATCH', '/v1/audiences/1', {name: 'Uno'}, editor);
    const actions = async (query: string): Promise<unknown[]> =>
      (await pagesOf(`/v1/audit?limit=1&${query}`)).map(({action, target}) => [action, target]);
    expect(await actions('who=eve')).toEqual([
      ['audience.update', 'audience/1'],
      ['audience.create', 'audience/2'],
    ]);
    expect(await actions('target=audience/1')).toEqual([
      ['audience.update', 'audience/1'],
      ['audience.create', 'audience/1'],
    ]);
    expect((await actions('action=audience')).length).toBe(3);
    expect(await actions('action=audience.create&who=admin')).toEqual([
      ['audience.create', 'audience/1'],
    ]);
    expect(await actions('action=aud')).toEqual([]);
    expect((await actions(`from_ms=${server.nowMs}`)).length).toBe(2);
    expect((await actions(`to_ms=${server.nowMs}&action=audience`)).length).toBe(1);
    expect((await server.get('/v1/audit?from_ms=x&to_ms=-1')).status).toBe(422);
  });

  test('of an audience is read by whoever sees the audience', async () => {
    const viewer = await server.token('viewer', {name: 'vic'});
    await server.audience({name: 'One'});
    await server.audience({name: 'Mine', access: 'private'});
    await server.want(200, 'PATCH', '/v1/audiences/1', {name: 'Uno'});
    const rows = await pagesOf('/v1/audiences/1/audit?limit=1', viewer);
    expect(rows.map(({action}) => action)).toEqual(['audience.update', 'audience.create']);
    expect((await server.get('/v1/audiences/2/audit', viewer)).status).toBe(404);
    expect((await server.get('/v1/audit', viewer)).status).toBe(403);
  });
});
