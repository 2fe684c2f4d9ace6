/** Calculated attributes on the whole server: made, changed and deleted over the API, and what profiles have of them. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {ADMIN_TOKEN} from '../support/server-process.ts';

const DAY_MS = 86_400_000;
const PATH = '/v1/calculated_attributes';
const folder = mkdtempSync(join(tmpdir(), 'muster-calculated-'));
let server: RunningServer;
let client: ServerClient;
let shop: Shop;

beforeAll(async () => {
  server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: folder,
    shards: 2,
    eventRetentionMs: 30 * DAY_MS,
    profileRetentionMs: 30 * DAY_MS,
    adminToken: ADMIN_TOKEN,
  });
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
});

afterAll(async () => {
  client.close();
  await server.stop();
  rmSync(folder, {recursive: true});
});

function purchase(mpid: string, totalAmount: number, timeMs: number): Json {
  const data = {
    product_action: {action: 'purchase', total_amount: totalAmount},
    timestamp_unixtime_ms: timeMs,
  };
  return {mpid, events: [{event_type: 'commerce_event', data}]};
}

async function values(mpid = '5'): Promise<unknown> {
  const {workspaces} = await client.api<{workspaces: Json[]}>('GET', `/v1/profiles/${mpid}`);
  return workspaces[0]?.['calculated_attributes'];
}

async function calculated(): Promise<void> {
  for (;;) {
    const all = await client.api<{is_calculated: boolean}[]>('GET', PATH);
    if (all.every(each => each.is_calculated)) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

test('profiles have the value of what they did before and since, as it is changed and deleted', async () => {
  const boughtMs = Date.now() - 3 * DAY_MS;
  await client.take(shop, purchase('5', 20, boughtMs));
  expect(await values()).toEqual({});
  const {id} = await client.api<{id: number}>('POST', PATH, {
    name: 'spent',
    workspace: shop.workspace,
    calculation: 'sum',
    event: {kind: 'commerce', action: 'purchase'},
    attribute: '$total_amount',
    when: {within: '7d'},
  });
  await calculated();
  expect(await values()).toEqual({spent: 20});
  await client.take(shop, purchase('5', 0.1, Date.now()));
  expect(await values()).toEqual({spent: 20.1});
  const rich = await client.audience(shop, 'Rich', {
    kind: 'calculated_attribute',
    name: 'spent',
    operator: 'greater_than',
    value: 20,
  });
  await client.filled();
  expect(await client.members(rich)).toEqual(['5']);
  await client.api('PATCH', `${PATH}/${id}`, {when: {within: '1d'}});
  await calculated();
  await client.filled();
  expect(await values()).toEqual({spent: 0.1});
  expect(await client.members(rich)).toEqual([]);
  await client.api('PATCH', `${PATH}/${id}`, {
    calculation: 'last_occurrence_timestamp',
    attribute: null,
    when: null,
  });
  await calculated();
  expect(await values()).toEqual({spent: expect.stringMatching(/^20\d\d-.*T.*Z$/)});
  expect((await client.raw('DELETE', `${PATH}/${id}`)).status).toBe(409);
  await client.api('DELETE', `/v1/audiences/${rich}`);
  await client.api('DELETE', `${PATH}/${id}`);
  expect(await values()).toEqual({});
});

test('a value decays at the very millisecond at which its event leaves the period', async () => {
  await client.api('POST', PATH, {
    name: 'orders',
    workspace: shop.workspace,
    calculation: 'count',
    event: {kind: 'commerce', action: 'purchase'},
    when: {within: '3s'},
  });
  const id = await client.audience(shop, 'Buying', {
    kind: 'calculated_attribute',
    name: 'orders',
    operator: 'greater_or_equal',
    value: 1,
  });
  await client.filled();
  await calculated();
  const boughtMs = Date.now();
  const leavesMs = boughtMs + 3_001;
  await client.take(shop, purchase('6', 1, boughtMs));
  expect(await values('6')).toEqual({orders: 1});
  expect(await client.api('GET', `/v1/audiences/${id}/members/6`)).toMatchObject({
    member: true,
    until_ms: leavesMs,
    why: {until_ms: leavesMs, saw: {values: [{value: 1, said_ms: boughtMs}]}},
  });
  while (Date.now() < leavesMs) {
    await new Promise(resolve => setTimeout(resolve, leavesMs - Date.now()));
  }
  expect(await values('6')).toEqual({orders: 0});
  for (;;) {
    const answer = await client.api<Json>('GET', `/v1/audiences/${id}/members/6`);
    const {member, at_ms: atMs, why} = answer;
    // Told within a second; explained as of what was told.
    if (member === true) {
      expect(atMs).toBeLessThan(leavesMs);
      expect(Date.now()).toBeLessThan(leavesMs + 1_000);
      continue;
    }
    expect(why).toMatchObject({holds: false, since_ms: leavesMs, or_earlier: false});
    break;
  }
});
