/** Every call of the description is made as its own example says, and answers what it says it answers. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {TSchema} from 'typebox';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {validator} from '../../server/api/validate.ts';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {ADMIN_TOKEN} from '../support/server-process.ts';
import {basic, type Json, ServerClient, type Answer} from '../support/server-client.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: TSchema;
  readonly example: unknown;
}
type Content = Readonly<Record<string, {schema: TSchema; example: unknown}>>;
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly security?: readonly Record<string, unknown>[];
  readonly requestBody?: {readonly content: Content};
  readonly responses: Readonly<Record<string, {readonly content?: Content}>>;
  readonly 'x-messages'?: {readonly client: TSchema[]; readonly server: TSchema[]};
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {readonly schemas: Readonly<Record<string, TSchema>>};
}
interface Call {
  /** Such as `GET /v1/audiences/{id}`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'muster-examples-'));
let server: RunningServer;
let client: ServerClient;
let description: Description;
let calls: readonly Call[];
const input = {key: '', secret: ''};
let download = '';

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
  description = await client.api<Description>('GET', '/openapi.json');
  calls = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
});

afterAll(async () => {
  client.close();
  await server.stop();
  rmSync(folder, {recursive: true});
});

test('the description has every call that the server answers, and no other', () => {
  const served = server.calls.map(call => call.replaceAll(/:(\w+)/g, '{$1}'));
  expect(calls.map(({name}) => name).sort()).toEqual(served.sort());
  const ids = calls.map(({operation}) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every reference leads to a schema', () => {
  const references = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(80);
  for (const [, reference = ''] of references) {
    const name = reference.replace('#/components/schemas/', '');
    expect(Object.keys(description.components.schemas)).toContain(name);
  }
});

test('every example is valid by its schema', () => {
  let examples = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('examples' in value && Array.isArray(value.examples)) {
      for (const example of value.examples) check(value as TSchema, example);
    }
    if ('example' in value && 'schema' in value) check(value.schema as TSchema, value.example);
    for (const part of Object.values(value)) visit(part);
  };
  const check = (schema: TSchema, example: unknown): void => {
    expect([schema, validated(schema, example)]).toEqual([schema, {value: example}]);
    examples++;
  };
  visit(description);
  expect(examples).toBeGreaterThan(500);
});

/** What others build on comes first, what takes something away last. */
const FIRST = [
  'POST /v1/workspaces',
  'POST /v1/workspaces/{id}/inputs',
  'POST /v2/events',
  'POST /v2/bulkevents',
  'POST /v1/tokens',
  'POST /v1/audiences',
  'POST /v1/audiences/{id}/activate',
  'PUT /v1/audiences/{id}/test',
  'POST /v1/downloads',
];
const METHODS = ['POST', 'PUT', 'GET', 'PATCH', 'DELETE'];
const LAST = 'POST /v1/audiences/{id}/deactivate';

function inOrder(): Call[] {
  const rank = ({name, method}: Call): number => {
    const first = FIRST.indexOf(name);
    if (first >= 0) return first - FIRST.length;
    return name === LAST ? METHODS.indexOf('DELETE') - 0.5 : METHODS.indexOf(method);
  };
  const forward = calls.toSorted((a, b) => rank(a) - rank(b));
  const from = forward.findIndex(({method}) => method === 'DELETE');
  return [...forward.slice(0, from), ...forward.slice(from).reverse()];
}

/** What has to be there for the example of a later call. */
const AFTER: Readonly<Record<string, (answers: readonly Answer[]) => Promise<void> | void>> = {
  'POST /v1/workspaces/{id}/inputs': ([made]) => void Object.assign(input, made!.body),
  'POST /v1/audiences': async () => {
    await client.api('POST', '/v1/audiences', {
      name: 'Buyers',
      workspaces: [1],
      definition: {kind: 'commerce', action: 'purchase'},
    });
  },
  'POST /v1/audiences/{id}/activate': async () => {
    await client.api('POST', '/v1/audiences/2/activate');
    await client.filled();
  },
  'POST /v1/downloads': async answers => {
    download = (answers[0]!.body as {id: string}).id;
    while ((await client.api<Json>('GET', `/v1/downloads/${download}`))['status'] !== 'ready') {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  },
};
const BEFORE: Readonly<Record<string, () => Promise<void>>> = {
  'DELETE /v1/workspaces/{id}/inputs/{input}': async () => {
    for (const {id} of await client.api<{id: number}[]>('GET', '/v1/audiences')) {
      await client.api('DELETE', `/v1/audiences/${id}`);
    }
  },
};

/** Changes nothing, or nothing that anybody decided. */
const NOT_IN_AUDIT = [
  'POST /v1/estimates',
  'POST /v1/audiences/{id}/changes',
  'POST /v1/overlaps',
  'POST /v2/events',
  'POST /v2/bulkevents',
  // The examples say what is there already.
  'PATCH /v1/calculated_attributes/{id}',
  'POST /v1/audiences/{id}/versions/{version}/restore',
];

test('every call takes its own examples, answers what it says, and is in the audit when it changed something', async () => {
  const made = new Set<string>();
  const audited = async (): Promise<number> => {
    const [newest] = await client.api<{id: number}[]>('GET', '/v1/audit?limit=1');
    return newest?.id ?? 0;
  };
  for (const call of inOrder()) {
    const {name, operation} = call;
    if (operation['x-messages'] !== undefined) continue;
    await BEFORE[name]?.();
    const before = await audited();
    const answers: Answer[] = [];
    for (const body of bodiesOf(call)) {
      for (const path of pathsOf(call)) {
        const answer = await client.send(call.method, path, {
          headers: headersOf(call),
          body: body === undefined ? '' : JSON.stringify(body),
        });
        expect([name, path, answer.status, answer.text]).toEqual([
          name,
          path,
          expect.toSatisfy(
            (status: number) => status < 300 && String(status) in operation.responses,
          ),
          expect.any(String),
        ]);
        checkAnswer(call, answer);
        answers.push(answer);
      }
    }
    if (call.method !== 'GET' && !NOT_IN_AUDIT.includes(name)) {
      expect([name, await audited()]).not.toEqual([name, before]);
    }
    await AFTER[name]?.(answers);
    made.add(name);
  }
  expect(made.size).toBe(calls.length - 1);
});

/** Its examples; one without a body is made once. */
function bodiesOf({operation}: Call): readonly unknown[] {
  const content = operation.requestBody?.content['application/json'];
  if (content === undefined) return [undefined];
  const {examples = [content.example]} = resolved(content.schema) as {examples?: unknown[]};
  return examples;
}

/** With what is required alone, and with each other parameter by itself. */
function pathsOf({path, operation}: Call): string[] {
  const {parameters} = operation;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (path.startsWith('/v1/downloads')) return download;
    return String(parameters.find(each => each.in === 'path' && each.name === name)!.example);
  });
  const query = parameters.filter(each => each.in === 'query');
  const required = query.filter(each => each.required === true);
  const optional = query.filter(each => each.required !== true);
  return [[], ...optional.map(each => [each])].map(more => {
    const search = new URLSearchParams(
      [...required, ...more].flatMap(({name, example}) =>
        [example].flat().map(value => [name, String(value)]),
      ),
    );
    return search.size === 0 ? filled : `${filled}?${search.toString()}`;
  });
}

function headersOf({operation}: Call): Record<string, string> {
  const isInput = operation.security?.some(way => 'input' in way) === true;
  return {
    authorization: isInput ? basic(input) : `Bearer ${ADMIN_TOKEN}`,
    'content-type': 'application/json',
  };
}

function checkAnswer({name, operation}: Call, answer: Answer): void {
  const told = operation.responses[answer.status]?.content;
  if (told === undefined) {
    expect([name, answer.text]).toEqual([name, '']);
    return;
  }
  const [type = ''] = String(answer.headers['content-type']).split(';');
  expect([name, Object.keys(told)]).toEqual([name, [type]]);
  if (type !== 'application/json') return;
  expect([name, validated(told[type]!.schema, answer.body)]).toEqual([name, {value: answer.body}]);
}

/** A schema of the description, with what it refers to in its place. */
function resolved(schema: TSchema): TSchema {
  const {$ref, items} = schema as {$ref?: string; items?: TSchema};
  const name = $ref?.replace('#/components/schemas/', '');
  if (name !== undefined) return description.components.schemas[name]!;
  return items === undefined ? schema : ({...schema, items: resolved(items)} as TSchema);
}

function validated(schema: TSchema, value: unknown): unknown {
  return validator(resolved(schema))(value);
}

describe('the socket', () => {
  test('takes the examples of its messages, and sends what it says', async () => {
    const call = calls.find(({operation}) => operation['x-messages'] !== undefined)!;
    const {client: ours, server: theirs} = call.operation['x-messages']!;
    const workspace = await client.openShop();
    await client.audience(workspace, 'First', {kind: 'event', name: 'Open'});
    await client.filled();
    await client.take(workspace, {
      mpid: 5,
      events: [
        {event_type: 'custom_event', data: {event_name: 'Open', custom_event_type: 'other'}},
      ],
    });
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}${call.path}?token=${ADMIN_TOKEN}`,
      'muster.json',
    );
    const seen: Json[] = [];
    socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString()) as Json));
    const heard = async (type: string): Promise<Json> => {
      for (;;) {
        const found = seen.find(message => message['type'] === type);
        if (found !== undefined) return found;
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    };
    await new Promise(resolve => socket.once('open', resolve));
    const [subscribe, ack, unsubscribe] = ours.map(schema => {
      const {examples, properties} = resolved(schema) as {examples?: Json[]; properties: Json};
      return {example: examples?.[0], fields: Object.keys(properties)};
    });
    socket.send(JSON.stringify(subscribe!.example));
    const {cursor} = await heard('subscribed');
    await heard('snapshot');
    await client.take(workspace, {
      mpid: 6,
      events: [
        {event_type: 'custom_event', data: {event_name: 'Open', custom_event_type: 'other'}},
      ],
    });
    await heard('deltas');
    expect(ack!.fields).toEqual(['type', 'cursor']);
    socket.send(JSON.stringify({type: 'ack', cursor}));
    expect(unsubscribe!.fields).toEqual(['type']);
    socket.send(JSON.stringify({type: 'unsubscribe'}));
    socket.send(JSON.stringify({...subscribe!.example, from: 'Not a cursor'}));
    await heard('error');
    socket.close();
    expect(seen.map(({type}) => type)).toEqual(['subscribed', 'snapshot', 'deltas', 'error']);
    const schemas = theirs.map(resolved) as (TSchema & {properties: {type: {const: string}}})[];
    for (const message of seen) {
      const schema = schemas.find(({properties}) => properties.type.const === message['type'])!;
      expect(validator(schema)(message)).toEqual({value: message});
    }
  });
});
