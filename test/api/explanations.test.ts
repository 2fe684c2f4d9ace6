/** Why a profile is a member, as the API tells it: the whole server, real events. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {MembershipAnswer} from '../../server/api/explanation-schemas.ts';
import {validator} from '../../server/api/validate.ts';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {event, type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {ADMIN_TOKEN} from '../support/server-process.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const folder = mkdtempSync(join(tmpdir(), 'muster-explained-'));
let server: RunningServer;
let client: ServerClient;
let shop: Shop;

const VIEWED = {kind: 'event', name: 'View', when: {within_last: '1h'}};
const KNOWN = {kind: 'identity', identity: 'email', operator: 'ends_with', value: '@b.com'};
const OTHER = {kind: 'audience', audience: 1, operator: 'member'};
const DEFINITION = {and: [OTHER, {or: [KNOWN, {exclude: VIEWED}]}]};
const viewedMs = Date.now() - 60_000;

beforeAll(async () => {
  server = await startServer({
    port: 0,
    host: '127.0.0.1',
    dataFolder: folder,
    shards: 2,
    eventRetentionMs: 30 * DAY_MS,
    profileRetentionMs: 30 * DAY_MS,
    adminToken: ADMIN_TOKEN,
  });
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
  await client.audience(shop, 'Viewers', VIEWED);
  await client.audience(shop, 'Known viewers', DEFINITION);
  await client.filled();
  await client.take(shop, {
    mpid: '-7',
    user_identities: {email: 'a@b.com'},
    events: [event('View', {timestamp_unixtime_ms: viewedMs})],
  });
});

afterAll(async () => {
  client.close();
  await server.stop();
  rmSync(folder, {recursive: true});
});

async function explained(path: string, token = ADMIN_TOKEN): Promise<Json> {
  const answer = await client.send('GET', `/v1/audiences/${path}`, {
    headers: {authorization: `Bearer ${token}`},
  });
  expect([answer.status, validator(MembershipAnswer)(answer.body)]).toEqual([
    200,
    {value: answer.body},
  ]);
  return answer.body as Json;
}

test('a member: the definition as it was saved, part by part, with what each part saw', async () => {
  const untilMs = viewedMs + HOUR_MS + 1;
  const standing = {holds: true, since_ms: viewedMs, or_earlier: false, until_ms: untilMs};
  const viewed = {
    criterion: VIEWED,
    means: 'event "View" in the last 1 h',
    saw: {
      measured: 1,
      or_more: false,
      count: 1,
      first_ms: viewedMs,
      last_ms: viewedMs,
      latest_ms: viewedMs,
    },
  };
  // Nobody remembers whether the identity was claimed before the last batch.
  const atLeast = {...standing, since_ms: expect.any(Number) as number, or_earlier: true};
  const forGood = {...atLeast, until_ms: null};
  const answer = await explained('2/members/-7');
  expect(answer).toEqual({
    mpid: '-7',
    member: true,
    since_ms: expect.any(Number),
    until_ms: untilMs,
    is_known: true,
    at_ms: expect.any(Number),
    forgotten_ms: expect.any(Number),
    in_population: true,
    version: 1,
    is_calculated: true,
    why: {
      path: 'definition',
      ...atLeast,
      and: [
        {
          path: 'definition.and[0]',
          ...standing,
          criterion: OTHER,
          means: 'in audience 1',
          saw: {member: true},
          audience: {
            id: 1,
            name: 'Viewers',
            member: true,
            in_population: true,
            version: 1,
            is_calculated: true,
            why: {path: 'definition', ...standing, ...viewed},
          },
        },
        {
          path: 'definition.and[1]',
          ...forGood,
          or: [
            {
              path: 'definition.and[1].or[0]',
              ...forGood,
              criterion: KNOWN,
              means: 'identity email ends with "@b.com"',
              saw: {
                values: [
                  {workspace: shop.workspace, exists: true, value: 'a@b.com', said_ms: null},
                ],
              },
            },
            {
              path: 'definition.and[1].or[1]',
              ...standing,
              holds: false,
              exclude: {path: 'definition.and[1].or[1].exclude', ...standing, ...viewed},
            },
          ],
        },
      ],
    },
  });
});

test('a token is shown the identities and the audiences that it may see', async () => {
  const {token} = await client.api<{token: string}>('POST', '/v1/tokens', {
    name: 'reader',
    role: 'viewer',
    audiences: [2],
    identities: ['customer_id'],
  });
  const {why} = await explained('2/members/-7', token);
  expect(why).toMatchObject({
    holds: true,
    and: [
      {holds: true, saw: {member: true}, audience: null},
      {or: [{holds: true, saw: null}, {holds: false}]},
    ],
  });
  expect(JSON.stringify(why)).not.toContain('a@b.com');
});

test('nobody, and an audience without a definition, or not active', async () => {
  const nobody = {member: false, since_ms: null, until_ms: null};
  expect(await explained('2/members/8')).toMatchObject({...nobody, is_known: false, why: null});
  const draft = {name: 'Draft', workspaces: [shop.workspace]};
  await client.api('POST', '/v1/audiences', draft);
  expect(await explained('3/members/-7')).toMatchObject({
    ...nobody,
    is_known: true,
    version: null,
    why: null,
  });
  await client.api('POST', '/v1/audiences', {...draft, definition: {kind: 'crash'}});
  expect(await explained('4/members/-7')).toMatchObject({
    ...nobody,
    version: 1,
    is_calculated: false,
    why: {holds: null, since_ms: null, until_ms: null, criterion: {kind: 'crash'}, saw: null},
  });
});
