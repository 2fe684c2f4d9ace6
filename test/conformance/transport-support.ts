/** Servers and raw clients for the transport suite. */
import {connect, type Socket} from 'node:net';
import type {
  ListenFunction,
  SocketRoute,
  Transport,
  TransportHandler,
  TransportRoute,
} from '../../server/http/transport.ts';

export interface TestServer {
  readonly transport: Transport;
  readonly port: number;
  readonly url: string;
  /** Everything `onError` was told. */
  readonly errors: unknown[];
}

export interface TestOptions {
  /** Keyed by method and pattern: `'GET /v1/things/:id'`. */
  readonly routes?: Readonly<Record<string, TransportHandler>>;
  readonly sockets?: readonly SocketRoute[];
  readonly notFound?: TransportHandler;
  readonly port?: number;
  readonly host?: string;
}

/** Starts servers on one back-end and closes them all at the end of a test. */
export class TestServers {
  readonly #listen: ListenFunction;
  readonly #open: Transport[] = [];

  constructor(listen: ListenFunction) {
    this.#listen = listen;
  }

  async start(options: TestOptions): Promise<TestServer> {
    const errors: unknown[] = [];
    const transport = await this.#listen({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      routes: Object.entries(options.routes ?? {}).map(([key, handler]): TransportRoute => {
        const [method = '', pattern = ''] = key.split(' ');
        return {method, pattern, handler};
      }),
      sockets: options.sockets ?? [],
      notFound: options.notFound ?? ((_, response) => response.send(404, {}, 'not found')),
      onError: error => errors.push(error),
    });
    this.#open.push(transport);
    const {port} = transport;
    return {transport, port, url: `http://127.0.0.1:${port}`, errors};
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(transport => transport.close(0)));
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A client that writes what it is told and keeps what it hears. */
export class RawClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  /** The server ended or cut the connection. */
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('error', () => undefined);
    socket.on('end', () => (this.isClosed = true));
    socket.on('close', () => (this.isClosed = true));
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** Each part in a packet of its own. */
  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    for (const [index, part] of parts.entries()) {
      if (index > 0) await sleep(15);
      this.socket.write(part);
    }
  }

  get answers(): readonly Answer[] {
    return parseAnswers(this.received);
  }

  async answer(index = 0): Promise<Answer> {
    await until(() => this.answers.length > index, 'an answer');
    const answer = this.answers[index];
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed, 'the end of the connection');
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Those that are complete, interim answers left out. HEAD and 204 are told by their lack of a length. */
function parseAnswers(bytes: Buffer): readonly Answer[] {
  const answers: Answer[] = [];
  let at = 0;
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return answers;
    const lines = bytes.toString('latin1', at, headEnd).split('\r\n');
    const status = Number((lines[0] ?? '').split(' ')[1]);
    const headers = new Map<string, string>();
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    at = headEnd + 4;
    if (status < 200) continue;
    if (headers.get('transfer-encoding') === 'chunked') {
      const chunked = readChunks(bytes, at);
      if (chunked === undefined) return answers;
      at = chunked.end;
      answers.push({status, headers, body: chunked.body});
    } else {
      const length = Number(headers.get('content-length') ?? 0);
      if (bytes.length < at + length) return answers;
      answers.push({status, headers, body: bytes.toString('utf8', at, at + length)});
      at += length;
    }
  }
}

function readChunks(bytes: Buffer, from: number): {body: string; end: number} | undefined {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(length)) throw new Error(`no chunk length at byte ${at}`);
    at = lineEnd + 2;
    if (bytes.length < at + length + 2) return undefined;
    if (length === 0) return {body: Buffer.concat(parts).toString('utf8'), end: at + 2};
    parts.push(bytes.subarray(at, at + length));
    at += length + 2;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

export async function until(
  condition: () => boolean,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const giveUpMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}

/** A request with one Host, ready to be sent. */
export function request(line: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${line} HTTP/1.1`, 'Host: here', ...headers].join('\r\n')}\r\n\r\n${body}`;
}
