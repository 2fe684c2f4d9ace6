import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {runReplay} from '../../server/cli/replay.ts';
import type {Answer, ReceivedRequest} from './cli-process.ts';
import {batchesOf, scriptedServer, testProcess} from './cli-process.ts';

const RETAIL = join(import.meta.dirname, '../../../shared/data/online-retail-30k.csv');
const MAPPING = join(import.meta.dirname, '../../docs/online-retail.mapping.json');
const ACCEPTED: Answer = {status: 202};

let folder: string;
let closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-replay-'));
});

afterEach(async () => {
  await Promise.all(closing.map(close => close()));
  closing = [];
  await rm(folder, {recursive: true});
});

describe('NDJSON', () => {
  test('every batch arrives once, as it was written, with credentials and an id', async () => {
    const {exitCode, requests, out} = await run(ndjson(25, 3));
    expect(exitCode).toBe(0);
    expect(requests.every(request => request.authorization === `Basic ${btoa('k:s')}`)).toBe(true);
    const batches = batchesOf(requests);
    expect(batches.map(batch => batch['n']).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({length: 25}, (_, i) => i),
    );
    expect(new Set(batches.map(batch => batch['source_request_id'])).size).toBe(25);
    expect(out).toContain('accepted    25 events in 25 batches');
  });

  test('an mpid written as a number keeps its digits', async () => {
    const {requests} = await run('{"mpid":-7346244611012968789,"events":[]}\n{}\n');
    expect(requests.map(request => request.body).join()).toContain('"mpid":-7346244611012968789,');
    expect(batchesOf(requests)).toHaveLength(2);
  });

  test('a second run sends the same ids, another --run does not', async () => {
    const file = '{"n":1}\n{"n":2,"source_request_id":"mine"}\n{"n":3,"source_request_id":null}\n';
    const ids = async (...argv: string[]): Promise<unknown[]> =>
      batchesOf((await run(file, argv)).requests).map(batch => batch['source_request_id']);
    const first = await ids('--concurrency', '1');
    expect(await ids('--concurrency', '1')).toEqual(first);
    expect(first).toContain('mine');
    const second = await ids('--concurrency', '1', '--run', 'again');
    expect(second.filter(id => first.includes(id))).toEqual([]);
    expect(new Set([...first, ...second]).size).toBe(6);
  });

  test('batches of one profile arrive in the order of the file, over any number of lanes', async () => {
    const {requests} = await run(
      ndjson(400, 7),
      ['--concurrency', '16', '--batch-size', '5'],
      (_, i) => ({
        status: 202,
        delayMs: (i * 7) % 5,
      }),
    );
    const last = new Map<unknown, number>();
    for (const batch of batchesOf(requests)) {
      expect(Number(batch['n'])).toBeGreaterThan(last.get(batch['mpid']) ?? -1);
      last.set(batch['mpid'], Number(batch['n']));
    }
    expect(batchesOf(requests)).toHaveLength(400);
  });

  test('--now-shift moves every time by the same amount, so that the newest is now', async () => {
    const file = [
      '{"n":0,"timestamp_unixtime_ms":1000,"events":[{"data":{"timestamp_unixtime_ms":5000}}]}',
      '{"n":1,"events":[{"data":{"session_start_unixtime_ms": 2000,"custom_attributes":{"text":"\\"timestamp_unixtime_ms\\":9"}}}]}',
    ].join('\n');
    const beforeMs = Date.now();
    const {requests} = await run(file, ['--now-shift', '--concurrency', '1']);
    const [first, second] = batchesOf(requests) as {
      timestamp_unixtime_ms: number;
      events: {data: Record<string, unknown>}[];
    }[];
    const newestMs = Number(first?.events[0]?.data['timestamp_unixtime_ms']);
    expect(newestMs).toBeGreaterThanOrEqual(beforeMs);
    expect(newestMs).toBeLessThanOrEqual(Date.now());
    expect(first?.timestamp_unixtime_ms).toBe(newestMs - 4000);
    expect(second?.events[0]?.data['session_start_unixtime_ms']).toBe(newestMs - 3000);
    expect(second?.events[0]?.data['custom_attributes']).toEqual({
      text: '"timestamp_unixtime_ms":9',
    });
  });

  test('lines that are no batches are told by number, the others are sent, and the exit code is 1', async () => {
    const {exitCode, requests, out} = await run('{"n":0}\nnonsense\n\n[1]\n{"n":1}');
    expect(exitCode).toBe(1);
    expect(batchesOf(requests)).toHaveLength(2);
    expect(out).toContain('unreadable  2 lines');
    expect(out).toContain('line 2: not JSON');
    expect(out).toContain('line 4: a batch is one JSON object, not a list');
  });

  test('standard input is a file named -', async () => {
    const server = await started(() => ACCEPTED);
    const process = testProcess({stdin: ndjson(3, 1)});
    expect(
      await runReplay(['-', '--url', server.url, '--key', 'k', '--secret', 's'], process),
    ).toBe(0);
    expect(batchesOf(server.requests)).toHaveLength(3);
  });

  test('--limit ends the run, --rate spreads it out', async () => {
    const startedMs = performance.now();
    const {requests} = await run(ndjson(1000, 5), ['--limit', '60', '--rate', '200']);
    expect(batchesOf(requests)).toHaveLength(60);
    expect(performance.now() - startedMs).toBeGreaterThan(200);
  });
});

describe('a server in trouble', () => {
  test('429 waits as long as it is asked to, then sends the same again', async () => {
    const times: number[] = [];
    const {exitCode, requests, out} = await run('{"n":0}\n', [], (_, i) => {
      times.push(performance.now());
      return i === 0 ? {status: 429, headers: {'retry-after': '1'}} : ACCEPTED;
    });
    expect(exitCode).toBe(0);
    expect(requests[1]?.body).toBe(requests[0]?.body);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
    expect(out).toContain('retries     1, 1 of them asked for');
  });

  test('5xx and broken connections are tried again with the same ids', async () => {
    const {exitCode, requests} = await run('{"n":0}\n', [], (_, i) => ({
      status: [503, 0, 202][i] ?? 202,
    }));
    expect(exitCode).toBe(0);
    expect(new Set(requests.map(request => request.body)).size).toBe(1);
    expect(requests).toHaveLength(3);
  });

  test('it gives up after --attempts, with the server’s own words', async () => {
    const body = '{"errors":[{"code":"UNAVAILABLE","message":"still starting"}]}';
    const {exitCode, out} = await run('{"n":0}\n', ['--attempts', '2'], () => ({
      status: 503,
      body,
    }));
    expect(exitCode).toBe(1);
    expect(out).toContain(
      'Stopped: gave up after 2 attempts: the server answered 503: still starting.',
    );
  });

  test('nobody listening is said so', async () => {
    const server = await scriptedServer(() => ACCEPTED);
    await server.close();
    const {exitCode, out} = await run('{"n":0}\n', ['--attempts', '1', '--url', server.url]);
    expect(exitCode).toBe(1);
    expect(out).toContain('gave up after 1 attempt: nothing listens there');
  });

  test('a refused key ends the run at once', async () => {
    const {exitCode, requests, out} = await run(ndjson(1000, 9), ['--concurrency', '1'], () => ({
      status: 403,
    }));
    expect(exitCode).toBe(1);
    expect(requests).toHaveLength(1);
    expect(out).toContain('the key and the secret must be those of one input');
  });

  test('refused batches are counted and told by line, the others of the request are taken', async () => {
    const {exitCode, out} = await run(ndjson(10, 10), ['--concurrency', '1'], ({body}) => ({
      status: 202,
      body: JSON.stringify({
        rejected: (JSON.parse(body) as {n: number}[]).flatMap(({n}, index) =>
          n === 4 ? [{index, errors: [{code: 'BAD_REQUEST', message: 'events[0] is odd'}]}] : [],
        ),
      }),
    }));
    expect(exitCode).toBe(1);
    expect(out).toContain('accepted    9 events in 9 batches');
    expect(out).toContain('rejected    1 event in 1 batch');
    expect(out).toContain('line 5: events[0] is odd');
  });

  test('a request that is too large is halved until it fits', async () => {
    const {exitCode, requests} = await run(
      ndjson(8, 8),
      ['--concurrency', '1'],
      ({path, body}) => ({
        status: path === '/v2/bulkevents' && (JSON.parse(body) as []).length > 2 ? 413 : 202,
      }),
    );
    expect(exitCode).toBe(0);
    expect(requests.map(request => batchesOf([request]).length)).toEqual([8, 4, 2, 2, 4, 2, 2]);
  });

  test('Ctrl-C prints the summary so far', async () => {
    const server = await started(() => ({status: 202, delayMs: 20}));
    const file = join(folder, 'events.ndjson');
    await writeFile(file, ndjson(5000, 50));
    const process = testProcess();
    const argv = [file, '--url', server.url, '--key', 'k', '--secret', 's', '--rate', '100'];
    const running = runReplay(argv, process);
    setTimeout(process.interrupt, 300);
    expect(await running).toBe(130);
    expect(process.out()).toMatch(/accepted {4}\d\d events/);
    expect(process.out()).toContain('Stopped early.');
  });
});

describe('what cannot be used is one sentence and exit code 2', () => {
  test.each([
    [[], 'a FILE is needed'],
    [['nowhere.ndjson'], 'there is no file "nowhere.ndjson".'],
    [['.'], '"." is a folder.'],
    [['data.csv', '--mapping', 'none.json'], 'there is no file "data.csv".'],
    [['-', '--now-shift'], '--now-shift reads the file twice'],
    [['-', '--url', 'localhost'], '--url takes something like'],
    [['-', '--batch-size', '101'], '--batch-size takes a whole number from 1 to 100'],
    [['-', '--conc', '1'], 'did you mean --concurrency?'],
  ])('%j', async (argv, sentence) => {
    const process = testProcess({env: {MUSTER_KEY: 'k', MUSTER_SECRET: 's'}});
    expect(await runReplay(argv, process)).toBe(2);
    expect(process.err()).toContain(sentence);
    expect(process.out()).toBe('');
  });

  test('a key and a secret', async () => {
    const process = testProcess();
    expect(await runReplay(['-'], process)).toBe(2);
    expect(process.err()).toBe('muster replay: --key is needed.\n');
  });
});

describe('CSV', () => {
  const csv = [
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
    '2,X,"MUG, ""BLUE""",2,2011-10-06 16:20:00,4.15,12923.0,United Kingdom',
    '1,Y,BOWL ,3,2011-09-07 10:51:00,0.1,15594.0,EIRE',
    '2,Z,PLATE,1,2011-10-06 16:21:00,1.7,12923.0,United Kingdom',
    'C3,X,MUG,-2,2011-10-08 09:00:00,4.15,12923.0,United Kingdom',
    '4,X,MUG,1,2011-10-09 09:00:00,4.15,,United Kingdom',
    '5,X,MUG,1,not a date,4.15,1.0,France',
    '6,X,MUG,1',
  ].join('\r\n');

  test('invoices become purchases and refunds with their products, in the order of time', async () => {
    const {exitCode, requests, out} = await run(
      csv,
      ['--mapping', MAPPING, '--concurrency', '1'],
      undefined,
      'x.csv',
    );
    expect(exitCode).toBe(1);
    const batches = batchesOf(requests).map(({source_request_id: _, ...batch}) => batch);
    expect(batches).toEqual([
      purchase('15594', 'EIRE', '1', 'purchase', Date.UTC(2011, 8, 7, 10, 51), 0.3, [
        {id: 'Y', name: 'BOWL', price: 0.1, quantity: 3, total_product_amount: 0.3},
      ]),
      purchase('12923', 'United Kingdom', '2', 'purchase', Date.UTC(2011, 9, 6, 16, 20), 10, [
        {id: 'X', name: 'MUG, "BLUE"', price: 4.15, quantity: 2, total_product_amount: 8.3},
        {id: 'Z', name: 'PLATE', price: 1.7, quantity: 1, total_product_amount: 1.7},
      ]),
      purchase('12923', 'United Kingdom', 'C3', 'refund', Date.UTC(2011, 9, 8, 9), 8.3, [
        {id: 'X', name: 'MUG', price: 4.15, quantity: 2, total_product_amount: 8.3},
      ]),
    ]);
    expect(out).toContain('left out    1 row, as the mapping says');
    expect(out).toContain('unreadable  2 lines');
    expect(out).toContain('line 7: InvoiceDate is not a time: "not a date"');
    expect(out).toContain('line 8: 4 cells where the header has 8');
  });

  test.each([
    ['consecutive', 5],
    ['all', 4],
  ])('%s rows of one key are one batch', async (rows, count) => {
    const mapping = await mappingFile({
      group: {by: ['InvoiceNo'], rows},
      skip: [{column: 'Quantity', empty: true}],
      batch: {mpid: '{InvoiceNo}', user_attributes: {sizes: {$rows: '{Quantity|number}'}}},
    });
    const {requests} = await run(
      csv.split('\r\n').slice(0, 6).join('\n'),
      ['--mapping', mapping],
      undefined,
      'x.csv',
    );
    expect(batchesOf(requests)).toHaveLength(count);
  });

  test('a mapping that does not fit the file tells every fault, and nothing is sent', async () => {
    const mapping = await mappingFile({batch: {a: '{Nope}', b: '{Country|shout}'}});
    const {exitCode, requests, err} = await run(csv, ['--mapping', mapping], undefined, 'x.csv');
    expect(exitCode).toBe(2);
    expect(requests).toEqual([]);
    expect(err).toContain('batch.a: no column "Nope"; the file has InvoiceNo, StockCode,');
    expect(err).toContain('batch.b: no filter "shout"; there are trim, lower');
  });

  test('a CSV file without a mapping is asked for one', async () => {
    const {exitCode, err} = await run(csv, [], undefined, 'x.csv');
    expect(exitCode).toBe(2);
    expect(err).toContain('a CSV file needs --mapping');
  });

  async function mappingFile(mapping: object): Promise<string> {
    const path = join(folder, 'mapping.json');
    await writeFile(path, JSON.stringify(mapping));
    return path;
  }

  function purchase(
    customer: string,
    country: string,
    invoice: string,
    action: string,
    atMs: number,
    total: number,
    products: object[],
  ): object {
    return {
      user_identities: {customer_id: customer},
      user_attributes: {country},
      events: [
        {
          event_type: 'commerce_event',
          data: {
            currency_code: 'GBP',
            product_action: {action, transaction_id: invoice, total_amount: total, products},
            timestamp_unixtime_ms: atMs,
          },
        },
      ],
    };
  }
});

test.skipIf(!existsSync(RETAIL))(
  'UCI Online Retail, 30,000 rows: every invoice of a customer, and no row twice (skipped without ../shared/data/online-retail-30k.csv)',
  async () => {
    const lines = (await readFile(RETAIL, 'utf8')).trim().split('\n').slice(1);
    const withCustomer = lines.filter(line => !/,,[^,]*$/.test(line));
    const server = await started(() => ACCEPTED);
    const process = testProcess();
    const argv = [
      RETAIL,
      '--mapping',
      MAPPING,
      '--url',
      server.url,
      '--key',
      'k',
      '--secret',
      's',
      '--now-shift',
    ];
    expect(await runReplay(argv, process)).toBe(0);
    const batches = batchesOf(server.requests) as {
      source_request_id: string;
      user_identities: {customer_id: string};
      events: {data: {product_action: {products: object[]}; timestamp_unixtime_ms: number}}[];
    }[];
    const products = batches.flatMap(batch => batch.events[0]?.data.product_action.products ?? []);
    expect(products).toHaveLength(withCustomer.length);
    expect(new Set(batches.map(batch => batch.source_request_id)).size).toBe(batches.length);
    expect(batches.every(batch => /^\d{5}$/.test(batch.user_identities.customer_id))).toBe(true);
    const newestMs = Math.max(
      ...batches.map(batch => batch.events[0]?.data.timestamp_unixtime_ms ?? 0),
    );
    expect(Date.now() - newestMs).toBeLessThan(60_000);
    expect(process.out()).toContain('left out    2,000 rows');
  },
);

/** `count` batches of one event each, over so many profiles, numbered in `n`. */
function ndjson(count: number, profiles: number): string {
  return Array.from(
    {length: count},
    (_, n) =>
      `${JSON.stringify({mpid: String(n % profiles), n, events: [{event_type: 'session_start', data: {}}]})}\n`,
  ).join('');
}

async function started(
  answer: (request: ReceivedRequest, index: number) => Answer,
): ReturnType<typeof scriptedServer> {
  const server = await scriptedServer(answer);
  closing.push(server.close);
  return server;
}

async function run(
  content: string,
  argv: readonly string[] = [],
  answer: (request: ReceivedRequest, index: number) => Answer = () => ACCEPTED,
  name = 'events.ndjson',
): Promise<{exitCode: number; requests: ReceivedRequest[]; out: string; err: string}> {
  const server = await started(answer);
  const file = join(folder, name);
  await writeFile(file, content);
  const process = testProcess({env: {MUSTER_URL: server.url}});
  const exitCode = await runReplay([file, '--key', 'k', '--secret', 's', ...argv], process);
  return {exitCode, requests: server.requests, out: process.out(), err: process.err()};
}
