import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {runReplay} from '../../server/cli/replay.ts';
import {batchesOf, scriptedServer, testProcess} from './cli-process.ts';
import {ACCEPTED, ReplayStage} from './replay-stage.ts';

let stage: ReplayStage;

beforeEach(async () => {
  stage = await ReplayStage.open();
});

afterEach(() => stage.close());

describe('NDJSON', () => {
  test('every batch arrives once, as it was written, with credentials and an id', async () => {
    const {exitCode, requests, out} = await stage.run(ndjson(25, 3));
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
    const {requests} = await stage.run('{"mpid":-7346244611012968789,"events":[]}\n{}\n');
    expect(requests.map(request => request.body).join()).toContain('"mpid":-7346244611012968789,');
    expect(batchesOf(requests)).toHaveLength(2);
  });

  test('a second run sends the same ids, another --run does not', async () => {
    const file = '{"n":1}\n{"n":2,"source_request_id":"mine"}\n{"n":3,"source_request_id":null}\n';
    const ids = async (...argv: string[]): Promise<unknown[]> =>
      batchesOf((await stage.run(file, argv)).requests).map(batch => batch['source_request_id']);
    const first = await ids('--concurrency', '1');
    expect(await ids('--concurrency', '1')).toEqual(first);
    expect(first).toContain('mine');
    const second = await ids('--concurrency', '1', '--run', 'again');
    expect(second.filter(id => first.includes(id))).toEqual([]);
    expect(new Set([...first, ...second]).size).toBe(6);
  });

  test('batches of one profile arrive in the order of the file, over any number of lanes', async () => {
    const {requests} = await stage.run(
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
    const {requests} = await stage.run(file, ['--now-shift', '--concurrency', '1']);
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
    const {exitCode, requests, out} = await stage.run('{"n":0}\nnonsense\n\n[1]\n{"n":1}');
    expect(exitCode).toBe(1);
    expect(batchesOf(requests)).toHaveLength(2);
    expect(out).toContain('unreadable  2 lines');
    expect(out).toContain('line 2: not JSON');
    expect(out).toContain('line 4: a batch is one JSON object, not a list');
  });

  test('standard input is a file named -', async () => {
    const server = await stage.started(() => ACCEPTED);
    const process = testProcess({stdin: ndjson(3, 1)});
    expect(
      await runReplay(['-', '--url', server.url, '--key', 'k', '--secret', 's'], process),
    ).toBe(0);
    expect(batchesOf(server.requests)).toHaveLength(3);
  });

  test('--limit ends the run, --rate spreads it out', async () => {
    const startedMs = performance.now();
    const {requests} = await stage.run(ndjson(1000, 5), ['--limit', '60', '--rate', '200']);
    expect(batchesOf(requests)).toHaveLength(60);
    expect(performance.now() - startedMs).toBeGreaterThan(200);
  });
});

describe('a server in trouble', () => {
  test('429 waits as long as it is asked to, then sends the same again', async () => {
    const times: number[] = [];
    const {exitCode, requests, out} = await stage.run('{"n":0}\n', [], (_, i) => {
      times.push(performance.now());
      return i === 0 ? {status: 429, headers: {'retry-after': '1'}} : ACCEPTED;
    });
    expect(exitCode).toBe(0);
    expect(requests[1]?.body).toBe(requests[0]?.body);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
    expect(out).toContain('retries     1, 1 of them asked for');
  });

  test('5xx and broken connections are tried again with the same ids', async () => {
    const {exitCode, requests} = await stage.run('{"n":0}\n', [], (_, i) => ({
      status: [503, 0, 202][i] ?? 202,
    }));
    expect(exitCode).toBe(0);
    expect(new Set(requests.map(request => request.body)).size).toBe(1);
    expect(requests).toHaveLength(3);
  });

  test('it gives up after --attempts, with the server’s own words', async () => {
    const body = '{"errors":[{"code":"UNAVAILABLE","message":"still starting"}]}';
    const {exitCode, out} = await stage.run('{"n":0}\n', ['--attempts', '2'], () => ({
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
    const {exitCode, out} = await stage.run('{"n":0}\n', ['--attempts', '1', '--url', server.url]);
    expect(exitCode).toBe(1);
    expect(out).toContain('gave up after 1 attempt: nothing listens there');
  });

  test('a refused key ends the run at once', async () => {
    const {exitCode, requests, out} = await stage.run(
      ndjson(1000, 9),
      ['--concurrency', '1'],
      () => ({
        status: 403,
      }),
    );
    expect(exitCode).toBe(1);
    expect(requests).toHaveLength(1);
    expect(out).toContain('the key and the secret must be those of one input');
  });

  test('refused batches are counted and told by line, the others of the request are taken', async () => {
    const {exitCode, out} = await stage.run(ndjson(10, 10), ['--concurrency', '1'], ({body}) => ({
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
    const {exitCode, requests} = await stage.run(
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
    const server = await stage.started(() => ({status: 202, delayMs: 20}));
    const file = join(stage.folder, 'events.ndjson');
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

/** `count` batches of one event each, over so many profiles, numbered in `n`. */
function ndjson(count: number, profiles: number): string {
  return Array.from(
    {length: count},
    (_, n) =>
      `${JSON.stringify({mpid: String(n % profiles), n, events: [{event_type: 'session_start', data: {}}]})}\n`,
  ).join('');
}
