/**
 * The small port between Muster and the network. Two back-ends implement it, `transport-uws.ts` and
 * `transport-node.ts`; `test/conformance/transport.test.ts` holds them equal. Nothing else in the server
 * knows which one runs.
 *
 * Rules every back-end keeps: a handler that throws is answered 500 (or the socket closed) and the
 * server goes on; a request with two Content-Lengths, two Hosts, or a length and a transfer encoding is
 * refused with 400 or cut off; the port is exclusive; an answer after the client went away is ignored.
 * HEAD is served by the GET route, without its body. A known path with another method is answered 405
 * with `allow`, a path with broken percent-encoding 400, a socket's path without an upgrade 426, all by
 * the back-end itself. While closing, new requests are answered 503. A client that sends its next
 * request before it has its answer may be cut off: uWebSockets allows that only where the handler
 * answers at once or with the body.
 */
export interface TransportRequest {
  /** Upper case. */
  readonly method: string;
  /** Without the query; still percent-encoded. */
  readonly path: string;
  /** Decoded path parameters by name, for a pattern like `/v1/audiences/:id`. */
  readonly params: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  /** Of the connection, never from a header; '' once the request has been answered. */
  readonly remoteAddress: string;
  /**
   * '' when absent; `name` in lower case. Valid only synchronously in the handler, before its first
   * `await` (throws later): the fast back-end copies no headers.
   */
  header(name: string): string;
  /**
   * Reads the whole body, at most `limitBytes` of it as sent. Calls back exactly once, never before
   * `readBody` returns: with the bytes, which belong to the caller, or with what went wrong. After
   * 'aborted' nobody is left to answer. After 'too_large' the rest is read and thrown away, so that the
   * answer reaches the client; so is a body that was not asked for. Valid only synchronously in the handler, and once (throws otherwise).
   * Whatever `done` throws or rejects with is treated as the handler's own.
   */
  readBody(
    limitBytes: number,
    done: (problem: 'too_large' | 'aborted' | undefined, body: Buffer) => void,
  ): void;
}

export interface TransportResponse {
  /** The client went away: answers are ignored from now on. */
  readonly aborted: boolean;
  /**
   * Answers once; later calls are ignored. Content-Length is set by the back-end. A header value with
   * a line break in it throws. `body` must not be changed afterwards.
   */
  send(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): void;
  /**
   * Starts a streamed answer. `write` says false when the client is behind: wait for `drained`. When
   * the client goes away `drained` resolves and `aborted` is true. With `lengthBytes` a Content-Length is
   * sent; writing more throws, and ending before it cuts the connection.
   */
  stream(
    status: number,
    headers: Readonly<Record<string, string>>,
    lengthBytes?: number,
  ): TransportStream;
}

export interface TransportStream {
  /** `chunk` must not be changed until `drained`. */
  write(chunk: Uint8Array): boolean;
  drained(): Promise<void>;
  end(): void;
}

export type TransportHandler = (
  request: TransportRequest,
  response: TransportResponse,
) => void | Promise<void>;

export interface TransportRoute {
  /** Upper case. */
  readonly method: string;
  /** Literal segments and `:name` parameters; a literal wins over a parameter. */
  readonly pattern: string;
  readonly handler: TransportHandler;
}

export interface TransportSocket {
  /** As negotiated; '' when the client offered none. */
  readonly protocol: string;
  /** What `SocketRoute.accept` returned. */
  readonly context: unknown;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /**
   * A text frame for a string, a binary frame for bytes. The caller keeps frames under 16 KiB and
   * watches `bufferedBytes`: a socket that lets 64 MiB pile up is cut off. Ignored once closed.
   */
  send(message: string | Uint8Array): void;
  /** Calls `SocketRoute.close` with the same code before it returns. Ignored once closed. */
  close(code: number, reason: string): void;
}

export interface SocketRoute {
  readonly pattern: string;
  /** Subprotocols in order of preference; a client that offers only others is refused with 400. */
  readonly protocols: readonly string[];
  /** A longer message closes the socket with 1009 (a vastly longer one may be cut off without a code). */
  readonly messageBytesMax: number;
  /** Back-end sends a ping this often, and closes a socket that has been silent for two of them. */
  readonly pingEveryMs: number;
  /**
   * Synchronous: accept with a context, or refuse with an HTTP answer, whose body is JSON. Asked after
   * the handshake and the subprotocol were found good. `request.readBody` throws here.
   */
  accept(
    request: TransportRequest,
  ): {readonly context: unknown} | {readonly status: number; readonly body: string};
  open(socket: TransportSocket): void;
  /** Bytes belong to the callee. */
  message(socket: TransportSocket, message: string | Uint8Array): void;
  /** The socket's buffer has emptied (or fallen below what the back-end watches, at most 16 KiB). */
  drain(socket: TransportSocket): void;
  /** Exactly once for each opened socket. `code` is 1006 when the client just went, or was cut off. */
  close(socket: TransportSocket, code: number): void;
}

export interface TransportOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly routes: readonly TransportRoute[];
  readonly sockets: readonly SocketRoute[];
  /** For a path that no route has, whatever the method. */
  readonly notFound: TransportHandler;
  /** A handler threw: told here after the client was answered 500. */
  readonly onError: (error: unknown) => void;
}

export interface Transport {
  readonly name: 'uws' | 'node';
  readonly port: number;
  /** Stops listening, closes sockets with 1001, lets answers under way finish for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Rejects with an error whose `code` is 'EADDRINUSE' when somebody holds the port. */
export type ListenFunction = (options: TransportOptions) => Promise<Transport>;
