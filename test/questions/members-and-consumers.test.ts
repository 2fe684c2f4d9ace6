import {afterAll, beforeAll, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {type Json, ServerClient, type Shop} from '../support/server-client.ts';

let server: LiveServer;
let client: ServerClient;
let shop: Shop;

beforeAll(async () => {
  server = await LiveServer.start();
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
});

afterAll(async () => {
  client.close();
  await server.remove();
});

test('a sample is of members, whole, spread over the shards, and the same each time', async () => {
  const id = await client.audience(shop, 'Gold', {
    kind: 'user_attribute',
    attribute: 'tier',
    operator: 'exact_match',
    value: 'gold',
  });
  for (let mpid = 1; mpid <= 60; mpid++) {
    const tier = mpid % 3 === 0 ? 'tin' : 'gold';
    await client.take(shop, {
      mpid,
      environment: 'production',
      events: [],
      user_attributes: {tier},
    });
  }
  await client.filled();
  type Sample = {mpid: string; since_ms: number; profile: Json}[];
  const sample = await client.api<Sample>('GET', `/v1/audiences/${id}/sample`);
  expect(sample.length).toBe(10);
  const members = await client.members(id);
  for (const {mpid, since_ms, profile} of sample) {
    expect(members).toContain(mpid);
    expect(since_ms).toBeGreaterThan(0);
    expect(profile).toEqual(await client.profile(mpid));
  }
  // Drawn, not the first ones.
  expect(sample.map(({mpid}) => mpid)).not.toEqual(members.slice(0, 10));
  expect(await client.api('GET', `/v1/audiences/${id}/sample`)).toEqual(sample);
  expect((await client.api<Sample>('GET', `/v1/audiences/${id}/sample?limit=100`)).length).toBe(40);
  expect((await client.raw('GET', `/v1/audiences/${id}/sample?limit=101`)).status).toBe(422);
  await client.api('POST', `/v1/audiences/${id}/deactivate`);
  expect(await client.api('GET', `/v1/audiences/${id}/sample`)).toEqual([]);
});

test('consumers are those that nest it, at any depth, and whom it was granted to', async () => {
  const make = async (name: string, nested?: number, access = 'usable'): Promise<number> => {
    const definition =
      nested === undefined
        ? {kind: 'install'}
        : {kind: 'audience', audience: nested, operator: 'member'};
    const body = {name, workspaces: [shop.workspace], definition, access};
    return (await client.api<{id: number}>('POST', '/v1/audiences', body)).id;
  };
  const base = await make('Base');
  const near = await make('Near', base);
  const far = await make('Far', near, 'private');
  await client.api('POST', '/v1/tokens', {name: 'crm', role: 'subscriber', audiences: [base]});
  const {token} = await client.api<{token: string}>('POST', '/v1/tokens', {
    name: 'eve',
    role: 'viewer',
  });
  expect(await client.api('GET', `/v1/audiences/${base}/consumers`)).toEqual({
    nested_by: [
      {id: near, name: 'Near', status: 'draft', direct: true},
      {id: far, name: 'Far', status: 'draft', direct: false},
    ],
    hidden: 0,
    connections: [],
    subscribers: [{id: expect.any(Number), name: 'crm'}],
  });
  const seen = await client.send('GET', `/v1/audiences/${base}/consumers`, {
    headers: {authorization: `Bearer ${token}`},
  });
  expect(seen.body).toEqual({
    nested_by: [{id: near, name: 'Near', status: 'draft', direct: true}],
    hidden: 1,
    connections: [],
    subscribers: [],
  });
});
