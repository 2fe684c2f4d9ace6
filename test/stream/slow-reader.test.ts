import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, describe, expect, test} from 'vitest';
import {FeedShards} from '../support/feed-shards.ts';
import {Membership, StreamClient} from '../support/stream-client.ts';
import {StreamServer} from '../support/stream-server.ts';

const DELTAS = 200_000;
const PER_ENTRY = 500;
const servers: StreamServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    await server.stop();
    expect(server.errors).toEqual([]);
  }
});

async function serve(transport: 'node' | 'uws'): Promise<StreamServer> {
  const server = await StreamServer.start({
    shards: new FeedShards(2),
    audiences: [1],
    transport,
    // So small that the slow have to read from disk.
    bounds: {ringBytesMax: 1024 * 1024, diskCacheBytesMax: 1024 * 1024, diskReadBytes: 64 * 1024},
  });
  servers.push(server);
  return server;
}

async function commitMany(server: StreamServer): Promise<void> {
  let mpid = 0;
  while (mpid < DELTAS) {
    const adds = Array.from({length: PER_ENTRY}, () => BigInt(mpid++ * 2));
    server.shards.add(1, ...adds);
    if (mpid % (PER_ENTRY * 4) === 0) await sleep(1);
  }
}

describe.each(['node', 'uws'] as const)('on the %s transport', transport => {
  test('readers that stand still hold up nobody, cost bounded memory, and miss nothing', async () => {
    const server = await serve(transport);
    const slow: StreamClient[] = [];
    for (let at = 0; at < 10; at++) {
      const client = await StreamClient.connect(server.port);
      await client.subscribed();
      client.socket.pause();
      slow.push(client);
    }
    const fast = await StreamClient.connect(server.port);
    await fast.subscribed();
    const logged = server.shards.log.length;
    const startMs = performance.now();
    const committing = commitMany(server);
    expect(await fast.deltas(DELTAS)).toHaveLength(DELTAS);
    const fastMs = performance.now() - startMs;
    await committing;
    expect(server.shards.log.length - logged).toBe(DELTAS);
    expect(fastMs).toBeLessThan(20_000);
    const held = server.sockets.map(socket => socket.bufferedBytes);
    expect(held).toHaveLength(11);
    expect(Math.min(...held.slice(0, 10))).toBeGreaterThan(0);
    expect(Math.max(...held)).toBeLessThanOrEqual(64 * 1024 + 16 * 1024);
    expect(server.shards.diskReads).toBeGreaterThan(0);
    const [first, second] = slow;
    for (const client of [first, second]) {
      client?.socket.resume();
      const membership = new Membership();
      const deltas = (await client?.deltas(DELTAS)) ?? [];
      membership.apply({type: 'deltas', deltas});
      expect(membership.faults).toEqual([]);
      expect(membership.of(1).size).toBe(DELTAS);
    }
    for (const client of [...slow, fast]) client.socket.terminate();
  }, 60_000);

  test('a client that never reads its answers is shown out', async () => {
    const server = await serve(transport);
    const client = await StreamClient.connect(server.port);
    client.socket.pause();
    const flood = 'x'.repeat(200);
    for (let at = 0; at < 400 && client.socket.readyState === 1; at++) {
      for (let many = 0; many < 500; many++) client.socket.send(flood);
      await sleep(1);
    }
    client.socket.resume();
    expect([1006, 1008]).toContain(await client.closed());
    const other = await StreamClient.connect(server.port);
    await other.subscribed();
    other.socket.terminate();
  }, 60_000);

  test('a snapshot waits for its reader, and holds a window of members meanwhile', async () => {
    const server = await serve(transport);
    const {shards} = server;
    const all = Array.from({length: 150_000}, (_, at) => BigInt(at));
    for (let at = 0; at < all.length; at += 5000) shards.add(1, ...all.slice(at, at + 5000));
    const client = await StreamClient.connect(server.port);
    const membership = new Membership();
    client.onMessage = message => membership.apply(message);
    await client.subscribed({from: 'snapshot'});
    client.socket.pause();
    // Meanwhile everybody with an odd mpid leaves, and some new ones come.
    for (let at = 1; at < 150_000; at += 1000) {
      shards.delete(1, ...all.slice(at, at + 1000).filter(mpid => mpid % 2n === 1n));
      await sleep(0);
    }
    shards.add(1, 1_000_000n);
    await sleep(100);
    client.socket.resume();
    const expected = new Set(shards.members(1).map(String));
    while (membership.of(1).size !== expected.size || !membership.of(1).has('1000000')) {
      await client.next();
    }
    expect(membership.faults).toEqual([]);
    expect(membership.of(1)).toEqual(expected);
    client.socket.terminate();
  }, 60_000);
});
