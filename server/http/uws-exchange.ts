import {SocketAddress} from 'node:net';
import {BodyCollector, DISCARDED_BYTES_MAX} from './body-collector.ts';
import {INTERNAL_ERROR, type Refusal, STOPPING} from './refusals.ts';
import {checkHeaders, isBodiless, isFramingHeader, statusLine} from './response-head.ts';
import {type CompiledRoute, readParams, type RouteTable} from './route-table.ts';
import type {TransportRequest, TransportResponse, TransportStream} from './transport.ts';
import type {UwsHeaders} from './uws-headers.ts';
import {UwsStream} from './uws-stream.ts';
import type {UwsRequest, UwsResponse} from './uws-types.ts';

const NOTHING = Buffer.alloc(0);
/** A larger body leaves through a stream, which cannot lose a part of it; see UwsStream. */
const SMALL_BODY_BYTES = 8 * 1024;

type BodyCallback = Parameters<TransportRequest['readBody']>[1];

/** What all exchanges of one server share. */
export interface UwsServerState {
  readonly headers: UwsHeaders;
  readonly table: RouteTable;
  /** Not answered in full yet. */
  readonly pending: Set<UwsExchange>;
  /** From now on requests are refused and connections closed after their answer. */
  closing: boolean;
  /** A stream ended while closing: uWebSockets may hold its last bytes for a slow reader. */
  hasStreamed: boolean;
  /** An exchange left `pending` while closing. */
  settled: () => void;
  readonly onError: (error: unknown) => void;
}

/** One request and its answer: a single object, for there may be 100,000 a second. */
export class UwsExchange implements TransportRequest, TransportResponse {
  readonly method: string;
  readonly path: string;

  readonly #server: UwsServerState;
  readonly #native: UwsResponse;
  /** Only while the handler runs synchronously: uWebSockets takes it back when that returns. */
  #request: UwsRequest | undefined;
  #rawQuery: string | undefined;
  #query: URLSearchParams | undefined;
  #route: CompiledRoute | undefined;
  #params: ReadonlyMap<string, string> | undefined;

  #body: BodyCollector | undefined;
  #bodyDone: BodyCallback | undefined;
  /** The answer would close the connection, so what is left of the body comes first. */
  #closesAfterBody = false;
  /** To be done once the rest of the body is thrown away. */
  #afterBody: (() => void) | undefined;
  #discardedBytes = 0;
  #aborted = false;
  #answered = false;
  /** `#native` must not be touched any more. */
  #over = false;
  #stream: UwsStream | undefined;

  constructor(server: UwsServerState, native: UwsResponse, request: UwsRequest, method: string) {
    this.#server = server;
    this.#native = native;
    this.#request = request;
    this.method = method;
    this.path = request.getUrl();
    // First of all: an exception before this one ends the process.
    native.onAborted(() => this.#abort());
  }

  /** Finds the handler and runs it. Never throws. */
  serve(): void {
    const server = this.#server;
    const refusal = server.headers.read(this.#request as UwsRequest);
    if (refusal !== undefined) {
      this.refuse(refusal, true);
    } else if (server.closing) {
      this.refuse(STOPPING, true);
    } else {
      this.#route = server.table.find(this.method, this.path);
      this.#run();
    }
    this.release();
  }

  /** The native request is about to become invalid; keeps what may be asked for later. */
  release(): void {
    if (!this.#over) {
      this.#rawQuery = this.#request?.getQuery() ?? '';
      this.#server.pending.add(this);
    }
    this.#request = undefined;
  }

  /** An upgrade took the connection over, or the answer is out. */
  finish(): void {
    this.#over = true;
    if (this.#server.pending.delete(this) && this.#server.closing) this.#server.settled();
  }

  /** For the upgrade handler, which finds its own route. An upgrade has no body. */
  beUpgrade(segments: CompiledRoute['segments']): void {
    this.#route = {handler: () => undefined, segments};
    this.#bodyDone = SETTLED;
  }

  refuse(refusal: Refusal, closeConnection: boolean): void {
    this.#answer(refusal.status, refusal.headers, refusal.body, closeConnection);
  }

  /** Cuts the connection. */
  cut(): void {
    if (!this.#over) this.#native.close();
  }

  get params(): ReadonlyMap<string, string> {
    const route = this.#route;
    return (this.#params ??= route === undefined ? new Map() : readParams(route, this.path));
  }

  get query(): URLSearchParams {
    this.#rawQuery ??= this.#request?.getQuery() ?? '';
    return (this.#query ??= new URLSearchParams(this.#rawQuery));
  }

  get remoteAddress(): string {
    return this.#over ? '' : formatAddress(new Uint8Array(this.#native.getRemoteAddress()));
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  header(name: string): string {
    if (this.#request === undefined) throw new Error('header() after the handler returned');
    return this.#server.headers.get(name);
  }

  readBody(limitBytes: number, done: BodyCallback): void {
    if (this.#request === undefined) throw new Error('readBody() after the handler returned');
    if (this.#bodyDone !== undefined) throw new Error('readBody() twice, or of an upgrade');
    if (this.#over) throw new Error('readBody() after the answer');
    this.#bodyDone = done;
    const {headers} = this.#server;
    const length = headers.contentLength ?? 0;
    if (length > limitBytes) {
      this.#closesAfterBody = headers.closesAfterBody;
      if (!this.#closesAfterBody) {
        // Without `onData` uWebSockets throws the body away by itself.
        queueMicrotask(() => this.#settleBody('too_large', NOTHING));
        return;
      }
      this.#afterBody = () => this.#settleBody('too_large', NOTHING);
    } else {
      if (length === 0) this.#closesAfterBody = headers.closesAfterBody;
      this.#body = new BodyCollector(limitBytes);
    }
    this.#native.onData((chunk, isLast) => this.#receive(chunk, isLast));
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): void {
    if (this.#answered) return;
    checkHeaders(headers);
    this.#answer(status, headers, body, this.#server.closing);
  }

  stream(
    status: number,
    headers: Readonly<Record<string, string>>,
    lengthBytes?: number,
  ): TransportStream {
    if (!this.#answered) checkHeaders(headers);
    if (this.#answered) return DISCARDING;
    this.#answered = true;
    this.#stream = new UwsStream({
      native: this.#native,
      writeHead: () => this.#writeHead(status, headers),
      lengthBytes,
      isHead: this.method === 'HEAD' || isBodiless(status),
      finished: () => {
        this.#server.hasStreamed = this.#server.closing;
        this.finish();
      },
    });
    return this.#stream;
  }

  #run(): void {
    try {
      const result = this.#route?.handler(this, this);
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hot: one call for each small body. */
  #receive(chunk: ArrayBuffer, isLast: boolean): void {
    const body = this.#body;
    if (body === undefined) {
      this.#discard(chunk.byteLength, isLast);
      return;
    }
    // The chunk is detached when this returns.
    if (!body.add(Buffer.from(new Uint8Array(chunk)))) {
      this.#body = undefined;
      this.#afterBody = () => this.#settleBody('too_large', NOTHING);
      this.#discard(0, isLast || !this.#closesAfterBody);
    } else if (isLast) {
      this.#body = undefined;
      this.#settleBody(undefined, body.take());
    }
  }

  #discard(bytes: number, isEnough: boolean): void {
    this.#discardedBytes += bytes;
    if (!isEnough && this.#discardedBytes <= DISCARDED_BYTES_MAX) return;
    const after = this.#afterBody;
    this.#afterBody = undefined;
    if (!this.#over) after?.();
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

  #abort(): void {
    // uWebSockets also reports the end of a connection after an answer without a body.
    if (this.#over) return;
    this.#aborted = true;
    this.#answered = true;
    this.#body = undefined;
    this.finish();
    this.#stream?.abort();
    this.#settleBody('aborted', NOTHING);
  }

  #fail(error: unknown): void {
    if (!this.#answered) this.refuse(INTERNAL_ERROR, false);
    else this.cut();
    this.#server.onError(error);
  }

  #answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    closeConnection: boolean,
  ): void {
    if (this.#answered || this.#over) return;
    const isHead = this.method === 'HEAD';
    if (!isHead && body.length > SMALL_BODY_BYTES / 3) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      if (bytes.byteLength > SMALL_BODY_BYTES && !isBodiless(status)) {
        const stream = this.stream(status, headers, bytes.byteLength);
        stream.write(bytes);
        stream.end();
        return;
      }
    }
    this.#answered = true;
    const native = this.#native;
    if (this.#isUnreadBodyInTheWay() && !closeConnection) {
      this.#afterBody = () => this.#write(status, headers, body, closeConnection);
      native.onData((chunk, isLast) => this.#receive(chunk, isLast));
      return;
    }
    this.#write(status, headers, body, closeConnection);
  }

  /** The handler answers while it runs, without having asked for the body. */
  #isUnreadBodyInTheWay(): boolean {
    return (
      this.#request !== undefined &&
      this.#bodyDone === undefined &&
      this.#server.headers.closesAfterBody
    );
  }

  #write(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    closeConnection: boolean,
  ): void {
    const isHead = this.method === 'HEAD';
    const native = this.#native;
    native.cork(() => {
      this.#writeHead(status, headers);
      if (isBodiless(status)) {
        native.endWithoutBody();
      } else if (isHead) {
        const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
        native.endWithoutBody(bytes, closeConnection);
      } else {
        native.end(body, closeConnection);
      }
    });
    this.finish();
  }

  #writeHead(status: number, headers: Readonly<Record<string, string>>): void {
    const native = this.#native;
    native.writeStatus(statusLine(status));
    for (const name in headers) {
      if (!isFramingHeader(name)) native.writeHeader(name, headers[name] ?? '');
    }
  }
}

const SETTLED: BodyCallback = () => undefined;

/** For a handler that starts a stream when the client has gone, or after an answer. */
const DISCARDING: TransportStream = {
  write: () => false,
  drained: () => Promise.resolve(),
  end: () => undefined,
};

function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  }
  const mapped = bytes.subarray(0, 10).every(byte => byte === 0) && groups[5] === 'ffff';
  if (mapped) return bytes.subarray(12).join('.');
  return new SocketAddress({address: groups.join(':'), family: 'ipv6'}).address;
}
