/** An erased profile is gone everywhere: for readers of every kind, for what is defined later, after a crash. */
import {expect, test} from 'vitest';
import {DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

test('an erased profile is gone, its drops are streamed, and its past does not come back', async () => {
  const options = {dataFolder: temporaryFolder(), args: ['--shards', '2']};
  let server = await ServerProcess.start(options);
  let client = new ServerClient(server);
  const shop = await client.openShop();
  const ticked = await client.audience(shop, 'Ticked', {kind: 'event', name: 'Tick'});
  const reader = new DeltaReader();
  await reader.connect(server);
  const tick = (mpid: string): Promise<void> =>
    client.take(shop, {
      mpid,
      user_identities: {email: `${mpid}@example.com`},
      user_attributes: {tier: 'gold'},
      events: [event('Tick'), event('Tick')],
    });
  for (const mpid of ['1', '2', '3']) await tick(mpid);
  await reader.arrivesAt(new Map([[ticked, ['1', '2', '3']]]));

  expect((await client.raw('DELETE', '/v1/profiles/2')).status).toBe(204);
  expect((await client.raw('DELETE', '/v1/profiles/2')).status).toBe(404);
  await reader.arrivesAt(new Map([[ticked, ['1', '3']]]));
  expect(reader.deltas.at(-1)).toMatchObject({mpid: '2', action: 'delete'});
  await expectGone(client, ticked);

  await server.kill();
  client.close();
  reader.drop();
  server = await ServerProcess.start(options);
  client = new ServerClient(server);
  await reader.connect(server);
  await expectGone(client, ticked);

  // Who comes back with that number, or that address, is somebody new.
  await client.take(shop, {mpid: '2', events: [event('Tick')]});
  await client.take(shop, {user_identities: {email: '2@example.com'}, events: [event('Tick')]});
  const found = await client.raw('GET', '/v1/profiles?identity=email&value=2@example.com');
  expect((found.body as {mpid: string}).mpid).not.toBe('2');
  const twice = await client.audience(shop, 'Twice', {
    kind: 'event',
    name: 'Tick',
    compare: {operator: 'greater_or_equal', value: 2},
  });
  await client.filled();
  expect((await client.members(twice)).toSorted()).toEqual(['1', '3']);
  expect(await client.members(ticked)).toHaveLength(4);
  expect(JSON.stringify(await client.profile('2'))).not.toContain('gold');
  await expectKilledAlike(options, {server, client, reader, shop, twice});
});

async function expectGone(client: ServerClient, audience: number): Promise<void> {
  expect(await client.profile('2')).toBeUndefined();
  expect((await client.members(audience)).toSorted()).toEqual(['1', '3']);
  const found = await client.raw('GET', '/v1/profiles?identity=email&value=2@example.com');
  expect(found.status).toBe(404);
}

/** All of it again after another crash: what was told is what is. */
async function expectKilledAlike(
  options: {dataFolder: string; args: string[]},
  before: {
    server: ServerProcess;
    client: ServerClient;
    reader: DeltaReader;
    shop: Shop;
    twice: number;
  },
): Promise<void> {
  await before.server.kill();
  before.client.close();
  before.reader.drop();
  const server = await ServerProcess.start(options);
  const client = new ServerClient(server);
  await before.reader.connect(server);
  await client.take(before.shop, {mpid: '3', user_attributes: {tier: 'silver'}, events: []});
  expect((await client.members(before.twice)).toSorted()).toEqual(['1', '3']);
  await before.reader.arrivesAt(new Map([[before.twice, ['1', '3']]]));
  expect([before.reader.membership.faults, before.reader.resets]).toEqual([[], []]);
  client.close();
  await server.stop();
}
