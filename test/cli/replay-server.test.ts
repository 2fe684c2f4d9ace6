import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {HttpClient} from '../../server/cli/http-client.ts';
import {runReplay} from '../../server/cli/replay.ts';
import type {RunningServer} from '../../server/start-server.ts';
import {startServer} from '../../server/start-server.ts';
import {testProcess} from './cli-process.ts';
import {ReplayStage} from './replay-stage.ts';

const MAPPING = join(import.meta.dirname, '../../docs/online-retail.mapping.json');
const CSV = [
  'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
  '1,X,MUG,2,2011-10-01 10:00:00,4.15,1.0,United Kingdom',
  '2,X,MUG,1,2011-10-02 10:00:00,4.15,1.0,United Kingdom',
  '2,Y,BOWL,1,2011-10-02 10:00:00,9.5,1.0,United Kingdom',
  '3,X,MUG,1,2011-10-03 10:00:00,4.15,2.0,France',
  'C3,X,MUG,-1,2011-10-04 10:00:00,4.15,2.0,France',
].join('\n');

let stage: ReplayStage;
let server: RunningServer;
let client: HttpClient;

beforeEach(async () => {
  stage = await ReplayStage.open();
  const retentionMs = 30 * 86_400_000;
  server = await startServer({
    dataFolder: join(stage.folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    adminToken: 'secret',
    shards: 2,
    eventRetentionMs: retentionMs,
    profileRetentionMs: retentionMs,
  });
  client = new HttpClient({
    url: new URL(server.url),
    authorization: 'Bearer secret',
    connections: 1,
  });
});

afterEach(async () => {
  client.close();
  await server.stop();
  await stage.close();
});

test('a file replayed twice counts once, and under another name twice', async () => {
  const workspace = await call('POST', '/v1/workspaces', {name: 'Shop'});
  const input = await call('POST', `/v1/workspaces/${workspace['id']}/inputs`, {
    name: 'Orders',
    type: 'feed',
  });
  const audience = async (name: string, definition: object): Promise<unknown> => {
    const made = await call('POST', '/v1/audiences', {
      name,
      workspaces: [workspace['id']],
      definition,
    });
    await call('POST', `/v1/audiences/${made['id']}/activate`, {});
    return made['id'];
  };
  const bought = {kind: 'commerce', action: 'purchase'};
  const twice = await audience('Twice', {
    ...bought,
    compare: {operator: 'equals', value: 2},
  });
  const fourTimes = await audience('Four times', {
    ...bought,
    compare: {operator: 'equals', value: 4},
  });
  const french = await audience('French returns', {
    and: [
      {kind: 'user_attribute', attribute: 'country', operator: 'exact_match', value: 'france'},
      {kind: 'commerce', action: 'refund'},
    ],
  });

  const file = join(stage.folder, 'retail.csv');
  await writeFile(file, CSV);
  const replay = async (...more: string[]): Promise<number> => {
    const process = testProcess({
      env: {
        MUSTER_URL: server.url,
        MUSTER_KEY: String(input['key']),
        MUSTER_SECRET: String(input['secret']),
      },
    });
    return runReplay([file, '--mapping', MAPPING, '--now-shift', ...more], process);
  };
  expect(await replay()).toBe(0);
  expect(await replay()).toBe(0);
  await expect.poll(() => size(twice)).toBe(1);
  await expect.poll(() => size(french)).toBe(1);
  expect(await size(fourTimes)).toBe(0);

  expect(await replay('--run', 'second')).toBe(0);
  await expect.poll(() => size(fourTimes)).toBe(1);
  expect(await size(twice)).toBe(1);
});

async function size(audience: unknown): Promise<unknown> {
  return (await call('GET', `/v1/audiences/${String(audience)}`))['size'];
}

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const answer = await client.send(method, path, text);
  expect(`${path} ${answer.status} ${answer.status >= 300 ? answer.body : ''}`).toMatch(/ 20\d $/);
  return JSON.parse(answer.body) as Record<string, unknown>;
}
