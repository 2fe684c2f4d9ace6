/**
 * What Muster uses of uWebSockets.js. Written down here because the package is optional: the
 * build must not need its own declarations.
 */
export type UwsText = string | Uint8Array;

export interface UwsRequest {
  getHeader(name: string): string;
  getUrl(): string;
  /** undefined (older: '') without a '?'. */
  getQuery(): string | undefined;
  getCaseSensitiveMethod(): string;
  forEach(each: (name: string, value: string) => void): void;
  setYield(yields: boolean): void;
}

/** Every use after the answer or after `onAborted` throws. */
export interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  write(chunk: UwsText): boolean;
  end(body: UwsText, closeConnection?: boolean): UwsResponse;
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): UwsResponse;
  /** `[all of the chunk was taken, the answer is complete]`. */
  tryEnd(chunk: UwsText, totalLength: number): [boolean, boolean];
  getWriteOffset(): number;
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  /** The chunk is detached when the handler returns. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  getRemoteAddress(): ArrayBuffer;
  cork(write: () => void): UwsResponse;
  close(): UwsResponse;
  upgrade(
    userData: unknown,
    key: string,
    protocol: string,
    extensions: string,
    context: unknown,
  ): void;
}

/** Every use after the close handler throws. */
export interface UwsSocket {
  getUserData(): unknown;
  /** 0: buffered; 1: written; 2: dropped, for the limit is reached. */
  send(message: UwsText, isBinary: boolean): number;
  getBufferedAmount(): number;
  ping(): number;
  subscribe(topic: string): boolean;
  end(code: number, reason: string): void;
  close(): void;
}

export interface UwsSocketBehavior {
  readonly compression: number;
  readonly maxPayloadLength: number;
  readonly maxBackpressure: number;
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: unknown): void;
  open(socket: UwsSocket): void;
  message(socket: UwsSocket, message: ArrayBuffer, isBinary: boolean): void;
  ping(socket: UwsSocket): void;
  pong(socket: UwsSocket): void;
  drain(socket: UwsSocket): void;
  close(socket: UwsSocket, code: number): void;
}

type UwsHandler = (response: UwsResponse, request: UwsRequest) => void;

export interface UwsApp {
  any(pattern: string, handler: UwsHandler): UwsApp;
  get(pattern: string, handler: UwsHandler): UwsApp;
  post(pattern: string, handler: UwsHandler): UwsApp;
  put(pattern: string, handler: UwsHandler): UwsApp;
  patch(pattern: string, handler: UwsHandler): UwsApp;
  del(pattern: string, handler: UwsHandler): UwsApp;
  head(pattern: string, handler: UwsHandler): UwsApp;
  ws(pattern: string, behavior: UwsSocketBehavior): UwsApp;
  listen(host: string, port: number, options: number, done: (token: unknown) => void): UwsApp;
  /** Cuts every connection. */
  close(): UwsApp;
}

export interface UwsModule {
  App(): UwsApp;
  /** Missing from the JavaScript stand-in that the npm alias falls back to. */
  SSLApp: unknown;
  _cfg(setting: string): void;
  us_listen_socket_close(token: unknown): void;
  us_socket_local_port(token: unknown): number;
  readonly DISABLED: number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}
