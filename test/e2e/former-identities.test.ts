/** A forwarder that knows people by their addresses alone hears of every address that it has to drop or to add. */
import {afterEach, beforeEach, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import type {Shop} from '../support/server-client.ts';
import {StreamClient, type StreamDelta} from '../support/stream-client.ts';

const GOLD = {kind: 'user_attribute', attribute: 'tier', operator: 'exists'};

let server: LiveServer;
let shop: Shop;
let gold: number;
const readers: StreamClient[] = [];

beforeEach(async () => {
  server = await LiveServer.start();
  shop = await server.shop();
  gold = await server.audience(shop, {definition: GOLD});
});

afterEach(async () => {
  for (const {socket} of readers.splice(0)) socket.terminate();
  await server.remove();
});

function take(mpid: string, email?: string, more: object = {}): Promise<void> {
  const identities = email === undefined ? {} : {user_identities: {email}};
  return server.post(shop, [{mpid, user_attributes: {tier: 'gold'}, ...identities, ...more}]);
}

async function reader(options: object = {}, token?: string): Promise<StreamClient> {
  const port = Number(new URL(server.url).port);
  const client = await StreamClient.connect(port, {token: token ?? 'admin-token-of-the-test'});
  readers.push(client);
  await client.subscribed({identities: ['email'], ...options});
  return client;
}

/** Without what is not said of people. */
function said(deltas: readonly StreamDelta[]): unknown[] {
  return deltas.map(({mpid, action, identities, identities_removed: removed}) => ({
    [`${action} ${mpid}`]: identities,
    ...(removed && {removed}),
  }));
}

test('an erased person is dropped by the address that it had, also by who was away', async () => {
  const live = await reader();
  const blind = await reader({identities: undefined});
  const {token} = await server.api<{token: string}>('POST', '/v1/tokens', {
    name: 'crm',
    role: 'subscriber',
    identities: ['customer_id'],
  });
  const other = await reader({identities: ['customer_id']}, token);
  await take('5', 'anna@x.example');
  await take('6', 'bert@x.example');
  const {cursor} = live;
  expect(said(await live.deltas(2))).toEqual([
    {'add 5': {email: 'anna@x.example'}},
    {'add 6': {email: 'bert@x.example'}},
  ]);
  expect((await server.send('DELETE', '/v1/profiles/5')).status).toBe(204);
  expect(said(await live.deltas(1))).toEqual([{'delete 5': {email: 'anna@x.example'}}]);
  expect(said(await blind.deltas(3)).at(-1)).toEqual({'delete 5': undefined});
  expect(said(await other.deltas(3)).at(-1)).toEqual({'delete 5': {}});
  // Nothing else knows the address any more.
  const path = '/v1/profiles?identity=email&value=anna@x.example';
  expect((await server.send('GET', path)).status).toBe(404);

  // Who comes back is somebody else, and the one before is still told apart.
  await take('5', 'anna@new.example');
  for (const restarts of [false, true]) {
    if (restarts) server = await server.restart();
    const away = await reader({from: cursor === '' ? live.cursor : cursor});
    const told = said(await away.deltas(2)).slice(-2);
    expect(told).toEqual([
      {'delete 5': {email: 'anna@x.example'}},
      {'add 5': {email: 'anna@new.example'}},
    ]);
  }
});

test('a member whose address changes, comes or goes is an update with both', async () => {
  const live = await reader();
  await take('5', 'anna@x.example');
  await take('6', 'bert@x.example');
  await take('7');
  await live.deltas(3);
  await take('5', 'anna@new.example');
  expect(said(await live.deltas(1))).toEqual([
    {
      'attribute_update 5': {email: 'anna@new.example'},
      removed: {email: 'anna@x.example'},
    },
  ]);
  await take('5', 'anna@new.example');
  await take('7', 'bert@x.example');
  const moved = said(await live.deltas(2));
  expect(moved).toHaveLength(2);
  expect(moved).toContainEqual({'attribute_update 7': {email: 'bert@x.example'}});
  expect(moved).toContainEqual({'attribute_update 6': {}, removed: {email: 'bert@x.example'}});
  // Who leaves in the same batch is dropped by the address that was known.
  await take('5', 'anna@third.example', {deleted_user_attributes: ['tier'], user_attributes: {}});
  expect(said(await live.deltas(1))).toEqual([{'delete 5': {email: 'anna@new.example'}}]);
  expect(await server.members(gold)).toEqual(['6', '7']);
  await live.silence();
});

test('a member whose profile expires is dropped by the address that it had', async () => {
  const live = await reader();
  await live.close();
  server = await server.restart({profileRetentionMs: 1500});
  const again = await reader();
  await take('5', 'anna@x.example');
  const told = await again.deltas(2);
  expect(said(told)).toEqual([
    {'add 5': {email: 'anna@x.example'}},
    {'delete 5': {email: 'anna@x.example'}},
  ]);
  expect(told[1]?.cause).toBe('time');
});

test('one whose profile expires while the server is down, too', async () => {
  const live = await reader();
  await live.close();
  server = await server.restart({profileRetentionMs: 1500});
  const again = await reader();
  // Many, so that every shard has something due before it is asked for anything.
  const mpids = Array.from({length: 40}, (_, at) => String(at + 5));
  for (const mpid of mpids) await take(mpid, `${mpid}@x.example`);
  await again.deltas(mpids.length);
  const {cursor} = again;
  await server.stop();
  await new Promise(resolve => setTimeout(resolve, 1600));
  server = await LiveServer.start(server.folder, {profileRetentionMs: 1500});
  const away = await reader({from: cursor});
  const told = said(await away.deltas(mpids.length));
  expect(told).toHaveLength(mpids.length);
  for (const mpid of mpids) {
    expect(told).toContainEqual({[`delete ${mpid}`]: {email: `${mpid}@x.example`}});
  }
});
