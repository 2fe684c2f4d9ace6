import {expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {event, type Json, ServerClient} from '../support/server-client.ts';

const HOUR_MS = 3_600_000;

interface Metrics {
  readonly size: number;
  readonly added_last_24_hours: number;
  readonly dropped_last_24_hours: number;
  readonly volatility: number | null;
}

test('metrics and history of a live audience survive a restart', async () => {
  let server = await LiveServer.start();
  let client = new ServerClient({url: server.url});
  const shop = await client.openShop();
  const id = await client.audience(shop, 'Openers', {kind: 'event', name: 'Open'});
  for (let mpid = 1; mpid <= 20; mpid++) {
    await client.take(shop, {mpid, environment: 'production', events: [event('Open')]});
  }
  await client.filled();
  await client.api('DELETE', '/v1/profiles/7');
  const expected: Metrics = {
    size: 19,
    added_last_24_hours: 20,
    dropped_last_24_hours: 1,
    volatility: 21 / 19,
  };
  const read = async (): Promise<{audience: Json; history: unknown[]}> => {
    const {size, added_last_24_hours, dropped_last_24_hours, volatility} =
      await client.api<Metrics>('GET', `/v1/audiences/${id}`);
    const audience = {size, added_last_24_hours, dropped_last_24_hours, volatility};
    return {audience, history: await client.api('GET', `/v1/audiences/${id}/history`)};
  };
  const before = await read();
  expect(before.audience).toEqual(expected);
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  // Where the clock passed a full hour meanwhile there are two of them.
  expect(before.history.at(-1)).toMatchObject({size: 19});
  expect(hour - (before.history.at(-1) as {at_ms: number}).at_ms).toBeLessThanOrEqual(HOUR_MS);
  const sum = (field: 'added' | 'dropped'): number =>
    (before.history as Record<string, number>[]).reduce((all, each) => all + each[field]!, 0);
  expect([sum('added'), sum('dropped')]).toEqual([20, 1]);
  client.close();
  server = await server.restart();
  client = new ServerClient({url: server.url});
  const after = await read();
  expect(after.audience).toEqual(expected);
  expect(after.history.slice(0, before.history.length)).toEqual(before.history);
  expect((await client.raw('GET', `/v1/audiences/${id}/history?hours=9000`)).status).toBe(422);
  expect((await client.raw('GET', `/v1/audiences/99/history`)).status).toBe(404);
  client.close();
  await server.remove();
}, 60_000);
