import {setTimeout as sleep} from 'node:timers/promises';
import {things} from '../format.ts';
import type {HttpAnswer} from '../http-client.ts';
import type {ReplayBatch} from './source.ts';
import type {ReplayTally} from './tally.ts';
import {judge} from './verdict.ts';

export interface LaneOptions {
  readonly laneCount: number;
  /** Batches in one request. */
  readonly batchesMax: number;
  readonly attemptsMax: number;
  readonly tally: ReplayTally;
  readonly post: (path: string, body: string) => Promise<HttpAnswer>;
  /** No new request, no more waiting for retries. */
  readonly stopped: AbortSignal;
}

/** Half of what the server takes, so that one batch more never goes over. */
const REQUEST_CHARACTERS_MAX = 4 * 1024 * 1024;
const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 10_000;
const ASKED_WAIT_MS_MAX = 120_000;

/**
 * Sends batches over several lanes, each with one request under way. A profile always takes the same
 * lane, so its batches arrive in the order they were put. A lane sends what has gathered while its last
 * request was under way: few and small requests when the file is slow, full ones when it is fast.
 */
export class Lanes {
  readonly #options: LaneOptions;
  readonly #lanes: readonly Lane[];
  #next = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#lanes = Array.from({length: options.laneCount}, () => new Lane(options));
  }

  /** Why no lane goes on; undefined while they do. */
  get failure(): string | undefined {
    return this.#lanes.find(lane => lane.failure !== undefined)?.failure;
  }

  /** Resolves when there is room for another batch: what waits is bounded. */
  async put(batch: ReplayBatch): Promise<void> {
    // Without anything to name its profile a batch makes a new one, and order means nothing.
    const turn = batch.profile === '' ? this.#next++ : hashOf(batch.profile);
    const lane = this.#lanes[turn % this.#options.laneCount];
    await lane?.put(batch);
  }

  /** Resolves when everything put was answered, or the lanes have stopped. */
  async finish(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.finish()));
  }
}

class Lane {
  failure: string | undefined;
  readonly #options: LaneOptions;
  #queue: ReplayBatch[] = [];
  #running: Promise<void> | undefined;
  #room: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  async put(batch: ReplayBatch): Promise<void> {
    if (this.#isOver()) return;
    this.#queue.push(batch);
    this.#running ??= this.#run();
    if (this.#queue.length >= 2 * this.#options.batchesMax) {
      await new Promise<void>(resolve => (this.#room = resolve));
    }
  }

  async finish(): Promise<void> {
    await this.#running;
  }

  #isOver(): boolean {
    return this.failure !== undefined || this.#options.stopped.aborted;
  }

  async #run(): Promise<void> {
    // Lets the batches of one chunk gather before the first request.
    await sleep(0);
    while (this.#queue.length > 0 && !this.#isOver()) {
      const taken = this.#take();
      if (this.#queue.length < 2 * this.#options.batchesMax) this.#makeRoom();
      await this.#send(taken);
    }
    this.#running = undefined;
    if (this.#isOver()) this.#queue = [];
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.();
    this.#room = undefined;
  }

  #take(): ReplayBatch[] {
    let count = 0;
    let characters = 0;
    for (const batch of this.#queue) {
      characters += batch.text.length + 1;
      if (count > 0 && characters > REQUEST_CHARACTERS_MAX) break;
      count += 1;
      if (count === this.#options.batchesMax) break;
    }
    return this.#queue.splice(0, count);
  }

  async #send(batches: readonly ReplayBatch[]): Promise<void> {
    const {tally} = this.#options;
    for (const batch of batches) {
      tally.sentBatches += 1;
      tally.sentEvents += batch.eventCount;
    }
    await this.#deliver(batches);
  }

  /** Tries until the server has judged every batch, or it is no use. */
  async #deliver(batches: readonly ReplayBatch[]): Promise<void> {
    const {tally, stopped, attemptsMax} = this.#options;
    const [first] = batches;
    const alone = batches.length === 1 && first !== undefined;
    const path = alone ? '/v2/events' : '/v2/bulkevents';
    const body = alone ? first.text : `[${batches.map(batch => batch.text).join(',')}]`;
    let attempts = 0;
    while (!this.#isOver()) {
      let trouble: string;
      let waitMs = 0;
      try {
        const sentAt = performance.now();
        const answer = await this.#options.post(path, body);
        tally.recordLatency(performance.now() - sentAt);
        if (answer.status === 413 && !alone) {
          const half = batches.length >> 1;
          await this.#deliver(batches.slice(0, half));
          await this.#deliver(batches.slice(half));
          return;
        }
        const verdict = judge(answer, batches, tally);
        if (verdict.kind === 'judged') return;
        if (verdict.kind === 'hopeless') {
          this.failure = verdict.why;
          return;
        }
        trouble = verdict.why;
        waitMs = Math.min(answer.retryAfterMs ?? 0, ASKED_WAIT_MS_MAX);
        // A server that says when to come back is alive: such an answer does not use up an attempt.
        if (answer.status === 429) {
          tally.waits += 1;
          waitMs = Math.max(waitMs, FIRST_WAIT_MS) + Math.random() * FIRST_WAIT_MS;
        } else {
          attempts += 1;
        }
      } catch (error) {
        trouble = error instanceof Error ? networkTrouble(error) : String(error);
        attempts += 1;
      }
      if (attempts >= attemptsMax) {
        this.failure = `gave up after ${things(attempts, 'attempt')}: ${trouble}`;
        return;
      }
      tally.retries += 1;
      if (attempts > 0) waitMs = Math.max(waitMs, backoffMs(attempts));
      await sleep(waitMs, undefined, {signal: stopped}).catch(() => {});
    }
  }
}

function networkTrouble(error: Error & {code?: string}): string {
  if (error.code === 'ECONNREFUSED') return 'nothing listens there';
  return error.message || error.code || 'the connection broke';
}

/** Doubling, and spread, so that lanes which failed together do not return together. */
function backoffMs(attempts: number): number {
  const most = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1));
  return most / 2 + (Math.random() * most) / 2;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}
