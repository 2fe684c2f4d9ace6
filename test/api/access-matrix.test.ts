/** Who may do what with an audience: every call, every access, everybody. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import type {Json, Shop} from '../support/server-client.ts';

/** Calls that only look. To look is to see; all others are to change. */
const LOOKS = ['GET', 'POST /v1/audiences/:id/changes', 'POST /v1/audiences/:id/clone'];
/** Calls that need the role of an editor. */
const isForEditors = (call: string): boolean =>
  !call.startsWith('GET') && call !== 'POST /v1/audiences/:id/changes';
const ACCESS = ['private', 'view_only', 'usable'] as const;
const PEOPLE = ['admin', 'owner', 'editor', 'viewer', 'subscriber'] as const;
const DEFINITION = {kind: 'event', name: 'Open'};
const BODIES: Readonly<Record<string, Json>> = {
  'PATCH /v1/audiences/:id': {description: 'changed'},
  'PUT /v1/audiences/:id/test': {variants: [{name: 'A', percentage: 50}]},
  'POST /v1/audiences/:id/changes': {definition: DEFINITION},
};

let server: LiveServer;
let shop: Shop;
const tokens = new Map<string, string>();
beforeAll(async () => {
  server = await LiveServer.start();
  shop = await server.shop();
  tokens.set('owner', await server.token('editor', {name: 'olga'}));
  for (const role of ['editor', 'viewer', 'subscriber']) tokens.set(role, await server.token(role));
  tokens.set('admin', 'admin-token-of-the-test');
});
afterAll(() => server.remove());

function make(access: string): Promise<{id: number}> {
  return server
    .send('POST', '/v1/audiences', {
      token: tokens.get('owner')!,
      body: {name: 'A', workspaces: [shop.workspace], definition: DEFINITION, access},
    })
    .then(({body}) => body as {id: number});
}

type Verdict = 'does it' | 'may not' | 'sees nothing';

function expected(call: string, access: (typeof ACCESS)[number], who: string): Verdict {
  if (who === 'subscriber' || (who === 'viewer' && isForEditors(call))) return 'may not';
  if (who === 'admin' || who === 'owner') return 'does it';
  if (access === 'private') return 'sees nothing';
  const looks = LOOKS.some(look => call.startsWith(look));
  return looks || access === 'usable' ? 'does it' : 'may not';
}

test('every call on an audience keeps to its access and to the role', async () => {
  const calls = server.calls.filter(call => call.includes('/v1/audiences/:id'));
  expect(calls.length).toBeGreaterThanOrEqual(18);
  const found: string[] = [];
  const wanted: string[] = [];
  for (const call of calls) {
    for (const access of ACCESS) {
      for (const who of PEOPLE) {
        const {id} = await make(access);
        const test = {variants: [{name: 'A', percentage: 50}]};
        await server.api('PUT', `/v1/audiences/${id}/test`, test);
        const [method = '', pattern = ''] = call.split(' ');
        const path = pattern
          .replace(':id', String(id))
          .replace(':version', '1')
          .replace(':mpid', '7');
        const {status} = await server.send(method, path, {
          token: tokens.get(who)!,
          body: BODIES[call],
        });
        const verdict: Verdict =
          status === 403 ? 'may not' : status === 404 ? 'sees nothing' : 'does it';
        found.push(`${who}, ${access}, ${call}: ${verdict}`);
        wanted.push(`${who}, ${access}, ${call}: ${expected(call, access, who)}`);
      }
    }
  }
  expect(found).toEqual(wanted);
});

test('what is asked of audiences by number in a body keeps to it too', async () => {
  const [hidden, seen, usable] = await Promise.all(ACCESS.map(access => make(access)));
  for (const {id} of [hidden!, seen!, usable!]) {
    await server.api('POST', `/v1/audiences/${id}/activate`);
    await server.until(
      () => server.api<Json>('GET', `/v1/audiences/${id}`),
      view => view['is_calculated'] === true,
    );
  }
  const token = tokens.get('editor')!;
  const statusOf = async (path: string, body: unknown): Promise<number> =>
    (await server.send('POST', path, {token, body})).status;
  const nested = (id: number) => ({
    workspaces: [shop.workspace],
    definition: {kind: 'audience', audience: id, operator: 'member'},
  });
  const asked = (path: string, body: (id: number) => unknown): Promise<number[]> =>
    Promise.all([hidden!, seen!, usable!, {id: 9_999}].map(({id}) => statusOf(path, body(id))));
  expect(await asked('/v1/overlaps', id => ({audiences: [id]}))).toEqual([422, 200, 200, 422]);
  // To nest one, be it only to estimate, is to use it.
  expect(await asked('/v1/estimates', nested)).toEqual([422, 422, 200, 422]);
  expect(await asked('/v1/audiences', id => ({name: 'N', ...nested(id)}))).toEqual([
    422, 422, 201, 422,
  ]);
  const downloads = (id: number) => ({audiences: [{id}], identities: ['email']});
  expect(await asked('/v1/downloads', downloads)).toEqual([422, 403, 201, 422]);
});
