import {pack, unpack} from 'msgpackr';
import {WebSocket} from 'ws';

export interface StreamMember {
  readonly mpid: string;
  readonly since_ms?: number;
  readonly identities?: Record<string, unknown>;
  readonly identities_removed?: Record<string, unknown>;
  readonly attributes?: Record<string, unknown>;
  readonly omitted?: string[];
}

export interface StreamDelta extends StreamMember {
  readonly audience: number;
  readonly action: string;
  readonly at_ms: number;
  readonly cause: string;
  readonly version: number;
}

export interface StreamMessage {
  readonly type: string;
  readonly cursor?: string;
  readonly audiences?: number[];
  readonly audience?: number;
  readonly members?: StreamMember[];
  readonly last?: boolean;
  readonly deltas?: StreamDelta[];
  readonly reason?: string;
  readonly code?: string;
  readonly message?: string;
}

/** A reader of the stream as a user would write one, on the `ws` client. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly messages: StreamMessage[] = [];
  readonly frameBytes: number[] = [];
  /** Of the last message that had one. */
  cursor = '';
  closeCode = 0;
  closeReason = '';
  onMessage: (message: StreamMessage) => void = () => undefined;
  readonly #isText: boolean;
  #seen = 0;
  #wake: (() => void) | undefined;

  private constructor(url: string, protocol: string) {
    this.#isText = protocol !== 'muster.msgpack';
    this.socket = new WebSocket(url, protocol === '' ? [] : [protocol]);
    this.socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    this.socket.on('close', (code, reason) => {
      this.closeCode = code;
      this.closeReason = reason.toString();
      this.#wake?.();
    });
  }

  static async connect(
    port: number,
    {token = 'all', protocol = 'muster.json'}: {token?: string; protocol?: string} = {},
  ): Promise<StreamClient> {
    const client = new StreamClient(`ws://127.0.0.1:${port}/v1/deltas?token=${token}`, protocol);
    await new Promise((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
    });
    client.socket.on('error', () => undefined);
    return client;
  }

  send(message: object): void {
    this.socket.send(this.#isText ? JSON.stringify(message) : pack(message));
  }

  subscribe(options: object = {}): void {
    this.send({type: 'subscribe', audiences: 'all', from: 'now', ...options});
  }

  async subscribed(options: object = {}): Promise<StreamMessage> {
    this.subscribe(options);
    return await this.next('subscribed');
  }

  /** The next message not yet looked at, which must be of this type. */
  async next(type?: string): Promise<StreamMessage> {
    const message = await this.#take();
    if (type !== undefined && message.type !== type) {
      throw new Error(`expected ${type}, got ${JSON.stringify(message).slice(0, 300)}`);
    }
    return message;
  }

  /** Deltas, over as many messages as it takes, until there are so many. */
  async deltas(count: number): Promise<StreamDelta[]> {
    const deltas: StreamDelta[] = [];
    while (deltas.length < count) deltas.push(...((await this.next('deltas')).deltas ?? []));
    return deltas;
  }

  /** All pages of one audience. */
  async snapshot(): Promise<{audience: number; members: StreamMember[]}> {
    const members: StreamMember[] = [];
    for (;;) {
      const page = await this.next('snapshot');
      members.push(...(page.members ?? []));
      if (page.last === true) return {audience: page.audience ?? 0, members};
    }
  }

  /** Fails when anything comes within a moment. */
  async silence(forMs = 60): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, forMs));
    const extra = this.messages[this.#seen];
    if (extra !== undefined) throw new Error(`unexpected ${JSON.stringify(extra).slice(0, 300)}`);
  }

  async closed(): Promise<number> {
    while (this.closeCode === 0) await this.#news();
    return this.closeCode;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary === this.#isText) throw new Error('the wrong kind of frame');
    const message = (this.#isText ? JSON.parse(data.toString()) : unpack(data)) as StreamMessage;
    this.frameBytes.push(data.length);
    if (message.cursor !== undefined) this.cursor = message.cursor;
    this.messages.push(message);
    this.onMessage(message);
    this.#wake?.();
  }

  async #take(): Promise<StreamMessage> {
    for (;;) {
      const message = this.messages[this.#seen];
      if (message !== undefined) {
        this.#seen++;
        return message;
      }
      if (this.closeCode !== 0) throw new Error(`closed with ${this.closeCode}`);
      await this.#news();
    }
  }

  async #news(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve;
    });
  }
}

/** The membership a reader has: snapshot and deltas applied in order, and what is wrong with them. */
export class Membership {
  readonly members = new Map<number, Set<string>>();
  readonly faults: string[] = [];

  apply(message: StreamMessage): void {
    if (message.type === 'reset') this.members.clear();
    if (message.type === 'snapshot') {
      const members = this.of(message.audience ?? 0);
      for (const {mpid} of message.members ?? []) {
        if (members.has(mpid)) this.faults.push(`${mpid} twice in the snapshot`);
        members.add(mpid);
      }
    }
    for (const delta of message.deltas ?? []) this.#applyDelta(delta);
  }

  of(audience: number): Set<string> {
    let members = this.members.get(audience);
    if (members === undefined) {
      members = new Set();
      this.members.set(audience, members);
    }
    return members;
  }

  #applyDelta({audience, mpid, action}: StreamDelta): void {
    const members = this.of(audience);
    if (action === 'add') {
      if (members.has(mpid)) this.faults.push(`add of the member ${mpid} of ${audience}`);
      members.add(mpid);
    } else if (action === 'delete') {
      if (!members.delete(mpid)) this.faults.push(`delete of the stranger ${mpid} of ${audience}`);
    }
  }
}
