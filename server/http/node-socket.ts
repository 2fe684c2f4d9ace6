import type {RawData, WebSocket} from 'ws';
import {BUFFERED_BYTES_MAX, clipReason, DRAINED_BYTES} from './handshake.ts';
import type {Beating, Heartbeat} from './heartbeat.ts';
import type {SocketRoute, TransportSocket} from './transport.ts';

export class NodeSocket implements TransportSocket, Beating {
  readonly protocol: string;
  readonly context: unknown;
  heard = true;
  silentPings = 0;

  readonly #route: SocketRoute;
  readonly #heartbeat: Heartbeat;
  readonly #onError: (error: unknown) => void;
  readonly #native: WebSocket;
  #isClosed = false;
  /** A message did not reach the kernel at once; its callback says when it did. */
  #isBehind = false;
  readonly #flushed = (): void => this.#drained();

  constructor(options: {
    readonly native: WebSocket;
    readonly context: unknown;
    readonly route: SocketRoute;
    readonly heartbeat: Heartbeat;
    readonly onError: (error: unknown) => void;
  }) {
    const {native} = options;
    this.protocol = native.protocol;
    this.context = options.context;
    this.#native = native;
    this.#route = options.route;
    this.#heartbeat = options.heartbeat;
    this.#onError = options.onError;
    native.on('message', (data, isBinary) => this.#received(data, isBinary));
    native.on('ping', () => (this.heard = true));
    native.on('pong', () => (this.heard = true));
    native.on('close', code => this.#closed(code));
    native.on('error', (error: NodeJS.ErrnoException) => {
      // `close` follows, but its code is what the client said: nothing.
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#closed(1009);
    });
  }

  open(): void {
    this.#heartbeat.add(this);
    this.#guard(() => this.#route.open(this));
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#native.bufferedAmount;
  }

  send(message: string | Uint8Array): void {
    if (this.#isClosed) return;
    const native = this.#native;
    native.send(message, {binary: typeof message !== 'string'}, this.#flushed);
    const bufferedBytes = native.bufferedAmount;
    if (bufferedBytes === 0) return;
    this.#isBehind = true;
    if (bufferedBytes > BUFFERED_BYTES_MAX) this.cut();
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#closed(code);
    this.#native.close(code, clipReason(reason));
  }

  cut(): void {
    if (this.#isClosed) return;
    this.#closed(1006);
    this.#native.terminate();
  }

  /** Ends a connection whose client does not answer `close`. */
  terminate(): void {
    this.#native.terminate();
  }

  ping(): void {
    this.#native.ping();
  }

  #received(data: RawData, isBinary: boolean): void {
    this.heard = true;
    if (this.#isClosed) return;
    // Always one Buffer, for `binaryType` is left at 'nodebuffer'.
    const bytes = data as Buffer;
    this.#guard(() => this.#route.message(this, isBinary ? bytes : bytes.toString('utf8')));
  }

  #drained(): void {
    if (!this.#isBehind || this.#isClosed) return;
    if (this.#native.bufferedAmount > DRAINED_BYTES) return;
    this.#isBehind = false;
    this.#guard(() => this.#route.drain(this));
  }

  /** Ours or theirs, whichever is first; the route hears of it once. */
  #closed(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#heartbeat.remove(this);
    this.#guard(() => this.#route.close(this, code));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.close(1011, 'internal error');
      this.#onError(error);
    }
  }
}
