import {afterEach, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import type {ListenFunction, SocketRoute, TransportSocket} from '../../server/http/transport.ts';
import {RawClient, request, sleep, TestServers, until} from './transport-support.ts';

/** A route that echoes and keeps what happened, in order. */
interface Recorder {
  readonly route: SocketRoute;
  readonly events: string[];
  readonly sockets: TransportSocket[];
  readonly contexts: unknown[];
}

function recorder(changes: Partial<SocketRoute> = {}): Recorder {
  const events: string[] = [];
  const sockets: TransportSocket[] = [];
  const contexts: unknown[] = [];
  const route: SocketRoute = {
    pattern: '/socket',
    protocols: ['muster.msgpack', 'muster.json'],
    messageBytesMax: 64 * 1024,
    pingEveryMs: 30_000,
    accept: incoming => ({context: incoming.query.get('who') ?? 'nobody'}),
    open: socket => {
      events.push(`open ${socket.protocol}`);
      sockets.push(socket);
      contexts.push(socket.context);
    },
    message: (socket, message) => {
      events.push(
        typeof message === 'string' ? `text ${message.length}` : `bytes ${message.length}`,
      );
      socket.send(message);
    },
    drain: () => events.push('drain'),
    close: (_, code) => events.push(`close ${code}`),
    ...changes,
  };
  return {route, events, sockets, contexts};
}

function handshake(headers: readonly string[] = [], path = '/socket'): string {
  return request(`GET ${path}`, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ]);
}

/** As a client sends it: masked (with zeros, which change nothing). */
function frame(opcode: number, payload: string | Buffer, isFinal = true): Buffer {
  const bytes = Buffer.from(payload);
  const head =
    bytes.length < 126
      ? Buffer.from([0, 0x80 | bytes.length])
      : Buffer.from([0, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff]);
  head[0] = (isFinal ? 0x80 : 0) | opcode;
  return Buffer.concat([head, Buffer.alloc(4), bytes]);
}

/** A `ws` client, and its messages in order. */
class Client {
  readonly ws: WebSocket;
  readonly messages: (string | Buffer)[] = [];
  closeCode: number | undefined;
  pings = 0;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer, isBinary) => {
      this.messages.push(isBinary ? data : data.toString());
    });
    ws.on('ping', () => this.pings++);
    ws.on('close', code => (this.closeCode = code));
  }

  static open(url: string, protocols: string[] = [], autoPong = true): Promise<Client> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url, protocols, {autoPong, perMessageDeflate: false});
      const client = new Client(ws);
      ws.on('error', reject);
      ws.on('open', () => resolve(client));
    });
  }

  async closed(): Promise<number> {
    await until(() => this.closeCode !== undefined, 'the socket to close');
    return this.closeCode ?? 0;
  }
}

/** The status and body of a refused handshake. */
async function refusal(port: number, text: string): Promise<{status: number; body: string}> {
  const client = await RawClient.connect(port);
  await client.send(text);
  const {status, body} = await client.answer();
  client.destroy();
  return {status, body};
}

export function describeSockets(listen: ListenFunction): void {
  const servers = new TestServers(listen);
  afterEach(() => servers.closeAll());

  const start = async (
    recorded: Recorder,
  ): Promise<{port: number; url: string; errors: unknown[]; close: () => Promise<void>}> => {
    const {port, errors, transport} = await servers.start({sockets: [recorded.route]});
    const url = `ws://127.0.0.1:${port}/socket`;
    return {port, url, errors, close: () => transport.close(2_000)};
  };

  describe('the handshake', () => {
    test("takes the server's first choice among the subprotocols that the client offers", async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const both = await Client.open(url, ['muster.json', 'muster.msgpack']);
      const one = await Client.open(url, ['other', 'muster.json']);
      const none = await Client.open(url);
      expect([both, one, none].map(client => client.ws.protocol)).toEqual([
        'muster.msgpack',
        'muster.json',
        '',
      ]);
      await until(() => recorded.events.length === 3, 'all to open');
      expect(recorded.events).toEqual(['open muster.msgpack', 'open muster.json', 'open ']);
      for (const {ws} of [both, one, none]) ws.terminate();
    });

    test('does not switch compression on', async () => {
      const {port} = await start(recorder());
      const client = await RawClient.connect(port);
      await client.send(handshake(['Sec-WebSocket-Extensions: permessage-deflate']));
      await until(() => client.received.includes('\r\n\r\n'), 'the answer');
      const text = client.received.toString().toLowerCase();
      expect(text).toContain('101 switching protocols');
      expect(text).toContain('sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=');
      expect(text).not.toContain('sec-websocket-extensions');
      client.destroy();
    });

    test('hands over the context and the parameters', async () => {
      const seen: string[] = [];
      const recorded = recorder({
        pattern: '/rooms/:room',
        accept: incoming => {
          seen.push(
            `${incoming.method} ${incoming.path} ${incoming.params.get('room')}`,
            incoming.header('authorization'),
            incoming.remoteAddress,
          );
          return {context: {room: incoming.params.get('room')}};
        },
      });
      const {port} = await start(recorded);
      const client = await RawClient.connect(port);
      await client.send(handshake(['Authorization: Bearer t'], '/rooms/a%20b?token=t'));
      await until(() => recorded.contexts.length === 1, 'the socket to open');
      expect(seen).toEqual(['GET /rooms/a%20b a b', 'Bearer t', '127.0.0.1']);
      expect(recorded.contexts).toEqual([{room: 'a b'}]);
      client.destroy();
    });

    test('is refused with what accept says, and nothing is opened', async () => {
      const recorded = recorder({
        accept: () => ({status: 403, body: '{"errors":[]}'}),
      });
      const {port} = await start(recorded);
      expect(await refusal(port, handshake())).toEqual({status: 403, body: '{"errors":[]}'});
      expect(recorded.events).toEqual([]);
    });

    test('is answered 500 when accept throws or reads a body', async () => {
      let calls = 0;
      const recorded = recorder({
        accept: incoming => {
          if (calls++ === 0) throw new Error('accept');
          incoming.readBody(10, () => undefined);
          return {context: undefined};
        },
      });
      const {port, errors} = await start(recorded);
      expect((await refusal(port, handshake())).status).toBe(500);
      expect((await refusal(port, handshake())).status).toBe(500);
      expect(errors).toHaveLength(2);
      expect(recorded.events).toEqual([]);
    });

    test('is refused without asking accept when it is not one', async () => {
      let asked = 0;
      const recorded = recorder({
        accept: () => {
          asked++;
          return {context: undefined};
        },
      });
      const {port, url} = await start(recorded);
      const statusOf = async (text: string): Promise<number> => (await refusal(port, text)).status;
      expect(await statusOf(handshake(['Sec-WebSocket-Protocol: other, another']))).toBe(400);
      expect(await statusOf(handshake(['Sec-WebSocket-Protocol: muster.json, muster.json']))).toBe(
        400,
      );
      expect(await statusOf(handshake().replace('Version: 13', 'Version: 7'))).toBe(426);
      expect(await statusOf(request('GET /socket'))).toBe(426);
      expect(await statusOf(handshake(['Host: twice']))).toBe(400);
      expect(await statusOf(request('POST /socket', ['Content-Length: 0']))).toBe(405);
      expect((await fetch(url.replace('ws:', 'http:'))).headers.get('upgrade')).toBe('websocket');
      expect(asked).toBe(0);
    });
  });

  test('a handshake behind a request that waits for its answer harms nobody else', async () => {
    const recorded = recorder();
    const {port} = await servers.start({
      sockets: [recorded.route],
      routes: {
        'GET /later': async (_, response) => {
          await sleep(20);
          response.send(200, {}, 'later');
        },
      },
    });
    for (const path of ['/socket', '/later', '/nowhere']) {
      const client = await RawClient.connect(port);
      await client.send(request('GET /later') + handshake([], path));
      await client.closed();
      expect(client.answers).toEqual([]);
    }
    await sleep(30);
    expect(await (await fetch(`http://127.0.0.1:${port}/later`)).text()).toBe('later');
    expect(recorded.events).toEqual([]);
  });

  describe('messages', () => {
    test('text and bytes come back as they went', async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const client = await Client.open(url);
      const bytes = Buffer.from([0, 1, 255, 128]);
      client.ws.send('héllo ✓');
      client.ws.send(bytes);
      client.ws.send('');
      client.ws.send(Buffer.alloc(60_000, 7));
      await until(() => client.messages.length === 4, 'four echoes');
      expect(client.messages[0]).toBe('héllo ✓');
      expect(client.messages[1]).toEqual(bytes);
      expect(client.messages[2]).toBe('');
      expect(client.messages[3]).toEqual(Buffer.alloc(60_000, 7));
      client.ws.close(4000, 'enough');
      expect(await client.closed()).toBe(4000);
      await until(() => recorded.events.at(-1) === 'close 4000', 'the server to hear');
      expect(recorded.events.filter(event => event.startsWith('close'))).toHaveLength(1);
    });

    test('bytes received stay valid after the callback', async () => {
      const kept: (string | Uint8Array)[] = [];
      const recorded = recorder({message: (_, message) => void kept.push(message)});
      const {url} = await start(recorded);
      const client = await Client.open(url);
      for (let index = 0; index < 20; index++) client.ws.send(Buffer.alloc(1_000, index));
      await until(() => kept.length === 20, 'all messages');
      expect(kept.map(message => message[999])).toEqual(Array.from({length: 20}, (_, i) => i));
      client.ws.terminate();
    });

    test('in fragments, with a ping between them, are one message', async () => {
      const recorded = recorder();
      const {port} = await start(recorded);
      const client = await RawClient.connect(port);
      await client.send(
        handshake(),
        frame(1, 'mus', false),
        frame(9, 'ping'),
        frame(0, 't', false),
        frame(0, 'er'),
      );
      await until(() => client.received.includes('muster'), 'the echo');
      expect(recorded.events).toEqual(['open ', 'text 6']);
      client.destroy();
    });

    test('of exactly the limit are taken; over it the socket closes with 1009', async () => {
      const recorded = recorder({messageBytesMax: 1_000});
      const {url} = await start(recorded);
      const client = await Client.open(url);
      client.ws.send('x'.repeat(1_000));
      await until(() => client.messages.length === 1, 'the echo');
      client.ws.send('x'.repeat(1_001));
      expect(await client.closed()).toBe(1009);
      expect(recorded.events).toEqual(['open ', 'text 1000', 'close 1009']);
    });

    test('over the limit in fragments close the socket with 1009 too', async () => {
      const recorded = recorder({messageBytesMax: 100});
      const {port} = await start(recorded);
      const client = await RawClient.connect(port);
      const part = 'x'.repeat(60);
      await client.send(handshake(), frame(1, part, false), frame(0, part, false), frame(0, part));
      await client.closed();
      await until(() => recorded.events.length === 2, 'the server to hear');
      expect(recorded.events).toEqual(['open ', 'close 1009']);
    });

    test('vastly over the limit end that socket only', async () => {
      const recorded = recorder({messageBytesMax: 1_000});
      const {url} = await start(recorded);
      const client = await Client.open(url);
      const other = await Client.open(url);
      client.ws.on('error', () => undefined);
      client.ws.send(Buffer.alloc(8 << 20));
      await client.closed();
      other.ws.send('still here');
      await until(() => other.messages.length === 1, 'the other to go on');
      other.ws.terminate();
    });
  });

  describe('a client that breaks the rules ends its own socket only', () => {
    const garbage: Readonly<Record<string, Buffer>> = {
      'reserved opcode': frame(3, 'x'),
      'reserved bits': Buffer.from([0xf1, 0x81, 0, 0, 0, 0, 0x78]),
      'a continuation of nothing': frame(0, 'x'),
      'text that is not UTF-8': frame(1, Buffer.from([0xff, 0xfe])),
      'a control frame in fragments': frame(9, 'x', false),
      'a length of 2^63': Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      noise: Buffer.from(Array.from({length: 500}, (_, index) => (index * 37 + 11) & 0xff)),
    };
    for (const [name, bytes] of Object.entries(garbage)) {
      test(name, async () => {
        const recorded = recorder();
        const {port, url, errors} = await start(recorded);
        const other = await Client.open(url);
        const client = await RawClient.connect(port);
        await client.send(handshake(), bytes);
        await client.closed();
        await until(() => recorded.events.some(event => event.startsWith('close')), 'close');
        other.ws.send('still here');
        await until(() => other.messages.length === 1, 'the other to go on');
        expect(recorded.events.filter(event => event.startsWith('close'))).toHaveLength(1);
        expect(errors).toEqual([]);
        other.ws.terminate();
      });
    }

    test('one that goes without a word is closed with 1006', async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const client = await Client.open(url);
      client.ws.terminate();
      await until(() => recorded.events.length === 2, 'the server to hear');
      expect(recorded.events).toEqual(['open ', 'close 1006']);
    });
  });

  describe('a handler', () => {
    test('that throws closes its socket with 1011, and the server goes on', async () => {
      const recorded = recorder({
        message: () => {
          throw new Error('message');
        },
      });
      const {url, errors} = await start(recorded);
      const client = await Client.open(url);
      client.ws.send('x');
      expect(await client.closed()).toBe(1011);
      expect(errors).toHaveLength(1);
      expect(recorded.events).toEqual(['open ', 'close 1011']);
      const next = await Client.open(url);
      next.ws.terminate();
    });

    test('that closes hears of it before close returns, once, and what follows is ignored', async () => {
      const recorded = recorder({
        open: socket => {
          socket.close(4001, 'r'.repeat(200));
          recorded.events.push(`closed, buffered ${socket.bufferedBytes}`);
          socket.send('ignored');
          socket.close(4002, 'ignored');
        },
      });
      const {url} = await start(recorded);
      const client = await Client.open(url);
      expect(await client.closed()).toBe(4001);
      await sleep(50);
      expect(client.messages).toEqual([]);
      expect(recorded.events).toEqual(['close 4001', 'closed, buffered 0']);
    });
  });

  describe('the heartbeat', () => {
    test('pings a client, and one that answers stays', async () => {
      const recorded = recorder({pingEveryMs: 40});
      const {url} = await start(recorded);
      const client = await Client.open(url);
      await until(() => client.pings >= 6, 'six pings');
      expect(recorded.events).toEqual(['open ']);
      client.ws.terminate();
    });

    test('closes one that stays silent for two pings', async () => {
      const recorded = recorder({pingEveryMs: 50});
      const {url} = await start(recorded);
      const startMs = performance.now();
      const client = await Client.open(url, [], false);
      await client.closed();
      expect(performance.now() - startMs).toBeGreaterThan(80);
      expect(recorded.events).toEqual(['open ', 'close 1006']);
    });

    test('counts messages as signs of life', async () => {
      const recorded = recorder({pingEveryMs: 50, message: () => undefined});
      const {url} = await start(recorded);
      const client = await Client.open(url, [], false);
      for (let index = 0; index < 20; index++) {
        client.ws.send('here');
        await sleep(20);
      }
      expect(client.closeCode).toBe(undefined);
      client.ws.terminate();
    });
  });

  describe('back-pressure', () => {
    test('a client that does not read piles up bytes; drain comes when it reads; nothing is lost', async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const client = await Client.open(url);
      const [socket] = recorded.sockets;
      if (socket === undefined) throw new Error('not open');
      client.ws.pause();
      const message = 'm'.repeat(10_000);
      let sent = 0;
      while (socket.bufferedBytes < 256 * 1024 && sent < 10_000) {
        socket.send(`${sent++} ${message}`);
        if (sent % 50 === 0) await sleep(1);
      }
      expect(socket.bufferedBytes).toBeGreaterThanOrEqual(256 * 1024);
      await sleep(50);
      expect(recorded.events).not.toContain('drain');
      client.ws.resume();
      await until(() => recorded.events.includes('drain'), 'drain');
      await until(() => client.messages.length === sent, 'every message');
      expect(socket.bufferedBytes).toBe(0);
      expect(client.messages.map(text => Number.parseInt(String(text), 10))).toEqual(
        Array.from({length: sent}, (_, index) => index),
      );
      client.ws.terminate();
    });

    test('a sender that waits for drain at 32 KiB gets everything through', async () => {
      let sent = 0;
      const total = 3_000;
      const fill = (socket: TransportSocket): void => {
        while (sent < total && socket.bufferedBytes < 32 * 1024) {
          socket.send(Buffer.alloc(15_000, sent++ % 256));
        }
      };
      const recorded = recorder({open: fill, drain: fill});
      const {url} = await start(recorded);
      const client = await Client.open(url);
      client.ws.pause();
      await sleep(100);
      expect(sent).toBeLessThan(total);
      client.ws.resume();
      await until(() => client.messages.length === total, 'every message');
      expect(client.messages.every((bytes, index) => bytes[14_999] === index % 256)).toBe(true);
      client.ws.terminate();
    });

    test('large frames arrive whole', async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const client = await Client.open(url);
      client.ws.pause();
      for (let index = 0; index < 40; index++) {
        recorded.sockets[0]?.send(Buffer.alloc(200_000 + index, index));
        if (index % 10 === 0) await sleep(5);
      }
      client.ws.resume();
      await until(() => client.messages.length === 40, 'every frame');
      for (const [index, bytes] of client.messages.entries()) {
        expect(Buffer.alloc(200_000 + index, index).equals(bytes as Buffer)).toBe(true);
      }
      client.ws.terminate();
    });

    test('one that lets 64 MiB pile up is cut off', async () => {
      const recorded = recorder();
      const {url} = await start(recorded);
      const client = await Client.open(url);
      client.ws.pause();
      const megabyte = Buffer.alloc(1 << 20);
      for (let index = 0; index < 100; index++) recorded.sockets[0]?.send(megabyte);
      expect(recorded.events).toEqual(['open ', 'close 1006']);
      client.ws.terminate();
    });
  });

  test('close tells every socket 1001 and ends those that do not answer', async () => {
    const recorded = recorder();
    const {url, port, close} = await start(recorded);
    const client = await Client.open(url);
    const mute = await RawClient.connect(port);
    await mute.send(handshake());
    await until(() => recorded.sockets.length === 2, 'both to open');
    const startMs = performance.now();
    const closing = close();
    expect(await client.closed()).toBe(1001);
    await closing;
    expect(performance.now() - startMs).toBeLessThan(15_000);
    await mute.closed();
    expect(recorded.events.slice(2)).toEqual(['close 1001', 'close 1001']);
  });
}
