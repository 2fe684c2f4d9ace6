import {WebSocket} from 'ws';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {TestAnswer} from '../../server/api/test-routes.ts';
import {validator} from '../../server/api/validate.ts';
import {LiveServer} from '../downloads/live-server.ts';
import type {Json, Shop} from '../support/server-client.ts';

const PROFILES = 4_000;
const AB = [
  {name: 'Platform A', percentage: 40},
  {name: 'Platform B', percentage: 40},
];
const ABC = [...AB, {name: 'Control', percentage: 20}];

let server: LiveServer;
let shop: Shop;
beforeAll(async () => {
  server = await LiveServer.start();
  shop = await server.shop();
  const mpids = Array.from({length: PROFILES}, (_, i) => String(i - PROFILES / 2));
  await server.post(
    shop,
    mpids.map(mpid => ({mpid, environment: 'production', events: []})),
  );
});
afterAll(() => server.remove());

async function draft(fields: Json = {}): Promise<number> {
  const body = {name: 'Draft', workspaces: [shop.workspace], ...fields};
  return (await server.api<{id: number}>('POST', '/v1/audiences', body)).id;
}

async function problemsOf(audience: number, variants: unknown): Promise<unknown> {
  const reply = await server.send('PUT', `/v1/audiences/${audience}/test`, {body: {variants}});
  const {errors} = reply.body as {errors: {path: string; message: string}[]};
  return {status: reply.status, paths: errors.map(({path}) => path)};
}

async function variantsOf(audience: number): Promise<unknown> {
  return (await server.api<{variants: unknown}>('GET', `/v1/audiences/${audience}`)).variants;
}

describe('creating a test', () => {
  test('Control is the rest to 100, whether it is given or not', async () => {
    const left = await draft();
    expect(await variantsOf(left)).toEqual([]);
    const made = await server.api('PUT', `/v1/audiences/${left}/test`, {variants: AB});
    expect(made['variants']).toEqual(ABC);
    expect(validator(TestAnswer)(made)).toEqual({value: made});
    expect(await variantsOf(left)).toEqual(ABC);
    const given = await draft();
    const controlFirst = [{name: 'control', percentage: 20}, ...AB];
    await server.api('PUT', `/v1/audiences/${given}/test`, {variants: controlFirst});
    expect(await variantsOf(given)).toEqual(ABC);
    expect(await server.api('GET', `/v1/audiences/${given}/test`)).toMatchObject({variants: ABC});
  });

  test('decimals add up, and variants may leave nothing to Control', async () => {
    const audience = await draft();
    const thirds = ['a', 'b', 'c'].map(name => ({name, percentage: 33.33}));
    const variants = [...thirds, {name: 'd', percentage: 0.01}];
    await server.api('PUT', `/v1/audiences/${audience}/test`, {variants});
    expect(await variantsOf(audience)).toEqual([...variants, {name: 'Control', percentage: 0}]);
  });

  test.each([
    ['over 100', [...AB, {name: 'C', percentage: 20.01}], ['variants[2].percentage']],
    ['a name twice', [AB[0], {name: ' PLATFORM a', percentage: 1}], ['variants[1].name']],
    ['another Control', [...AB, {name: 'CONTROL', percentage: 25}], ['variants[2].percentage']],
    ['only Control', [{name: 'Control', percentage: 100}], ['variants']],
    ['none', [], ['variants']],
    [
      'five besides Control',
      ['a', 'b', 'c', 'd', 'e'].map(name => ({name, percentage: 10})),
      ['variants'],
    ],
    ['nobody in it', [{name: 'A', percentage: 0}], ['variants[0].percentage']],
    ['three decimals', [{name: 'A', percentage: 33.333}], ['variants[0].percentage']],
    ['less than nothing', [{name: 'A', percentage: -1}], ['variants[0].percentage']],
    ['no name', [{name: ' ', percentage: 1}], ['variants[0].name']],
    ['a long name', [{name: 'x'.repeat(101), percentage: 1}], ['variants[0].name']],
    [
      'several faults at once',
      [
        {name: 'A', percentage: 70},
        {name: 'a', percentage: 50},
      ],
      ['variants[1].name', 'variants[1].percentage'],
    ],
  ])('%s is refused with its place', async (_, variants, paths) => {
    const audience = await draft();
    expect(await problemsOf(audience, variants)).toEqual({status: 422, paths});
    expect(await variantsOf(audience)).toEqual([]);
  });
});

describe('a test that is there', () => {
  test('keeps its percentages and may be renamed; the same again changes nothing', async () => {
    const audience = await draft();
    const path = `/v1/audiences/${audience}/test`;
    await server.api('PUT', path, {variants: AB});
    const before = await server.api('GET', `/v1/audiences/${audience}`);
    await server.api('PUT', path, {variants: AB.toReversed()});
    expect(await server.api('GET', `/v1/audiences/${audience}`)).toEqual(before);
    for (const variants of [
      [{name: 'Platform A', percentage: 50}],
      [{...AB[0], percentage: 50}, AB[1]],
      [...AB, {name: 'C', percentage: 20}],
      [
        {name: 'Platform B', percentage: 40},
        {name: 'Platform C', percentage: 40},
      ],
    ]) {
      expect((await server.send('PUT', path, {body: {variants}})).status).toBe(409);
    }
    const renamed = [{name: 'Mail', percentage: 40}, AB[1]];
    await server.api('PUT', path, {variants: renamed});
    expect(await variantsOf(audience)).toEqual([...renamed, ABC[2]]);
  });

  test('is deleted, once, and is not copied by a clone', async () => {
    const audience = await draft();
    const path = `/v1/audiences/${audience}/test`;
    expect((await server.send('DELETE', path)).status).toBe(404);
    await server.api('PUT', path, {variants: AB});
    const clone = await server.api<{id: number}>('POST', `/v1/audiences/${audience}/clone`);
    expect(await variantsOf(clone.id)).toEqual([]);
    expect((await server.send('DELETE', path)).status).toBe(204);
    expect((await server.send('GET', path)).status).toBe(404);
    expect(await variantsOf(audience)).toEqual([]);
    const audit = await server.api<{target: string; action: string}[]>('GET', '/v1/audit');
    const actions = audit.filter(({target}) => target === `audience/${audience}`);
    expect(actions.map(({action}) => action)).toEqual([
      'audience.test.delete',
      'audience.test.create',
      'audience.create',
    ]);
  });

  test('is for those who may edit the audience', async () => {
    const audience = await draft({access: 'view_only'});
    const hidden = await draft({access: 'private'});
    const editor = await server.token('editor');
    const viewer = await server.token('viewer');
    const status = async (method: string, id: number, token: string): Promise<number> =>
      (await server.send(method, `/v1/audiences/${id}/test`, {body: {variants: AB}, token})).status;
    expect(await status('PUT', audience, viewer)).toBe(403);
    expect(await status('PUT', audience, editor)).toBe(403);
    expect(await status('PUT', hidden, editor)).toBe(404);
    expect(await status('DELETE', audience, editor)).toBe(403);
  });
});

describe('members of variants', () => {
  test('every member is in one variant, in the percentages saved, for good', async () => {
    const audience = await server.audience(shop);
    await server.api('PUT', `/v1/audiences/${audience}/test`, {variants: AB});
    const split = await splitOf(audience);
    const all = await server.members(audience);
    expect(all).toHaveLength(PROFILES);
    expect(Object.values(split).flat().sort()).toEqual(all.toSorted());
    for (const {name, percentage} of ABC) {
      const expected = (PROFILES * percentage) / 100;
      // Four standard deviations: chance goes beyond them once in 15,000 times.
      const most = 4 * Math.sqrt(expected * (1 - percentage / 100));
      expect(Math.abs(split[name]!.length - expected)).toBeLessThan(most);
    }

    const narrower = {
      and: [{kind: 'first_seen', when: {within_last: '20d'}}, {exclude: {kind: 'install'}}],
    };
    await server.api('PATCH', `/v1/audiences/${audience}`, {definition: narrower});
    await server.until(
      () => server.api<Json>('GET', `/v1/audiences/${audience}`),
      view => view['is_calculated'] === true,
    );
    expect(await splitOf(audience)).toEqual(split);
    server = await server.restart();
    expect(await splitOf(audience)).toEqual(split);

    const other = await server.audience(shop);
    await server.api('PUT', `/v1/audiences/${other}/test`, {variants: AB});
    const otherSplit = await splitOf(other);
    const both = split['Platform A']!.filter(mpid => otherSplit['Platform A']!.includes(mpid));
    const expected = PROFILES * 0.16;
    expect(Math.abs(both.length - expected)).toBeLessThan(4 * Math.sqrt(expected * 0.84));

    await server.api('DELETE', `/v1/audiences/${other}/test`);
    await server.api('PUT', `/v1/audiences/${other}/test`, {variants: AB});
    expect(await splitOf(other)).not.toEqual(otherSplit);
  });

  test('a variant that is not there is said to be so', async () => {
    const audience = await server.audience(shop);
    const path = `/v1/audiences/${audience}/members?variant=Control`;
    expect((await server.send('GET', path)).status).toBe(422);
    await server.api('PUT', `/v1/audiences/${audience}/test`, {variants: AB});
    expect((await server.send('GET', path)).status).toBe(200);
    expect((await server.send('GET', path.replace('Control', 'C'))).status).toBe(422);
  });

  test('a subscriber to variants is sent their members and deltas and no others', async () => {
    const audience = await server.audience(shop, {
      definition: {kind: 'user_attribute', attribute: 'vip', operator: 'exists'},
    });
    await server.api('PUT', `/v1/audiences/${audience}/test`, {variants: AB});
    const vips = async (from: number): Promise<void> =>
      server.post(
        shop,
        Array.from({length: 50}, (_, i) => ({
          mpid: String(from + i),
          user_attributes: {vip: 'yes'},
          events: [],
        })),
      );
    await vips(100);
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/v1/deltas?token=admin-token-of-the-test`,
      ['muster.json'],
    );
    const told: string[] = [];
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Record<string, {mpid: string}[] | undefined>;
      for (const {mpid} of [...(message['members'] ?? []), ...(message['deltas'] ?? [])]) {
        told.push(mpid);
      }
    });
    await new Promise(resolve => socket.once('open', resolve));
    const subscribe = {
      type: 'subscribe',
      audiences: [audience],
      from: 'snapshot',
      variants: ['Platform B'],
    };
    socket.send(JSON.stringify(subscribe));
    await server.until(
      () => Promise.resolve(told.length),
      count => count > 0,
    );
    await vips(300);
    const expected = (await splitOf(audience))['Platform B']!;
    await server.until(
      () => Promise.resolve(told.length),
      count => count >= expected.length,
    );
    expect(told.toSorted()).toEqual(expected.toSorted());
    socket.close();
  });
});

async function splitOf(audience: number): Promise<Record<string, string[]>> {
  const split: Record<string, string[]> = {};
  for (const {name} of ABC) {
    const query = `&variant=${encodeURIComponent(name)}`;
    split[name] = await server.members(audience, query);
  }
  return split;
}
