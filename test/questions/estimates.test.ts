import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {event, type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {seededRandom} from './seeded-random.ts';

const PROFILES = 300;
const HOUR_MS = 3_600_000;

let server: LiveServer;
let client: ServerClient;
let shop: Shop;

beforeAll(async () => {
  server = await LiveServer.start();
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
  await client.audience(shop, 'Gold', GOLD);
  await client.audience(shop, 'Buyers', BOUGHT_TWICE);
  const random = seededRandom(7);
  const batches = Array.from({length: PROFILES}, (_, index) => batchOf(index, random));
  for (let from = 0; from < PROFILES; from += 100) {
    const answer = await client.post(
      shop,
      JSON.stringify(batches.slice(from, from + 100)),
      '/v2/bulkevents',
    );
    expect(answer.status).toBe(202);
  }
  await client.filled();
}, 60_000);

afterAll(async () => {
  client.close();
  await server.remove();
});

const GOLD = {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'};
const BOUGHT_TWICE = {
  kind: 'commerce',
  action: 'purchase',
  when: {within_last: '2d'},
  compare: {operator: 'greater_or_equal', value: 2},
};

function batchOf(index: number, random: () => number): Json {
  const events: Json[] = [];
  const count = Math.floor(random() * 6);
  for (let i = 0; i < count; i++) {
    const timeMs = Date.now() - Math.floor(random() * 100 * HOUR_MS);
    const name = random() < 0.5 ? 'Search' : 'Open';
    events.push(
      random() < 0.5
        ? event(name, {
            timestamp_unixtime_ms: timeMs,
            custom_attributes: {color: random() < 0.3 ? 'Blue' : 'Red', hits: i},
          })
        : {
            event_type: 'commerce_event',
            data: {
              timestamp_unixtime_ms: timeMs,
              product_action: {
                action: random() < 0.5 ? 'purchase' : 'add_to_cart',
                total_amount: Math.floor(random() * 100),
                products: [{id: `p${Math.floor(random() * 4)}`, name: 'Tent'}],
              },
            },
          },
    );
  }
  return {
    mpid: index - 100,
    environment: 'production',
    user_attributes: {
      tier: ['gold', 'silver', 'none'][Math.floor(random() * 3)]!,
      age: Math.floor(random() * 80),
    },
    events,
  };
}

/** The first is the whole; nothing of it need be maintained. */
const DEFINITIONS: Record<string, object> = {
  'a maintained criterion': GOLD,
  'maintained criteria in a new expression': {and: [GOLD, {exclude: BOUGHT_TWICE}]},
  'another window of a maintained history': {...BOUGHT_TWICE, when: {within_last: '1d'}},
  'another attribute': {
    kind: 'user_attribute',
    attribute: 'age',
    operator: 'greater_than',
    value: 40,
  },
  'events that nobody asked for before': {
    kind: 'event',
    name: 'Search',
    where: [{attribute: 'color', operator: 'exact_match', value: 'blue'}],
  },
  'a sum over events': {
    kind: 'commerce',
    action: 'purchase',
    measure: {function: 'sum', attribute: '$total_amount'},
    compare: {operator: 'greater_than', value: 60},
  },
  'a sequence': {
    kind: 'sequence',
    steps: [
      {kind: 'event', name: 'Search'},
      {kind: 'commerce', action: 'purchase', within: '3d'},
    ],
  },
  'a cart left': {kind: 'cart_abandonment', wait: '1h'},
  'nobody at all': {kind: 'event', name: 'Never'},
  'those who did not': {
    and: [{exclude: {kind: 'event', name: 'Open'}}, {or: [GOLD, BOUGHT_TWICE]}],
  },
  'an audience in an audience': {
    and: [
      {kind: 'audience', audience: 1, operator: 'member'},
      {kind: 'audience', audience: 2, operator: 'not_member'},
      {kind: 'event', name: 'Open', when: {within_last: '3d'}},
    ],
  },
};

interface Estimate {
  readonly size: number | null;
  readonly exact: boolean;
  readonly reason?: string;
  readonly criteria: readonly {readonly path: string; readonly size: number; exact: boolean}[];
}

function estimate(definition: object): Promise<Estimate> {
  return client.api<Estimate>('POST', '/v1/estimates', {workspaces: [shop.workspace], definition});
}

/** Made, filled, read and deleted again. */
async function membersOf(definition: object): Promise<string[]> {
  const id = await client.audience(shop, 'Probe', definition);
  await client.filled();
  const members = await client.members(id);
  await client.api('DELETE', `/v1/audiences/${id}`);
  return members;
}

describe('an estimate over a small journal', () => {
  test.each(Object.entries(DEFINITIONS))(
    'of %s is what the audience then has',
    async (_, asked) => {
      const told = await estimate(asked);
      expect(told.exact).toBe(true);
      const members = await membersOf(asked);
      expect(told.size).toBe(members.length);
    },
  );

  test('tells the size of every criterion at its place', async () => {
    const asked = {
      and: [
        {or: [GOLD, {exclude: {kind: 'event', name: 'Open'}}]},
        {kind: 'user_attribute', attribute: 'age', operator: 'less_than', value: 30},
      ],
    };
    const {criteria} = await estimate(asked);
    expect(criteria.map(({path}) => path)).toEqual([
      'definition.and[0].or[0]',
      'definition.and[0].or[1].exclude',
      'definition.and[1]',
    ]);
    expect(criteria[0]!.size).toBe((await membersOf(GOLD)).length);
    expect(criteria[1]!.size).toBe((await membersOf({kind: 'event', name: 'Open'})).length);
    expect(criteria[2]!.size).toBe((await membersOf(asked.and[1]!)).length);
  });

  test('is of the workspaces, inputs and environment that are given', async () => {
    const {workspace} = await client.openShop();
    const {id: input} = await client.api<{id: number}>(
      'POST',
      `/v1/workspaces/${shop.workspace}/inputs`,
      {name: 'Silent', type: 'platform'},
    );
    const opened = {kind: 'event', name: 'Open'};
    const sizeIn = async (scope: object): Promise<number | null> => {
      const body = {workspaces: [shop.workspace], definition: opened, ...scope};
      return (await client.api<Estimate>('POST', '/v1/estimates', body)).size;
    };
    const size = (await membersOf(opened)).length;
    expect(await sizeIn({})).toBe(size);
    expect(await sizeIn({inputs: [shop.input, input]})).toBe(size);
    expect(await sizeIn({inputs: [input]})).toBe(0);
    expect(await sizeIn({workspaces: [workspace]})).toBe(0);
    expect(await sizeIn({environment: 'development'})).toBe(0);
  });

  test('saves nothing', async () => {
    const before = await client.api<unknown[]>('GET', '/v1/audiences');
    await estimate(DEFINITIONS['a sequence']!);
    expect(await client.api<unknown[]>('GET', '/v1/audiences')).toEqual(before);
  });

  test('of a definition that cannot be saved lists every fault', async () => {
    const answer = await client.raw('POST', '/v1/estimates', {
      workspaces: [shop.workspace, 99],
      definition: {and: [{kind: 'event'}, {kind: 'audience', audience: 77, operator: 'member'}]},
    });
    expect(answer.status).toBe(422);
    const paths = (answer.body as {errors: {path: string}[]}).errors.map(({path}) => path);
    expect(paths).toContain('workspaces[1]');
    expect(paths).toContain('definition.and[0].name');
    expect(paths.filter(path => path.startsWith('definition.and[1]'))).not.toEqual([]);
  });
});

interface Changes {
  readonly size: number;
  readonly added: {readonly size: number; readonly exact: boolean; readonly mpids: string[]};
  readonly dropped: {readonly size: number; readonly exact: boolean; readonly mpids: string[]};
}

describe('what a change would do', () => {
  test.each(Object.entries(DEFINITIONS))('to %s is what it then does', async (_, definition) => {
    const id = await client.audience(shop, 'Edited', {or: [GOLD, {kind: 'event', name: 'Open'}]});
    await client.filled();
    const told = await client.api<Changes>('POST', `/v1/audiences/${id}/changes`, {definition});
    const before = new Set(await client.members(id));
    await client.api('PATCH', `/v1/audiences/${id}`, {definition});
    await client.filled();
    const after = new Set(await client.members(id));
    await client.api('DELETE', `/v1/audiences/${id}`);
    const added = [...after].filter(mpid => !before.has(mpid));
    const dropped = [...before].filter(mpid => !after.has(mpid));
    expect(told).toMatchObject({
      size: after.size,
      added: {size: added.length, exact: true},
      dropped: {size: dropped.length, exact: true},
    });
    for (const [change, real] of [
      [told.added, added],
      [told.dropped, dropped],
    ] as const) {
      expect(change.mpids.length).toBe(Math.min(10, real.length));
      expect(real).toEqual(expect.arrayContaining(change.mpids));
    }
  });

  test('a draft would be filled and lose nobody', async () => {
    const {id} = await client.api<{id: number}>('POST', '/v1/audiences', {
      name: 'Draft',
      workspaces: [shop.workspace],
    });
    const told = await client.api<Changes>('POST', `/v1/audiences/${id}/changes`, {
      definition: GOLD,
    });
    expect(told.added.size).toBe(told.size);
    expect(told.size).toBeGreaterThan(0);
    expect(told.dropped).toEqual({size: 0, exact: true, mpids: []});
    await client.api('DELETE', `/v1/audiences/${id}`);
  });
});

describe('overlaps', () => {
  interface Overlap {
    readonly audiences: number[];
    readonly size: number;
    readonly only: number;
  }

  test('of eight audiences are what their member lists say', async () => {
    const ids = [1, 2];
    for (let limit = 10; limit <= 60; limit += 10) {
      const definition = {
        kind: 'user_attribute',
        attribute: 'age',
        operator: 'less_than',
        value: limit,
      };
      ids.push(await client.audience(shop, `Under ${limit}`, definition));
    }
    await client.filled();
    const members = new Map<number, Set<string>>();
    for (const id of ids) members.set(id, new Set(await client.members(id)));
    const {sizes} = await client.api<{sizes: Overlap[]}>('POST', '/v1/overlaps', {audiences: ids});
    expect(sizes.length).toBe(255);
    const everybody = [...new Set([...members.values()].flatMap(each => [...each]))];
    for (const {audiences, size, only} of sizes) {
      const isIn = (mpid: string) => audiences.every(id => members.get(id)!.has(mpid));
      const found = everybody.filter(isIn);
      const others = ids.filter(id => !audiences.includes(id));
      expect(size).toBe(found.length);
      expect(only).toBe(
        found.filter(mpid => others.every(id => !members.get(id)!.has(mpid))).length,
      );
    }
    const asked = await client.api<{sizes: Overlap[]}>('POST', '/v1/overlaps', {
      audiences: ids.slice(0, 3),
      intersections: [[ids[2]!, ids[0]!]],
    });
    expect(asked.sizes.map(({audiences}) => audiences)).toEqual([[ids[0], ids[2]]]);
    for (const id of ids.slice(2)) await client.api('DELETE', `/v1/audiences/${id}`);
  });

  test('are refused for audiences that are not there or not active, and for others than asked', async () => {
    const {id} = await client.api<{id: number}>('POST', '/v1/audiences', {
      name: 'Draft',
      workspaces: [shop.workspace],
      definition: GOLD,
    });
    const answer = await client.raw('POST', '/v1/overlaps', {
      audiences: [1, id, 999],
      intersections: [[1, 2]],
    });
    expect(answer.status).toBe(422);
    const paths = (answer.body as {errors: {path: string}[]}).errors.map(({path}) => path);
    expect(paths).toEqual(['audiences[1]', 'audiences[2]', 'intersections[0][1]']);
    const many = {audiences: [1, 2, 3, 4, 5, 6, 7, 8, 9]};
    expect((await client.raw('POST', '/v1/overlaps', many)).status).toBe(422);
    await client.api('DELETE', `/v1/audiences/${id}`);
  });
});
