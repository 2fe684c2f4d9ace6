/** A subscriber to one audience that looks at every delta: whose, what, of which moment, how late. */
import {WebSocket} from 'ws';
import {Latencies} from './latencies.ts';

interface Delta {
  readonly mpid: string;
  readonly action: string;
  readonly cause: string;
  readonly at_ms: number;
}

export class MomentReader {
  /** From a delta's moment to its arrival. */
  readonly lateness = new Latencies();
  /** The moment at which each profile left by time. */
  readonly leftMs = new Map<string, number>();
  /** What was neither that, nor the first time. */
  readonly unexpected: Delta[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(
    url: string,
    {headers, audience}: {headers: {authorization: string}; audience: number},
  ): Promise<MomentReader> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/deltas`, 'muster.json', {
      headers,
      perMessageDeflate: false,
      maxPayload: 2 ** 28,
    });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const reader = new MomentReader(socket);
    const subscribed = new Promise(resolve => socket.once('message', resolve));
    socket.send(JSON.stringify({type: 'subscribe', audiences: [audience], from: 'now'}));
    await subscribed;
    socket.on('message', (data: Buffer) => reader.#read(data));
    return reader;
  }

  close(): void {
    this.#socket.terminate();
  }

  #read(data: Buffer): void {
    // The clock of the server, which is that of this machine.
    const nowMs = performance.timeOrigin + performance.now();
    const {deltas = []} = JSON.parse(data.toString()) as {deltas?: Delta[]};
    for (const delta of deltas) {
      const {mpid, action, cause, at_ms} = delta;
      if (action !== 'delete' || cause !== 'time' || this.leftMs.has(mpid)) {
        this.unexpected.push(delta);
        continue;
      }
      this.leftMs.set(mpid, at_ms);
      this.lateness.record(nowMs - at_ms);
    }
  }
}
