/**
 * A subscriber to every audience that only counts: deltas are found by their first member's name, and none is
 * parsed but those of the audience of the probes.
 */
import {WebSocket} from 'ws';
import {Latencies} from './latencies.ts';

const AUDIENCE = Buffer.from('"audience":');
const ACTION = Buffer.from('"action":"');
const AT_MS = Buffer.from('"at_ms":');
const BY_TIME = Buffer.from(',"cause":"t');
const ZERO = 0x30;
/** Of a delta, between its first member and the letter of its action, at most. */
const DELTA_BYTES_MAX = 400;

interface PlainDelta {
  readonly audience: number;
  readonly mpid: string;
  readonly action: string;
}

export class DeltaCounter {
  deltas = 0;
  /** Adds less deletes. */
  members = 0;
  bytes = 0;
  lastMs = 0;
  /** How long after their moments deltas by time arrived. */
  readonly lateness = new Latencies();
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(
    url: string,
    headers: {authorization: string},
    {
      probe,
      onProbe,
    }: {probe: () => number | undefined; onProbe: (mpid: string, nowMs: number) => void},
  ): Promise<DeltaCounter> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/deltas`, 'muster.json', {
      headers,
      perMessageDeflate: false,
      maxPayload: 2 ** 28,
    });
    const counter = new DeltaCounter(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const subscribed = new Promise(resolve => socket.once('message', resolve));
    socket.send(JSON.stringify({type: 'subscribe', audiences: 'all', from: 'now'}));
    await subscribed;
    socket.on('message', (data: Buffer) => {
      counter.lastMs = performance.now();
      counter.#count(data);
      const wanted = probe();
      if (wanted === undefined || data.indexOf(`"audience":${wanted},`) < 0) return;
      const {deltas} = JSON.parse(data.toString()) as {deltas?: PlainDelta[]};
      for (const {audience, mpid} of deltas ?? []) {
        if (audience === wanted) onProbe(mpid, counter.lastMs);
      }
    });
    return counter;
  }

  close(): void {
    this.#socket.terminate();
  }

  #count(data: Buffer): void {
    this.bytes += data.length;
    for (let at = data.indexOf(AUDIENCE); at >= 0; at = data.indexOf(AUDIENCE, at)) {
      const action = data.indexOf(ACTION, at);
      if (action < 0 || action - at > DELTA_BYTES_MAX) return;
      this.deltas++;
      // add or delete.
      this.members += data[action + ACTION.length] === 0x61 ? 1 : -1;
      at = this.#noteLateness(data, action + ACTION.length);
    }
  }

  /** Returns where to go on. */
  #noteLateness(data: Buffer, from: number): number {
    let at = data.indexOf(AT_MS, from);
    if (at < 0) return from;
    at += AT_MS.length;
    let atMs = 0;
    for (; data[at]! >= ZERO; at++) atMs = atMs * 10 + data[at]! - ZERO;
    if (data[at + BY_TIME.length - 1] !== BY_TIME[BY_TIME.length - 1]) return at;
    // The clock of the server, which is that of this machine.
    this.lateness.record(performance.timeOrigin + this.lastMs - atMs);
    return at;
  }
}
