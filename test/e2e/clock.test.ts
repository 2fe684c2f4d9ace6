/** The machine's clock is set, forwards and back, while the server runs. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect, test} from 'vitest';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {event, ServerClient} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

const HOUR_MS = 3_600_000;
/** Rows are written within this. */
const CHECKPOINT_MS_MAX = 40_000;

/** In every thread the clock is off by what a file says. */
function clockOf(folder: string): {env: Record<string, string>; set: (offMs: number) => void} {
  const file = join(folder, 'offset');
  const preload = join(folder, 'clock.mjs');
  writeFileSync(
    preload,
    `import {readFileSync} from 'node:fs';
const real = Date.now;
Date.now = () => real() + Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
`,
  );
  const set = (offMs: number): void => writeFileSync(file, String(offMs));
  set(0);
  return {env: {NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`}, set};
}

test('a clock that is set back holds nothing up: events count, rows are written, nobody is told twice', async () => {
  const folder = temporaryFolder();
  const dataFolder = join(folder, 'data');
  const clock = clockOf(folder);
  clock.set(10 * HOUR_MS);
  const args = ['--shards', '1'];
  let server = await ServerProcess.start({dataFolder, args, env: clock.env});
  let client = new ServerClient(server);
  const shop = await client.openShop();
  const lately = {kind: 'event', name: 'Tick', when: {within_last: '1h'}};
  const audience = await client.audience(shop, 'Lately', lately);
  await client.take(shop, {mpid: '1', events: [event('Tick')]});
  await client.filled();
  expect(await client.members(audience)).toEqual(['1']);

  clock.set(0);
  await client.take(shop, {mpid: '2', user_attributes: {tier: 'gold'}});
  const before = await checkpoint(dataFolder);
  await client.take(shop, {mpid: '3', events: [event('Tick', {}), event('Other')]});
  expect(await client.members(audience)).toContain('1');
  const deadline = Date.now() + CHECKPOINT_MS_MAX;
  while ((await checkpoint(dataFolder)) === before) {
    if (Date.now() > deadline) throw new Error('no rows were written');
    await new Promise(resolve => setTimeout(resolve, 500));
  }
  const members = await client.members(audience);
  client.close();
  await server.kill();

  server = await ServerProcess.start({dataFolder, args, env: clock.env});
  client = new ServerClient(server);
  expect(await client.members(audience)).toEqual(members);
  // The time that the shard had reached, and an hour more.
  clock.set(12 * HOUR_MS);
  await expect.poll(() => client.members(audience), {timeout: 10_000}).toEqual([]);
  client.close();
  expect((await server.stop()).code).toBe(0);
});

/** What it says, as bytes. */
async function checkpoint(dataFolder: string): Promise<string | undefined> {
  const store = LmdbStore.open(join(dataFolder, 'shard-0'), {readOnly: true});
  const value = store.get('meta', 'checkpoint');
  await store.close();
  return value && Buffer.from(value).toString('hex');
}
