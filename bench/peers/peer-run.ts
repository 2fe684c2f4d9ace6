/** One peer in its rounds: always the same events in the same order, as many as there is time for. */
import {RollingChecksum} from '../support/checksum.ts';
import {Stopwatch} from '../support/usage.ts';
import type {EventBlock, Workload} from '../workload.ts';
import type {Peer} from './peer.ts';

const BLOCK_EVENTS = 8192;
/** Events between two looks at the clock are chosen to take about this long. */
const SLICE_MS = 50;
/** Of the first events: kept to be compared one by one. */
const KEPT_EVENTS = 200_000;

export interface RoundResult {
  readonly events: number;
  readonly wallMs: number;
  /** Of this process and of the peer's server. */
  readonly cpuSeconds: number;
}

export class PeerRun {
  readonly #workload: Workload;
  readonly #peer: Peer;
  readonly #rolling = new RollingChecksum();
  readonly #kept: number[] = [];
  readonly #memberships = new Uint16Array(BLOCK_EVENTS);
  #block: EventBlock;
  #at = 0;
  #slice = 1;

  constructor(workload: Workload, peer: Peer, firstEvent: number) {
    this.#workload = workload;
    this.#peer = peer;
    this.#block = this.#nextBlock(firstEvent);
  }

  get checksum(): string {
    return this.#rolling.noted;
  }

  /** Memberships after each of the first events. */
  get kept(): Uint16Array {
    return Uint16Array.from(this.#kept);
  }

  async round(seconds: number): Promise<RoundResult> {
    let events = 0;
    let wallMs = 0;
    let cpuSeconds = 0;
    while (wallMs < seconds * 1000) {
      if (this.#at === this.#block.count) {
        this.#block = this.#nextBlock(this.#block.first + this.#block.count);
        this.#at = 0;
      }
      const to = Math.min(this.#block.count, this.#at + this.#slice);
      const server = this.#peer.cpuSeconds?.() ?? 0;
      const watch = new Stopwatch();
      await this.#peer.apply(this.#block, this.#at, to, this.#memberships);
      const lap = watch.lap();
      cpuSeconds += lap.cpuSeconds + (this.#peer.cpuSeconds?.() ?? 0) - server;
      wallMs += lap.wallMs;
      this.#note(to);
      events += to - this.#at;
      if (lap.wallMs < SLICE_MS / 2 && to - this.#at === this.#slice) this.#slice *= 2;
      this.#at = to;
    }
    return {events, wallMs, cpuSeconds};
  }

  async close(): Promise<void> {
    await this.#peer.close?.();
  }

  #note(to: number): void {
    for (let i = this.#at; i < to; i++) {
      this.#rolling.add(this.#memberships[i]!);
      if (this.#kept.length < KEPT_EVENTS) this.#kept.push(this.#memberships[i]!);
    }
  }

  #nextBlock(first: number): EventBlock {
    const block = this.#workload.events(first, BLOCK_EVENTS);
    this.#peer.prepare?.(block);
    return block;
  }
}
