/**
 * The main thread's end of one shard thread: what is on its way there, what it owes, and its restarts. A
 * shard that dies is started again from its disk; whatever was on its way is answered "unavailable",
 * which says nothing of whether it was committed: deduplication settles that when the client repeats it.
 */
import type {Worker} from 'node:worker_threads';
import type {ProfileRecord} from '../../engine/record.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import type {FromShard, ShardSetup, ToShard} from './messages.ts';
import type {ShardCalls} from './protocol.ts';
import {ShardUnavailableError} from './shard-unavailable.ts';
import {startWorker} from './worker-entry.ts';

/** Durable; never sent; or sent to a shard that died before it answered. */
export type IngestResult = 'committed' | 'unavailable' | 'unknown';
export type IngestDone = (result: IngestResult) => void;

/** What stays the same when the thread is started again. */
export type LinkSetup = Omit<ShardSetup, 'watched' | 'isSuspended'>;

export interface LinkEvents {
  /** Asked before each start of the thread. */
  watched(): readonly string[];
  /** It has recovered what its disk has: it can be asked. */
  onReady(message: FromShard & {kind: 'ready'}): void;
  /** It takes records. */
  onWritable(): void;
  onCommitted(message: FromShard & {kind: 'committed'}): void;
  onBackfill(message: FromShard & {kind: 'backfill'}): void;
  onFailed(message: string, isDamaged: boolean): void;
}

/**
 * Records collected before they are sent without waiting for the end of the turn: while this thread reads what
 * else has come, the shard has something to do. A few milliseconds of its work.
 */
const MESSAGE_BYTES = 16 * 1024;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 10_000;
/** A shard that has lived this long starts again at once. */
const HEALTHY_MS = 60_000;

export class ShardLink {
  readonly #setup: LinkSetup;
  readonly #events: LinkEvents;
  #worker: Worker | undefined;
  #ready = false;
  #writable = false;
  /** Its last commit was refused: the next thread waits with writing until its disk takes something. */
  #isDiskRefusing = false;
  #stopping = false;
  #startedMs = 0;
  #restartMs = RESTART_MS_MIN;
  #nextId = 1;
  #writer = new RecordWriter();
  #waiting: IngestDone[] = [];
  #ingests = new Map<number, {bytes: number; done: IngestDone[]}>();
  #calls = new Map<number, {resolve: (value: unknown) => void; reject: (error: Error) => void}>();
  #inFlightBytes = 0;

  constructor(setup: LinkSetup, events: LinkEvents) {
    this.#setup = setup;
    this.#events = events;
    this.#start();
  }

  get isReady(): boolean {
    return this.#writable;
  }

  /** Collected and on the way, not yet committed. */
  get queuedBytes(): number {
    return this.#inFlightBytes + this.#writer.bytes;
  }

  /** True when this is the first record since the last flush: the caller arranges the next one. */
  ingest(record: ProfileRecord, done: IngestDone): boolean {
    this.#writer.push(record);
    this.#waiting.push(done);
    const isFirst = this.#waiting.length === 1;
    if (this.#writer.bytes >= MESSAGE_BYTES) this.flush();
    return isFirst;
  }

  /** One message with everything collected: never one for each event. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const records = this.#writer.take();
    const done = this.#waiting;
    this.#waiting = [];
    if (!this.#writable || this.#worker === undefined) {
      for (const tell of done) tell('unavailable');
      return;
    }
    const id = this.#nextId++;
    this.#ingests.set(id, {bytes: records.byteLength, done});
    this.#inFlightBytes += records.byteLength;
    this.#worker.postMessage({kind: 'ingest', id, records} satisfies ToShard, [records.buffer]);
  }

  call<M extends keyof ShardCalls>(
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']> {
    return new Promise((resolve, reject) => {
      if (!this.#ready || this.#worker === undefined) {
        reject(new ShardUnavailableError());
        return;
      }
      // What was collected before it is to be erased by it.
      if (method === 'erase') this.flush();
      const id = this.#nextId++;
      this.#calls.set(id, {resolve: value => resolve(value as ShardCalls[M]['result']), reject});
      this.#worker.postMessage({kind: 'call', id, method, args} satisfies ToShard);
    });
  }

  /** After the last record: rows are written, the environment closed. */
  async stop(): Promise<void> {
    this.flush();
    this.#stopping = true;
    if (this.#ready) await this.call('stop', undefined).catch(() => {});
    this.#ready = false;
    this.#writable = false;
  }

  #start(): void {
    this.#startedMs = Date.now();
    const worker = startWorker(SHARD_WORKER, {
      workerData: {
        ...this.#setup,
        watched: this.#events.watched(),
        isSuspended: this.#isDiskRefusing,
      } satisfies ShardSetup,
      name: `shard ${this.#setup.shard}`,
    });
    this.#worker = worker;
    worker.on('message', (message: FromShard) => this.#take(message));
    worker.on('error', error =>
      this.#events.onFailed(
        error instanceof Error ? (error.stack ?? error.message) : String(error),
        false,
      ),
    );
    worker.on('exit', () => this.#exited());
  }

  #take(message: FromShard): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        this.#events.onReady(message);
        break;
      case 'writable':
        this.#writable = true;
        this.#isDiskRefusing = false;
        this.#events.onWritable();
        break;
      case 'committed':
        for (const id of message.ingests) this.#settle(id, 'committed');
        this.#events.onCommitted(message);
        break;
      case 'result':
        this.#calls.get(message.id)?.resolve(message.value);
        this.#calls.delete(message.id);
        break;
      case 'refused':
        this.#calls.get(message.id)?.reject(new ShardUnavailableError());
        this.#calls.delete(message.id);
        break;
      case 'backfill':
        this.#events.onBackfill(message);
        break;
      case 'failed':
        this.#abandon();
        this.#isDiskRefusing = message.why === 'disk refuses';
        this.#events.onFailed(message.message, message.why === 'disk is damaged');
        break;
    }
  }

  #settle(id: number, result: 'committed' | 'unknown'): void {
    const ingest = this.#ingests.get(id);
    if (ingest === undefined) return;
    this.#ingests.delete(id);
    this.#inFlightBytes -= ingest.bytes;
    for (const tell of ingest.done) tell(result);
  }

  /** Nothing on the way can be counted on any more. */
  #abandon(): void {
    this.#ready = false;
    this.#writable = false;
    for (const id of this.#ingests.keys()) this.#settle(id, 'unknown');
    for (const call of this.#calls.values()) call.reject(new ShardUnavailableError());
    this.#calls.clear();
  }

  #exited(): void {
    this.#abandon();
    this.#worker = undefined;
    if (this.#stopping) return;
    if (Date.now() - this.#startedMs > HEALTHY_MS) this.#restartMs = RESTART_MS_MIN;
    const waitMs = this.#restartMs;
    this.#restartMs = Math.min(RESTART_MS_MAX, this.#restartMs * 2);
    setTimeout(() => {
      if (!this.#stopping) this.#start();
    }, waitMs);
  }
}

const SHARD_WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './shard-worker.ts' : './shard-worker.js',
  import.meta.url,
);
