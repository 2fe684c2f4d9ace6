import {afterEach, expect, test} from 'vitest';
import type {ProfileView} from '../../server/shards/protocol.ts';
import {FeedShards} from '../support/feed-shards.ts';
import {StreamClient} from '../support/stream-client.ts';
import {StreamServer} from '../support/stream-server.ts';

const servers: StreamServer[] = [];
const clients: StreamClient[] = [];

async function serve(): Promise<StreamServer> {
  const server = await StreamServer.start({shards: new FeedShards(2), audiences: [1]});
  servers.push(server);
  return server;
}

async function connect(server: StreamServer, options: object = {}): Promise<StreamClient> {
  const client = await StreamClient.connect(server.port, options);
  clients.push(client);
  return client;
}

function profile(
  mpid: bigint,
  scopes: {
    scope: number;
    identities?: [string, string][];
    attributes?: [string, string | number | null | string[]][];
  }[],
): ProfileView {
  return {
    mpid,
    firstSeenMs: 1,
    lastSeenMs: 2,
    audiences: [],
    scopes: scopes.map(({scope, identities = [], attributes = []}) => ({
      scope,
      firstSeenMs: 1,
      lastSeenMs: 2,
      identities,
      attributes,
      consent: [],
      device: [],
      location: undefined,
    })),
  };
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  for (const server of servers.splice(0)) {
    await server.stop();
    expect(server.errors).toEqual([]);
  }
});

test.each(['muster.json', 'muster.msgpack'])(
  '%s: members and deltas carry the identities and attributes asked for',
  async protocol => {
    const server = await serve();
    const {shards} = server;
    shards.profiles.set(
      4n,
      profile(4n, [
        {
          scope: 2,
          identities: [
            ['email', 'zoë@example.com'],
            ['customer_id', 'c4'],
          ],
          attributes: [
            ['tier', 'gold'],
            ['tag', null],
            ['__proto__', 'x'],
            ['list', ['a', 'b']],
          ],
        },
        // Development data of the same profile: not the audience's.
        {scope: 3, identities: [['facebook', 'f4']], attributes: [['secret', 1]]},
      ]),
    );
    shards.add(1, 4n);
    const client = await connect(server, {protocol});
    await client.subscribed({
      from: 'snapshot',
      identities: ['email', 'facebook'],
      attributes: ['tier', 'tag', 'list', 'secret', 'absent'],
    });
    const fields = {
      identities: {email: 'zoë@example.com'},
      attributes: {tier: 'gold', tag: null, list: ['a', 'b']},
    };
    expect((await client.snapshot()).members).toMatchObject([{mpid: '4', ...fields}]);
    shards.delete(1, 4n);
    expect(await client.deltas(1)).toMatchObject([{mpid: '4', action: 'delete', ...fields}]);
    shards.profiles.clear();
    shards.add(1, 6n);
    expect(await client.deltas(1)).toMatchObject([{mpid: '6', identities: {}, attributes: {}}]);
  },
);

test('identities beyond the grant are refused, and without asking none are sent', async () => {
  const server = await serve();
  server.grant('mail', {tokenId: 2, identities: ['email']});
  server.shards.profiles.set(1n, profile(1n, [{scope: 2, identities: [['email', 'a@b.c']]}]));
  const client = await connect(server, {token: 'mail'});
  client.subscribe({identities: ['email', 'customer_id']});
  expect(await client.next('error')).toMatchObject({code: 'identity_not_granted'});
  await client.subscribed();
  server.shards.add(1, 1n);
  expect((await client.deltas(1))[0]).not.toHaveProperty('identities');
});

test('updates of an attribute reach those who asked for it, and the shards are told to watch', async () => {
  const server = await serve();
  server.shards.profiles.set(
    2n,
    profile(2n, [
      {
        scope: 2,
        attributes: [
          ['tier', 'gold'],
          ['city', 'Rome'],
        ],
      },
    ]),
  );
  const tier = await connect(server);
  await tier.subscribed({attributes: ['tier']});
  const city = await connect(server);
  await city.subscribed({attributes: ['city', 'tier']});
  const none = await connect(server);
  await none.subscribed();
  expect(server.kept.watched).toEqual(['tier', 'city']);
  expect(server.shards.watched.at(-1)).toEqual(['tier', 'city']);
  server.shards.commit(0, [{audience: 1, mpid: 2n, action: 'attribute_update', attribute: 1}]);
  server.shards.commit(0, [{audience: 1, mpid: 2n, action: 'attribute_update', attribute: 0}]);
  expect(await tier.deltas(1)).toMatchObject([
    {action: 'attribute_update', attributes: {tier: 'gold'}},
  ]);
  expect(await city.deltas(2)).toMatchObject([
    {attributes: {tier: 'gold', city: 'Rome'}},
    {attributes: {tier: 'gold', city: 'Rome'}},
  ]);
  await tier.silence();
  await none.silence();
});

test('a value that fits in no frame is left out and named', async () => {
  const server = await serve();
  server.shards.profiles.set(
    2n,
    profile(2n, [
      {
        scope: 2,
        attributes: [
          ['story', 'é'.repeat(20_000)],
          ['tier', 'gold'],
        ],
      },
    ]),
  );
  const client = await connect(server);
  await client.subscribed({attributes: ['story', 'tier']});
  server.shards.add(1, 2n);
  expect(await client.deltas(1)).toMatchObject([{attributes: {tier: 'gold'}, omitted: ['story']}]);
  expect(Math.max(...client.frameBytes)).toBeLessThanOrEqual(15 * 1024);
});

test('many deltas with fields keep their order, in frames of bounded size, and can be resumed', async () => {
  const server = await serve();
  const mpids = Array.from({length: 700}, (_, at) => BigInt(at * 2));
  for (const mpid of mpids) {
    const email = `${'x'.repeat(Number(mpid % 97n))}${mpid}@example.com`;
    server.shards.profiles.set(mpid, profile(mpid, [{scope: 2, identities: [['email', email]]}]));
  }
  const client = await connect(server);
  await client.subscribed({identities: ['email']});
  server.shards.add(1, ...mpids);
  const deltas = await client.deltas(700);
  expect(deltas.map(({mpid}) => mpid)).toEqual(mpids.map(String));
  expect(deltas.every(({mpid, identities}) => String(identities?.['email']).includes(mpid))).toBe(
    true,
  );
  expect(Math.max(...client.frameBytes)).toBeLessThanOrEqual(15 * 1024);
  let seen = 0;
  for (const {deltas: frame, cursor} of client.messages.slice(1, 4)) {
    seen += frame?.length ?? 0;
    const again = await connect(server);
    await again.subscribed({from: cursor, identities: ['email']});
    expect((await again.deltas(700 - seen))[0]?.mpid).toBe(mpids[seen]?.toString());
  }
});
