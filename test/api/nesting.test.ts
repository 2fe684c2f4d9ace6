import {afterEach, beforeEach, expect, test} from 'vitest';
import {findChain, nestedReferences} from '../../server/catalog/nesting.ts';
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

function nests(...ids: number[]): unknown {
  return {
    and: [
      PURCHASE,
      ...ids.map(audience => ({exclude: {kind: 'audience', audience, operator: 'member'}})),
    ],
  };
}

test('an audience nests another from the moment that one is saved, calculated or not', async () => {
  const inner = await server.audience();
  await server.audience({definition: nests(inner)});
  expect(server.shards.audiences.size).toBe(2);
});

test('a circle is refused and spelled out', async () => {
  await server.audience();
  await server.audience({definition: nests(1)});
  await server.audience({definition: nests(2)});
  const refused = await server.send('PATCH', '/v1/audiences/1', {definition: nests(3)});
  expect(refused.status).toBe(422);
  expect(errorsOf(refused)).toEqual([
    {
      code: 'UNPROCESSABLE',
      path: 'definition.and[1].exclude.audience',
      message: 'audiences would nest one another: 1 → 3 → 2 → 1',
    },
  ]);
  const self = await server.send('PATCH', '/v1/audiences/1', {definition: nests(1)});
  expect(errorsOf(self)[0]?.message).toContain('1 → 1');
  expect((await server.want(200, 'GET', '/v1/audiences/1'))['definition']).toEqual(PURCHASE);
});

test('two saves at once that would make a circle together: one of them is refused', async () => {
  await server.audience();
  await server.audience();
  const replies = await Promise.all([
    server.send('PATCH', '/v1/audiences/1', {definition: nests(2)}),
    server.send('PATCH', '/v1/audiences/2', {definition: nests(1)}),
  ]);
  expect(replies.map(({status}) => status).toSorted((a, b) => a - b)).toEqual([200, 422]);
});

test('what others nest can be neither deleted nor emptied, and they are named', async () => {
  await server.audience();
  await server.audience({name: 'Outer', definition: nests(1)});
  await server.audience({name: 'Other outer', definition: nests(1)});
  for (const refused of [
    await server.send('DELETE', '/v1/audiences/1'),
    await server.send('PATCH', '/v1/audiences/1', {definition: null}),
  ]) {
    expect(refused.status).toBe(409);
    expect(errorsOf(refused)[0]?.code).toBe('CONFLICT');
    expect(errorsOf(refused)[0]?.message).toContain('2 (Outer), 3 (Other outer)');
  }
  await server.want(200, 'PATCH', '/v1/audiences/2', {definition: PURCHASE});
  await server.want(204, 'DELETE', '/v1/audiences/3');
  await server.want(204, 'DELETE', '/v1/audiences/1');
});

test('audiences of the two environments do not nest one another', async () => {
  await server.audience({name: 'Try-out', environment: 'development'});
  await server.audience({name: 'Inner'});
  const message =
    'audience 1 is of the development environment, and this is production: their data live apart';
  const path = 'definition.and[1].exclude.audience';
  const scope = {workspaces: [1], definition: nests(1)};
  for (const refused of [
    await server.send('POST', '/v1/audiences', {name: 'Outer', ...scope}),
    await server.send('PATCH', '/v1/audiences/2', {definition: nests(1)}),
  ]) {
    expect(refused.status).toBe(422);
    expect(errorsOf(refused)).toEqual([{code: 'UNPROCESSABLE', path, message}]);
  }
  const misshapen = await server.send('POST', '/v1/audiences', {...scope, name: 7});
  expect(errorsOf(misshapen)).toContainEqual({code: 'UNPROCESSABLE', path, message});
  await server.audience({name: 'Outer', definition: nests(2)});
  const moved = await server.send('PATCH', '/v1/audiences/2', {environment: 'development'});
  expect(moved.status).toBe(409);
  expect(errorsOf(moved)[0]?.message).toContain('while others nest it: 3 (Outer)');
  const outer = await server.send('PATCH', '/v1/audiences/3', {environment: 'development'});
  expect(errorsOf(outer)[0]?.message).toContain('is of the production environment');
  await server.audience({environment: 'development', definition: nests(1)});
});

test('an audience without a definition, or unknown, cannot be nested', async () => {
  await server.audience({definition: null});
  const empty = await server.send('POST', '/v1/audiences', {
    name: 'Outer',
    workspaces: [1],
    definition: nests(1),
  });
  expect(empty.status).toBe(422);
  expect(errorsOf(empty)[0]?.message).toBe('audience 1 has no definition yet');
  const unknown = await server.send('POST', '/v1/audiences', {
    name: 'Outer',
    workspaces: [1],
    definition: nests(99),
  });
  expect(unknown.status).toBe(422);
});

test('who may not use an audience cannot nest it, and learns nothing of it', async () => {
  const editor = await server.token('editor', {name: 'eve'});
  await server.audience({access: 'private'});
  await server.audience({access: 'view_only'});
  const ask = async (id: number) =>
    errorsOf(
      await server.send(
        'POST',
        '/v1/audiences',
        {name: 'Outer', workspaces: [1], definition: nests(id)},
        {token: editor},
      ),
    )[0]?.message.replace(String(id), 'N');
  expect(await ask(1)).toBe(await ask(99));
  expect(await ask(2)).toBe(await ask(99));
});

test('a restored version is judged by what exists now', async () => {
  await server.audience();
  await server.audience({definition: nests(1)});
  await server.want(200, 'PATCH', '/v1/audiences/2', {definition: PURCHASE});
  await server.want(204, 'DELETE', '/v1/audiences/1');
  expect((await server.send('POST', '/v1/audiences/2/versions/1/restore')).status).toBe(422);
});

test('a chain of ten thousand audiences is followed without recursion', () => {
  const chain = findChain(1, 10_000, id => (id < 10_000 ? [id + 1] : []));
  expect(chain).toHaveLength(10_000);
  expect(findChain(1, -1, id => (id < 10_000 ? [id + 1, 1] : [1]))).toBeUndefined();
});

test('references are found wherever an expression may stand', () => {
  const definition = {
    or: [
      {kind: 'audience', audience: 3, operator: 'member'},
      {and: [{exclude: {kind: 'audience', audience: 4, operator: 'not_member'}}, PURCHASE]},
    ],
  };
  expect(nestedReferences(definition)).toEqual([
    {audience: 3, path: 'definition.or[0].audience'},
    {audience: 4, path: 'definition.or[1].and[0].exclude.audience'},
  ]);
});
