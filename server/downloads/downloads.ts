/**
 * Downloads: asked for, made one after the other, kept for a while. Records are in the catalogue and outlive a
 * restart, which begins anew what it interrupted; the files are beside it, and go when somebody in them is
 * erased.
 */
import {randomUUID} from 'node:crypto';
import {sampleShare} from '../../engine/audiences/variants.ts';
import {scopeOf} from '../../engine/ids.ts';
import {audit} from '../catalog/catalog.ts';
import type {Actor, Catalog} from '../catalog/catalog.ts';
import type {Download} from '../catalog/entities.ts';
import {Conflict} from '../catalog/refusals.ts';
import type {Shards} from '../shards/protocol.ts';
import {type ArchivePlan, type ArchiveResult, DownloadFailedError} from './archive-plan.ts';
import {DownloadFiles} from './download-files.ts';
import {DownloadRun, type FileSource, InterruptedError} from './download-run.ts';
import {ErasureScan} from './erasure-scan.ts';
import {archiveName, csvNames} from './file-names.ts';
import {holdsAny} from './member-index.ts';

export type DownloadRequest = Pick<Download, 'files' | 'identities' | 'sample' | 'csv'>;

export interface DownloadBounds {
  readonly jobsMax: number;
  readonly waitingMax: number;
  readonly recordsMax: number;
  /** Of all files together. */
  readonly bytesMax: number;
  readonly keptMs: number;
  /** Times a download that was interrupted is begun. */
  readonly attemptsMax: number;
}

export interface DownloadsParts {
  readonly catalog: Catalog;
  readonly shards: Shards;
  readonly folder: string;
  readonly bounds: DownloadBounds;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

const SWEEP_MS = 30_000;
const AGAIN_AFTER_MS = 1_000;
/** At it all are forgotten, and noted once more. */
const NOTED_MAX = 10_000;

export class Downloads {
  readonly #parts: DownloadsParts;
  readonly #files: DownloadFiles;
  readonly #scan = new ErasureScan(mpids => this.#removeHolding(mpids));
  #queue: string[] = [];
  readonly #runs = new Map<string, DownloadRun>();
  readonly #making = new Set<Promise<void>>();
  /** Being erased now; more than once when asked twice. */
  #erasing: bigint[] = [];
  readonly #noted = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopping = false;

  private constructor(parts: DownloadsParts, files: DownloadFiles) {
    this.#parts = parts;
    this.#files = files;
  }

  /** Begins again what a restart interrupted. The shards must be answering. */
  static async open(parts: DownloadsParts): Promise<Downloads> {
    const downloads = new Downloads(parts, await DownloadFiles.open(parts.folder));
    await downloads.#takeStock();
    downloads.#timers.add(setInterval(() => void downloads.#sweep(), SWEEP_MS).unref());
    downloads.#beginMore();
    return downloads;
  }

  /** Newest first. */
  list(): Download[] {
    return [...this.#records()].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1));
  }

  get(id: string): Download | undefined {
    return this.#parts.catalog.store.get('downloads', id);
  }

  /** 0–1 while it is made; undefined when it is not being made. */
  progress(id: string): number | undefined {
    return this.#runs.get(id)?.progress;
  }

  /** Its file can be read: asked again between pieces of it, because an erasure ends that at once. */
  isReadable(id: string): boolean {
    const download = this.get(id);
    return (
      download?.status === 'ready' &&
      this.#parts.nowMs() < (download.expiresMs ?? 0) &&
      this.#removedAudience(download) === undefined
    );
  }

  path(id: string): string {
    return this.#files.archive(id);
  }

  async create(request: DownloadRequest, actor: Actor): Promise<Download> {
    const {waitingMax} = this.#parts.bounds;
    if (this.#queue.length >= waitingMax) {
      throw new Conflict(`${waitingMax} downloads wait already: try again when some are made`);
    }
    const forgotten = this.#oldestToForget();
    const download: Download = {
      ...request,
      id: randomUUID(),
      createdBy: actor.name,
      createdMs: actor.nowMs,
      status: 'queued',
      attempts: 0,
      reason: undefined,
      readyMs: undefined,
      expiresMs: undefined,
      sizeBytes: undefined,
      rows: undefined,
    };
    const durable = this.#parts.catalog.change('other', write => {
      if (forgotten !== undefined) write.remove('downloads', forgotten.id);
      write.put('downloads', download.id, download);
      const target = `download/${download.id}`;
      audit(write, actor, {action: 'download.create', target, to: request});
      return download;
    });
    this.#queue.push(download.id);
    await durable;
    this.#beginMore();
    return download;
  }

  /** Stops what is being made and removes the file. */
  async remove(download: Download, actor: Actor): Promise<void> {
    const {id, files, identities} = download;
    this.#queue = this.#queue.filter(each => each !== id);
    await this.#parts.catalog.change('other', write => {
      write.remove('downloads', id);
      const target = `download/${id}`;
      audit(write, actor, {action: 'download.delete', target, from: {files, identities}});
    });
    await this.#runs.get(id)?.stop();
    await this.#files.remove(id);
  }

  /** Notes that somebody takes the file with them: once, however many parts they fetch it in. */
  async noteFetch({id}: Download, actor: Actor): Promise<void> {
    const fetch = `${id} ${actor.name}`;
    if (this.#noted.has(fetch)) return;
    if (this.#noted.size >= NOTED_MAX) this.#noted.clear();
    this.#noted.add(fetch);
    await this.#parts.catalog.change('other', write =>
      audit(write, actor, {action: 'download.fetch', target: `download/${id}`}),
    );
  }

  /**
   * Erases a profile by `act`, and every file that it is in: those that are there before, so that a crash
   * in between leaves none, and those being made are made again without it.
   */
  async erase<T>(mpid: bigint, act: () => Promise<T>): Promise<T> {
    this.#erasing.push(mpid);
    for (const run of this.#runs.values()) run.erased.add(mpid);
    try {
      await this.#scan.run(mpid);
      return await act();
    } finally {
      this.#erasing.splice(this.#erasing.indexOf(mpid), 1);
    }
  }

  /**
   * Files with members of an audience that was deleted go at once. What waits fails when its turn comes, and what is
   * being made when it would be ready.
   */
  async audienceRemoved(): Promise<void> {
    for (const download of this.list()) {
      if (download.status === 'ready') await this.#expireOrphan(download);
    }
  }

  /** What is being made is begun again after the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#runs.values()].map(run => run.stop()));
    await Promise.all(this.#making);
  }

  #records(): Iterable<Download> {
    return this.#parts.catalog.store.all('downloads').values();
  }

  /** After a start: which files are there, and what is to be begun again. */
  async #takeStock(): Promise<void> {
    const {attemptsMax} = this.#parts.bounds;
    const kept = new Set<string>();
    for (const download of this.list().reverse()) {
      const {id, status, attempts, sizeBytes} = download;
      if (status === 'ready') {
        if (await this.#files.isWhole(id, sizeBytes)) kept.add(id);
        else await this.#put({...download, status: 'failed', reason: 'its file is gone'});
      } else if (status === 'queued' && attempts >= attemptsMax) {
        await this.#put({...download, status: 'failed', reason: INTERRUPTED});
      } else if (status === 'queued') this.#queue.push(id);
    }
    await this.#files.removeOthers(kept);
    await this.#sweep();
  }

  #beginMore(): void {
    while (!this.#isStopping && this.#runs.size < this.#parts.bounds.jobsMax) {
      const id = this.#queue.shift();
      const download = id === undefined ? undefined : this.get(id);
      if (id === undefined) return;
      if (download === undefined) continue;
      const run = this.#begin({...download, attempts: download.attempts + 1});
      const making = this.#make(id, run).catch(this.#parts.onError);
      this.#making.add(making);
      void making.then(() => {
        this.#making.delete(making);
        this.#runs.delete(id);
        this.#beginMore();
      });
    }
  }

  #begin(download: Download): DownloadRun {
    const {id, files, identities, csv, createdMs} = download;
    const {shards, catalog, nowMs} = this.#parts;
    const startedMs = nowMs();
    const plan: ArchivePlan = {
      id,
      archiveName: archiveName(id, createdMs),
      archivePath: this.#files.archive(id),
      indexPath: this.#files.index(id),
      audienceIds: [...new Set(files.map(({audience}) => audience))],
      fileNames: csvNames(files, startedMs),
      identities,
      csv,
      startedMs,
      bytesMax: this.#bytesLeft(),
    };
    const run = new DownloadRun(plan, this.#sources(download), {
      shards,
      isServed: id => catalog.store.get('audiences', id)?.status === 'active',
      erased: this.#erasing,
    });
    this.#runs.set(id, run);
    this.#put(download).catch(this.#parts.onError);
    return run;
  }

  /** Never rejects but for a defect. */
  async #make(id: string, run: DownloadRun): Promise<void> {
    try {
      await this.#finish(id, run, await run.done);
    } catch (error) {
      await run.stop();
      await this.#files.remove(id);
      if (this.#isStopping) return;
      const download = this.get(id);
      if (download === undefined) return;
      if (error instanceof InterruptedError) await this.#interrupted(download);
      else await this.#put({...download, status: 'failed', reason: this.#reasonOf(error)});
    }
  }

  async #finish(id: string, run: DownloadRun, result: ArchiveResult): Promise<void> {
    for (let looked = 0; run.erased.size > looked;) {
      looked = run.erased.size;
      if (!(await holdsAny(this.#files.index(id), new Set(run.erased)))) continue;
      const download = this.get(id);
      // Not its own doing: it does not count as an attempt.
      if (download !== undefined) await this.#put({...download, attempts: download.attempts - 1});
      throw new InterruptedError('somebody in it was erased');
    }
    // Nothing is awaited between the last look and here: who is erased from now on is looked for among
    // the downloads that are ready.
    await this.#becameReady(id, result);
  }

  async #becameReady(id: string, {sizeBytes, rows}: ArchiveResult): Promise<void> {
    const download = this.get(id);
    if (download === undefined) throw new InterruptedError('it was deleted');
    const removed = this.#removedAudience(download);
    if (removed !== undefined) throw new DownloadFailedError(`audience ${removed} was deleted`);
    const readyMs = this.#parts.nowMs();
    const expiresMs = readyMs + this.#parts.bounds.keptMs;
    await this.#put({...download, status: 'ready', readyMs, expiresMs, sizeBytes, rows});
  }

  async #interrupted(download: Download): Promise<void> {
    if (download.attempts < this.#parts.bounds.attemptsMax) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#queue.push(download.id);
        this.#beginMore();
      }, AGAIN_AFTER_MS);
      this.#timers.add(timer);
    } else await this.#put({...download, status: 'failed', reason: INTERRUPTED});
  }

  #reasonOf(error: unknown): string {
    if (error instanceof DownloadFailedError && error.cause === undefined) return error.message;
    this.#parts.onError(error);
    return error instanceof DownloadFailedError ? error.message : DEFECT;
  }

  #sources({files, sample}: Download): FileSource[] {
    const sampled = sample === undefined ? [] : [sampleShare(sample)];
    return files.map(({audience, share}) => {
      const {workspaces = [], environment = 'production'} =
        this.#parts.catalog.store.get('audiences', audience) ?? {};
      return {
        audience,
        scopes: workspaces.map(workspace => scopeOf(workspace, environment)),
        shares: share === undefined ? sampled : [share, ...sampled],
      };
    });
  }

  #bytesLeft(): number {
    let left = this.#parts.bounds.bytesMax;
    for (const {status, sizeBytes = 0} of this.#records())
      if (status === 'ready') left -= sizeBytes;
    return Math.max(0, Math.floor(left / this.#parts.bounds.jobsMax));
  }

  /** Of those that nothing is kept for but the record; undefined: there is room. */
  #oldestToForget(): Download | undefined {
    const records = this.list();
    const {recordsMax} = this.#parts.bounds;
    if (records.length < recordsMax) return undefined;
    const ended = records.findLast(({status}) => status === 'failed' || status === 'expired');
    if (ended !== undefined) return ended;
    throw new Conflict(`there are ${recordsMax} downloads already: delete some`);
  }

  async #removeHolding(mpids: ReadonlySet<bigint>): Promise<void> {
    for (const {id, status} of this.list()) {
      if (status !== 'ready' || !(await holdsAny(this.#files.index(id), mpids))) continue;
      await this.#expire(id, 'somebody in it was erased');
    }
  }

  async #sweep(): Promise<void> {
    try {
      await this.audienceRemoved();
      for (const {id, status} of this.list()) {
        if (status === 'ready' && !this.isReadable(id)) await this.#expire(id, undefined);
      }
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  #removedAudience({files}: Download): number | undefined {
    const {store} = this.#parts.catalog;
    return files.find(({audience}) => store.get('audiences', audience) === undefined)?.audience;
  }

  async #expireOrphan(download: Download): Promise<void> {
    const removed = this.#removedAudience(download);
    if (removed !== undefined) await this.#expire(download.id, `audience ${removed} was deleted`);
  }

  /** From this moment nobody reads it; resolves when the file is gone. */
  async #expire(id: string, reason: string | undefined): Promise<void> {
    const download = this.get(id);
    if (download?.status === 'ready') await this.#put({...download, status: 'expired', reason});
    await this.#files.remove(id);
  }

  async #put(download: Download): Promise<void> {
    await this.#parts.catalog.change('other', write =>
      write.put('downloads', download.id, download),
    );
  }
}

const INTERRUPTED = 'it was interrupted too often';
const DEFECT = 'an error inside the server; its log says more';
