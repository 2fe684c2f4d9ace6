/** All shards of a server: routing, commits in order, reading the feed, jobs over snapshots. */
import {join} from 'node:path';
import {Piscina} from 'piscina';
import type {ProfileRecord} from '../../engine/record.ts';
import {decodeFeedEntry} from '../../storage/feed-entry.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import type {ErasureResult, ErasureTask} from './erasure-job.ts';
import type {FromShard} from './messages.ts';
import type {FeedEntry, ShardCalls, Shards} from './protocol.ts';
import {Partitions} from './partitions.ts';
import {type IngestDone, type LinkSetup, ShardLink} from './shard-link.ts';
import {taskFile} from './worker-entry.ts';

export interface ShardPoolOptions {
  readonly dataFolder: string;
  readonly count: number;
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  readonly deltaRetentionMs: number;
  readonly checkpointEveryMs: number;
  /** One group commit takes no more than this. */
  readonly groupBytesMax: number;
  /** Of one shard, kept between questions. */
  readonly columnBytesMax: number;
  readonly jobThreads: number;
  /** Attributes and identities whose changes are told, now. */
  readonly watched: () => readonly string[];
  readonly onFailed: (shard: number, message: string) => void;
  /** Deduplication memory of a shard that has (re)started. */
  readonly onSeen: (seen: readonly Float64Array[]) => void;
  /** A shard is back after a failure: it answers, and takes no records yet. */
  readonly onRecovered: (shard: number) => void;
  /** It takes records again. */
  readonly onRestarted: (shard: number) => void;
}

/** What is on a shard's disk is not what was written. */
export class ShardDamagedError extends Error {
  constructor(shard: number, message: string) {
    super(`In shard-${shard} ${message}`);
  }
}

const MISSED_BYTES = 2 ** 20;

type CommitListener = (shard: number, watermark: number, deltas: Uint8Array) => void;

export class ShardPool implements Shards {
  readonly count: number;
  readonly #partitions: Partitions;
  readonly #links: ShardLink[] = [];
  readonly #stores: (LmdbStore | undefined)[] = [];
  readonly #durable: number[] = [];
  readonly #feedFloor: number[] = [];
  readonly #listeners: CommitListener[] = [];
  readonly #jobs: Piscina;
  readonly #options: ShardPoolOptions;
  #erasureJob: string | undefined;
  #flushing = false;

  private constructor(options: ShardPoolOptions, partitions: Partitions) {
    this.#options = options;
    this.#partitions = partitions;
    this.count = options.count;
    this.#jobs = new Piscina({
      filename: taskFile(
        new URL(
          import.meta.url.endsWith('.ts') ? './backfill-job.ts' : './backfill-job.js',
          import.meta.url,
        ),
      ),
      minThreads: 0,
      maxThreads: options.jobThreads,
      idleTimeout: 10_000,
    });
  }

  /** Resolves when every shard has recovered. */
  static async start(options: ShardPoolOptions): Promise<ShardPool> {
    const pool = new ShardPool(options, await Partitions.load(options.count));
    try {
      await Promise.all(Array.from({length: options.count}, (_, shard) => pool.#startShard(shard)));
    } catch (error) {
      await pool.stop();
      throw error;
    }
    return pool;
  }

  shardOf(mpid: bigint): number {
    return this.#partitions.shardOf(mpid);
  }

  /** Collected until the end of this turn of the event loop, then sent as one message per shard. */
  ingest(record: ProfileRecord, done: IngestDone): void {
    const shard = this.#partitions.shardOfHalves(record.mpidHi, record.mpidLo);
    this.#links[shard]!.ingest(record, done);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      for (const link of this.#links) link.flush();
    });
  }

  /** Of the shard that has most to do. */
  get queuedBytesMax(): number {
    let most = 0;
    for (const link of this.#links) most = Math.max(most, link.queuedBytes);
    return most;
  }

  get isReady(): boolean {
    return this.#links.every(link => link.isReady);
  }

  call<M extends keyof ShardCalls>(
    shard: number,
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']> {
    return this.#links[shard]!.call(method, args);
  }

  callAll<M extends keyof ShardCalls>(
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result'][]> {
    return Promise.all(this.#links.map(link => link.call(method, args)));
  }

  durable(shard: number): number {
    return this.#durable[shard]!;
  }

  feedFloor(shard: number): number {
    return this.#feedFloor[shard]!;
  }

  readFeed(shard: number, after: number, bytesMax: number): FeedEntry[] {
    const found: FeedEntry[] = [];
    const store = (this.#stores[shard] ??= LmdbStore.open(this.path(shard), {readOnly: true}));
    let bytes = 0;
    for (const {key, value} of store.entries('feed', after)) {
      // Newer ones are told when their commit is.
      if (key > this.#durable[shard]!) break;
      const deltas = decodeFeedEntry(value, key);
      found.push({watermark: key, deltas});
      bytes += deltas.byteLength;
      if (bytes >= bytesMax) break;
    }
    return found;
  }

  /** Behind scans of backfills. */
  async findErased<K extends ErasureTask['kind']>(
    task: ErasureTask & {readonly kind: K},
  ): Promise<ErasureResult<K>> {
    this.#erasureJob ??= taskFile(
      new URL(
        import.meta.url.endsWith('.ts') ? './erasure-job.ts' : './erasure-job.js',
        import.meta.url,
      ),
    );
    return (await this.#jobs.run(task, {filename: this.#erasureJob})) as ErasureResult<K>;
  }

  /** Folder of a shard's LMDB environment. */
  path(shard: number): string {
    return join(this.#options.dataFolder, `shard-${shard}`);
  }

  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map(link => link.stop()));
    for (const store of this.#stores) await store?.close();
    // Not destroyed: a thread that is terminated while it holds an LMDB environment can take the process along.
    await this.#jobs.close({force: true});
  }

  #startShard(shard: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let started = false;
      this.#durable[shard] = 0;
      this.#feedFloor[shard] = 0;
      const {onSeen, onFailed, onRecovered, onRestarted} = this.#options;
      this.#links[shard] = new ShardLink(
        {shard, path: this.path(shard), ...this.#settings()},
        {
          watched: this.#options.watched,
          onReady: message => {
            const told = this.#durable[shard]!;
            this.#durable[shard] = message.watermark;
            this.#feedFloor[shard] = message.feedFloor;
            onSeen(message.seen);
            if (!started) return;
            onRecovered(shard);
            this.#tellMissed(shard, told);
          },
          onWritable: () => {
            if (started) onRestarted(shard);
            started = true;
            resolve();
          },
          onCommitted: message => this.#committed(shard, message),
          onBackfill: ({task}) => void this.#backfill(shard, task),
          onFailed: (message, isDamaged) => {
            // A data folder that cannot be opened at the start will not open by waiting.
            if (started) onFailed(shard, message);
            else reject(isDamaged ? new ShardDamagedError(shard, message) : new Error(message));
          },
        },
      );
    });
  }

  /** What the thread before committed and could not tell any more. */
  #tellMissed(shard: number, told: number): void {
    const durable = this.#durable[shard]!;
    let after = told;
    for (;;) {
      const entries = this.readFeed(shard, after, MISSED_BYTES);
      for (const {watermark, deltas} of entries) {
        for (const listener of this.#listeners) listener(shard, watermark, deltas);
        after = watermark;
      }
      if (entries.length === 0) break;
    }
    if (after === durable || told === durable) return;
    for (const listener of this.#listeners) listener(shard, durable, new Uint8Array(0));
  }

  #committed(shard: number, message: FromShard & {kind: 'committed'}): void {
    this.#durable[shard] = message.watermark;
    this.#feedFloor[shard] = message.feedFloor;
    for (const listener of this.#listeners) listener(shard, message.watermark, message.deltas);
  }

  async #backfill(shard: number, task: (FromShard & {kind: 'backfill'})['task']): Promise<void> {
    try {
      await this.#jobs.run(task, {transferList: [task.port]});
    } catch (error) {
      this.#options.onFailed(shard, `a backfill failed: ${String(error)}`);
    }
  }

  #settings(): Omit<LinkSetup, 'shard' | 'path'> {
    const {
      eventRetentionMs,
      profileRetentionMs,
      deltaRetentionMs,
      checkpointEveryMs,
      groupBytesMax,
      columnBytesMax,
    } = this.#options;
    return {
      eventRetentionMs,
      profileRetentionMs,
      deltaRetentionMs,
      checkpointEveryMs,
      groupBytesMax,
      columnBytesMax,
    };
  }
}
