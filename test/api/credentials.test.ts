import {mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {bootstrapAdmin} from '../../server/catalog/bootstrap-admin.ts';
import {NamedCursorStore, WatchedAttributeStore} from '../../server/catalog/stream-memory.ts';
import type {TransportRequest} from '../../server/http/transport.ts';
import {ADMIN_TOKEN, ApiServer} from './api-server.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

/** A request as an authenticator sees it. */
function request(authorization = '', query = ''): TransportRequest {
  return {
    method: 'GET',
    path: '/',
    params: new Map(),
    query: new URLSearchParams(query),
    remoteAddress: '',
    header: name => (name === 'authorization' ? authorization : ''),
    readBody: () => undefined,
  };
}

interface MadeInput {
  readonly id: number;
  readonly key: string;
  readonly secret: string;
}

function basic({key, secret}: {key: string; secret: string}): string {
  return `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
}

describe('an input', () => {
  const make = async () => {
    const workspace = await server.workspace();
    const body = {name: 'iOS app', type: 'platform', platform: 'ios'};
    return server.want<MadeInput>(201, 'POST', `/v1/workspaces/${workspace}/inputs`, body);
  };

  test('is known by its key and secret, and names its workspace', async () => {
    const made = await make();
    const known = {inputId: made.id, workspaceId: 1, key: made.key};
    expect(server.authenticator.authenticateInput(request(basic(made)))).toEqual(known);
    // Once more, from memory.
    expect(server.authenticator.authenticateInput(request(basic(made)))).toEqual(known);
  });

  test('is not known by anything else', async () => {
    const made = await make();
    const {authenticator} = server;
    expect(authenticator.authenticateInput(request())).toBe('missing');
    for (const wrong of [
      basic({...made, secret: `${made.secret}x`}),
      basic({...made, secret: ''}),
      basic({...made, key: 'key_unknown'}),
      basic({key: 'key_unknown', secret: ''}),
      `Basic ${Buffer.from(made.key).toString('base64')}`,
      'Basic ???',
      'Basic',
      `Bearer ${ADMIN_TOKEN}`,
    ]) {
      expect([wrong, authenticator.authenticateInput(request(wrong))]).toEqual([wrong, 'wrong']);
    }
  });

  test('shows its secret once', async () => {
    const {secret, ...rest} = await make();
    const listed = await server.want(200, 'GET', '/v1/workspaces/1/inputs');
    expect(listed).toEqual([rest]);
    expect((await server.get('/v1/audit')).text).not.toContain(secret);
    expect((await server.get('/v1/workspaces/2/inputs')).status).toBe(404);
  });

  test('is known after a restart', async () => {
    const made = await make();
    server = await server.restart();
    expect(server.authenticator.authenticateInput(request(basic(made)))).toMatchObject({
      inputId: made.id,
    });
  });
});

describe('a token', () => {
  test('is known by the header, and on a socket by the query too', async () => {
    const grant = {name: 'crm', audiences: [1], identities: ['email']};
    const token = await server.token('subscriber', grant);
    const {authenticator} = server;
    const principal = authenticator.authenticateToken(request(`bearer ${token}`));
    expect(principal).toEqual({
      tokenId: 1,
      name: 'crm',
      role: 'subscriber',
      audiences: new Set([1]),
      identities: new Set(['email']),
    });
    expect(authenticator.authenticateSocket(request('', `token=${token}`))).toEqual(principal);
    expect(authenticator.authenticateSocket(request(`Bearer ${token}`))).toEqual(principal);
    expect(authenticator.authenticateToken(request('', `token=${token}`))).toBe('missing');
    expect(authenticator.authenticateSocket(request('', 'token=x'))).toBe('wrong');
    expect(authenticator.authenticateSocket(request())).toBe('missing');
    // A header that is wrong is not forgiven for a query that is right.
    expect(authenticator.authenticateSocket(request('Bearer x', `token=${token}`))).toBe('wrong');
  });

  test('is listed without what it is, and kept only as a hash', async () => {
    const token = await server.token('viewer', {name: 'anna'});
    const listed = await server.get('/v1/tokens');
    expect(listed.text).not.toContain(token);
    expect(listed.body).toEqual([
      {
        id: 1,
        name: 'anna',
        role: 'viewer',
        audiences: null,
        identities: null,
        created_by: 'admin',
        created_ms: server.nowMs,
      },
    ]);
    expect((await server.get('/v1/audit')).text).not.toContain(token);
    expect(readFileSync(join(server.folder, 'catalog', 'data.mdb')).includes(token)).toBe(false);
  });

  test('loses its named cursors when it is revoked', async () => {
    await server.token('subscriber');
    const cursors = new NamedCursorStore(server.catalog);
    await cursors.set(1, 'crm', 'here');
    await cursors.set(11, 'crm', 'there');
    await server.want(204, 'DELETE', '/v1/tokens/1');
    expect(cursors.get(1, 'crm')).toBeUndefined();
    expect(cursors.get(11, 'crm')).toBe('there');
  });
});

describe('the first administrator', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-admin-'));
  });
  afterEach(() => {
    rmSync(folder, {recursive: true});
  });

  test('is given by the environment and then not written down', () => {
    const admin = bootstrapAdmin(folder, {MUSTER_ADMIN_TOKEN: 'given'});
    expect(admin).toEqual({token: 'given', path: undefined});
    expect(() => statSync(join(folder, 'admin-token'))).toThrow();
  });

  test('is else made once, in a file only its owner may read', () => {
    const first = bootstrapAdmin(folder, {});
    const path = join(folder, 'admin-token');
    expect(first).toEqual({token: expect.stringMatching(/^mst_.{43}$/) as string, path});
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(bootstrapAdmin(folder, {})).toEqual(first);
  });

  test('closes a file that was left open to all, and fills an empty one', () => {
    const path = join(folder, 'admin-token');
    writeFileSync(path, '', {mode: 0o644});
    const {token} = bootstrapAdmin(folder, {MUSTER_ADMIN_TOKEN: ''});
    expect(readFileSync(path, 'utf8').trim()).toBe(token);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

test('cursors and watched attributes survive a restart, in their order', async () => {
  const attributes = new WatchedAttributeStore(server.catalog);
  await attributes.add(['tier', 'score']);
  await Promise.all([attributes.add(['score', 'city']), attributes.add(['city', '__proto__'])]);
  expect(attributes.list()).toEqual(['tier', 'score', 'city', '__proto__']);
  await new NamedCursorStore(server.catalog).set(3, 'a/b', 'cursor');
  const {folderId} = server.catalog;

  server = await server.restart();
  expect(new WatchedAttributeStore(server.catalog).list()).toEqual(attributes.list());
  expect(new NamedCursorStore(server.catalog).get(3, 'a/b')).toBe('cursor');
  expect(server.catalog.folderId).toBe(folderId);
});
