import {afterEach, describe, expect, test} from 'vitest';
import {FeedShards} from '../support/feed-shards.ts';
import {StreamClient} from '../support/stream-client.ts';
import {KeptState, StreamServer, type StreamServerOptions} from '../support/stream-server.ts';

const servers: StreamServer[] = [];
const clients: StreamClient[] = [];

async function serve(options: Partial<StreamServerOptions> = {}): Promise<StreamServer> {
  const shards = options.shards ?? new FeedShards(2);
  const server = await StreamServer.start({audiences: [1, 2], ...options, shards});
  servers.push(server);
  return server;
}

async function connect(
  server: StreamServer,
  options: {token?: string; protocol?: string} = {},
): Promise<StreamClient> {
  const client = await StreamClient.connect(server.port, options);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  for (const server of servers.splice(0)) {
    await server.stop();
    expect(server.errors).toEqual([]);
  }
});

describe.each(['muster.json', 'muster.msgpack'])('%s', protocol => {
  test('from now on every delta is sent once, with its fields', async () => {
    const server = await serve();
    server.shards.add(1, 5n);
    const client = await connect(server, {protocol});
    const subscribed = await client.subscribed();
    expect(subscribed).toEqual({
      type: 'subscribed',
      cursor: expect.any(String) as string,
      audiences: [1, 2],
    });
    server.shards.commit(0, [
      {audience: 1, mpid: -13n, action: 'add', atMs: 1_790_000_000_123, cause: 'time', version: 3},
      {audience: 2, mpid: 9223372036854775807n, action: 'delete', atMs: 0.5, cause: 'definition'},
    ]);
    expect(await client.next()).toEqual({
      type: 'deltas',
      cursor: expect.any(String) as string,
      deltas: [
        {
          audience: 1,
          mpid: '-13',
          action: 'add',
          at_ms: 1_790_000_000_123,
          cause: 'time',
          version: 3,
        },
        {
          audience: 2,
          mpid: '9223372036854775807',
          action: 'delete',
          at_ms: 0.5,
          cause: 'definition',
          version: 1,
        },
      ],
    });
    await client.silence();
  });

  test('a snapshot names the members of each audience, then deltas follow', async () => {
    const server = await serve();
    server.shards.add(1, 5n, 6n, -7n);
    const client = await connect(server, {protocol});
    await client.subscribed({from: 'snapshot'});
    const first = await client.snapshot();
    expect(first.audience).toBe(1);
    expect(first.members.map(({mpid}) => mpid).toSorted()).toEqual(['-7', '5', '6']);
    expect(first.members[0]?.since_ms).toBeGreaterThan(0);
    expect(await client.next()).toEqual({type: 'snapshot', audience: 2, members: [], last: true});
    server.shards.delete(1, 5n);
    const [delta] = await client.deltas(1);
    expect(delta).toMatchObject({audience: 1, mpid: '5', action: 'delete'});
  });
});

describe('cursors', () => {
  test('a cursor is resumed after the deltas it came with, on a restarted server too', async () => {
    const shards = new FeedShards(2);
    const server = await serve({shards});
    const client = await connect(server);
    await client.subscribed();
    shards.add(1, 1n, 2n, 3n);
    await client.deltas(3);
    await client.close();
    shards.add(1, 4n, 5n);
    await server.stop();
    shards.delete(1, 1n);
    const restarted = await serve({shards});
    const again = await connect(restarted);
    await again.subscribed({from: client.cursor});
    const deltas = await again.deltas(3);
    expect(deltas.map(({mpid, action}) => `${action} ${mpid}`).toSorted()).toEqual([
      'add 4',
      'add 5',
      'delete 1',
    ]);
    await again.silence();
  });

  test('the cursor of a snapshot continues with exactly what came after it', async () => {
    const server = await serve();
    server.shards.add(1, 1n, 2n);
    const client = await connect(server);
    const {cursor} = await client.subscribed({from: 'snapshot', audiences: [1]});
    await client.snapshot();
    await client.close();
    server.shards.add(1, 3n);
    const again = await connect(server);
    await again.subscribed({from: cursor, audiences: [1]});
    expect((await again.deltas(1)).map(({mpid}) => mpid)).toEqual(['3']);
    await again.silence();
  });

  test('an entry larger than a frame is resumed in its midst', async () => {
    const server = await serve({shards: new FeedShards(1)});
    const client = await connect(server);
    const {cursor: start} = await client.subscribed();
    const mpids = Array.from({length: 1000}, (_, at) => BigInt(at));
    server.shards.add(1, ...mpids);
    const all = await client.deltas(1000);
    expect(all.map(({mpid}) => mpid)).toEqual(mpids.map(String));
    expect(Math.max(...client.frameBytes)).toBeLessThan(15 * 1024 + 1);
    const frames = client.messages.filter(({type}) => type === 'deltas');
    expect(frames.length).toBeGreaterThan(5);
    let seen = 0;
    for (const {cursor, deltas} of frames) {
      seen += deltas?.length ?? 0;
      if (seen === 1000) break;
      const again = await connect(server);
      await again.subscribed({from: cursor});
      const rest = await again.deltas(1000 - seen);
      expect(rest.map(({mpid}) => mpid)).toEqual(mpids.slice(seen).map(String));
    }
    expect(start).not.toBe(client.cursor);
  });

  test.each([
    ['text that never was one', 'tomorrow'],
    ['one that was cut', 'AQAHAAAAAgAAAAA'],
    ['the empty string', ''],
  ])('%s is refused and the connection lives on', async (_case, from) => {
    const client = await connect(await serve());
    client.subscribe({from});
    expect(await client.next('error')).toMatchObject({
      code: from === '' ? 'bad_message' : 'bad_cursor',
    });
    await client.subscribed();
  });

  test('a cursor older than the feed is answered with a reset and a snapshot', async () => {
    const server = await serve({shards: new FeedShards(1)});
    const client = await connect(server);
    const {cursor} = await client.subscribed({audiences: [1]});
    server.shards.add(1, 1n, 2n);
    server.shards.delete(1, 1n);
    server.shards.cut(0, 2);
    const late = await connect(server);
    const {cursor: fresh} = await late.subscribed({audiences: [1], from: cursor});
    expect((await late.next('reset')).reason).toMatch(/no longer kept/);
    expect((await late.snapshot()).members.map(({mpid}) => mpid)).toEqual(['2']);
    server.shards.add(1, 9n);
    expect((await late.deltas(1))[0]?.mpid).toBe('9');
    const resumed = await connect(server);
    await resumed.subscribed({audiences: [1], from: fresh});
    expect((await resumed.deltas(1))[0]?.mpid).toBe('9');
  });

  test('a cursor of another number of shards, another folder or the future is a reset', async () => {
    const server = await serve({shards: new FeedShards(2)});
    server.shards.add(1, 1n, 2n);
    const client = await connect(server);
    const {cursor} = await client.subscribed({audiences: [1]});
    const others = [
      {server: await serve({shards: new FeedShards(3)}), reason: /number of shards/},
      {server: await serve({shards: new FeedShards(2), feedId: 8}), reason: /data folder/},
      {server: await serve({shards: new FeedShards(2)}), reason: /ahead/},
    ];
    for (const {server: other, reason} of others) {
      const reader = await connect(other);
      await reader.subscribed({audiences: [1], from: cursor});
      expect((await reader.next('reset')).reason).toMatch(reason);
      await reader.snapshot();
    }
  });

  test('a reader of quiet audiences is told how far it is now and then', async () => {
    const server = await serve({shards: new FeedShards(1), bounds: {cursorEveryMs: 10_000}});
    const client = await connect(server);
    const {cursor} = await client.subscribed({audiences: [1]});
    server.shards.add(2, 1n, 2n, 3n);
    server.nowMs += 11_000;
    const message = await client.next('deltas');
    expect(message.deltas).toEqual([]);
    expect(message.cursor).not.toBe(cursor);
  });
});

describe('names', () => {
  test('a forwarder goes on where it acknowledged, whatever from says', async () => {
    const kept = new KeptState();
    const shards = new FeedShards(1);
    const server = await serve({shards, kept});
    const client = await connect(server);
    await client.subscribed({name: 'crm', from: 'now'});
    shards.add(1, 1n);
    const [first] = await client.deltas(1);
    client.send({type: 'ack', cursor: client.cursor});
    shards.add(1, 2n);
    await client.deltas(1);
    await client.close();
    shards.add(1, 3n);
    await server.stop();
    expect(first?.mpid).toBe('1');
    const restarted = await serve({shards, kept});
    for (const options of [{from: 'now'}, {from: 'snapshot'}, {from: undefined}]) {
      const again = await connect(restarted);
      await again.subscribed({name: 'crm', ...options});
      expect((await again.deltas(2)).map(({mpid}) => mpid)).toEqual(['2', '3']);
      await again.close();
    }
  });

  test('without any acknowledgement it goes on where it began', async () => {
    const server = await serve();
    const client = await connect(server);
    await client.subscribed({name: 'crm'});
    await client.close();
    server.shards.add(1, 1n);
    const again = await connect(server);
    await again.subscribed({name: 'crm'});
    expect((await again.deltas(1))[0]?.mpid).toBe('1');
  });

  test('a new name without from begins with a snapshot', async () => {
    const server = await serve();
    server.shards.add(1, 1n);
    const client = await connect(server);
    await client.subscribed({name: 'crm', from: undefined, audiences: [1]});
    expect((await client.snapshot()).members).toHaveLength(1);
  });

  test('an explicit cursor wins over the acknowledged one', async () => {
    const server = await serve();
    const client = await connect(server);
    const {cursor} = await client.subscribed({name: 'crm'});
    server.shards.add(1, 1n);
    await client.deltas(1);
    client.send({type: 'ack', cursor: client.cursor});
    await client.close();
    const again = await connect(server);
    await again.subscribed({name: 'crm', from: cursor});
    expect((await again.deltas(1))[0]?.mpid).toBe('1');
  });

  test('the newer connection takes the name and the older is closed with 4009', async () => {
    const server = await serve();
    const older = await connect(server);
    await older.subscribed({name: 'crm'});
    const newer = await connect(server);
    await newer.subscribed({name: 'crm'});
    expect(await older.closed()).toBe(4009);
    expect(older.closeReason).toBe('replaced');
    server.shards.add(1, 1n);
    await newer.deltas(1);
  });

  test('the same name under another token is another name', async () => {
    const server = await serve();
    server.grant('other', {tokenId: 2});
    const one = await connect(server);
    await one.subscribed({name: 'crm'});
    const two = await connect(server, {token: 'other'});
    await two.subscribed({name: 'crm'});
    server.shards.add(1, 1n);
    await one.deltas(1);
    await two.deltas(1);
  });

  test('acknowledgements are written at most every 100 ms, and the last before stopping', async () => {
    const server = await serve();
    const client = await connect(server);
    await client.subscribed({name: 'crm'});
    for (let mpid = 0n; mpid < 50n; mpid++) {
      server.shards.add(1, mpid);
      await client.deltas(1);
      client.send({type: 'ack', cursor: client.cursor});
    }
    server.shards.add(1, 1000n);
    await client.deltas(1);
    await client.silence(20);
    await server.stop();
    expect(server.kept.cursorWrites).toBeLessThan(10);
    const restarted = await serve({shards: server.shards, kept: server.kept});
    const again = await connect(restarted);
    await again.subscribed({name: 'crm'});
    expect((await again.deltas(1))[0]?.mpid).toBe('1000');
  });

  test('only what was sent can be acknowledged, and never backwards', async () => {
    const server = await serve({shards: new FeedShards(1)});
    const ahead = await connect(server);
    await ahead.subscribed();
    const client = await connect(server);
    const {cursor: start} = await client.subscribed({audiences: [2], name: 'crm'});
    server.shards.add(1, 1n);
    await ahead.deltas(1);
    client.send({type: 'ack', cursor: ahead.cursor});
    expect(await client.next('error')).toMatchObject({code: 'bad_cursor'});
    client.send({type: 'ack', cursor: 'nonsense'});
    expect(await client.next('error')).toMatchObject({code: 'bad_cursor'});
    server.shards.add(2, 2n);
    await client.deltas(1);
    client.send({type: 'ack', cursor: client.cursor});
    client.send({type: 'ack', cursor: start});
    await client.close();
    const again = await connect(server);
    await again.subscribed({audiences: [2], name: 'crm'});
    await again.silence();
  });
});

describe('audiences', () => {
  test('all includes those made later', async () => {
    const server = await serve();
    const client = await connect(server);
    expect((await client.subscribed()).audiences).toEqual([1, 2]);
    server.addAudience(3);
    server.shards.commit(0, [{audience: 3, mpid: 2n, action: 'add', cause: 'definition'}]);
    expect(await client.deltas(1)).toMatchObject([{audience: 3, cause: 'definition'}]);
  });

  test('only the audiences asked for are sent, and deletes of one that is gone', async () => {
    const server = await serve();
    const client = await connect(server);
    expect((await client.subscribed({audiences: [2, 2]})).audiences).toEqual([2]);
    server.shards.add(1, 1n);
    server.shards.add(2, 2n);
    expect(await client.deltas(1)).toMatchObject([{audience: 2, mpid: '2'}]);
    server.removeAudience(2);
    server.shards.delete(2, 2n);
    expect(await client.deltas(1)).toMatchObject([{audience: 2, action: 'delete'}]);
    await client.silence();
  });

  test('an unknown audience and one that is not granted are refused alike', async () => {
    const server = await serve({audiences: [1, 2]});
    server.grant('one', {tokenId: 2, audiences: [1, 9]});
    const client = await connect(server, {token: 'one'});
    client.subscribe({audiences: [1, 2]});
    const forbidden = await client.next('error');
    client.subscribe({audiences: [1, 9]});
    const unknown = await client.next('error');
    expect(forbidden.code).toBe('unknown_audience');
    expect({...unknown, message: unknown.message?.replace('9', '2')}).toEqual(forbidden);
    expect((await client.subscribed()).audiences).toEqual([1]);
    server.shards.add(2, 1n);
    server.shards.add(1, 2n);
    expect(await client.deltas(1)).toMatchObject([{audience: 1}]);
    await client.silence();
  });

  test('what a token is no longer granted is no longer sent', async () => {
    const server = await serve();
    const granted = [1, 2];
    server.grant('some', {tokenId: 2, audiences: granted});
    const client = await connect(server, {token: 'some'});
    await client.subscribed();
    server.shards.add(2, 1n);
    await client.deltas(1);
    granted.pop();
    server.addAudience(3);
    server.shards.add(2, 2n);
    server.shards.add(3, 2n);
    server.shards.add(1, 2n);
    expect(await client.deltas(1)).toMatchObject([{audience: 1}]);
    await client.silence();
  });

  test.each(['Mail A', 'mail a'])('a variant is asked for by its name: %s', async variant => {
    const variantOf = (_audience: number, mpid: bigint): string =>
      mpid % 2n === 0n ? 'Mail A' : 'Mail B';
    const server = await serve({variantOf});
    server.shards.add(1, 1n, 2n);
    const client = await connect(server);
    await client.subscribed({audiences: [1], from: 'snapshot', variants: [variant]});
    expect((await client.snapshot()).members.map(({mpid}) => mpid)).toEqual(['2']);
    server.shards.add(1, 3n, 4n);
    expect((await client.deltas(1)).map(({mpid}) => mpid)).toEqual(['4']);
    await client.silence();
  });
});

describe('the conversation', () => {
  test('no credentials: 401 and no socket', async () => {
    const server = await serve();
    await expect(StreamClient.connect(server.port, {token: 'nobody'})).rejects.toThrow('401');
  });

  test.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['no type', '{}'],
    ['another type', '{"type":"hello"}'],
    ['no audiences', '{"type":"subscribe","from":"now"}'],
    ['empty audiences', '{"type":"subscribe","audiences":[],"from":"now"}'],
    ['bad ids', '{"type":"subscribe","audiences":[1.5],"from":"now"}'],
    ['no from and no name', '{"type":"subscribe","audiences":"all"}'],
    ['a name of the wrong type', '{"type":"subscribe","audiences":"all","from":"now","name":4}'],
    [
      'identities of the wrong type',
      '{"type":"subscribe","audiences":"all","from":"now","identities":"email"}',
    ],
    ['an ack of nothing', '{"type":"ack"}'],
    ['an ack before a subscription', '{"type":"ack","cursor":"x"}'],
    ['an unsubscribe before a subscription', '{"type":"unsubscribe"}'],
    ['depth', '['.repeat(100_000)],
  ])('%s is answered with an error, and the connection lives on', async (_case, text) => {
    const server = await serve();
    const client = await connect(server);
    client.socket.send(text);
    const error = await client.next('error');
    expect(Object.keys(error)).toEqual(['type', 'code', 'message']);
    client.socket.send(Buffer.from([0xc1]));
    await client.next('error');
    await client.subscribed();
    server.shards.add(1, 1n);
    await client.deltas(1);
  });

  test('unknown fields and nulls are as if they were not there', async () => {
    const client = await connect(await serve());
    const nulls = {name: null, identities: null, attributes: null, variants: null, colour: 1};
    await client.subscribed(nulls);
  });

  test('one subscription to a connection, until it is ended', async () => {
    const server = await serve();
    const client = await connect(server);
    await client.subscribed();
    client.subscribe();
    expect(await client.next('error')).toMatchObject({code: 'already_subscribed'});
    client.send({type: 'unsubscribe'});
    await client.silence(20);
    server.shards.add(1, 1n);
    await client.silence();
    await client.subscribed();
    server.shards.add(1, 2n);
    expect((await client.deltas(1))[0]?.mpid).toBe('2');
    expect(server.hub.stats().subscriptions).toBe(1);
  });

  test('subscriptions are bounded', async () => {
    const server = await serve({bounds: {subscriptionsMax: 1}});
    const one = await connect(server);
    await one.subscribed();
    const two = await connect(server);
    two.subscribe();
    expect(await two.next('error')).toMatchObject({code: 'too_many_subscriptions'});
    await one.close();
    await two.silence(20);
    await two.subscribed();
  });

  test('a shard that fails ends the stream, and says so', async () => {
    const server = await serve();
    const client = await connect(server);
    Object.defineProperty(server.shards, 'call', {
      value: () => Promise.reject(new Error('the disk is gone')),
    });
    await client.subscribed({from: 'snapshot'});
    expect(await client.next('error')).toMatchObject({code: 'unavailable'});
    expect(await client.closed()).toBe(1013);
    expect(server.errors.splice(0)).toHaveLength(1);
  });

  test('messages are answered in their order, whatever takes time', async () => {
    const server = await serve();
    const client = await connect(server);
    client.subscribe({attributes: ['tier']});
    client.send({type: 'unsubscribe'});
    client.send({type: 'unsubscribe'});
    client.subscribe({attributes: ['city']});
    await client.next('subscribed');
    expect(await client.next('error')).toMatchObject({code: 'not_subscribed'});
    await client.next('subscribed');
  });

  test('a client that says too much at once is shown out', async () => {
    const server = await serve();
    const client = await connect(server);
    client.subscribe({attributes: ['tier']});
    for (let at = 0; at < 200; at++) client.send({type: 'ack', cursor: 'x'});
    expect(await client.closed()).toBe(1008);
  });

  test('attributes that are followed are bounded in all', async () => {
    const server = await serve({bounds: {watchedAttributesMax: 2}});
    const client = await connect(server);
    client.subscribe({attributes: ['a', 'b', 'c']});
    expect(await client.next('error')).toMatchObject({code: 'too_many_attributes'});
    await client.subscribed({attributes: ['a', 'b']});
    expect(server.kept.watched).toEqual(['a', 'b']);
  });

  test('a stopping server says 1001, a revoked token 4001', async () => {
    const server = await serve();
    server.grant('gone', {tokenId: 5});
    const revoked = await connect(server, {token: 'gone'});
    await revoked.subscribed();
    const client = await connect(server);
    await client.subscribed();
    server.hub.closeToken(5);
    expect(await revoked.closed()).toBe(4001);
    await server.stop();
    expect(await client.closed()).toBe(1001);
  });
});
