import {afterAll, expect, test} from 'vitest';
import type {Json} from '../support/server-client.ts';
import {LiveServer} from './live-server.ts';
import {unzip} from './zip-reader.ts';

const PROFILES = 50_000;
let server: LiveServer;
afterAll(() => server.remove());

test('fifty thousand members are downloaded while events go on, in bounded memory', async () => {
  server = await LiveServer.start();
  const shop = await server.shop();
  for (let from = 0; from < PROFILES; from += 10_000) {
    await server.post(
      shop,
      Array.from({length: 10_000}, (_, i) => ({
        mpid: String(from + i + 1),
        user_identities: {email: `profile${from + i}@example.com`, customer_id: `c${from + i}`},
        events: [],
      })),
    );
  }
  const audience = await server.audience(shop);
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
  const startedMs = performance.now();
  const {id} = await server.api<{id: string}>('POST', '/v1/downloads', {
    audiences: [{id: audience}],
    identities: ['email', 'customer_id'],
  });
  const delaysMs: number[] = [];
  const progress: number[] = [];
  for (let n = 0; ; n++) {
    const askedMs = performance.now();
    await server.post(shop, [{mpid: String(PROFILES + n + 1), events: []}]);
    delaysMs.push(performance.now() - askedMs);
    const view = await server.api<Json>('GET', `/v1/downloads/${id}`);
    progress.push(Number(view['progress']));
    if (view['status'] === 'ready') break;
    expect(['queued', 'running']).toContain(view['status']);
  }
  clearInterval(watch);
  const {bytes} = await server.send('GET', `/v1/downloads/${id}/file`);
  const manifest = JSON.parse(unzip(bytes).get('manifest.json')!.toString()) as Json;
  expect(manifest).toMatchObject({
    total_rows: 2 * PROFILES,
    rows_by_identity: {email: PROFILES, customer_id: PROFILES},
  });
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(new Set(progress).size).toBeGreaterThan(2);
  expect((most - before) / 2 ** 20).toBeLessThan(250);
  const worst = delaysMs.toSorted((a, b) => b - a)[0]!;
  process.stdout.write(
    `  ${Math.round(performance.now() - startedMs)} ms, ${delaysMs.length} events meanwhile, ` +
      `slowest ${worst.toFixed(1)} ms, ${((most - before) / 2 ** 20).toFixed(0)} MB more\n`,
  );
});
