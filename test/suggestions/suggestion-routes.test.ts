import {afterAll, beforeAll, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';

let server: LiveServer;
let client: ServerClient;
let shop: Shop;

beforeAll(async () => {
  server = await LiveServer.start();
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
  for (let mpid = 1; mpid <= 4; mpid++) {
    await client.take(shop, {
      mpid,
      environment: 'production',
      user_attributes: {tier: 'gold', age: 30 + mpid},
      user_identities: {email: `${mpid}@example.com`},
      events: [
        event('Add To Cart', {custom_attributes: {color: 'blue', size: 12}}),
        event('Search', {custom_attributes: {term: 'tent'}}),
      ],
    });
  }
});

afterAll(async () => {
  client.close();
  await server.remove();
});

interface Answer {
  readonly names: {kind: string; name: string; count: number}[];
  readonly attributes: {attribute: string; types: string[]; values: string[]; count: number}[];
}

function ask(query: string): Promise<Answer> {
  return client.api<Answer>('GET', `/v1/suggestions?workspace=${shop.workspace}${query}`);
}

test('the builder is offered events, their attributes and those of users', async () => {
  const all = await ask('');
  const named = all.names.map(({kind, name, count}) => [kind, name, count]);
  named.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  expect(named).toEqual([
    ['event', 'Add To Cart', 4],
    ['event', 'Search', 4],
  ]);
  expect(all.attributes.map(({attribute}) => attribute).sort()).toEqual(['age', 'tier']);
  const cart = await ask('&kind=event&name=Add%20To%20Cart');
  expect(cart.attributes).toContainEqual({
    attribute: 'color',
    types: ['string'],
    values: ['blue'],
    count: 4,
  });
  expect(cart.attributes.map(({attribute}) => attribute)).not.toContain('term');
  const found = await ask('&kind=event&q=SEAR');
  expect(found.names.map(({name}) => name)).toEqual(['Search']);
  const users = await ask('&kind=user_attribute&limit=1');
  expect(users).toMatchObject({names: [], attributes: [{count: 4}]});
  expect((await ask('&kind=identity')).attributes).toMatchObject([
    {attribute: 'email', values: []},
  ]);
  expect(await ask('&input=99')).toEqual({names: [], attributes: []});
});

test('faults of the question are listed', async () => {
  const answer = await client.raw('GET', '/v1/suggestions?workspace=9&kind=no&input=x&limit=0');
  expect(answer.status).toBe(422);
  const paths = (answer.body as {errors: {path: string}[]}).errors.map(({path}) => path);
  expect(paths).toEqual(['workspace', 'input', 'kind', 'limit']);
});

test('what was learned survives a restart', async () => {
  const before = await ask('&kind=event');
  client.close();
  server = await server.restart();
  client = new ServerClient({url: server.url});
  expect(await ask('&kind=event')).toEqual(before);
});
