import {BUFFERED_BYTES_MAX, clipReason, DRAINED_BYTES} from './handshake.ts';
import type {Beating, Heartbeat} from './heartbeat.ts';
import type {SocketRoute, TransportSocket} from './transport.ts';
import type {UwsSocket as NativeSocket} from './uws-types.ts';

/** From here on uWebSockets 20.30 may lose the payload on a socket that was never subscribed. */
const LARGE_FRAME_BYTES = 15 * 1024;

/** Made before the upgrade, where the context is known; `open` gives it its native socket. */
export class UwsSocket implements TransportSocket, Beating {
  readonly protocol: string;
  readonly context: unknown;
  heard = true;
  silentPings = 0;

  readonly #route: SocketRoute;
  readonly #heartbeat: Heartbeat;
  readonly #onError: (error: unknown) => void;
  /** undefined before `open`, and again once closed: then every use of it would throw. */
  #native: NativeSocket | undefined;
  #isSubscribed = false;

  constructor(options: {
    readonly protocol: string;
    readonly context: unknown;
    readonly route: SocketRoute;
    readonly heartbeat: Heartbeat;
    readonly onError: (error: unknown) => void;
  }) {
    this.protocol = options.protocol;
    this.context = options.context;
    this.#route = options.route;
    this.#heartbeat = options.heartbeat;
    this.#onError = options.onError;
  }

  get bufferedBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0;
  }

  send(message: string | Uint8Array): void {
    const native = this.#native;
    if (native === undefined) return;
    if (message.length >= LARGE_FRAME_BYTES / 3 && !this.#isSubscribed) {
      this.#isSubscribed = native.subscribe('has sent a large frame');
    }
    const taken = native.send(message, typeof message !== 'string');
    if (taken !== 1 && native.getBufferedAmount() > BUFFERED_BYTES_MAX) this.cut();
  }

  close(code: number, reason: string): void {
    const native = this.#native;
    if (native === undefined) return;
    this.closed(code);
    native.end(code, clipReason(reason));
  }

  cut(): void {
    const native = this.#native;
    if (native === undefined) return;
    this.closed(1006);
    native.close();
  }

  ping(): void {
    this.#native?.ping();
  }

  opened(native: NativeSocket): void {
    this.#native = native;
    this.#heartbeat.add(this);
    this.#guard(() => this.#route.open(this));
  }

  received(message: ArrayBuffer, isBinary: boolean): void {
    this.heard = true;
    if (this.#native === undefined) return;
    if (message.byteLength > this.#route.messageBytesMax) {
      this.close(1009, `message over ${this.#route.messageBytesMax} bytes`);
      return;
    }
    // The message is detached when this returns: copied, or made a string.
    const bytes = Buffer.from(message);
    this.#guard(() =>
      this.#route.message(this, isBinary ? Buffer.from(bytes) : bytes.toString('utf8')),
    );
  }

  drained(): void {
    const native = this.#native;
    if (native === undefined || native.getBufferedAmount() > DRAINED_BYTES) return;
    this.#guard(() => this.#route.drain(this));
  }

  /** Ours or theirs, whichever is first; the route hears of it once. */
  closed(code: number): void {
    if (this.#native === undefined) return;
    this.#native = undefined;
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
