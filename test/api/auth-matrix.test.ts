import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {RouteAccess} from '../../server/api/permissions.ts';
import {serveRoute} from '../../server/api/serve-route.ts';
import {ApiServer, PURCHASE, errorsOf} from './api-server.ts';

const ROLES = ['admin', 'editor', 'viewer', 'subscriber'] as const;
const ALLOWED: Record<RouteAccess, readonly string[]> = {
  public: ROLES,
  viewer: ['admin', 'editor', 'viewer'],
  editor: ['admin', 'editor'],
  admin: ['admin'],
};

let server: ApiServer;
const tokens = new Map<string, string>();
beforeAll(async () => {
  server = await ApiServer.start();
  for (const role of ROLES) tokens.set(role, await server.token(role));
  await server.workspace();
  await server.audience();
});
afterAll(() => server.remove());

/** Ids that are there, so that a leak would be a 200 or a 409 and not a 404. */
function pathOf(pattern: string): string {
  return pattern.replaceAll(/:\w+/g, '1');
}

test('the matrix has every route', () => {
  expect(server.routes.length).toBeGreaterThan(25);
  const names = server.routes.map(({method, pattern}) => `${method} ${pattern}`);
  expect(new Set(names).size).toBe(names.length);
});

test('what is not public answers 401 without credentials and says how to get in', async () => {
  for (const {method, pattern, access} of server.routes) {
    const reply = await server.send(method, pathOf(pattern), undefined, {token: undefined});
    expect([pattern, reply.status]).toEqual([pattern, access === 'public' ? 200 : 401]);
    if (access === 'public') continue;
    expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="muster"');
    expect(errorsOf(reply)[0]?.code).toBe('UNAUTHORIZED');
  }
});

describe('what is not public answers 403, in the same words,', () => {
  const wrong: Record<string, Record<string, string>> = {
    'to a token that does not exist': {authorization: 'Bearer mst_wrong'},
    'to Basic credentials': {authorization: `Basic ${btoa('key:secret')}`},
    'to an empty token': {authorization: 'Bearer '},
    'to two tokens in one header': {authorization: 'Bearer a b'},
  };
  test.each(Object.entries(wrong))('%s', async (_name, headers) => {
    for (const {method, pattern, access} of server.routes) {
      if (access === 'public') continue;
      const options = {token: undefined, headers};
      const here = await server.send(method, pathOf(pattern), undefined, options);
      expect([pattern, here.status]).toEqual([pattern, 403]);
      const elsewhere = await server.send(
        method,
        pattern.replaceAll(/:\w+/g, '999'),
        undefined,
        options,
      );
      expect(elsewhere.text).toBe(here.text);
    }
  });
});

describe('a role', () => {
  test.each(ROLES)('%s reaches the routes it may and no other', async role => {
    for (const {method, pattern, access} of server.routes) {
      // An unreadable body: refused after the role was looked at and before anything is done.
      const hasBody = method === 'POST' || method === 'PATCH';
      const path = pattern.replaceAll(/:\w+/g, '999');
      const token = tokens.get(role);
      const reply = await server.send(method, path, hasBody ? '{' : undefined, {token});
      const isAllowed = ALLOWED[access].includes(role);
      expect([method, pattern, reply.status !== 403 && reply.status !== 401]).toEqual([
        method,
        pattern,
        isAllowed,
      ]);
    }
  });
});

test('a route that does not say who may call it does not start', () => {
  const [route] = server.routes;
  if (route === undefined) throw new Error('there are no routes');
  const careless = {...route, access: undefined as unknown as RouteAccess};
  const parts = {
    authenticator: server.authenticator,
    nowMs: () => 0,
    isReady: () => true,
    onError: () => undefined,
  };
  expect(() => serveRoute(careless, parts)).toThrow('does not say who may call it');
});

describe('access to an audience', () => {
  const make = async (access: string) =>
    server.audience({access, name: access}, tokens.get('editor'));
  const statuses = async (token: string | undefined, id: number) => {
    const send = (method: string, path: string, body?: unknown) =>
      server.send(method, `/v1/audiences/${id}${path}`, body, {token});
    return [
      (await send('GET', '')).status,
      (await send('GET', '/members')).status,
      (await send('PATCH', '', {description: 'changed'})).status,
      (await send('POST', '/activate')).status,
      (await send('PATCH', '', {access: 'usable'})).status,
    ];
  };

  test('private: its owner and admins; to all others it is not there', async () => {
    const other = await server.token('editor', {name: 'other'});
    const id = await make('private');
    expect(await statuses(other, id)).toEqual([404, 404, 404, 404, 404]);
    expect(await statuses(tokens.get('viewer'), id)).toEqual([404, 404, 403, 403, 403]);
    const listed = await server.want<{id: number}[]>(200, 'GET', '/v1/audiences', undefined, other);
    expect(listed.some(each => each.id === id)).toBe(false);
    expect(await statuses(tokens.get('admin'), id)).toEqual([200, 200, 200, 202, 200]);
  });

  test('view_only: seen by all, changed by its owner and admins', async () => {
    const other = await server.token('editor', {name: 'other'});
    const id = await make('view_only');
    expect(await statuses(other, id)).toEqual([200, 200, 403, 403, 403]);
    expect(await statuses(tokens.get('editor'), id)).toEqual([200, 200, 200, 202, 200]);
  });

  test('usable: changed by every editor, given away by its owner and admins', async () => {
    const other = await server.token('editor', {name: 'other'});
    const id = await make('usable');
    expect(await statuses(other, id)).toEqual([200, 200, 200, 202, 403]);
    const path = `/v1/audiences/${id}`;
    await server.want(422, 'PATCH', path, {owner: 'nobody of this name'});
    const given = await server.want(200, 'PATCH', path, {owner: 'other', access: 'private'});
    expect(given).toMatchObject({owner: 'other', access: 'private'});
    expect((await server.get(path, other)).status).toBe(200);
    expect((await server.get(path, tokens.get('editor'))).status).toBe(404);
  });

  test('a token with a list of audiences sees those and its own', async () => {
    const granted = await make('private');
    const usable = await make('usable');
    const narrow = await server.token('editor', {name: 'narrow', audiences: [granted]});
    expect((await server.get(`/v1/audiences/${granted}`, narrow)).status).toBe(200);
    expect((await server.get(`/v1/audiences/${usable}`, narrow)).status).toBe(404);
    const own = await server.audience({definition: PURCHASE}, narrow);
    expect((await server.get(`/v1/audiences/${own}`, narrow)).status).toBe(200);
  });
});

test('a revoked token is refused from that moment on', async () => {
  const body = {name: 'leaving', role: 'viewer'};
  const made = await server.want<{id: number; token: string}>(201, 'POST', '/v1/tokens', body);
  expect((await server.get('/v1/audiences', made.token)).status).toBe(200);
  expect((await server.send('DELETE', `/v1/tokens/${made.id}`)).status).toBe(204);
  expect((await server.get('/v1/audiences', made.token)).status).toBe(403);
});

test('while the server is not ready only public routes answer, and health says so', async () => {
  server.isReady = false;
  expect((await server.get('/healthz')).status).toBe(503);
  expect((await server.get('/v1/audiences')).status).toBe(503);
  expect((await server.get('/metrics')).text).toBe('muster_up 1\n');
  server.isReady = true;
  expect((await server.get('/healthz')).body).toEqual({status: 'ok'});
  server.errors.length = 0;
});
