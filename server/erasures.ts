/**
 * Erasure of a profile. What anybody can ask for is gone when the call is answered; what the past still has of it
 * (journal, sample, feed, identities it once had) is found by jobs and taken out in the background, slice by slice
 * between the events. A shard keeps each erasure until that is done, so a restart goes on with it.
 */
import {createHmac, randomBytes} from 'node:crypto';
import {chmodSync, existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {mpidFrom} from '../engine/ids.ts';
import type {PendingErasure} from '../storage/pending-erasures.ts';
import {type Actor, audit, type Catalog} from './catalog/catalog.ts';
import type {IdentityDirectory} from './inputs/identity-directory.ts';
import type {ErasedDeltas} from './shards/protocol.ts';
import type {ShardPool} from './shards/shard-pool.ts';

export interface ErasuresParts {
  readonly catalog: Catalog;
  readonly shards: ShardPool;
  readonly directory: IdentityDirectory;
  readonly dataFolder: string;
  /** Takes what only this profile had out of what was learned of the data; resolves when it is durable. */
  readonly forgetLearned: (mpid: bigint) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Entries that a shard is sent at once; it rewrites as many of them as it may. */
const SLICE_ENTRIES = 64;
const AGAIN_AFTER_MS = 5_000;

export class Erasures {
  readonly #parts: ErasuresParts;
  readonly #key: Buffer;
  /** Told of deltas that are overwritten on disk, for what remembers them in memory. */
  onDeltasErased: (shard: number, entries: readonly ErasedDeltas[]) => void = () => {};
  #working: Promise<void> | undefined;
  #isAskedAgain = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** Seen by the jobs: 1 when they are to end. */
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));

  constructor(parts: ErasuresParts) {
    this.#parts = parts;
    this.#key = subjectKey(parts.dataFolder);
  }

  /**
   * After the shards have started and before identities are recovered: identities of the erased lead nowhere.
   * Going on with the rest is left to `work`.
   */
  async recall(): Promise<void> {
    const {shards, directory} = this.#parts;
    const pending = (await shards.callAll('erasures', undefined)).flat();
    directory.recallErased(pending.map(each => ({mpid: mpidOf(each), sequence: each.sequence})));
  }

  /** False: there is no such profile. Resolves when it is durable. */
  async erase(mpid: bigint, actor: Actor): Promise<boolean> {
    const {shards, directory, catalog} = this.#parts;
    // In one step with the call: batches before it are erased, those after it make a new profile.
    const sequence = directory.erase(mpid);
    const by = {who: actor.name, askedMs: actor.nowMs, sequence};
    const isErased = await shards.call(shards.shardOf(mpid), 'erase', {mpid, by}).catch(error => {
      directory.forgetErasure(mpid, sequence);
      throw error;
    });
    if (!isErased) {
      directory.forgetErasure(mpid, sequence);
      return false;
    }
    await this.#parts.forgetLearned(mpid);
    await catalog.change('other', write =>
      audit(write, actor, {action: 'profile.erase', target: this.#subject(mpid)}),
    );
    this.work();
    return true;
  }

  /** Takes out what is left, in the background. */
  work(): void {
    if (this.#isStopping) return;
    if (this.#working !== undefined) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isAskedAgain = false;
    this.#working = this.#workOnAll()
      .catch((error: unknown) => {
        if (this.#isStopping) return;
        this.#parts.onError(error);
        this.#timer = setTimeout(() => this.work(), AGAIN_AFTER_MS).unref();
      })
      .finally(() => {
        this.#working = undefined;
        if (this.#isAskedAgain) this.work();
      });
  }

  /** What is left is gone on with after the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    Atomics.store(this.#stop, 0, 1);
    clearTimeout(this.#timer);
    await this.#working;
  }

  async #workOnAll(): Promise<void> {
    const {shards} = this.#parts;
    const pending = await shards.callAll('erasures', undefined);
    const all = pending.flat();
    if (all.length === 0) return;
    await this.#forgetAll(all);
    for (const [shard, own] of pending.entries()) {
      if (own.length > 0) await this.#workOn(shard, own);
    }
  }

  async #forgetAll(pending: readonly PendingErasure[]): Promise<void> {
    const {shards, directory, dataFolder, forgetLearned} = this.#parts;
    // Again: a crash may have come between the erasure and this.
    for (const each of pending) await forgetLearned(mpidOf(each));
    await directory.flush();
    const mpids = new Set(pending.map(mpidOf));
    const keys = await shards.findErased({
      kind: 'identities',
      path: join(dataFolder, 'identities'),
      mpids,
      stop: this.#stop,
    });
    await directory.removeErased(keys);
  }

  async #workOn(shard: number, pending: readonly PendingErasure[]): Promise<void> {
    const {shards} = this.#parts;
    const path = shards.path(shard);
    const task = {kind: 'shard', path, profiles: pending, stop: this.#stop} as const;
    const {records, deltas} = await shards.findErased(task);
    const at = {records: 0, deltas: 0};
    while (at.records < records.length || at.deltas < deltas.length) {
      if (this.#isStopping) return;
      const done = await shards.call(shard, 'removeErased', {
        records: records.slice(at.records, at.records + SLICE_ENTRIES),
        deltas: deltas.slice(at.deltas, at.deltas + SLICE_ENTRIES),
      });
      at.records += done.records;
      at.deltas += done.deltas;
    }
    this.onDeltasErased(shard, deltas);
    await this.#end(shard, pending);
  }

  /** The proof is written first: an erasure that is not proved is gone through once more. */
  async #end(shard: number, pending: readonly PendingErasure[]): Promise<void> {
    const {shards, catalog, directory} = this.#parts;
    const watermarks = new Set(pending.map(({watermark}) => watermark));
    const done = (await shards.call(shard, 'erasures', undefined)).filter(({watermark}) =>
      watermarks.has(watermark),
    );
    const nowMs = Date.now();
    await catalog.change('other', write => {
      for (const erasure of done) {
        const {records, deltas, who, askedMs} = erasure;
        const to = {records_removed: records, deltas_removed: deltas, asked_ms: askedMs};
        const target = this.#subject(mpidOf(erasure));
        audit(write, {name: who, nowMs}, {action: 'profile.erased', target, to});
      }
    });
    await shards.call(shard, 'endErasures', {watermarks: [...watermarks]});
    for (const erasure of done) directory.forgetErasure(mpidOf(erasure), erasure.sequence);
  }

  /** Says nothing of the profile to anybody who has neither the key nor the mpid. */
  #subject(mpid: bigint): string {
    const hash = createHmac('sha256', this.#key).update(String(mpid)).digest('hex');
    return `profile/${hash.slice(0, 32)}`;
  }
}

function mpidOf({mpidHi, mpidLo}: PendingErasure): bigint {
  return mpidFrom(mpidHi, mpidLo);
}

const KEY_BYTES = 32;

/** Made once. Whoever removes it makes the proofs of before anonymous for good. */
function subjectKey(dataFolder: string): Buffer {
  const path = join(dataFolder, 'erasure-key');
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
    if (key.length === KEY_BYTES) return key;
  }
  const key = randomBytes(KEY_BYTES);
  writeFileSync(path, `${key.toString('hex')}\n`, {mode: 0o600});
  return key;
}
