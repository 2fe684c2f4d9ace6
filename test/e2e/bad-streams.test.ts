/** Readers that talk nonsense, never read, or have no right to: each hears so, and the others are served. */
import {readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';
import {ADMIN_TOKEN, ServerProcess, temporaryFolder} from '../support/server-process.ts';
import {StreamClient} from '../support/stream-client.ts';

const TRANSPORTS = process.version.startsWith('v20.') ? ['node', 'uws'] : ['node'];
const MIB = 2 ** 20;

describe.each(TRANSPORTS)('over the %s transport', transport => {
  let server: ServerProcess;
  let client: ServerClient;
  let shop: Shop;
  let audience: number;

  beforeAll(async () => {
    server = await ServerProcess.start({
      dataFolder: temporaryFolder(),
      args: ['--shards', '2'],
      env: {MUSTER_TRANSPORT: transport},
    });
    client = new ServerClient(server);
    shop = await client.openShop();
    audience = await client.audience(shop, 'Even', {
      kind: 'user_attribute',
      attribute: 'even',
      operator: 'equals',
      value: true,
    });
  });

  afterAll(async () => {
    const {code, stderr} = await server.stop();
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    client.close();
  });

  test('garbage is answered with an error, and the connection lives on', async () => {
    const reader = await StreamClient.connect(server.port, {token: ADMIN_TOKEN});
    const garbage = [
      'not json',
      '',
      'null',
      '[]',
      '5',
      '{}',
      '{"type":"dance"}',
      '{"type":"subscribe"}',
      '{"type":"subscribe","audiences":[999]}',
      '{"type":"subscribe","audiences":"all","from":"yesterday"}',
      '{"type":"subscribe","audiences":"all","from":{"__proto__":1}}',
      '{"type":"subscribe","audiences":[1e400]}',
      '{"type":"ack","cursor":"nothing"}',
      `{"type":"subscribe","audiences":"all","attributes":["${'x'.repeat(100_000)}"]}`,
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    ];
    for (const text of garbage) {
      reader.socket.send(text);
      const answer = await reader.next();
      expect([text.slice(0, 60), answer.type]).toEqual([text.slice(0, 60), 'error']);
      expect(answer.message?.length).toBeLessThan(1000);
    }
    expect((await reader.subscribed({from: 'now'})).audiences).toEqual([audience]);
    await reader.close();
  });

  test('bytes where text belongs, nested MessagePack and a message too long close only their own', async () => {
    const nested = Buffer.concat(
      Array.from({length: 600}, () => Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
    );
    const startedMs = performance.now();
    for (const [protocol, data] of [
      ['muster.json', Buffer.from([0xff, 0xfe, 0])],
      ['muster.msgpack', nested],
      ['muster.msgpack', Buffer.alloc(10_000, 0x91)],
      ['muster.msgpack', Buffer.from([0xc1])],
      ['muster.json', Buffer.alloc(2 * MIB, '[')],
    ] as const) {
      const outcome = await outcomeOf(server.port, protocol, data);
      expect([protocol, data.length, outcome]).toEqual([
        protocol,
        data.length,
        expect.stringMatching(/^(error|closed 1003|closed 1007|closed 1009|closed 1006)$/),
      ]);
    }
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('a token that is missing or wrong is refused before the handshake', async () => {
    const answer = (query: string): Promise<[number | undefined, string | undefined]> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/deltas${query}`);
        socket.on('unexpected-response', (request, response) => {
          resolve([response.statusCode, response.headers['www-authenticate']]);
          request.destroy();
        });
        socket.on('open', () => reject(new Error('let in')));
        socket.on('error', () => undefined);
      });
    const challenge = 'Bearer realm="muster"';
    expect(await answer('')).toEqual([401, challenge]);
    expect(await answer('?token=')).toEqual([401, challenge]);
    expect(await answer('?token=nonsense')).toEqual([403, undefined]);
    expect(await answer(`?token=${shop.secret}`)).toEqual([403, undefined]);
  });

  test('a subscriber hears of what it was granted and of nothing else', async () => {
    const other = await client.audience(shop, 'Ticked', {kind: 'event', name: 'Tick'});
    const {token} = await client.api<{token: string}>('POST', '/v1/tokens', {
      name: 'crm',
      role: 'subscriber',
      audiences: [audience],
      identities: ['Email'],
    });
    const reader = await StreamClient.connect(server.port, {token});
    for (const message of [
      {audiences: [other]},
      {audiences: [audience, other]},
      {audiences: [audience], identities: ['email', 'customer_id']},
      {audiences: [audience], identities: ['email', 'customerid']},
      {audiences: [audience], identities: ['emial']},
    ]) {
      reader.subscribe(message);
      expect((await reader.next()).type).toBe('error');
    }
    const {audiences} = await reader.subscribed({audiences: 'all', identities: ['email']});
    expect(audiences).toEqual([audience]);
    await client.take(shop, {
      mpid: '900001',
      user_identities: {email: 'a@example.com', customer_id: 'c'},
      user_attributes: {even: true},
      events: [event('Tick')],
    });
    const [delta] = await reader.deltas(1);
    expect(delta).toMatchObject({audience, mpid: '900001', identities: {email: 'a@example.com'}});
    await reader.silence();
    await reader.close();
    expect((await client.send('GET', '/v1/audiences', bearer(token))).status).toBe(403);
    await client.api('DELETE', `/v1/audiences/${other}`);
  });

  test('a reader that never reads slows nobody, and costs the server little', async () => {
    const profiles = 200;
    const load = async (): Promise<void> => {
      for (let round = 0; round < 10; round++) {
        const batches = Array.from({length: profiles}, (_, index) => ({
          mpid: String(1000 + index),
          user_identities: {customer_id: `customer ${index}`},
          user_attributes: {even: round % 2 === 0, padding: `${round}`.repeat(2000)},
        }));
        for (const part of [batches.slice(0, 100), batches.slice(100)]) {
          const answer = await client.post(shop, JSON.stringify(part), '/v2/bulkevents');
          expect(answer.status).toBe(202);
        }
      }
    };
    const attentive = new DeltaReader({attributes: ['even', 'padding']});
    await attentive.connect(server);
    const sleepers: StreamClient[] = [];
    for (let i = 0; i < 40; i++) {
      const sleeper = await StreamClient.connect(server.port, {token: ADMIN_TOKEN});
      sleeper.subscribe({identities: ['customer_id'], attributes: ['even', 'padding']});
      await sleeper.next('subscribed');
      sleeper.socket.pause();
      sleepers.push(sleeper);
    }
    await load();
    const before = residentBytes(server.pid);
    await load();
    await load();
    // The last round took them out again, and nothing of the rounds before is missing.
    const members = (await client.members(audience)).sort(byMpid);
    await attentive.arrivesAt(new Map([[audience, members]]), 10_000);
    expect(attentive.membership.faults).toEqual([]);
    const moved = attentive.deltas.filter(({action}) => action !== 'attribute_update');
    expect(moved.length).toBe(3 * 10 * profiles);
    // To hold what the sleepers were not told would have taken 160 MB more with each load.
    expect(residentBytes(server.pid) - before).toBeLessThan(64 * MIB);

    const [late] = sleepers.splice(0, 1);
    late?.socket.resume();
    const told = (await late?.deltas(10 * profiles)) ?? [];
    expect(told.length).toBeGreaterThanOrEqual(10 * profiles);
    for (const sleeper of sleepers) sleeper.socket.terminate();
    late?.socket.terminate();
    attentive.drop();
  });
});

/** What becomes of a message: the first answer, or how the connection ends. */
function outcomeOf(port: number, protocol: string, data: Buffer): Promise<string> {
  return new Promise(resolve => {
    const url = `ws://127.0.0.1:${port}/v1/deltas?token=${ADMIN_TOKEN}`;
    const socket = new WebSocket(url, [protocol]);
    socket.on('open', () => socket.send(data, {binary: true}));
    socket.on('message', () => {
      resolve('error');
      socket.close();
    });
    socket.on('error', () => undefined);
    socket.on('close', code => resolve(`closed ${code}`));
  });
}

function bearer(token: string): {headers: Record<string, string>} {
  return {headers: {authorization: `Bearer ${token}`}};
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
