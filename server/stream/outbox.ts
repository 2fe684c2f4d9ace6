import type {TransportSocket} from '../http/transport.ts';
import type {Piece} from './wire.ts';

/** Thrown by every wait of a subscriber that was stopped; unwinds its loop. */
export class Stopped extends Error {
  constructor() {
    super('the subscription has ended');
  }
}

/**
 * The way out to one socket. There is no queue here: a sender waits for room before it makes the next
 * frame, so what is held for a reader is what the transport holds, at most the bound and a frame.
 */
export class Outbox {
  readonly #socket: TransportSocket;
  readonly #inFlightBytesMax: number;
  #isStopped = false;
  #wake: (() => void) | undefined;
  framesSent = 0;

  constructor(socket: TransportSocket, inFlightBytesMax: number) {
    this.#socket = socket;
    this.#inFlightBytesMax = inFlightBytesMax;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get hasRoom(): boolean {
    return !this.#isStopped && this.#socket.bufferedBytes < this.#inFlightBytesMax;
  }

  async room(): Promise<void> {
    await this.until(() => this.hasRoom);
  }

  /** Waits, looking again at every wake-up. One waiter at a time. */
  async until(isSo: () => boolean): Promise<void> {
    while (!this.#isStopped && !isSo()) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    if (this.#isStopped) throw new Stopped();
  }

  /** Something that may be waited for has changed. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  send(message: Piece): void {
    if (this.#isStopped) throw new Stopped();
    this.framesSent++;
    this.#socket.send(message);
  }

  stop(): void {
    this.#isStopped = true;
    this.wake();
  }
}
