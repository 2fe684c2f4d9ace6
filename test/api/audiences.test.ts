import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {AudienceStates} from '../../server/api/audience-states.ts';
import {ApiServer, PURCHASE, errorsOf} from './api-server.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
  await server.workspace();
});
afterEach(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

test('an audience has every field of the contract, in its order', async () => {
  const made = await server.want(201, 'POST', '/v1/audiences', {
    name: 'Buyers',
    workspaces: [1],
    definition: PURCHASE,
    tags: ['Retargeting', 'Retargeting'],
  });
  expect(Object.entries(made)).toEqual(
    Object.entries({
      id: 1,
      name: 'Buyers',
      external_name: null,
      description: '',
      environment: 'production',
      workspaces: [1],
      inputs: null,
      definition: PURCHASE,
      version: 1,
      status: 'draft',
      is_calculated: false,
      progress: 0,
      size: 0,
      added_last_24_hours: 0,
      dropped_last_24_hours: 0,
      volatility: null,
      connected_outputs: 0,
      tags: ['Retargeting'],
      access: 'usable',
      owner: 'admin',
      created_by: 'admin',
      created_ms: server.nowMs,
      last_modified_by: 'admin',
      last_modified_ms: server.nowMs,
      faults: [],
      variants: [],
    }),
  );
  expect(await server.want(200, 'GET', '/v1/audiences/1')).toEqual(made);
});

test('every shard has the definition of a draft before it is answered', async () => {
  await server.audience({inputs: null, environment: 'development'});
  expect(server.shards.audiences.get(1)).toMatchObject({
    id: 1,
    version: 1,
    active: false,
    workspaces: [1],
    environment: 'development',
    expression: {kind: 'criterion', criterion: {kind: 'commerce', name: 'purchase'}},
  });
});

test('activating answers at once with the audience, which then fills', async () => {
  const id = await server.audience();
  server.shards.progress = 0.25;
  const activated = await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
  expect(activated).toMatchObject({status: 'active', is_calculated: false, progress: 0.25});
  server.shards.progress = 1;
  server.shards.members.set(id, new Map([5n, 7n, -9n].map(mpid => [mpid, 1])));
  const filled = await server.want(200, 'GET', `/v1/audiences/${id}`);
  expect(filled).toMatchObject({is_calculated: true, progress: 1, size: 3, volatility: 0});
  expect(server.shards.audiences.get(id)?.active).toBe(true);
  await server.want(202, 'POST', `/v1/audiences/${id}/activate`);

  const stopped = await server.want(200, 'POST', `/v1/audiences/${id}/deactivate`);
  expect(stopped).toMatchObject({status: 'inactive', is_calculated: false, size: 0});
  expect(server.shards.audiences.get(id)?.active).toBe(false);
});

test('an audience without a definition is a draft that cannot be activated', async () => {
  const id = await server.audience({definition: undefined});
  expect(server.shards.defined).toEqual([]);
  const refused = await server.send('POST', `/v1/audiences/${id}/activate`);
  expect(refused.status).toBe(422);
  expect(errorsOf(refused)[0]).toMatchObject({code: 'UNPROCESSABLE', path: 'definition'});
  expect((await server.send('POST', `/v1/audiences/${id}/deactivate`)).status).toBe(409);
});

describe('changing', () => {
  test('only what is given changes, and null empties', async () => {
    const id = await server.audience({external_name: 'EXT', description: 'old', tags: ['a']});
    server.nowMs += 1_000;
    const before = await server.want(200, 'GET', `/v1/audiences/${id}`);
    const after = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {
      external_name: null,
      tags: ['b'],
    });
    expect(after).toEqual({
      ...before,
      external_name: null,
      tags: ['b'],
      last_modified_ms: server.nowMs,
    });
  });

  test('a new definition is a new version, the same one again is not', async () => {
    const id = await server.audience();
    const other = {kind: 'screen_view', name: 'Home'};
    const {version} = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {definition: other});
    expect(version).toBe(2);
    expect(server.shards.audiences.get(id)?.version).toBe(2);
    const again = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {
      definition: {name: 'Home', kind: 'screen_view'},
    });
    expect(again['version']).toBe(2);
    const renamed = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {name: 'New'});
    expect(renamed).toMatchObject({version: 2, name: 'New'});
    expect(server.shards.defined).toHaveLength(2);
  });

  test('another scope means another thing, so it is a new version too', async () => {
    const id = await server.audience();
    const second = await server.workspace('Second');
    const made = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {workspaces: [1, second]});
    expect(made['version']).toBe(2);
    expect(server.shards.audiences.get(id)?.workspaces).toEqual([1, second]);
  });

  test('a definition that does not fit the new scope is refused and nothing changes', async () => {
    const second = await server.workspace('Second');
    const definition = {...PURCHASE, workspaces: [second]};
    const id = await server.audience({workspaces: [1, second], definition});
    const before = await server.want(200, 'GET', `/v1/audiences/${id}`);
    const refused = await server.send('PATCH', `/v1/audiences/${id}`, {workspaces: [1], name: 'X'});
    expect(refused.status).toBe(422);
    expect(errorsOf(refused)[0]?.path).toMatch(/^definition\.workspaces/);
    expect(await server.want(200, 'GET', `/v1/audiences/${id}`)).toEqual(before);
  });

  test('without its definition an active audience is a draft again, and numbers go on', async () => {
    const id = await server.audience();
    await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
    const emptied = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {definition: null});
    expect(emptied).toMatchObject({status: 'draft', version: 0, definition: null});
    expect(server.shards.audiences.has(id)).toBe(false);
    const again = await server.want(200, 'PATCH', `/v1/audiences/${id}`, {definition: PURCHASE});
    expect(again).toMatchObject({status: 'draft', version: 2});
  });
});

test('all faults are told at once, each with its place', async () => {
  const shape = await server.send('POST', '/v1/audiences', {
    name: '',
    workspaces: [1, 'x'],
    tags: ['x'.repeat(19)],
    access: 'public',
    size: 3,
    __proto__x: 1,
  });
  expect(shape.status).toBe(422);
  expect(errorsOf(shape).map(({path}) => path)).toEqual(
    expect.arrayContaining(['name', 'workspaces[1]', 'tags[0]', 'access', 'size', '__proto__x']),
  );
  const meaning = await server.send('POST', '/v1/audiences', {
    name: 'Bad',
    workspaces: [1, 77],
    inputs: [9],
    definition: {and: [{kind: 'event'}, {kind: 'audience', audience: 44, operator: 'member'}]},
  });
  expect(meaning.status).toBe(422);
  expect(errorsOf(meaning).map(({path}) => path)).toEqual(
    expect.arrayContaining(['workspaces[1]', 'inputs[0]', 'definition.and[0].name']),
  );
  expect(errorsOf(meaning).some(({path = ''}) => path.startsWith('definition.and[1]'))).toBe(true);
  // A fault of the shape hides none of the meaning, whatever can still be read of the scope.
  const definition = {or: [PURCHASE, {kind: 'evnt'}, {kind: 'event', workspaces: [1]}]};
  const both = [
    {body: {definition}, paths: ['name', 'workspaces']},
    {body: {name: 5, workspaces: ['1'], definition}, paths: ['name', 'workspaces[0]']},
    {body: {name: 'A', workspaces: [77], tags: 'a', definition}, paths: ['tags', 'workspaces[0]']},
  ];
  for (const {body, paths} of both) {
    const told = errorsOf(await server.send('POST', '/v1/audiences', body)).map(({path}) => path);
    const within = ['definition.or[1].kind', 'definition.or[2].name'];
    expect(told).toEqual(expect.arrayContaining([...paths, ...within]));
    expect(new Set(told).size).toBe(told.length);
  }
  expect(await server.want(200, 'GET', '/v1/audiences')).toEqual([]);
  const id = await server.audience();
  const patched = await server.send('PATCH', `/v1/audiences/${id}`, {tags: 1, definition});
  expect(errorsOf(patched).map(({path}) => path)).toEqual([
    'tags',
    'definition.or[1].kind',
    'definition.or[2].name',
  ]);
  expect((await server.send('PATCH', '/v1/audiences/999', {tags: 1, definition})).status).toBe(404);
});

test('tags have at most 18 characters, and there may be many of them', async () => {
  const tags = Array.from({length: 1_000}, (_, number) => `number ${number}`);
  const id = await server.audience({tags: [...tags.slice(1), '🎯'.repeat(18)]});
  const refused = await server.send('PATCH', `/v1/audiences/${id}`, {tags: ['x'.repeat(19), '']});
  expect(refused.status).toBe(422);
  expect(errorsOf(refused).map(({path}) => path)).toEqual(['tags[0]', 'tags[1]']);
  await server.audience({tags: ['number 7']});
  const found = await server.want<{id: number}[]>(200, 'GET', '/v1/audiences?tag=number%207');
  expect(found).toHaveLength(2);
  await server.want(200, 'PATCH', `/v1/audiences/${id}`, {tags: []});
  expect(await server.want(200, 'GET', '/v1/audiences?tag=number%207')).toHaveLength(1);
});

test("a clone is a draft of one's own with the same definition and tags", async () => {
  const editor = await server.token('editor', {name: 'eve'});
  const id = await server.audience({tags: ['t'], external_name: 'EXT'});
  await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
  const clone = await server.want(201, 'POST', `/v1/audiences/${id}/clone`, undefined, editor);
  expect(clone).toMatchObject({
    name: 'Copy of Buyers',
    status: 'draft',
    version: 1,
    tags: ['t'],
    owner: 'eve',
    definition: PURCHASE,
  });
  const named = await server.want(201, 'POST', `/v1/audiences/${id}/clone`, {name: 'Mine'});
  expect(named['name']).toBe('Mine');
});

test('every saved definition can be seen and restored as a new version', async () => {
  const id = await server.audience();
  const other = {kind: 'screen_view', name: 'Home'};
  await server.want(200, 'PATCH', `/v1/audiences/${id}`, {definition: other});
  const path = `/v1/audiences/${id}/versions`;
  const versions = await server.want<{version: number; definition: unknown}[]>(200, 'GET', path);
  expect(versions.map(({version, definition}) => ({version, definition}))).toEqual([
    {version: 2, definition: other},
    {version: 1, definition: PURCHASE},
  ]);
  const restored = await server.want(200, 'POST', `${path}/1/restore`);
  expect(restored).toMatchObject({version: 3, definition: PURCHASE});
  expect((await server.send('POST', `${path}/9/restore`)).status).toBe(404);
});

test('deleted means gone: here, in the shards, and its id for ever', async () => {
  const id = await server.audience();
  expect((await server.send('DELETE', `/v1/audiences/${id}`)).status).toBe(204);
  expect((await server.get(`/v1/audiences/${id}`)).status).toBe(404);
  expect((await server.send('DELETE', `/v1/audiences/${id}`)).status).toBe(404);
  expect(server.shards.audiences.has(id)).toBe(false);
  expect(await server.audience()).toBe(id + 1);
});

describe('lists', () => {
  test('are filtered by workspace, tags (all of them), status, view and text', async () => {
    const second = await server.workspace('Second');
    const editor = await server.token('editor', {name: 'eve'});
    await server.audience({name: 'One', tags: ['a', 'b']});
    await server.audience({name: 'Two', tags: ['a'], workspaces: [1, second]});
    await server.audience({name: 'Three', external_name: 'ONEROUS', workspaces: [second]}, editor);
    await server.want(202, 'POST', '/v1/audiences/2/activate');
    const ids = async (query: string, token?: string) => {
      const path = `/v1/audiences?${query}`;
      const rows = await server.want<{id: number}[]>(200, 'GET', path, undefined, token);
      return rows.map(({id}) => id);
    };
    expect(await ids('')).toEqual([1, 2, 3]);
    expect(await ids(`workspace=${second}`)).toEqual([2, 3]);
    expect(await ids('tag=a')).toEqual([1, 2]);
    expect(await ids('tag=a&tag=b')).toEqual([1]);
    expect(await ids('status=active')).toEqual([2]);
    const counted = await server.get('/v1/audiences?status=draft&limit=1');
    expect(counted.headers.get('x-total-count')).toBe('2');
    expect(await ids('view=single')).toEqual([1, 3]);
    expect(await ids('view=multi')).toEqual([2]);
    expect(await ids('view=shared', editor)).toEqual([1, 2]);
    expect(await ids('q=one')).toEqual([1, 3]);
    const refused = await server.get('/v1/audiences?status=on&view=all&workspace=x');
    expect(refused.status).toBe(422);
    expect(errorsOf(refused).map(({path}) => path)).toEqual(['workspace', 'status', 'view']);
  });

  test('lead from page to page and end', async () => {
    for (let i = 0; i < 5; i++) await server.audience({name: `A ${i}`, tags: ['x y']});
    const seen: number[] = [];
    let path: string | undefined = '/v1/audiences?tag=x%20y&limit=2';
    while (path !== undefined) {
      const reply = await server.get(path);
      seen.push(...(reply.body as {id: number}[]).map(({id}) => id));
      path = /^<([^>]+)>; rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    for (const query of ['limit=0', 'limit=10001', 'limit=x', 'after=x']) {
      expect((await server.get(`/v1/audiences?${query}`)).status).toBe(422);
    }
  });
});

test('many who ask at once share one question to the shards, none older than its asking', async () => {
  const id = await server.audience();
  await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
  const states = new AudienceStates(server.shards);
  const before = server.shards.stateCalls;
  const early = states.read();
  await Promise.resolve();
  server.shards.members.set(id, new Map([[5n, 1]]));
  const late = await Promise.all(Array.from({length: 40}, () => states.read()));
  expect(late.map(known => known.get(id)?.size)).toEqual(late.map(() => 1));
  expect((await early).get(id)?.version).toBe(1);
  expect(server.shards.stateCalls - before).toBe(2);
});

test('one that a shard cannot calculate says so', async () => {
  const id = await server.audience({definition: PURCHASE});
  await server.want(202, 'POST', `/v1/audiences/${id}/activate`);
  server.shards.failed = 'a defect';
  const {faults} = await server.want(200, 'GET', `/v1/audiences/${id}`);
  expect(faults).toEqual([
    {
      connection: null,
      path: 'definition',
      message:
        'cannot be calculated, through a defect of the server: a defect. Its members stay as they are ' +
        'until it is saved anew, or a version of the server that can calculate it is started',
    },
  ]);
});

test('when no shard can be told it is said, and the next start tells them', async () => {
  server.shards.isDown = true;
  const body = {name: 'Late', workspaces: [1], definition: PURCHASE};
  const reply = await server.send('POST', '/v1/audiences', body);
  expect(reply.status).toBe(503);
  expect(errorsOf(reply)[0]?.message).toBe('the change is saved but not yet in effect');
  expect(server.errors.splice(0)).toHaveLength(1);
  server = await server.restart();
  await server.audiences.resendAll();
  expect([...server.shards.audiences.keys()]).toEqual([1]);
});

test('when the ids of audiences are used up no more are made', async () => {
  // Membership lists have 21 bits for them.
  await server.catalog.store.change(write => {
    write.put('#counters' as 'facts', 'audiences' as never, 2 ** 21 - 2);
  });
  const body = {name: 'Last', workspaces: [1], definition: PURCHASE};
  const last = await server.want(201, 'POST', '/v1/audiences', body);
  expect(last['id']).toBe(2 ** 21 - 1);
  for (let attempt = 0; attempt < 2; attempt++) {
    const reply = await server.send('POST', '/v1/audiences', body);
    expect(reply.status).toBe(409);
    expect(errorsOf(reply)[0]?.message).toMatch(/2097151 audiences/);
  }
});
