import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {StreamClient} from '../support/stream-client.ts';
import {type RunningServer, startServer} from '../../server/start-server.ts';

const DAY_MS = 86_400_000;
const TOKEN = 'token-of-the-test';

let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-deleted-'));
  server = await start();
});

function start(): Promise<RunningServer> {
  return startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: folder,
    shards: 1,
    eventRetentionMs: DAY_MS,
    profileRetentionMs: DAY_MS,
    adminToken: TOKEN,
  });
}

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

test('a reader that comes back after an audience was deleted hears its deletes, and goes on', async () => {
  await call('POST', '/v1/workspaces', {name: 'w'});
  const input = await call<{key: string; secret: string}>('POST', '/v1/workspaces/1/inputs', {
    name: 'i',
    type: 'feed',
  });
  for (const attribute of ['tier', 'city']) {
    const definition = {kind: 'user_attribute', attribute, operator: 'exists'};
    const {id} = await call<{id: number}>('POST', '/v1/audiences', {
      name: attribute,
      workspaces: [1],
      definition,
    });
    await call('POST', `/v1/audiences/${id}/activate`);
  }
  const take = (mpid: string): Promise<unknown> =>
    fetch(`${server.url}/v2/events`, {
      method: 'POST',
      headers: {authorization: `Basic ${btoa(`${input.key}:${input.secret}`)}`},
      body: JSON.stringify({
        mpid,
        user_attributes: {tier: 'gold', city: 'Oslo'},
        user_identities: {email: `${mpid}@x.example`},
      }),
    });
  const {token} = await call<{token: string}>('POST', '/v1/tokens', {
    name: 'crm',
    role: 'subscriber',
    identities: ['email'],
  });
  const subscription = {audiences: [1, 2], name: 'crm', identities: ['email']};
  const port = (): number => Number(new URL(server.url).port);
  await take('7');
  const first = await StreamClient.connect(port(), {token});
  const {cursor} = await first.subscribed({...subscription, from: 'snapshot'});
  await first.snapshot();
  await first.snapshot();
  first.send({type: 'ack', cursor});
  await first.close();

  await call('DELETE', '/v1/audiences/1');
  await take('8');
  for (const restarts of [false, true]) {
    if (restarts) await restart();
    const reader = await StreamClient.connect(port(), {token});
    expect((await reader.subscribed({...subscription, from: undefined})).audiences).toEqual([2]);
    const deltas = await reader.deltas(2);
    expect(deltas).toMatchObject([
      {audience: 1, mpid: '7', action: 'delete', identities: {email: '7@x.example'}},
      {audience: 2, mpid: '8', action: 'add', identities: {email: '8@x.example'}},
    ]);
    await reader.close();
  }
  // Of one that never was, and of one that it may not see, it hears the same.
  const curious = await StreamClient.connect(port(), {token});
  await call('PATCH', '/v1/audiences/2', {access: 'private'});
  for (const id of [2, 999]) {
    curious.subscribe({audiences: [id]});
    expect((await curious.next('error')).message).toBe(`there is no audience ${id} for this token`);
  }
  await curious.close();
});

async function restart(): Promise<void> {
  await server.stop();
  server = await start();
}

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
