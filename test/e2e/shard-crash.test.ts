/**
 * A shard thread that dies is started again from its disk. Meanwhile the other shards go on, what was on its way to
 * the dead one is answered 503, and what is sent again counts once.
 *
 * The thread is brought down by a message that no shard understands: an assertion of its own ends it, as a
 * defect would.
 */
import type {Worker} from 'node:worker_threads';
import {afterEach, expect, test} from 'vitest';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {Random} from '../support/arbitraries-random.ts';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';
import {ADMIN_TOKEN, temporaryFolder} from '../support/server-process.ts';
import {expectOneOwner} from './support/one-owner.ts';

const SHARDS = 2;
const TICK = {kind: 'event', name: 'Tick'};

/** The thread of each shard, as far as the process tells: threads are started in order, and one dies at a time. */
const threads: Worker[] = [];
const keep = (worker: Worker): void => {
  const shardAtStart = started++;
  worker.once('message', ({kind}: {kind?: string}) => {
    if (kind !== 'ready') return;
    const shard = shardAtStart < SHARDS ? shardAtStart : dead;
    threads[shard] = worker;
    worker.once('exit', () => (dead = shard));
  });
};
let started = 0;
let dead = 0;
let server: RunningServer | undefined;
let client: ServerClient | undefined;

afterEach(async () => {
  process.off('worker', keep);
  threads.length = 0;
  started = 0;
  client?.close();
  await server?.stop();
});

test('a shard that dies under load loses nothing and doubles nothing', async () => {
  const {shop, reader} = await start();
  const exactly = new Map<number, number>();
  for (const ticks of [1, 2]) {
    const compare = {operator: 'equals', value: ticks};
    exactly.set(ticks, await client!.audience(shop, `${ticks} ticks`, {...TICK, compare}));
  }
  await client!.filled();

  const answers = {taken: 0, unavailable: 0};
  const requests = Array.from({length: 600}, (_, index) => requestOf(index));
  for (const [round, part] of [0, 1, 2].map(third => [third, third * 200] as const)) {
    const sent = requests.slice(part, part + 200).map(async batch => {
      for (;;) {
        const {status} = await client!.post(shop, batch);
        if (status === 202) break;
        expect(status).toBe(503);
        answers.unavailable++;
        await sleep(20);
      }
      answers.taken++;
    });
    await sleep(10);
    kill(round % SHARDS);
    await Promise.all(sent);
  }

  expect(answers.taken).toBe(600);
  expect(answers.unavailable).toBeGreaterThan(0);
  await client!.filled();
  const members = new Map<number, string[]>();
  for (const audience of exactly.values()) {
    members.set(audience, (await client!.members(audience)).sort(byMpid));
  }
  // 100 mpids and 100 customers ticked twice, and 200 strangers once.
  expect([...exactly].map(([ticks, id]) => [ticks, members.get(id)?.length])).toEqual([
    [1, 200],
    [2, 200],
  ]);
  await reader.arrivesAt(members);
  expect(reader.membership.faults).toEqual([]);
  expect(reader.connections).toBe(1);
  reader.drop();
}, 60_000);

test('the other shards answer while one is down, and reads of it are 503', async () => {
  const {shop} = await start();
  const audience = await client!.audience(shop, 'Ticked', TICK);
  const mpids = Array.from({length: 40}, (_, index) => String(index + 1));
  for (const mpid of mpids) await client!.take(shop, {mpid, events: [event('Tick')]});

  // Each death makes the next start wait longer: the third leaves time to look.
  for (let death = 0; death < 3; death++) {
    kill(0);
    await untilMembersAre(503, audience);
    if (death < 2) await untilMembersAre(200, audience);
  }
  const statuses = await Promise.all(
    mpids.map(async mpid => (await client!.post(shop, {mpid, events: [event('Tick')]})).status),
  );
  const profiles = await Promise.all(
    mpids.map(async mpid => (await client!.raw('GET', `/v1/profiles/${mpid}`)).status),
  );
  expect(new Set(statuses)).toEqual(new Set([202, 503]));
  expect(profiles).toEqual(statuses.map(status => (status === 202 ? 200 : 503)));
  await untilMembersAre(200, audience);
  expect((await client!.members(audience)).sort(byMpid)).toEqual(mpids);
}, 30_000);

test('addresses that wander between the profiles of all shards are each on one of them', async () => {
  const {shop} = await start();
  const emails = Array.from({length: 5}, (_, index) => `wanderer-${index}@example.com`);
  const mpids = Array.from({length: 30}, (_, index) => String(index + 1));
  const random = new Random(Date.now());
  const send = async (index: number): Promise<void> => {
    const batch = {
      mpid: random.pick(mpids),
      source_request_id: `wandering ${index}`,
      user_identities: {email: random.pick(emails)},
    };
    while ((await client!.post(shop, batch)).status !== 202) await sleep(10);
  };
  for (let round = 0; round < 4; round++) {
    const sent = Array.from({length: 150}, (_, index) => send(round * 150 + index));
    await sleep(random.int(0, 20));
    kill(round % SHARDS);
    await Promise.all(sent);
  }
  const audience = await client!.audience(shop, 'Ticked', TICK);
  await untilMembersAre(200, audience);
  // Losses that were told again are told behind the answers.
  await sleep(300);
  await expectOneOwner(client!, emails, mpids);
}, 60_000);

/** Strangers have nothing that leads to them: whoever repeats one goes where chance sends him. */
function requestOf(index: number): object {
  const batch = {source_request_id: `request ${index}`, events: [event('Tick')]};
  const who = Math.floor(index / 3) % 100;
  if (index % 3 === 0) return {...batch, mpid: String(1 + who)};
  if (index % 3 === 1) return {...batch, user_identities: {customer_id: `customer ${who}`}};
  return batch;
}

async function start(): Promise<{shop: Shop; reader: DeltaReader}> {
  process.on('worker', keep);
  const retentionMs = 30 * 86_400_000;
  server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: temporaryFolder(),
    shards: SHARDS,
    eventRetentionMs: retentionMs,
    profileRetentionMs: retentionMs,
    adminToken: ADMIN_TOKEN,
  });
  client = new ServerClient(server);
  const shop = await client.openShop();
  const reader = new DeltaReader({from: 'now'});
  await reader.connect({port: Number(new URL(server.url).port)});
  return {shop, reader};
}

function kill(shard: number): void {
  threads[shard]?.postMessage({kind: 'call', id: 0, method: 'no such method', args: undefined});
}

/** Members are asked of every shard. */
async function untilMembersAre(status: 200 | 503, audience: number): Promise<void> {
  const path = `/v1/audiences/${audience}/members`;
  while ((await client!.raw('GET', path)).status !== status) await sleep(1);
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
