import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pino} from 'pino';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {StartRefusedError} from '../../server/in-the-way.ts';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {ADMIN_TOKEN} from '../support/server-process.ts';
import {mmdb} from './mmdb.ts';
import {CITIES} from './networks.ts';

const NOW_MS = Date.now();
const IN_ILLINOIS = '8.8.8.8';
const IN_MUNICH = '81.2.69.142';

let folder: string;
let geoIpFile: string;
let server: RunningServer;
let client: ServerClient;
let shop: Shop;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-location-'));
  geoIpFile = join(folder, 'cities.mmdb');
  writeFileSync(geoIpFile, CITIES);
});
afterAll(() => rmSync(folder, {recursive: true}));

beforeEach(async () => {
  await start();
  shop = await client.openShop();
});
afterEach(async () => {
  await stop();
  rmSync(join(folder, 'data'), {recursive: true});
});

test('the address of a batch makes its profile a member, also after a restart', async () => {
  const audiences = new Map<string, number>();
  const named = async (name: string, place: object): Promise<void> => {
    audiences.set(name, await client.audience(shop, name, {kind: 'location', ...place}));
  };
  const around = (city: string, value: number) => ({
    within: {city, radius: {value, unit: 'mi'}},
  });
  await named('by its code', {equals: {state: 'IL', country: 'US'}});
  await named('by its name', {equals: {state: 'Illinois', country: 'United States'}});
  await named('by all', {
    equals: {city: 'springfield', state: 'il', zip: 62_701, dma: '648', country: 'usa'},
  });
  await named('around', around('Springfield, Illinois', 5));
  await named('around another', around('Springfield, MA', 5));
  await named('Bavaria', {equals: {state: 'Bavaria'}});
  await client.filled();
  await client.take(shop, {mpid: '1', ip: IN_ILLINOIS, events: []});
  await client.take(shop, {mpid: '2', ip: IN_MUNICH, events: []});
  await client.take(shop, {mpid: '3', ip: '192.168.1.1', events: []});
  await client.take(shop, {mpid: '4', ip: 'nonsense', events: []});

  const expected = {
    'by its code': ['1'],
    'by its name': ['1'],
    'by all': ['1'],
    around: ['1'],
    'around another': [],
    Bavaria: ['2'],
  };
  expect(await membersOf(audiences)).toEqual(expected);
  expect(await locationOf('1')).toEqual({
    latitude: 39.8017,
    longitude: -89.6436,
    city: 'Springfield',
    state: 'IL',
    zip: '62701',
    dma: '648',
    country: 'US',
    at_ms: expect.any(Number),
  });
  expect(await locationOf('3')).toBeNull();
  expect(await locationOf('4')).toBeNull();

  await stop();
  await start();
  expect(await membersOf(audiences)).toEqual(expected);
  await named('later', {equals: {state: 'bavaria', country: 'Germany'}});
  await client.filled();
  expect(await client.members(audiences.get('later')!)).toEqual(['2']);
});

describe('of what a batch says of its location', () => {
  const rome = {city_name: 'Rome', country_code: 'IT', latitude: 41.9, longitude: 12.5};
  const oslo = {city_name: 'Oslo', country_code: 'NO'};

  test.each<[string, Json, Json]>([
    [
      'its context counts first',
      {context: {location: rome}, events: [at(oslo)], ip: IN_ILLINOIS},
      {city: 'Rome', state: null, zip: null, country: 'IT', latitude: 41.9},
    ],
    [
      'then its events',
      {events: [at(oslo)], ip: IN_ILLINOIS},
      {city: 'Oslo', country: 'NO', latitude: null},
    ],
    ['then its address', {ip: IN_ILLINOIS, events: []}, {city: 'Springfield', latitude: 39.8017}],
    [
      'a point keeps its place, which the address names',
      {context: {location: {latitude: 1, longitude: 2}}, ip: IN_MUNICH},
      {latitude: 1, longitude: 2, city: 'Munich', state: 'BY', country: 'DE'},
    ],
    [
      'a point stays without a name where the address has none',
      {context: {location: {latitude: 1, longitude: 2}}, ip: '10.0.0.1'},
      {latitude: 1, longitude: 2, city: null, country: null},
    ],
  ])('%s', async (_what, batch, location) => {
    await client.take(shop, {mpid: '1', ...batch});
    expect(await locationOf('1')).toMatchObject(location);
  });
});

test('of two batches the later says where the profile is, whichever comes first', async () => {
  const away = await client.audience(shop, 'Germany', {
    kind: 'location',
    equals: {country: 'Germany'},
  });
  await client.filled();
  await client.take(shop, {mpid: '1', ip: IN_MUNICH, timestamp_unixtime_ms: NOW_MS - 1_000});
  expect(await client.members(away)).toEqual(['1']);
  await client.take(shop, {mpid: '1', ip: IN_ILLINOIS, timestamp_unixtime_ms: NOW_MS - 2_000});
  expect(await client.members(away)).toEqual(['1']);
  await client.take(shop, {mpid: '1', ip: IN_ILLINOIS, timestamp_unixtime_ms: NOW_MS - 500});
  expect(await client.members(away)).toEqual([]);
});

test('a city that could be several is refused with its names', async () => {
  const answer = await client.raw('POST', '/v1/audiences', {
    name: 'Somewhere',
    workspaces: [shop.workspace],
    definition: {kind: 'location', within: {city: 'Abalak', radius: {value: 1, unit: 'km'}}},
  });
  expect(answer.status).toBe(422);
  expect(answer.text).toContain('\\"Abalak, 78, RU\\" at 58.13, 68.59');
});

describe('a file that cannot be used', () => {
  test.each([
    ['is missing', undefined, /^There is no GeoIP file /],
    ['is not one', Buffer.from('hello'), /is not in MaxMind's format/],
    ['has no places', mmdb({}, {type: 'GeoLite2-ASN'}), /holds no places/],
  ])('because it %s stops the start and changes nothing', async (_why, bytes, sentence) => {
    const file = join(folder, 'wrong.mmdb');
    if (bytes !== undefined) writeFileSync(file, bytes);
    const dataFolder = join(folder, 'never');
    const starting = startServer(options(dataFolder, file));
    await expect(starting).rejects.toThrow(StartRefusedError);
    await expect(starting).rejects.toThrow(sentence);
    expect(existsSync(dataFolder)).toBe(false);
    rmSync(file, {force: true});
  });
});

function at(location: Json): Json {
  return {
    event_type: 'custom_event',
    data: {event_name: 'Seen', custom_event_type: 'location', location},
  };
}

function options(dataFolder: string, file: string): Parameters<typeof startServer>[0] {
  const retentionMs = 30 * 86_400_000;
  return {
    dataFolder,
    host: '127.0.0.1',
    port: 0,
    adminToken: ADMIN_TOKEN,
    shards: 1,
    eventRetentionMs: retentionMs,
    profileRetentionMs: retentionMs,
    geoIpFile: file,
    log: pino({level: 'silent'}),
  };
}

async function start(): Promise<void> {
  server = await startServer(options(join(folder, 'data'), geoIpFile));
  client = new ServerClient(server);
}

async function stop(): Promise<void> {
  client.close();
  await server.stop();
}

async function membersOf(audiences: ReadonlyMap<string, number>): Promise<Json> {
  const members: Json = {};
  for (const [name, id] of audiences) members[name] = await client.members(id);
  return members;
}

interface ProfileAnswer {
  readonly workspaces: readonly {readonly location: unknown}[];
}

async function locationOf(mpid: string): Promise<unknown> {
  const profile = await client.profile(mpid);
  return (profile as ProfileAnswer | undefined)?.workspaces[0]?.location;
}
