import {afterEach, describe, expect, test} from 'vitest';
import type {ListenFunction, TransportHandler} from '../../server/http/transport.ts';
import {RawClient, request, sleep, TestServers, until} from './transport-support.ts';

const CHUNK_BYTES = 64 * 1024;

/** Counts what a streaming handler did. */
interface Progress {
  writtenBytes: number;
  waits: number;
  outcome: 'under way' | 'done' | 'client went away';
}

/** Streams `totalBytes` in chunks whose every byte tells its place, waiting whenever it should. */
function produce(options: {
  totalBytes: number;
  withLength: boolean;
  progress: Progress;
}): TransportHandler {
  const {totalBytes, withLength, progress} = options;
  return async (_, response) => {
    const stream = response.stream(200, {'x-kind': 'stream'}, withLength ? totalBytes : undefined);
    for (let at = 0; at < totalBytes; at += CHUNK_BYTES) {
      const chunk = pattern(at, Math.min(CHUNK_BYTES, totalBytes - at));
      progress.writtenBytes += chunk.length;
      if (!stream.write(chunk)) {
        progress.waits++;
        await stream.drained();
        if (response.aborted) {
          progress.outcome = 'client went away';
          return;
        }
      }
    }
    stream.end();
    progress.outcome = 'done';
  };
}

function pattern(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = (from + index) % 251;
  return bytes;
}

function newProgress(): Progress {
  return {writtenBytes: 0, waits: 0, outcome: 'under way'};
}

export function describeStreams(listen: ListenFunction): void {
  const servers = new TestServers(listen);
  afterEach(() => servers.closeAll());

  describe.each([
    {withLength: true, kind: 'with a length'},
    {withLength: false, kind: 'in chunks'},
  ])('a stream $kind', ({withLength}) => {
    test('arrives byte for byte', async () => {
      const totalBytes = 10_000_001;
      const progress = newProgress();
      const {url} = await servers.start({
        routes: {'GET /stream': produce({totalBytes, withLength, progress})},
      });
      const answer = await fetch(`${url}/stream`);
      expect(answer.headers.get('x-kind')).toBe('stream');
      expect(answer.headers.get('content-length')).toBe(withLength ? String(totalBytes) : null);
      const body = Buffer.from(await answer.arrayBuffer());
      expect(body.equals(pattern(0, totalBytes))).toBe(true);
      expect(progress.outcome).toBe('done');
    });

    test('waits for a slow reader instead of filling memory, and then goes on', async () => {
      const totalBytes = 64 * 1024 * 1024;
      const progress = newProgress();
      const {port} = await servers.start({
        routes: {'GET /stream': produce({totalBytes, withLength, progress})},
      });
      const client = await RawClient.connect(port);
      let readBytes = 0;
      client.socket.removeAllListeners('data');
      client.socket.pause();
      client.socket.on('data', (chunk: Buffer) => (readBytes += chunk.length));
      client.socket.pause();
      await client.send(request('GET /stream'));
      await until(() => progress.waits > 0, 'back-pressure');
      let stuckBytes = -1;
      while (stuckBytes !== progress.writtenBytes) {
        stuckBytes = progress.writtenBytes;
        await sleep(100);
      }
      expect(stuckBytes).toBeLessThan(totalBytes / 2);
      expect(progress.outcome).toBe('under way');
      client.socket.resume();
      await until(() => readBytes >= totalBytes, 'the rest');
      expect(progress.outcome).toBe('done');
      client.destroy();
    });

    test('wakes and tells its handler when the client goes away', async () => {
      const progress = newProgress();
      const {port, errors} = await servers.start({
        routes: {
          'GET /stream': produce({totalBytes: 64 * 1024 * 1024, withLength, progress}),
        },
      });
      const client = await RawClient.connect(port);
      client.socket.pause();
      await client.send(request('GET /stream'));
      await until(() => progress.waits > 0, 'back-pressure');
      await sleep(50);
      client.destroy();
      await until(() => progress.outcome === 'client went away', 'the handler to hear of it');
      expect(errors).toEqual([]);
    });

    test('of nothing is an empty answer, and the connection goes on', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /empty': (_, response) => response.stream(200, {}, withLength ? 0 : undefined).end(),
        },
      });
      const client = await RawClient.connect(port);
      for (const index of [0, 1]) {
        await client.send(request('GET /empty'));
        expect(await client.answer(index)).toMatchObject({status: 200, body: ''});
      }
      client.destroy();
    });

    test('that its handler abandons by throwing is cut off', async () => {
      const {port, errors} = await servers.start({
        routes: {
          'GET /broken': async (_, response) => {
            const stream = response.stream(200, {}, withLength ? 1_000 : undefined);
            stream.write(Buffer.from('some'));
            await sleep(30);
            throw new Error('disk');
          },
        },
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /broken'));
      await client.closed();
      expect(client.received.toString()).toContain('some');
      expect(client.answers).toEqual([]);
      expect(errors).toHaveLength(1);
    });

    test('written over many turns arrives as it is written', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /turns': async (_, response) => {
            const stream = response.stream(200, {}, withLength ? 30 : undefined);
            for (let index = 0; index < 10; index++) {
              stream.write(Buffer.from(`<${index}>`));
              await sleep(index === 4 ? 150 : 1);
            }
            stream.end();
          },
        },
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /turns'));
      await until(() => client.received.includes('<4>'), 'the first half');
      expect(client.received.includes('<5>')).toBe(false);
      expect((await client.answer()).body).toBe('<0><1><2><3><4><5><6><7><8><9>');
      client.destroy();
    });
  });

  test('more than the declared length throws, less cuts the connection', async () => {
    const {port, errors} = await servers.start({
      routes: {
        'GET /more': (_, response) => void response.stream(200, {}, 3).write(Buffer.from('four')),
        'GET /less': (_, response) => {
          const stream = response.stream(200, {}, 5);
          stream.write(Buffer.from('four'));
          stream.end();
        },
      },
    });
    for (const path of ['/more', '/less']) {
      const client = await RawClient.connect(port);
      await client.send(request(`GET ${path}`));
      await client.closed();
      expect(client.answers).toEqual([]);
    }
    expect(errors).toHaveLength(1);
  });

  test('close lets a stream under way finish', async () => {
    const progress = newProgress();
    const totalBytes = 16 * 1024 * 1024;
    const {port, transport} = await servers.start({
      routes: {'GET /stream': produce({totalBytes, withLength: false, progress})},
    });
    const client = await RawClient.connect(port);
    let readBytes = 0;
    let tail = '';
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk: Buffer) => {
      readBytes += chunk.length;
      tail = (tail + chunk.toString('latin1').slice(-5)).slice(-5);
    });
    client.socket.pause();
    await client.send(request('GET /stream'));
    await until(() => progress.waits > 0, 'back-pressure');
    const startMs = performance.now();
    const closing = transport.close(10_000);
    client.socket.resume();
    await client.closed();
    await closing;
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(readBytes).toBeGreaterThan(totalBytes);
    expect(tail).toBe('0\r\n\r\n');
    expect(progress.outcome).toBe('done');
  });
}
