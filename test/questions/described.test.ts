import type {TSchema} from 'typebox';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {validator} from '../../server/api/validate.ts';
import {LiveServer} from '../downloads/live-server.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';

interface Described {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {readonly schemas: Record<string, TSchema>};
}
interface Operation {
  readonly requestBody?: {content: Record<string, {schema: TSchema}>};
  readonly responses: Record<string, {content?: Record<string, {schema: TSchema}>}>;
}

let server: LiveServer;
let client: ServerClient;
let shop: Shop;
let described: Described;

beforeAll(async () => {
  server = await LiveServer.start();
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
  for (const name of ['Openers', 'Others']) {
    await client.audience(shop, name, {kind: 'event', name: 'Open'});
  }
  for (let mpid = 1; mpid <= 5; mpid++) {
    await client.take(shop, {mpid, environment: 'production', events: [event('Open')]});
  }
  await client.filled();
  described = await client.api<Described>('GET', '/openapi.json');
});

afterAll(async () => {
  client.close();
  await server.remove();
});

/** The schema itself, or of each element. */
function resolved(schema: TSchema): {schema: TSchema; isList: boolean} {
  const {$ref, items} = schema as {$ref?: string; items?: TSchema};
  if (items !== undefined) return {schema: resolved(items).schema, isList: true};
  const name = $ref?.replace('#/components/schemas/', '') ?? '';
  return {schema: described.components.schemas[name] ?? schema, isList: false};
}

const ROUTES: readonly [method: string, path: string][] = [
  ['POST', '/v1/estimates'],
  ['POST', '/v1/audiences/{id}/changes'],
  ['POST', '/v1/overlaps'],
  ['GET', '/v1/audiences/{id}/history'],
  ['GET', '/v1/audiences/{id}/sample'],
  ['GET', '/v1/audiences/{id}/consumers'],
  ['GET', '/v1/audiences/{id}/audit'],
  ['GET', '/v1/suggestions'],
];

test.each(ROUTES)('%s %s takes its own examples and answers what it says', async (method, path) => {
  const operation = described.paths[path]![method.toLowerCase()]!;
  const body = operation.requestBody?.content['application/json']?.schema;
  const examples = body && (resolved(body).schema as {examples?: object[]}).examples;
  if (method === 'POST') expect(examples?.length).toBeGreaterThan(0);
  const query = path === '/v1/suggestions' ? `?workspace=${shop.workspace}` : '';
  for (const example of examples ?? [undefined]) {
    const answer = await client.raw(method, path.replace('{id}', '1') + query, example);
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    const told = operation.responses['200']!.content!['application/json']!.schema;
    const {schema, isList} = resolved(told);
    const values = isList ? (answer.body as unknown[]) : [answer.body];
    for (const value of values) expect(validator(schema)(value)).toEqual({value});
  }
});

test('the examples of every schema are valid by it', () => {
  let examples = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('examples' in value && Array.isArray(value.examples)) {
      for (const example of value.examples) {
        expect([value, validator(value as TSchema)(example)]).toEqual([value, {value: example}]);
        examples++;
      }
    }
    for (const part of Object.values(value)) visit(part);
  };
  visit(described.components);
  expect(examples).toBeGreaterThan(150);
});
