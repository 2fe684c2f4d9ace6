/** Events are kept for less than saved windows look back: said at the start and in the audience. */
import {pino} from 'pino';
import {expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import type {Json} from '../support/server-client.ts';

const DAY_MS = 86_400_000;

test('windows that are longer than the retention by now are named, and the audience can still be changed', async () => {
  let server = await LiveServer.start();
  const shop = await server.shop();
  const week = {kind: 'event', name: 'Tick', when: {within_last: '7d'}};
  const month = {and: [week, {kind: 'event', name: 'Tick', when: {within_last: '30d'}}]};
  const plain = await server.audience(shop, {name: 'Week', definition: week});
  const long = await server.audience(shop, {name: 'Month', definition: month});
  await server.api('POST', '/v1/calculated_attributes', {
    workspace: shop.workspace,
    name: 'ticks',
    calculation: 'count',
    event: {kind: 'event', name: 'Tick'},
    when: {within_last: '30d'},
  });
  const faultsOf = async (id: number): Promise<unknown> =>
    (await server.api<Json>('GET', `/v1/audiences/${id}`))['faults'];
  expect([await faultsOf(plain), await faultsOf(long)]).toEqual([[], []]);

  const lines: string[] = [];
  const log = pino({level: 'warn'}, {write: (line: string) => lines.push(line)});
  server = await server.restart({eventRetentionMs: 10 * DAY_MS, log});
  expect(lines.map(line => (JSON.parse(line) as {msg: string}).msg)).toEqual([
    `audience ${long} (Month) is not what it says: definition.and[1].when.within_last reaches back 30 d, but events are kept for 10 d`,
    'calculated attribute 1 (ticks) is not what it says: when.within_last reaches back 30 d, but events are kept for 10 d',
  ]);
  expect(await faultsOf(plain)).toEqual([]);
  expect(await faultsOf(long)).toEqual([
    {
      connection: null,
      path: 'definition.and[1].when.within_last',
      message: 'reaches back 30 d, but events are kept for 10 d',
    },
  ]);
  await server.api('PATCH', `/v1/audiences/${long}`, {name: 'Renamed', tags: ['old']});
  const kept = await server.send('PATCH', `/v1/audiences/${long}`, {
    body: {definition: {and: month.and.toReversed()}},
  });
  expect(kept.status).toBe(422);
  await server.api('PATCH', `/v1/audiences/${long}`, {definition: week});
  expect(await faultsOf(long)).toEqual([]);
  await server.remove();
});
