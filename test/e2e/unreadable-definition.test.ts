/** A release that cannot read what an earlier one saved: the audience keeps its members, and says what is wrong. */
import {join} from 'node:path';
import {pack, unpack} from 'msgpackr';
import {expect, test} from 'vitest';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import {Catalog} from '../../server/catalog/catalog.ts';
import {seal, unseal} from '../../storage/checked-value.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {event, type Json, ServerClient} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

const UNKNOWN = {kind: 'horoscope', sign: 'leo'};

test('an audience that cannot be calculated after a restart keeps its members and says why', async () => {
  const dataFolder = temporaryFolder();
  const args = ['--shards', '2'];
  const first = await ServerProcess.start({dataFolder, args});
  const api = new ServerClient(first);
  const shop = await api.openShop();
  const id = await api.audience(shop, 'Viewers', {kind: 'event', name: 'View'});
  const other = await api.audience(shop, 'Nesting', {
    kind: 'audience',
    audience: id,
    operator: 'member',
  });
  for (let mpid = 1; mpid <= 8; mpid++) await api.take(shop, {mpid, events: [event('View')]});
  await api.filled();
  const members = await api.members(id);
  expect(members).toHaveLength(8);
  api.close();
  await first.stop();
  await spoil(dataFolder, id);

  const second = await ServerProcess.start({dataFolder, args});
  const client = new ServerClient(second);
  for (const each of [id, other]) {
    expect(await client.members(each)).toEqual(members);
    const view = await client.api<Json & {faults: Json[]}>('GET', `/v1/audiences/${each}`);
    expect(view).toMatchObject({size: 8, is_calculated: false, dropped_last_24_hours: 0});
    expect(view.faults.map(({message}) => message).join()).toContain(
      'Its members stay as they are',
    );
    const why = await client.api<Json>('GET', `/v1/audiences/${each}/members/${members[0]}`);
    expect(why).toMatchObject({member: true, is_calculated: false, why: null});
  }
  const metrics = await client.send('GET', '/metrics');
  expect(metrics.text).toMatch(/^muster_audiences_failed\{shard="0"\} 2$/m);
  const logged = second.stderr.split('\n').filter(line => line.includes('keeps the members'));
  expect(logged.map(line => JSON.parse(line) as Json)).toMatchObject([
    {audience: id, members: 8},
    {audience: other, members: 8},
  ]);

  // Saving it anew goes on from there.
  await client.api('PATCH', `/v1/audiences/${id}`, {definition: {kind: 'event', name: 'View'}});
  await client.filled();
  const mended = await client.api<Json>('GET', `/v1/audiences/${id}`);
  expect(mended).toMatchObject({
    size: 8,
    is_calculated: true,
    faults: [],
    dropped_last_24_hours: 0,
  });
  client.close();
  expect((await second.stop()).code).toBe(0);
});

/** In the catalogue and in every shard. */
async function spoil(dataFolder: string, id: number): Promise<void> {
  const catalog = await Catalog.open(join(dataFolder, 'catalog'));
  const audience = catalog.store.get('audiences', id)!;
  await catalog.store.change(write => {
    write.put('audiences', id, {...audience, definition: UNKNOWN});
  });
  await catalog.close();
  for (const shard of [0, 1]) {
    const store = LmdbStore.open(join(dataFolder, `shard-${shard}`));
    const spec = unpack(unseal(1, store.get('audiences', id)!, 'the definition')) as AudienceSpec;
    const rewritten = {...spec, expression: {kind: 'criterion', criterion: UNKNOWN}};
    await store.commit([{table: 'audiences', key: id, value: seal(1, [pack(rewritten)])}]);
    await store.close();
  }
}
