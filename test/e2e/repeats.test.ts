/** What is sent twice counts once: by request, by message, at the same moment, after a restart. */
import {afterAll, beforeAll, beforeEach, expect, test} from 'vitest';
import {event, type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

const options = {dataFolder: '', args: ['--shards', '2', '--event-retention', '3d']};
let server: ServerProcess;
let client: ServerClient;
let shop: Shop;
/** By the number of ticks that its members have. */
const exactly = new Map<number, number>();
let mpid = 0;

beforeAll(async () => {
  options.dataFolder = temporaryFolder();
  server = await ServerProcess.start(options);
  client = new ServerClient(server);
  shop = await client.openShop();
  for (const ticks of [1, 2, 3, 4]) {
    const compare = {operator: 'equals', value: ticks};
    const definition = {kind: 'event', name: 'Tick', compare};
    exactly.set(ticks, await client.audience(shop, `${ticks} ticks`, definition));
  }
});

afterAll(() => client.close());

beforeEach(() => void mpid++);

async function ticksOf(who: string): Promise<number> {
  for (const [ticks, audience] of exactly) {
    if ((await client.members(audience)).includes(who)) return ticks;
  }
  return 0;
}

test('a request', async () => {
  const batch = {mpid: String(mpid), source_request_id: 'a', events: [event('Tick')]};
  for (let i = 0; i < 3; i++) await client.take(shop, batch);
  expect(await ticksOf(batch.mpid)).toBe(1);
  await client.take(shop, {...batch, source_request_id: 'b'});
  expect(await ticksOf(batch.mpid)).toBe(2);
});

test('a request, whatever it holds the second time', async () => {
  const batch = {mpid: String(mpid), source_request_id: 'c', user_attributes: {tier: 'gold'}};
  await client.take(shop, {...batch, events: [event('Tick')]});
  await client.take(shop, {...batch, user_attributes: {tier: 'tin'}, events: [event('Tick')]});
  expect(await ticksOf(batch.mpid)).toBe(1);
  expect(JSON.stringify(await client.profile(batch.mpid))).toContain('gold');
});

test('a message, in the same batch, another batch, a batch of another profile', async () => {
  const tick = event('Tick', {source_message_id: 'm1'});
  const who = String(mpid);
  await client.take(shop, {mpid: who, events: [tick, tick]});
  await client.take(shop, {mpid: who, events: [tick, event('Tick')]});
  expect(await ticksOf(who)).toBe(2);
  await client.take(shop, {mpid: String(++mpid), events: [tick]});
  expect(await ticksOf(String(mpid))).toBe(0);
});

test('ids of two inputs are different ids, and a request is not a message', async () => {
  const other = await client.api<{id: number; key: string; secret: string}>(
    'POST',
    `/v1/workspaces/${shop.workspace}/inputs`,
    {name: 'Web', type: 'feed'},
  );
  const batch = {mpid: String(mpid), source_request_id: 'd', events: [event('Tick')]};
  await client.take(shop, batch);
  await client.take({...shop, ...other}, batch);
  const message = event('Tick', {source_message_id: 'd'});
  await client.take(shop, {mpid: batch.mpid, events: [message]});
  expect(await ticksOf(batch.mpid)).toBe(3);
});

test('fifty at the same moment, in single calls and in one bulk call', async () => {
  const batch = {mpid: String(mpid), source_request_id: 'e', events: [event('Tick')]};
  const calls = Array.from({length: 50}, () => client.post(shop, batch));
  const bulk = client.post(
    shop,
    JSON.stringify(Array.from({length: 50}, () => batch)),
    '/v2/bulkevents',
  );
  const answers = await Promise.all([...calls, bulk]);
  expect(new Set(answers.map(({status, text}) => `${status} ${text}`))).toEqual(
    new Set(['202 {}']),
  );
  expect(await ticksOf(batch.mpid)).toBe(1);
});

test('strangers, whom nothing leads to', async () => {
  const before = await client.members(exactly.get(1)!);
  const stranger = {source_request_id: 'f', events: [event('Tick')]};
  await Promise.all(Array.from({length: 20}, () => client.take(shop, stranger)));
  expect(await client.members(exactly.get(1)!)).toHaveLength(before.length + 1);
});

test('a refused batch is not remembered', async () => {
  const batch = {mpid: String(mpid), source_request_id: 'g', events: [event('Tick')]};
  const wrong = {...batch, events: [event('Tick'), {event_type: 'custom_event', data: 5}]};
  expect((await client.post(shop, wrong)).status).toBe(400);
  await client.take(shop, batch);
  expect(await ticksOf(batch.mpid)).toBe(1);
});

test('after a kill and a start, too', async () => {
  const request: Json = {mpid: String(mpid), source_request_id: 'h', events: [event('Tick')]};
  const message: Json = {
    mpid: String(mpid),
    events: [event('Tick', {source_message_id: 'm2'})],
  };
  const stranger = {source_request_id: 'i', events: [event('Tick')]};
  for (const batch of [request, message, stranger]) await client.take(shop, batch);
  const strangers = (await client.members(exactly.get(1)!)).length;
  for (const how of ['kill', 'stop'] as const) {
    await server[how]();
    client.close();
    server = await ServerProcess.start(options);
    client = new ServerClient(server);
    for (const batch of [request, message, stranger]) await client.take(shop, batch);
    expect(await ticksOf(String(mpid))).toBe(2);
    expect(await client.members(exactly.get(1)!)).toHaveLength(strangers);
  }
});
