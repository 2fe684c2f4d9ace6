/** Whatever a client sends, it hears what was wrong with it, and the next client is served. */
import {readFileSync} from 'node:fs';
import {connect} from 'node:net';
import {gzipSync} from 'node:zlib';
import {afterEach, beforeAll, describe, expect, test} from 'vitest';
import {
  type Answer,
  basic,
  event,
  type Json,
  ServerClient,
  type Shop,
} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

const MIB = 2 ** 20;
const TRANSPORTS = process.version.startsWith('v20.') ? ['node', 'uws'] : ['node'];
/** Every kind of value where another is expected. */
const WRONG = [true, 1.5, -1, 'text', '', [], [[]], {}, {a: {}}, null] as const;

describe.each(TRANSPORTS)('over the %s transport', transport => {
  let server: ServerProcess;
  let client: ServerClient;
  let shop: Shop;

  beforeAll(async () => {
    server = await ServerProcess.start({
      dataFolder: temporaryFolder(),
      args: ['--shards', '2'],
      env: {MUSTER_TRANSPORT: transport, MUSTER_LOG_LEVEL: 'error'},
    });
    client = new ServerClient(server);
    shop = await client.openShop();
  });

  // Each of the tests: the server goes on, and has nothing to complain of.
  afterEach(async () => {
    await client.take(shop, {mpid: '1', events: [event('Still here')]});
    expect(server.stderr).toBe('');
  });

  const post = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    client.send('POST', '/v2/events', {headers: {authorization: basic(shop), ...headers}, body});

  test.each([
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"events":[}',
    '{"mpid":1}}',
    '{"mpid":1,}',
    '\u0000',
    '{"mpid":01}',
    'NaN',
  ])('a body that is no batch is 400: %j', async body => {
    const answer = await post(body);
    expect([answer.status, codesOf(answer)]).toEqual([400, ['BAD_REQUEST']]);
  });

  test('bytes that are no text are 400', async () => {
    expect((await post(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))).status).toBe(400);
  });

  test('a wrong type anywhere is taken leniently, or is 400 and names its place', async () => {
    const answers = {taken: 0, refused: 0};
    const wrong: string[] = [];
    for (const path of pathsOf(WHOLE_BATCH)) {
      for (const value of WRONG) {
        const sent = JSON.stringify(withValue(WHOLE_BATCH, path, value));
        const answer = await post(sent);
        if (answer.status === 202) answers.taken++;
        else if (answer.status === 400 && namesPlace(answer, path)) answers.refused++;
        else
          wrong.push(
            `${path.join('.')} = ${JSON.stringify(value)}: ${answer.status} ${answer.text}`,
          );
      }
    }
    expect(wrong).toEqual([]);
    expect(answers.taken).toBeGreaterThan(50);
    expect(answers.refused).toBeGreaterThan(100);
  });

  test.each([
    '9223372036854775808',
    '-9223372036854775809',
    '1e30',
    '1.5',
    '"0x10"',
    '"12 "',
    '"abc"',
    '123456789012345678901234567890',
  ])('an mpid that is no 64-bit integer is 400: %s', async mpid => {
    const answer = await post(`{"mpid":${mpid},"events":[]}`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('mpid')]);
  });

  test.each(['9223372036854775807', '-9223372036854775808', '-1', '9007199254740993'])(
    'the mpid %s keeps every digit, as a number and as text',
    async mpid => {
      for (const sent of [mpid, `"${mpid}"`]) {
        const answer = await post(`{"mpid":${sent},"user_attributes":{"sent":${sent}}}`);
        expect(answer.status).toBe(202);
        expect((await client.profile(mpid))?.['mpid']).toBe(mpid);
      }
    },
  );

  test('names that mean something to JavaScript are only names', async () => {
    const names = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'length'];
    const attributes = `{${names.map(name => `"${name}":"of ${name}"`).join()}}`;
    const answer = await post(
      `{"mpid":"77","user_attributes":${attributes},"events":[{"event_type":"custom_event","data":` +
        `{"event_name":"__proto__","custom_event_type":"other","custom_attributes":${attributes}}}]}`,
    );
    expect(answer.status).toBe(202);
    const profile = (await client.profile('77')) ?? {};
    const [scope] = profile['workspaces'] as Json[];
    const stored = new Map(Object.entries(scope?.['user_attributes'] as Json));
    expect(stored).toEqual(new Map(names.map(name => [name, `of ${name}`])));
    for (const name of names) {
      const audience = await client.audience(shop, `Named ${name}`, {
        and: [
          {
            kind: 'user_attribute',
            attribute: name,
            operator: 'exact_match',
            value: `OF ${name}`,
          },
          {
            kind: 'event',
            name: '__proto__',
            where: [{attribute: name, operator: 'exact_match', value: `of ${name}`}],
          },
        ],
      });
      await client.filled();
      expect(await client.members(audience)).toEqual(['77']);
    }
  });

  test('a body over 8 MiB is 413, sent or inflated', async () => {
    const large = await post(`{"mpid":"1","padding":"${'x'.repeat(9 * MIB)}"}`);
    expect([large.status, codesOf(large)]).toEqual([413, ['PAYLOAD_TOO_LARGE']]);
    const before = peakBytes(server.pid);
    const bomb = gzipSync(Buffer.alloc(200 * MIB, ' '));
    const startedMs = performance.now();
    const inflated = await post(bomb, {'content-encoding': 'gzip'});
    expect([inflated.status, codesOf(inflated)]).toEqual([413, ['PAYLOAD_TOO_LARGE']]);
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(peakBytes(server.pid) - before).toBeLessThan(64 * MIB);
    const honest = gzipSync(`{"mpid":"1","padding":"${'x'.repeat(7 * MIB)}"}`);
    expect((await post(honest, {'content-encoding': 'gzip'})).status).toBe(202);
  });

  test('an encoding nobody reads is 415, and one that is not what it says 400', async () => {
    expect((await post('{}', {'content-encoding': 'zstd'})).status).toBe(415);
    expect((await post('{}', {'content-encoding': 'gzip'})).status).toBe(400);
    const cut = gzipSync(JSON.stringify({mpid: '1'})).subarray(0, 20);
    expect((await post(cut, {'content-encoding': 'gzip'})).status).toBe(400);
  });

  test('MessagePack that nests or promises too much is 400 at once', async () => {
    const headers = {'content-type': 'application/msgpack'};
    const nested = Buffer.concat(
      Array.from({length: 600}, () => Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
    );
    const startedMs = performance.now();
    expect(nested).toHaveLength(3000);
    expect((await post(nested, headers)).status).toBe(400);
    expect((await post(Buffer.alloc(100_000, 0x91), headers)).status).toBe(400);
    expect((await post(Buffer.from([0x81]), headers)).status).toBe(400);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  test('JSON that nests ten thousand deep is refused at once, as a batch and as a definition', async () => {
    const startedMs = performance.now();
    const deep = (open: string, close: string, depth: number): string =>
      `${open.repeat(depth)}1${close.repeat(depth)}`;
    for (const depth of [10_000, 1_000_000]) {
      expect((await post(deep('[', ']', depth))).status).toBe(400);
      expect((await post(`{"mpid":"1","extra":${deep('[', ']', depth)}}`)).status).toBe(400);
    }
    for (const [open, close] of [
      ['{"and":[', ']}'],
      ['{"exclude":', '}'],
      ['[', ']'],
    ] as const) {
      const definition = deep(open, close, 10_000);
      const answer = await client.send('POST', '/v1/audiences', {
        headers: {
          authorization: `Bearer admin-token-of-the-test`,
          'content-type': 'application/json',
        },
        body: `{"name":"Deep","workspaces":[${shop.workspace}],"definition":${definition}}`,
      });
      expect([open, answer.status]).toEqual([open, expect.toSatisfy(isRefusal)]);
      expect(answer.text.length).toBeLessThan(10_000);
    }
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('a batch in a bulk call is judged alone', async () => {
    const bulk = (body: unknown): Promise<Answer> =>
      client.post(shop, JSON.stringify(body), '/v2/bulkevents');
    const some = await bulk([{mpid: '31'}, {mpid: 'no'}, 5, {mpid: '32'}]);
    expect(some.status).toBe(202);
    expect((some.body as {rejected: Json[]}).rejected.map(({index}) => index)).toEqual([1, 2]);
    expect(await client.profile('31')).toBeDefined();
    expect(await client.profile('32')).toBeDefined();
    expect((await bulk([{mpid: 'no'}, 5])).status).toBe(400);
    expect((await bulk({mpid: '1'})).status).toBe(400);
    expect((await bulk(Array.from({length: 101}, () => ({mpid: '1'})))).status).toBe(413);
    expect((await bulk([])).status).toBe(400);
  });

  test('wrong credentials learn nothing, and none are told what is missing', async () => {
    const send = (path: string, authorization?: string): Promise<Answer> =>
      client.send(path.startsWith('/v2') ? 'POST' : 'GET', path, {
        headers: authorization === undefined ? {} : {authorization},
        body: path.startsWith('/v2') ? '{"mpid":"1"}' : '',
      });
    const paths = ['/v2/events', '/v1/audiences', '/v1/audiences/999', '/v1/profiles/1'];
    for (const path of paths) {
      const none = await send(path);
      expect([path, none.status]).toEqual([path, 401]);
      const scheme = path.startsWith('/v2') ? 'Basic' : 'Bearer';
      expect(none.headers['www-authenticate']).toBe(`${scheme} realm="muster"`);
      const wrong = [
        'Bearer nonsense',
        `Bearer ${shop.secret}`,
        basic({key: shop.key, secret: 'nonsense'}),
        basic({key: 'nonsense', secret: shop.secret}),
      ];
      const answers = await Promise.all(wrong.map(authorization => send(path, authorization)));
      expect(new Set(answers.map(({status, text}) => `${status} ${text}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(403);
    }
    expect((await send('/v2/events', 'Bearer admin-token-of-the-test')).status).toBe(403);
    expect((await send('/v1/audiences', basic(shop))).status).toBe(403);
  });

  test.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}'],
    ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is no number', 'Content-Length: two\r\n\r\n{}'],
    ['a header without end', `X-Long: ${'x'.repeat(40_000)}`],
  ])('a request with %s is refused or cut off', async (_, rest) => {
    const head = `POST /v2/events HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(shop)}\r\n`;
    const answer = await rawExchange(server.port, head + rest);
    expect(answer).toMatch(/^$|^HTTP\/1\.1 (400|411|431) /);
    expect(answer).not.toContain(' 202 ');
  });
});

const WHOLE_BATCH: Json = {
  mpid: '5',
  environment: 'production',
  timestamp_unixtime_ms: 1_790_000_000_000,
  ip: '203.0.113.7',
  message_id: 'm',
  user_identities: {customer_id: 'c-5', email: 'five@example.com'},
  user_attributes: {tier: 'gold', tags: ['a', 'b']},
  deleted_user_attributes: ['old'],
  device_info: {platform: 'iOS', os_version: '17.1', brand: 'iPhone', is_tablet: false},
  application_info: {application_name: 'Shop', application_version: '1.2'},
  consent_state: {
    gdpr: {marketing: {consented: true, timestamp_unixtime_ms: 1_790_000_000_000}},
    ccpa: {data_sale_opt_out: {consented: false}},
  },
  context: {location: {latitude: 48.85, longitude: 2.35}},
  mp_deviceid: '6a8ec1f2-ecae-4d5e-b9c8-6a8ec1f2ecae',
  events: [
    {
      event_type: 'commerce_event',
      data: {
        source_message_id: 's',
        timestamp_unixtime_ms: 1_790_000_000_000,
        custom_attributes: {color: 'blue'},
        location: {latitude: 48.85, longitude: 2.35},
        currency_code: 'EUR',
        product_action: {
          action: 'purchase',
          transaction_id: 't',
          total_amount: 12.5,
          products: [{id: 'p', name: 'Mug', price: 12.5, quantity: 1, custom_attributes: {a: 'b'}}],
        },
        promotion_action: {action: 'view', promotions: [{id: 'o', name: 'Sale'}]},
        product_impressions: [{product_impression_list: 'l', products: [{id: 'q'}]}],
      },
    },
    {
      event_type: 'custom_event',
      data: {event_name: 'Tick', custom_event_type: 'other', custom_flags: {f: 'g'}},
    },
    {event_type: 'screen_view', data: {screen_name: 'Home'}},
    {event_type: 'session_end', data: {session_duration_ms: 5}},
    {
      event_type: 'user_attribute_change',
      data: {user_attribute_name: 'tier', new: 'silver', old: 'gold', deleted: false},
    },
  ],
};

type Path = readonly (string | number)[];

/** Of everything in it, the outermost first. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value)
    ? (value as unknown[]).map((item, index) => [index, item] as const)
    : Object.entries(value);
  const inside = entries.flatMap(([key, item]) => pathsOf(item, [...path, key]));
  return path.length === 0 ? inside : [path, ...inside];
}

function withValue(batch: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(batch)) {
    return (batch as unknown[]).map((item, index) =>
      index === key ? withValue(item, rest, value) : item,
    );
  }
  const object = batch as Json;
  return {...object, [key]: withValue(object[key], rest, value)};
}

/** A fault is told at the place itself, above it, or in what was put there. */
function namesPlace(answer: Answer, path: Path): boolean {
  const told = (answer.body as {errors: {path?: string; message: string}[]}).errors;
  const [top] = path;
  return told.length > 0 && told.every(error => JSON.stringify(error).includes(String(top)));
}

function codesOf(answer: Answer): string[] {
  return (answer.body as {errors: {code: string}[]}).errors.map(({code}) => code);
}

function isRefusal(status: number): boolean {
  return status === 400 || status === 422;
}

/** The most memory that the process ever had. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function rawExchange(port: number, text: string): Promise<string> {
  return new Promise(resolve => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', chunk => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
