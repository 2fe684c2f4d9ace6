import type {TransportSocket} from '../http/transport.ts';
import {isProblem, parseClientMessage, type ClientMessage} from './client-message.ts';
import type {Hub, Reader, Subscription} from './hub.ts';
import {Outbox, Stopped} from './outbox.ts';
import type {StreamPrincipal} from './stream-parts.ts';
import type {Wire} from './wire.ts';

/** Messages that may wait while a subscription is being set up. */
const WAITING_MAX = 64;
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** The conversation on one socket: one message at a time, at most one subscription. */
export class Connection implements Reader {
  readonly principal: StreamPrincipal;
  readonly wire: Wire;
  readonly #socket: TransportSocket;
  readonly #hub: Hub;
  #subscription: Subscription | undefined;
  #outbox: Outbox | undefined;
  #isClosed = false;
  /** Messages that came while the one before was still being answered. */
  #waiting: (string | Uint8Array)[] = [];
  #isBusy = false;

  constructor(
    socket: TransportSocket,
    hub: Hub,
    {principal, wire}: {principal: StreamPrincipal; wire: Wire},
  ) {
    this.#socket = socket;
    this.#hub = hub;
    this.principal = principal;
    this.wire = wire;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  newOutbox(): Outbox {
    this.#outbox = new Outbox(this.#socket, this.#hub.parts.bounds.inFlightBytesMax);
    return this.#outbox;
  }

  receive(message: string | Uint8Array): void {
    if (this.#isClosed) return;
    if (!this.#isBusy) {
      void this.#handleAll(message);
      return;
    }
    // The transport may reuse its buffer once this returns.
    this.#waiting.push(typeof message === 'string' ? message : Uint8Array.from(message));
    if (this.#waiting.length > WAITING_MAX) this.close(POLICY_VIOLATION, 'too many messages');
  }

  drained(): void {
    this.#outbox?.wake();
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.ended();
    this.#socket.close(code, reason);
  }

  /** The socket is closed, by whomever. */
  ended(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#endSubscription();
  }

  async #handleAll(first: string | Uint8Array): Promise<void> {
    this.#isBusy = true;
    let message: string | Uint8Array | undefined = first;
    while (message !== undefined && !this.#isClosed) {
      try {
        const answered = this.#handle(message);
        if (answered !== undefined) await answered;
      } catch (error) {
        this.#hub.parts.onError(error);
        this.#refuse('unavailable', 'the server could not do this now');
      }
      message = this.#waiting.shift();
    }
    this.#isBusy = false;
  }

  /** A promise only where the answer takes time. */
  #handle(bytes: string | Uint8Array): Promise<void> | undefined {
    const message = this.#parse(bytes);
    switch (message?.type) {
      case 'subscribe':
        return this.#subscribe(message);
      case 'ack':
        this.#acknowledge(message.cursor);
        return undefined;
      case 'unsubscribe':
        if (this.#subscription === undefined) {
          this.#refuse('not_subscribed', 'there is no subscription on this connection');
        }
        this.#endSubscription();
        return undefined;
      case undefined:
        return undefined;
    }
  }

  /** undefined when the client was told what is wrong with it. */
  #parse(bytes: string | Uint8Array): ClientMessage | undefined {
    const isText = typeof bytes === 'string';
    if (isText !== (this.wire.protocol === 'muster.json')) {
      const frames = isText ? 'binary' : 'text';
      this.#refuse('bad_message', `${this.wire.protocol} is spoken in ${frames} frames`);
      return undefined;
    }
    let value: unknown;
    try {
      value = isText ? JSON.parse(bytes) : this.#hub.parts.decodeMsgpack(bytes);
    } catch {
      this.#refuse('bad_message', `the message is not ${isText ? 'JSON' : 'msgpack'}`);
      return undefined;
    }
    const message = parseClientMessage(value, this.#hub.parts.bounds);
    if (!isProblem(message)) return message;
    this.#refuse(message.code, message.message);
    return undefined;
  }

  async #subscribe(message: Extract<ClientMessage, {type: 'subscribe'}>): Promise<void> {
    if (this.#subscription !== undefined) {
      this.#refuse('already_subscribed', 'unsubscribe first: one subscription to a connection');
      return;
    }
    const granted = await this.#hub.subscribe(this, message);
    if (isProblem(granted)) {
      this.#refuse(granted.code, granted.message);
      return;
    }
    this.#subscription = granted;
    const {cursor, audiences} = granted;
    this.#say({type: 'subscribed', cursor, audiences});
    void this.#run(granted);
  }

  async #run(subscription: Subscription): Promise<void> {
    try {
      await subscription.subscriber.run(subscription.start);
    } catch (error) {
      if (error instanceof Stopped) return;
      this.#hub.parts.onError(error);
      this.#refuse('unavailable', 'the stream broke off: subscribe again from the last cursor');
      this.close(TRY_AGAIN_LATER, 'stream broke off');
    }
  }

  #acknowledge(cursor: string): void {
    if (this.#subscription === undefined) {
      this.#refuse('not_subscribed', 'there is no subscription on this connection');
      return;
    }
    const problem = this.#hub.acknowledge(this.#subscription, cursor);
    if (problem !== undefined) this.#refuse(problem.code, problem.message);
  }

  #endSubscription(): void {
    if (this.#subscription !== undefined) this.#hub.unsubscribe(this.#subscription);
    this.#subscription = undefined;
    this.#outbox = undefined;
  }

  #refuse(code: string, message: string): void {
    this.#say({type: 'error', code, message});
  }

  /** Answers are not queued either: a client that asks and never reads is shown out. */
  #say(message: object): void {
    if (this.#isClosed) return;
    if (this.#socket.bufferedBytes > 2 * this.#hub.parts.bounds.inFlightBytesMax) {
      this.close(POLICY_VIOLATION, 'answers are not read');
      return;
    }
    this.#socket.send(this.wire.value(message));
  }
}
