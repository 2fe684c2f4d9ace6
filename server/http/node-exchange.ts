import type {IncomingMessage, ServerResponse} from 'node:http';
import {BodyCollector, DISCARDED_BYTES_MAX} from './body-collector.ts';
import {INTERNAL_ERROR, type Refusal} from './refusals.ts';
import {isBodiless, isFramingHeader} from './response-head.ts';
import {type CompiledRoute, readParams} from './route-table.ts';
import type {TransportRequest, TransportResponse, TransportStream} from './transport.ts';

const NOTHING = Buffer.alloc(0);

type BodyCallback = Parameters<TransportRequest['readBody']>[1];

/** What all exchanges of one server share. */
export interface NodeServerState {
  /** From now on requests are refused and connections closed after their answer. */
  closing: boolean;
  readonly onError: (error: unknown) => void;
}

/** One request and its answer, like its twin of the other back-end. */
export class NodeExchange implements TransportRequest, TransportResponse {
  readonly method: string;
  readonly path: string;

  readonly #server: NodeServerState;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #route: CompiledRoute;
  readonly #rawQuery: string;
  #query: URLSearchParams | undefined;
  #params: ReadonlyMap<string, string> | undefined;
  /** The handler runs synchronously: what uWebSockets allows only then is allowed only then. */
  #isSynchronous = true;
  #bodyDone: BodyCallback | undefined;
  #answered = false;

  constructor(options: {
    readonly server: NodeServerState;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly target: Target;
    readonly route: CompiledRoute;
  }) {
    this.method = options.request.method ?? 'GET';
    this.path = options.target.path;
    this.#rawQuery = options.target.query;
    this.#server = options.server;
    this.#request = options.request;
    this.#response = options.response;
    this.#route = options.route;
  }

  /** Runs the handler. Never throws. */
  serve(): void {
    try {
      const result = this.#route.handler(this, this);
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
    this.release();
  }

  release(): void {
    this.#isSynchronous = false;
  }

  /** An upgrade has no body. */
  beUpgrade(): void {
    this.#bodyDone = SETTLED;
  }

  refuse(refusal: Refusal): void {
    this.send(refusal.status, refusal.headers, refusal.body);
  }

  get params(): ReadonlyMap<string, string> {
    return (this.#params ??= readParams(this.#route, this.path));
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#rawQuery));
  }

  get remoteAddress(): string {
    return (this.#request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  }

  get aborted(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished;
  }

  header(name: string): string {
    if (!this.#isSynchronous) throw new Error('header() after the handler returned');
    const value = this.#request.headers[name] ?? '';
    return typeof value === 'string' ? value : value.join(', ');
  }

  readBody(limitBytes: number, done: BodyCallback): void {
    if (!this.#isSynchronous) throw new Error('readBody() after the handler returned');
    if (this.#bodyDone !== undefined) throw new Error('readBody() twice, or of an upgrade');
    if (this.#answered) throw new Error('readBody() after the answer');
    this.#bodyDone = done;
    const request = this.#request;
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      request.resume();
      queueMicrotask(() => this.#settleBody('too_large', NOTHING));
      return;
    }
    if (request.headers.expect?.toLowerCase() === '100-continue') this.#response.writeContinue();
    const body = new BodyCollector(limitBytes);
    request.on('data', (chunk: Buffer) => {
      if (!body.add(chunk)) this.#settleBody('too_large', NOTHING);
    });
    request.on('end', () => {
      if (this.#bodyDone !== SETTLED) this.#settleBody(undefined, body.take());
    });
    request.on('error', () => this.#settleBody('aborted', NOTHING));
    request.on('close', () => this.#settleBody('aborted', NOTHING));
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): void {
    if (this.#answered || this.aborted) return;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    this.#writeHead(status, headers, isBodiless(status) ? undefined : length);
    if (isBodiless(status)) this.#response.end();
    else if (this.#closesOverBody()) this.#endAfterBody(body);
    else this.#response.end(body);
  }

  /** node:http closes after such an answer, and would break the pipe of a client that still writes. */
  #closesOverBody(): boolean {
    const {headers, complete} = this.#request;
    return (
      !complete &&
      (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) &&
      headers.connection?.toLowerCase().includes('close') === true &&
      // Whoever waits for 100 Continue sends nothing before the answer.
      headers.expect === undefined
    );
  }

  #endAfterBody(body: string | Uint8Array): void {
    const request = this.#request;
    const response = this.#response;
    let discardedBytes = 0;
    const end = (): void => {
      if (!response.writableEnded) response.end();
    };
    response.write(body);
    request.on('data', (chunk: Buffer) => {
      discardedBytes += chunk.byteLength;
      if (discardedBytes > DISCARDED_BYTES_MAX) end();
    });
    request.on('end', end);
    request.on('close', end);
    request.resume();
  }

  stream(
    status: number,
    headers: Readonly<Record<string, string>>,
    lengthBytes?: number,
  ): TransportStream {
    if (this.#answered || this.aborted) return DISCARDING;
    this.#writeHead(status, headers, lengthBytes);
    return new NodeStream(this.#response, this.method === 'HEAD' ? undefined : lengthBytes);
  }

  #writeHead(
    status: number,
    headers: Readonly<Record<string, string>>,
    lengthBytes: number | undefined,
  ): void {
    const sent: Record<string, string | number> = {};
    for (const name in headers) {
      if (!isFramingHeader(name)) sent[name] = headers[name] ?? '';
    }
    if (lengthBytes !== undefined) sent['content-length'] = lengthBytes;
    if (this.#server.closing) sent['connection'] = 'close';
    // Throws for a header that cannot be sent, and nothing has been answered then.
    this.#response.writeHead(status, sent);
    this.#answered = true;
  }

  #settleBody(problem: 'too_large' | 'aborted' | undefined, body: Buffer): void {
    const done = this.#bodyDone;
    if (done === undefined || done === SETTLED) return;
    this.#bodyDone = SETTLED;
    try {
      const result: unknown = done(problem, body);
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#answered) this.refuse(INTERNAL_ERROR);
    else if (!this.#response.writableEnded) this.#response.destroy();
    this.#server.onError(error);
  }
}

export interface Target {
  readonly path: string;
  /** Without the '?'. */
  readonly query: string;
}

/** Of a request line, which may also name the whole URL. */
export function readTarget(url: string): Target {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = target.indexOf('?');
  if (mark === -1) return {path: target, query: ''};
  return {path: target.slice(0, mark), query: target.slice(mark + 1)};
}

const SETTLED: BodyCallback = () => undefined;

/** For a handler that starts a stream when the client has gone, or after an answer. */
const DISCARDING: TransportStream = {
  write: () => false,
  drained: () => Promise.resolve(),
  end: () => undefined,
};

class NodeStream implements TransportStream {
  readonly #response: ServerResponse;
  readonly #lengthBytes: number | undefined;
  #writtenBytes = 0;

  constructor(response: ServerResponse, lengthBytes: number | undefined) {
    this.#response = response;
    this.#lengthBytes = lengthBytes;
  }

  write(chunk: Uint8Array): boolean {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return false;
    this.#writtenBytes += chunk.byteLength;
    if (this.#lengthBytes !== undefined && this.#writtenBytes > this.#lengthBytes) {
      throw new RangeError(`${this.#writtenBytes} bytes written of ${this.#lengthBytes} declared`);
    }
    return response.write(chunk);
  }

  drained(): Promise<void> {
    const response = this.#response;
    if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        response.off('drain', done);
        response.off('close', done);
        resolve();
      };
      response.on('drain', done);
      response.on('close', done);
    });
  }

  end(): void {
    if (this.#lengthBytes !== undefined && this.#writtenBytes < this.#lengthBytes) {
      this.#response.destroy();
    } else {
      this.#response.end();
    }
  }
}
