import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {ADD, ATTRIBUTE_UPDATE, DELETE} from '../../engine/deltas.ts';
import {scopeOf} from '../../engine/ids.ts';
import type {ProfileView} from '../../server/shards/protocol.ts';
import {ApiServer, DAY_MS} from './api-server.ts';

const MIN_MPID = -(2n ** 63n);
const MAX_MPID = 2n ** 63n - 1n;

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
  await server.workspace();
  await server.audience();
  await server.want(202, 'POST', '/v1/audiences/1/activate');
});
afterEach(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

describe('members', () => {
  const mpids = [MIN_MPID, -1_327_484_737_295_091_692n, -3n, -2n, 0n, 1n, 2n, 3n, 9n, MAX_MPID];

  test('come from all shards in the order of their numbers, page by page', async () => {
    server.shards.members.set(1, new Map(mpids.toReversed().map((mpid, at) => [mpid, at])));
    const seen: {mpid: string; since_ms: number}[] = [];
    const sizes: number[] = [];
    let path: string | undefined = '/v1/audiences/1/members?limit=4';
    while (path !== undefined) {
      const reply = await server.get(path);
      const rows = reply.body as typeof seen;
      seen.push(...rows);
      sizes.push(rows.length);
      path = /^<([^>]+)>; rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1];
    }
    expect(seen.map(({mpid}) => mpid)).toEqual(mpids.map(String));
    expect(seen[0]).toEqual({mpid: '-9223372036854775808', since_ms: 9});
    expect(sizes).toEqual([4, 4, 2]);
  });

  test('of a variant are asked for until a page is full', async () => {
    server.shards.members.set(1, new Map(mpids.map(mpid => [mpid, 0])));
    const path = '/v1/audiences/1/members?variant=Even&limit=3';
    const first = await server.get(path);
    expect((first.body as {mpid: string}[]).map(({mpid}) => mpid)).toEqual([
      String(MIN_MPID),
      '-1327484737295091692',
      '-2',
    ]);
    expect(first.headers.get('link')).toContain('variant=Even');
    const rest = await server.get(`${path}&after=-2`);
    expect((rest.body as {mpid: string}[]).map(({mpid}) => mpid)).toEqual(['0', '2']);
    expect(rest.headers.get('link')).toBeNull();
    expect((await server.get('/v1/audiences/1/members?variant=Odd')).status).toBe(422);
  });

  test('one by one: member since when, or not', async () => {
    server.shards.members.set(1, new Map([[MAX_MPID, 17]]));
    expect(await server.want(200, 'GET', `/v1/audiences/1/members/${MAX_MPID}`)).toMatchObject({
      mpid: '9223372036854775807',
      member: true,
      since_ms: 17,
      until_ms: 30,
      is_known: true,
    });
    expect(await server.want(200, 'GET', '/v1/audiences/1/members/-5')).toEqual({
      mpid: '-5',
      member: false,
      since_ms: null,
      until_ms: null,
      is_known: false,
      at_ms: null,
      forgotten_ms: null,
      in_population: false,
      version: null,
      is_calculated: false,
      why: null,
    });
    for (const wrong of ['x', '1.5', '9223372036854775808', '--1', '']) {
      expect((await server.get(`/v1/audiences/1/members/${wrong}`)).status).toBe(404);
    }
  });

  test('an audience that is not active has none', async () => {
    server.shards.members.set(1, new Map([[5n, 1]]));
    await server.want(200, 'POST', '/v1/audiences/1/deactivate');
    expect(await server.want(200, 'GET', '/v1/audiences/1/members')).toEqual([]);
  });
});

describe('a profile', () => {
  const mpid = -1_327_484_737_295_091_692n;
  const view: ProfileView = {
    mpid,
    firstSeenMs: 10,
    lastSeenMs: 20,
    scopes: [
      {
        scope: scopeOf(1, 'production'),
        firstSeenMs: 10,
        lastSeenMs: 20,
        attributes: [
          ['tier', 'gold'],
          ['tag', null],
          ['films', ['Chicago']],
          ['__proto__', 'only a name'],
        ],
        identities: [
          ['email', 'h.jekyll@example.com'],
          ['customer_id', 'hj'],
        ],
        consent: [{regulation: 'gdpr', purpose: 'marketing', consented: true, timeMs: 12}],
        device: [['platform', 'ios']],
        location: undefined,
      },
    ],
    audiences: [
      {audience: 1, sinceMs: 15},
      {audience: 99, sinceMs: 15},
    ],
  };

  test('is told in full, by mpid or by an identity', async () => {
    server.shards.profiles.set(mpid, view);
    server.identities.set('email:h.jekyll@example.com', mpid);
    const {text, body} = await server.get(`/v1/profiles/${mpid}`);
    expect(text).toContain('"__proto__":"only a name"');
    expect(body).toMatchObject({
      mpid: '-1327484737295091692',
      first_seen_ms: 10,
      last_seen_ms: 20,
      workspaces: [
        {
          workspace: 1,
          environment: 'production',
          user_attributes: {tier: 'gold', tag: null, films: ['Chicago']},
          identities: {email: 'h.jekyll@example.com', customer_id: 'hj'},
          consent: [{regulation: 'gdpr', purpose: 'marketing', consented: true, at_ms: 12}],
          device: {platform: 'ios'},
          location: null,
        },
      ],
      audiences: [{id: 1, name: 'Buyers', since_ms: 15}],
    });
    const query = '?identity=email&value=h.jekyll%40example.com';
    expect((await server.get(`/v1/profiles${query}`)).text).toBe(text);
    expect((await server.get('/v1/profiles?identity=email&value=x')).status).toBe(404);
    server.identities.set('other_id_2:o', mpid);
    for (const spelling of ['other_id_2', 'other2', 'Other2']) {
      const found = await server.want(200, 'GET', `/v1/profiles?identity=${spelling}&value=o`);
      expect(found['mpid']).toBe(String(mpid));
    }
    const misspelt = await server.want(422, 'GET', '/v1/profiles?identity=emial&value=x');
    expect(misspelt['errors']).toMatchObject([
      {path: 'identity', message: expect.stringContaining('did you mean "email"') as string},
    ]);
    expect((await server.get('/v1/profiles?identity=email')).status).toBe(422);
    expect((await server.get('/v1/profiles/7')).status).toBe(404);
  });

  test('is found by an identity in the environment asked for, else in production, else in development', async () => {
    server.shards.profiles.set(mpid, view).set(7n, {...view, mpid: 7n});
    server.identities.set('development:email:h.jekyll@example.com', 7n);
    const path = '/v1/profiles?identity=email&value=h.jekyll%40example.com';
    expect(await server.want(200, 'GET', path)).toMatchObject({mpid: '7'});
    expect((await server.get(`${path}&environment=production`)).status).toBe(404);
    server.identities.set('email:h.jekyll@example.com', mpid);
    expect(await server.want(200, 'GET', path)).toMatchObject({mpid: String(mpid)});
    const development = await server.want(200, 'GET', `${path}&environment=development`);
    expect(development).toMatchObject({mpid: '7'});
    const staging = await server.want(422, 'GET', `${path}&environment=staging`);
    expect(staging['errors']).toMatchObject([{path: 'environment'}]);
  });

  test('shows a token the identities it is granted, and finds it by no other', async () => {
    server.shards.profiles.set(mpid, view);
    server.identities.set('email:h.jekyll@example.com', mpid);
    const token = await server.token('viewer', {identities: ['customer_id']});
    const {body} = await server.get(`/v1/profiles/${mpid}`, token);
    expect(body).toMatchObject({workspaces: [{identities: {customer_id: 'hj'}}]});
    const query = '?identity=email&value=h.jekyll%40example.com';
    expect((await server.get(`/v1/profiles${query}`, token)).status).toBe(404);
  });

  test('is erased once', async () => {
    server.shards.profiles.set(mpid, view);
    expect((await server.send('DELETE', `/v1/profiles/${mpid}`)).status).toBe(204);
    expect((await server.send('DELETE', `/v1/profiles/${mpid}`)).status).toBe(404);
    expect(server.erased).toEqual([mpid, mpid]);
  });
});

test('adds and drops are counted by the moments of the deltas, for a day', async () => {
  const now = server.nowMs;
  server.shards.commit([
    {audience: 1, mpid: 1n, action: ADD, atMs: now - 2 * DAY_MS},
    {audience: 1, mpid: 2n, action: ADD, atMs: now - 1_000},
    {audience: 1, mpid: 3n, action: ADD, atMs: now - 3 * 60_000},
    {audience: 1, mpid: 2n, action: DELETE, atMs: now},
    {audience: 1, mpid: 3n, action: ATTRIBUTE_UPDATE, atMs: now},
    {audience: 2, mpid: 3n, action: ADD, atMs: now},
  ]);
  server.shards.members.set(1, new Map([1n, 3n].map(mpid => [mpid, 1])));
  expect(await server.want(200, 'GET', '/v1/audiences/1')).toMatchObject({
    size: 2,
    added_last_24_hours: 2,
    dropped_last_24_hours: 1,
    volatility: 1.5,
  });
  server.nowMs += DAY_MS + 60_000;
  expect(await server.want(200, 'GET', '/v1/audiences/1')).toMatchObject({
    added_last_24_hours: 0,
    dropped_last_24_hours: 0,
    volatility: 0,
  });
});
