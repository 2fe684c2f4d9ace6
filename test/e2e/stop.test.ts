/** SIGTERM: no new work, what was taken is on disk, exit code 0, and soon, whoever is still connected. */
import {connect} from 'node:net';
import {describe, expect, test} from 'vitest';
import {Random} from '../support/arbitraries-random.ts';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient} from '../support/server-client.ts';
import {ADMIN_TOKEN, ServerProcess, temporaryFolder} from '../support/server-process.ts';
import {StreamClient} from '../support/stream-client.ts';
import {TickingLoad, TICKS_MAX} from './support/ticking-load.ts';

const TRANSPORTS = process.version.startsWith('v20.') ? ['node', 'uws'] : ['node'];

describe.each(TRANSPORTS)('over the %s transport', transport => {
  const start = (dataFolder: string): Promise<ServerProcess> =>
    ServerProcess.start({dataFolder, args: ['--shards', '2'], env: {MUSTER_TRANSPORT: transport}});

  test('under load: every batch is taken or not, and the next start knows which', async () => {
    const dataFolder = temporaryFolder();
    let server = await start(dataFolder);
    let client = new ServerClient(server);
    const shop = await client.openShop();
    const exactly = new Map<number, number>();
    for (let ticks = 1; ticks <= TICKS_MAX; ticks++) {
      const compare = {operator: 'equals', value: ticks};
      const definition = {kind: 'event', name: 'Tick', compare};
      exactly.set(await client.audience(shop, `${ticks} ticks`, definition), ticks);
    }
    const load = new TickingLoad(new Random(1), shop);
    const reader = new DeltaReader();
    await reader.connect(server);
    const running = load.run(client, new AbortController().signal);
    await load.hasTaken(200);
    const askedMs = performance.now();
    const ended = await server.stop();
    expect(performance.now() - askedMs).toBeLessThan(20_000);
    expect({code: ended.code, stderr: ended.stderr}).toEqual({code: 0, stderr: ''});
    await running;
    client.close();
    reader.drop();

    server = await start(dataFolder);
    client = new ServerClient(server);
    await load.settle(client);
    await reader.connect(server);
    const members = new Map<number, string[]>();
    let ticks = 0;
    for (const [audience, each] of exactly) {
      members.set(audience, (await client.members(audience)).sort(byMpid));
      ticks += each * (members.get(audience)?.length ?? 0);
    }
    expect(ticks).toBe(load.answers.taken);
    await reader.arrivesAt(members);
    expect([reader.membership.faults, reader.resets]).toEqual([[], []]);
    client.close();
    await server.stop();
  });

  test('idle connections, half a request and a reader that sleeps hold nothing up', async () => {
    const server = await start(temporaryFolder());
    const client = new ServerClient(server);
    await client.send('GET', '/healthz');
    const half = connect(server.port, '127.0.0.1');
    half.on('error', () => undefined);
    half.write('POST /v2/events HTTP/1.1\r\nHost: a\r\nContent-Le');
    const sleeper = await StreamClient.connect(server.port, {token: ADMIN_TOKEN});
    await sleeper.subscribed();
    sleeper.socket.pause();
    const reader = await StreamClient.connect(server.port, {token: ADMIN_TOKEN});
    await reader.subscribed();

    const askedMs = performance.now();
    const ended = await server.stop();
    // Half a second for the work, and the five that an answer under way may take.
    expect(performance.now() - askedMs).toBeLessThan(25_000);
    expect({code: ended.code, stderr: ended.stderr}).toEqual({code: 0, stderr: ''});
    expect(await reader.closed()).toBe(1001);
    sleeper.socket.terminate();
    half.destroy();
    client.close();
  }, 20_000);
});

test('a start after a stop replays nothing and is soon ready', async () => {
  const dataFolder = temporaryFolder();
  let server = await ServerProcess.start({dataFolder, args: ['--shards', '1']});
  let client = new ServerClient(server);
  const shop = await client.openShop();
  const audience = await client.audience(shop, 'Ticked', {kind: 'event', name: 'Tick'});
  for (let part = 0; part < 20; part++) {
    const batches = Array.from({length: 100}, (_, index) => ({
      mpid: String(part * 100 + index + 1),
      user_attributes: {index},
      events: [event('Tick')],
    }));
    expect((await client.post(shop, JSON.stringify(batches), '/v2/bulkevents')).status).toBe(202);
  }
  client.close();
  await server.stop();
  server = await ServerProcess.start({dataFolder});
  client = new ServerClient(server);
  expect(await client.members(audience)).toHaveLength(2000);
  client.close();
  await server.stop();
});
