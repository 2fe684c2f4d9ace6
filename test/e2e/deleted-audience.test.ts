import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {type RunningServer, startServer} from '../../server/start-server.ts';

const DAY_MS = 86_400_000;
const TOKEN = 'token-of-the-test';

let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-deleted-'));
  server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: folder,
    shards: 1,
    eventRetentionMs: DAY_MS,
    profileRetentionMs: DAY_MS,
    adminToken: TOKEN,
  });
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, {recursive: true});
});

test('whoever follows an audience is told that its members leave when it is deleted', async () => {
  await call('POST', '/v1/workspaces', {name: 'w'});
  const input = await call<{key: string; secret: string}>('POST', '/v1/workspaces/1/inputs', {
    name: 'i',
    type: 'feed',
  });
  const definition = {kind: 'user_attribute', attribute: 'tier', operator: 'exists'};
  await call('POST', '/v1/audiences', {name: 'a', workspaces: [1], definition});
  await call('POST', '/v1/audiences/1/activate');
  const told: string[] = [];
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/v1/deltas?token=${TOKEN}`,
    'muster.json',
  );
  socket.on('message', message => {
    const {deltas = []} = JSON.parse(String(message)) as {
      deltas?: {action: string; mpid: string}[];
    };
    for (const {action, mpid} of deltas) told.push(`${action} ${mpid}`);
  });
  await new Promise(resolve => socket.on('open', resolve));
  socket.send(JSON.stringify({type: 'subscribe', audiences: 'all', from: 'now'}));
  await fetch(`${server.url}/v2/events`, {
    method: 'POST',
    headers: {authorization: `Basic ${btoa(`${input.key}:${input.secret}`)}`},
    body: JSON.stringify({mpid: '7', user_attributes: {tier: 'gold'}}),
  });
  await expect.poll(() => told, {timeout: 5000}).toEqual(['add 7']);
  await call('DELETE', '/v1/audiences/1');
  await expect.poll(() => told, {timeout: 5000}).toEqual(['add 7', 'delete 7']);
  socket.close();
});

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(server.url + path, {
    method,
    headers: {authorization: `Bearer ${TOKEN}`},
    ...(body !== undefined && {body: JSON.stringify(body)}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
