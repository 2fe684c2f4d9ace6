/** What an operator sees at /metrics of memory and of what the bounds refuse. */
import {afterEach, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {event} from '../support/server-client.ts';

let server: LiveServer | undefined;

afterEach(async () => {
  await server?.remove();
  server = undefined;
});

/** Of all shards together. */
async function metric(name: string): Promise<number> {
  const {bytes} = await server!.send('GET', '/metrics');
  const lines = bytes.toString().split('\n');
  const values = lines.filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  if (values.length === 0) throw new Error(`there is no ${name}`);
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function fill(options: object): Promise<void> {
  server = await LiveServer.start(undefined, {shards: 1, ...options});
  const shop = await server.shop();
  const viewers = await server.audience(shop, {definition: {kind: 'event', name: 'View'}});
  const buyers = await server.audience(shop, {definition: {kind: 'event', name: 'Buy'}});
  for (let mpid = 1; mpid <= 4; mpid++) {
    await server.post(shop, [
      {mpid, user_attributes: {tier: 'gold'}, events: [event('View'), event('Buy')]},
    ]);
  }
  for (const audience of [viewers, buyers]) {
    await server.api('POST', '/v1/overlaps', {audiences: [audience, audience]});
  }
}

test('every part of the memory that profiles take is told', async () => {
  await fill({});
  for (const part of ['history', 'fact', 'membership', 'truth', 'column']) {
    expect([part, await metric(`muster_${part}_bytes`)]).not.toEqual([part, 0]);
  }
  expect(await metric('muster_remembered_bytes')).toBeGreaterThan(0);
  expect(await metric('muster_forgotten_ids_total')).toBe(0);
  expect(await metric('muster_deltas_total')).toBe(8);
  expect(await metric('muster_deltas_total')).toBe(8);
});

test('between questions no more is kept than the operator gives memory for', async () => {
  await fill({});
  const ofBoth = await metric('muster_column_bytes');
  await server?.remove();
  await fill({columnBytesMax: 0});
  // What the last question needed goes with the next one.
  expect(await metric('muster_column_bytes')).toBe(ofBoth / 2);
});

test('a profile keeps ten thousand facts in a workspace, and what is refused is counted', async () => {
  server = await LiveServer.start(undefined, {shards: 1});
  const shop = await server.shop();
  for (let batch = 0; batch < 11; batch++) {
    const names = Array.from({length: 1_000}, (_, at) => `a${batch * 1_000 + at}`);
    const attributes = Object.fromEntries(names.map(name => [name, 1]));
    await server.post(shop, [{mpid: 7, user_attributes: attributes}]);
  }
  expect(await metric('muster_facts_refused_total')).toBe(1_000);
});
