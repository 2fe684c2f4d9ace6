/**
 * One archive being made: reads members from the shards, a slice at a time, as fast as the thread that writes
 * asks for them, and never busy with a shard for more than half of the time.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import type {Worker} from 'node:worker_threads';
import type {Share} from '../../engine/audiences/variants.ts';
import type {ScopeId} from '../../engine/ids.ts';
import type {ShardSlice, Shards} from '../shards/protocol.ts';
import {ShardUnavailableError} from '../shards/shard-unavailable.ts';
import {startWorker} from '../shards/worker-entry.ts';
import {
  type ArchivePlan,
  type ArchiveResult,
  DownloadFailedError,
  type FromArchive,
  type ToArchive,
} from './archive-plan.ts';

/** What goes into one CSV file. */
export interface FileSource {
  readonly audience: number;
  readonly scopes: readonly ScopeId[];
  readonly shares: readonly Share[];
}

export interface RunParts {
  readonly shards: Shards;
  /** Whether the audience is there and calculated; asked before every slice. */
  readonly isServed: (audience: number) => boolean;
}

/** Nothing wrong with what was asked for: made again from the start it may succeed. */
export class InterruptedError extends Error {}

/** Members of a slice: about a millisecond of a shard. */
const SLICE_MEMBERS = 1_000;
const SLICE_POSITIONS = 65_536;
const REST_MS_MAX = 50;
const THREAD_HEAP_MB = 192;

export class DownloadRun {
  /** Erased since it began: the archive may hold them. */
  readonly erased: Set<bigint>;
  readonly done: Promise<ArchiveResult>;
  readonly #plan: ArchivePlan;
  readonly #sources: readonly FileSource[];
  readonly #parts: RunParts;
  readonly #worker: Worker;
  #settle: {resolve: (result: ArchiveResult) => void; reject: (error: Error) => void} | undefined;
  #place = {file: 0, shard: 0, from: 0, share: 0};
  readonly #lives: number[] = [];

  constructor(
    plan: ArchivePlan,
    sources: readonly FileSource[],
    {erased, ...parts}: RunParts & {readonly erased: Iterable<bigint>},
  ) {
    this.#plan = plan;
    this.#sources = sources;
    this.#parts = parts;
    this.erased = new Set(erased);
    this.done = new Promise((resolve, reject) => (this.#settle = {resolve, reject}));
    // Observed when awaited; this only keeps it from counting as unhandled until then.
    this.done.catch(() => {});
    this.#worker = startWorker(ARCHIVE_WORKER, {
      workerData: plan,
      name: 'download',
      resourceLimits: {maxOldGenerationSizeMb: THREAD_HEAP_MB},
    });
    this.#worker.on('message', (message: FromArchive) => this.#take(message));
    this.#worker.on('error', error => this.#fail(asError(error)));
    this.#worker.on('exit', () => this.#fail(new InterruptedError('the thread ended')));
  }

  /** 0–1, by how much of the populations has been looked at. */
  get progress(): number {
    const {file, shard, share} = this.#place;
    const inFile = (shard + share) / this.#parts.shards.count;
    return Math.min((file + inFile) / this.#sources.length, 0.99);
  }

  /** Resolves when the thread is gone and writes no more. */
  async stop(): Promise<void> {
    this.#fail(new InterruptedError('it was stopped'));
    await this.#worker.terminate();
  }

  #take(message: FromArchive): void {
    switch (message.kind) {
      case 'next':
        this.#nextSlice(message.file).then(
          slice => this.#worker.postMessage({slice} satisfies ToArchive),
          (error: unknown) => this.#fail(asError(error)),
        );
        break;
      case 'done':
        this.#settle?.resolve(message.result);
        break;
      case 'failed':
        this.#fail(failure(message));
        break;
    }
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
  }

  /** The next with a member in it; undefined after the last of the file. */
  async #nextSlice(file: number): Promise<ShardSlice | undefined> {
    if (this.#place.file !== file) this.#place = {file, shard: 0, from: 0, share: 0};
    while (this.#place.shard < this.#parts.shards.count) {
      const startedMs = performance.now();
      const slice = await this.#readSlice(file);
      if (slice.mpids.length > 0) return slice;
      await sleep(Math.min(REST_MS_MAX, performance.now() - startedMs));
    }
    return undefined;
  }

  async #readSlice(file: number): Promise<ShardSlice> {
    const {shards, isServed} = this.#parts;
    const source = this.#sources[file]!;
    const {shard, from} = this.#place;
    const slice = isServed(source.audience)
      ? await shards.call(shard, 'memberSlice', {
          ...source,
          identities: this.#plan.identities,
          from,
          positionsMax: SLICE_POSITIONS,
          membersMax: SLICE_MEMBERS,
        })
      : undefined;
    if (slice === undefined) {
      throw new DownloadFailedError(`audience ${source.audience} is not calculated any more`);
    }
    if (slice.life !== (this.#lives[shard] ??= slice.life)) {
      throw new InterruptedError('a shard was restarted');
    }
    this.#place =
      slice.next >= slice.end
        ? {file, shard: shard + 1, from: 0, share: 0}
        : {file, shard, from: slice.next, share: slice.next / slice.end};
    return slice;
  }
}

function failure({reason, detail}: FromArchive & {kind: 'failed'}): Error {
  if (reason === undefined) return new Error(detail);
  return new DownloadFailedError(reason, detail === undefined ? {} : {cause: detail});
}

function asError(error: unknown): Error {
  if (error instanceof ShardUnavailableError) return new InterruptedError(error.message);
  return error instanceof Error ? error : new Error(String(error));
}

const ARCHIVE_WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './archive-worker.ts' : './archive-worker.js',
  import.meta.url,
);
