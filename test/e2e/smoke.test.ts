/** Ten seconds of the whole server, on both transports: what CI runs on every Node that Muster supports. */
import {describe, expect, test} from 'vitest';
import {DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

/** The accelerator has no binary for other Nodes: there the server must run without it. */
const TRANSPORTS = process.version.startsWith('v20.') ? ['node', 'uws'] : ['node', 'auto'];
const CARTS = {kind: 'event', name: 'Add To Cart'};

describe.each(TRANSPORTS)('the server on the %s transport', transport => {
  const start = (dataFolder: string): Promise<ServerProcess> =>
    ServerProcess.start({dataFolder, args: ['--shards', '2'], env: {MUSTER_TRANSPORT: transport}});

  test('takes events, tells deltas, stops, starts, and a reader goes on where it was', async () => {
    const dataFolder = temporaryFolder();
    let server = await start(dataFolder);
    let client = new ServerClient(server);
    expect((await client.send('GET', '/healthz')).status).toBe(200);
    const shop = await client.openShop();
    const added = await client.audience(shop, 'Added', CARTS);
    const gold = await client.audience(shop, 'Gold, and no cart', {
      and: [
        {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'GOLD'},
        {exclude: CARTS},
      ],
    });
    const brief = await client.audience(shop, 'Just now', {...CARTS, when: {within_last: '1s'}});
    const reader = new DeltaReader();
    await reader.connect(server);

    await addToCart(client, shop, {mpid: '1', user_attributes: {tier: 'gold'}, events: []});
    await addToCart(client, shop, {mpid: '-9223372036854775808'});
    await addToCart(client, shop, {user_identities: {email: 'h.jekyll@example.com'}});
    await reader.arrivesAt(new Map([[gold, ['1']]]));
    expect((await client.members(added)).length).toBe(2);
    await reader.arrivesAt(new Map([[added, await client.members(added)]]));
    // Out again because time passes, with no event.
    await reader.arrivesAt(new Map([[brief, []]]));

    reader.drop();
    await addToCart(client, shop, {mpid: '1'});
    const ended = await server.stop();
    expect({code: ended.code, stderr: ended.stderr}).toEqual({code: 0, stderr: ''});
    client.close();

    server = await start(dataFolder);
    client = new ServerClient(server);
    await reader.connect(server);
    await addToCart(client, shop, {mpid: '2'});
    const now = new Map([
      [added, await client.members(added)],
      [gold, []],
    ]);
    expect(now.get(added)).toHaveLength(4);
    await reader.arrivesAt(now);
    expect(reader.membership.faults).toEqual([]);
    expect(reader.resets).toEqual([]);
    client.close();
    await server.stop();
  }, 60_000);

  // The machine that runs the tests is not always idle: one quiet moment is enough.
  test(
    'tells a delta within 50 ms of the event on an idle server',
    {timeout: 60_000, retry: 2},
    async () => {
      const server = await start(temporaryFolder());
      const client = new ServerClient(server);
      const shop = await client.openShop();
      await client.audience(shop, 'Added', CARTS);
      const reader = new DeltaReader({from: 'now'});
      await reader.connect(server);
      const tookMs: number[] = [];
      for (let mpid = 1; mpid <= 30; mpid++) {
        await new Promise(resolve => setTimeout(resolve, 20));
        const heard = new Promise<number>(resolve => {
          reader.onDelta = () => resolve(performance.now());
        });
        const sentMs = performance.now();
        await addToCart(client, shop, {mpid: String(mpid)});
        tookMs.push((await heard) - sentMs);
      }
      tookMs.sort((a, b) => a - b);
      const [median = NaN, most = NaN] = [tookMs[15], tookMs.at(-1)];
      process.stdout.write(
        `  ${transport}: event to delta, median ${median.toFixed(1)} ms, most ${most.toFixed(1)} ms\n`,
      );
      expect(median).toBeLessThan(50);
      client.close();
      await server.stop();
    },
  );
});

function addToCart(client: ServerClient, shop: Shop, batch: object): Promise<void> {
  return client.take(shop, {events: [event('Add To Cart')], ...batch});
}
