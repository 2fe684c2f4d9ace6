/** A person is erased from the whole server, and looked for in everything it keeps. */
import {createHmac} from 'node:crypto';
import {readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {DeltaReader as FeedReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';
import {decodeFeedEntry} from '../../storage/feed-entry.ts';
import {IdentityStore} from '../../storage/identity-store.ts';
import {decodeJournalEntry} from '../../storage/journal-entry.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {decodeRecords} from '../../storage/record-codec.ts';
import {LiveServer} from '../downloads/live-server.ts';
import {DeltaReader} from '../support/delta-reader.ts';
import type {Json, Shop} from '../support/server-client.ts';

const MPID = '-4242424242424242';
const OTHER = '77';
const ANNA = [
  {user_identities: {email: 'anna@old.example'}},
  {user_identities: {email: 'anna@new.example'}, user_attributes: {tier: 'gold'}},
  {user_attributes: {tier: 'silver'}},
  {user_attributes: {tier: 'gold'}},
];

interface AuditEntry extends Json {
  readonly action: string;
  readonly target: string;
  readonly to: Json | null;
}

let server: LiveServer;
let shop: Shop;
let gold: number;
beforeEach(async () => {
  server = await LiveServer.start();
  shop = await server.shop();
  const definition = {
    kind: 'user_attribute',
    attribute: 'tier',
    operator: 'exact_match',
    value: 'gold',
  };
  gold = await server.audience(shop, {definition});
  for (const part of ANNA) await server.post(shop, [{mpid: MPID, events: [], ...part}]);
  const bert = {email: 'bert@x.example'};
  const other = {user_identities: bert, user_attributes: {tier: 'gold'}, events: []};
  await server.post(shop, [{mpid: OTHER, ...other}]);
});
afterEach(() => server.remove());

function audit(): Promise<AuditEntry[]> {
  return server.api<AuditEntry[]>('GET', '/v1/audit');
}

async function proofs(count: number): Promise<AuditEntry[]> {
  const entries = await server.until(
    audit,
    all => all.filter(({action}) => action === 'profile.erased').length >= count,
  );
  return entries.filter(({action}) => action === 'profile.erased');
}

async function erase(): Promise<void> {
  expect((await server.send('DELETE', `/v1/profiles/${MPID}`)).status).toBe(204);
}

function port(): {port: number} {
  return {port: Number(new URL(server.url).port)};
}

/** What the stores have of the person. The server must have stopped. */
async function left(): Promise<{
  records: number;
  deltas: string[];
  erased: number;
  emails: number;
}> {
  const found = {records: 0, deltas: [] as string[], erased: 0, emails: 0};
  for (const shard of [0, 1]) {
    const store = LmdbStore.open(join(server.folder, `shard-${shard}`), {readOnly: true});
    for (const table of ['journal', 'sample'] as const) {
      for (const {key, value} of store.entries(table, 0)) {
        const {content} = decodeJournalEntry(value, key);
        expect(content.kind === 'control' && content.control.kind === 'erase').toBe(false);
        if (content.kind !== 'records') continue;
        for (const {mpidHi, mpidLo} of decodeRecords(content.records)) {
          if (String(mpidFrom(mpidHi, mpidLo)) === MPID) found.records++;
        }
      }
    }
    for (const {key, value} of store.entries('feed', 0)) {
      const deltas = new FeedReader(decodeFeedEntry(value, key));
      for (let i = 0; i < deltas.count; i++) {
        if (deltas.isErased(i)) found.erased++;
        else if (String(mpidFrom(deltas.mpidHi(i), deltas.mpidLo(i))) === MPID) {
          found.deltas.push(['add', 'delete'][deltas.action(i)] ?? 'attribute_update');
        }
      }
    }
    await store.close();
  }
  const identities = IdentityStore.open(join(server.folder, 'identities'), {readOnly: true});
  found.emails = [...identities.keysOf(new Set([BigInt(MPID)]))].length;
  await identities.close();
  return found;
}

describe('a person who is erased', () => {
  test('is gone from journal, feed and identities, the earlier ones too; others stay', async () => {
    await erase();
    const proof = await proofs(1);
    // What was counted stays counted.
    expect(await server.api('GET', `/v1/audiences/${gold}`)).toMatchObject({
      size: 1,
      added_last_24_hours: 3,
      dropped_last_24_hours: 2,
    });
    expect(proof[0]?.to).toMatchObject({records_removed: 4, deltas_removed: 3});
    for (const email of ['anna@old.example', 'anna@new.example']) {
      const path = `/v1/profiles?identity=email&value=${email}`;
      expect((await server.send('GET', path)).status).toBe(404);
    }
    await server.stop();
    // The feed keeps that the person has left, for readers that were away.
    expect(await left()).toEqual({records: 0, deltas: ['delete'], erased: 3, emails: 0});
    server = await LiveServer.start(server.folder);
    expect(await server.members(gold)).toEqual([OTHER]);
    expect((await server.send('GET', `/v1/profiles/${MPID}`)).status).toBe(404);
    const path = '/v1/profiles?identity=email&value=bert@x.example';
    expect((await server.send('GET', path)).status).toBe(200);
  });

  test('takes along what the builder learned of nobody else, on the disk too', async () => {
    const learned = () => readFileSync(join(server.folder, 'suggestions.json'), 'utf8');
    for (const mpid of ['1', '2', '3', MPID]) {
      const user_attributes = mpid === '1' ? {club: 'chess'} : {club: 'chess', town: 'Ys'};
      await server.post(shop, [{mpid, user_attributes, events: []}]);
    }
    const values = async () => {
      const path = `/v1/suggestions?workspace=${shop.workspace}&kind=user_attribute`;
      const {attributes} = await server.api<{attributes: {values: string[]}[]}>('GET', path);
      return attributes.flatMap(each => each.values).sort();
    };
    expect(await values()).toEqual(['Ys', 'chess']);
    await erase();
    expect(await values()).toEqual(['chess']);
    expect(learned()).toContain('chess');
    expect(learned()).not.toContain('Ys');
  });

  test('is proved by entries without the person, which whoever has the key can check', async () => {
    await erase();
    const [proof] = await proofs(1);
    const keyPath = join(server.folder, 'erasure-key');
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
    const key = Buffer.from(readFileSync(keyPath, 'utf8').trim(), 'hex');
    const hash = createHmac('sha256', key).update(MPID).digest('hex').slice(0, 32);
    expect(proof?.target).toBe(`profile/${hash}`);
    const entries = await audit();
    expect(entries.map(({action}) => action)).toContain('profile.erase');
    expect(JSON.stringify(entries)).not.toMatch(/4242424242|anna@/);
  });

  test('has left for a reader that was away, and for one that starts anew was never there', async () => {
    const away = new DeltaReader();
    await away.connect(port());
    await away.arrivesAt(new Map([[gold, [MPID, OTHER]]]));
    away.drop();
    await server.post(shop, [{mpid: MPID, user_attributes: {tier: 'none'}, events: []}]);
    await erase();
    await proofs(1);
    for (const restarts of [false, true]) {
      if (restarts) server = await server.restart();
      await away.connect(port());
      await away.arrivesAt(new Map([[gold, [OTHER]]]));
      expect(away.resets).toEqual([]);
      away.drop();
    }
    const fresh = new DeltaReader();
    await fresh.connect(port());
    await fresh.arrivesAt(new Map([[gold, [OTHER]]]));
    fresh.drop();
    expect(fresh.deltas).toEqual([]);
  });

  test('who comes back is somebody new, whose data stay', async () => {
    await erase();
    await server.post(shop, [
      {
        mpid: MPID,
        user_identities: {email: 'anna@new.example'},
        user_attributes: {tier: 'gold'},
        events: [],
      },
    ]);
    await proofs(1);
    await server.post(shop, [
      {user_identities: {email: 'anna@new.example'}, user_attributes: {city: 'Oslo'}, events: []},
    ]);
    const view = await server.api<{workspaces: Json[]}>('GET', `/v1/profiles/${MPID}`);
    expect(view.workspaces[0]?.['user_attributes']).toEqual({tier: 'gold', city: 'Oslo'});
    await server.stop();
    expect(await left()).toMatchObject({records: 2, emails: 1});
    server = await LiveServer.start(server.folder);
    expect((await server.members(gold)).sort()).toEqual([MPID, OTHER].sort());
  });

  test('can be erased again, as often as the person comes back', async () => {
    await erase();
    expect((await server.send('DELETE', `/v1/profiles/${MPID}`)).status).toBe(404);
    await server.post(shop, [{mpid: MPID, ...ANNA[1], events: []}]);
    await erase();
    await proofs(2);
    await server.stop();
    expect(await left()).toEqual({records: 0, deltas: ['delete'], erased: 5, emails: 0});
    server = await LiveServer.start(server.folder);
  });

  test('is taken out of the past after a restart when the server stopped meanwhile', async () => {
    await erase();
    server = await server.restart();
    expect((await server.send('GET', `/v1/profiles/${MPID}`)).status).toBe(404);
    await proofs(1);
    await server.stop();
    expect(await left()).toMatchObject({records: 0, emails: 0});
    server = await LiveServer.start(server.folder);
  });

  test('is not in audiences that look at the past anew', async () => {
    await server.post(shop, [
      {
        mpid: MPID,
        events: [
          {event_type: 'custom_event', data: {event_name: 'Tap', custom_event_type: 'other'}},
        ],
      },
    ]);
    await erase();
    await server.post(shop, [{mpid: MPID, user_attributes: {tier: 'gold'}, events: []}]);
    const definition = {kind: 'event', name: 'Tap'};
    expect(await server.members(await server.audience(shop, {definition}))).toEqual([]);
    await proofs(1);
    const again = {kind: 'event', name: 'Tap', compare: {operator: 'greater_than', value: 0}};
    expect(await server.members(await server.audience(shop, {definition: again}))).toEqual([]);
  });
});

test('files with members of an audience that is deleted go with it', async () => {
  const {id} = await server.api<{id: string}>('POST', '/v1/downloads', {
    audiences: [{id: gold}],
    identities: ['email'],
  });
  await server.until(
    () => server.api<Json>('GET', `/v1/downloads/${id}`),
    ({status}) => status === 'ready',
  );
  expect((await server.send('DELETE', `/v1/audiences/${gold}`)).status).toBe(204);
  expect((await server.send('GET', `/v1/downloads/${id}/file`)).status).toBe(404);
  const view = await server.until(
    () => server.api<Json>('GET', `/v1/downloads/${id}`),
    ({reason}) => reason !== null,
  );
  expect(view).toMatchObject({status: 'expired', reason: `audience ${gold} was deleted`});
});
