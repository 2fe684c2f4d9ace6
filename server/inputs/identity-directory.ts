/**
 * From a batch's identities to its profile. An identity belongs to one profile: the last batch that
 * carries it.
 *
 * A claim takes effect here at once, so that the next batch finds the profile. It is written to this directory's
 * disk only after its batch is durable, and whoever lost by it was told durably: what is on this disk is never
 * ahead of the shards. Behind it may be: with every write goes how far it has seen each shard, and after a
 * start the claims since then are asked for and taken again, in the order of their numbers. Telling a loss twice
 * changes nothing.
 */
import {randomBytes} from 'node:crypto';
import type {Environment} from '../../engine/ids.ts';
import type {IdentityKey, IdentityOwner, IdentityStore} from '../../storage/identity-store.ts';
import type {IdentityClaims} from '../shards/protocol.ts';
import {compareIdentityTypes} from '../../engine/identity-types.ts';

export interface Claim {
  readonly type: string;
  readonly value: string | undefined;
  /** The identity of this type that the profile gives up. */
  readonly released?: string | undefined;
}

export interface NumberedClaim extends Claim {
  readonly sequence: number;
}

/** A profile that has an identity no more. */
export interface Loss {
  readonly mpid: bigint;
  readonly environment: Environment;
  readonly type: string;
  readonly value: string;
  readonly sequence: number;
}

/** The claims of one batch, from when it is made until it is known what became of it. */
export interface ClaimedBatch {
  readonly environment: Environment;
  readonly mpid: bigint;
  readonly claims: readonly NumberedClaim[];
  readonly losses: readonly Loss[];
}

/** All of it durable; nothing of it; or nobody can say before the shards are asked. */
export type ClaimFate = 'durable' | 'dropped' | 'unknown';

interface Change {
  readonly key: IdentityKey;
  readonly owner: IdentityOwner | undefined;
}

interface Claimed {
  readonly key: IdentityKey;
  readonly owner: IdentityOwner;
}

/** Owners remembered in memory, twice this many at most. */
const CACHE_ENTRIES = 200_000;
const COMMIT_DELAY_MS = 20;
const NONE: readonly never[] = [];
const REMOVED_AT_ONCE = 1_000;

export class IdentityDirectory {
  readonly #store: IdentityStore;
  readonly #onError: (error: unknown) => void;
  #sequence: number;
  /** The newest claims, of batches that are not known to be durable. */
  readonly #claimed = new Map<string, Claimed>();
  /** Durable with the shards, not on this disk yet. */
  #pending = new Map<string, Change>();
  #writing = new Map<string, Change>();
  #young = new Map<string, IdentityOwner>();
  #old = new Map<string, IdentityOwner>();
  /** How far everything is known of each shard, and how far its commits have come. */
  readonly #watermarks: number[];
  readonly #durable: number[];
  /** Shards whose claims of before their start were taken, and the losses told. */
  readonly #isRecovered: boolean[] = [];
  /** Batches by which others lose that are under way, and those of unknown fate: no watermark passes them. */
  #unsettled = 0;
  #unknown: ClaimedBatch[] = [];
  /** Profiles with erasures that are not finished: their claims up to these numbers are nobody's. */
  readonly #erased = new Map<bigint, readonly number[]>();
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(
    store: IdentityStore,
    {shards, onError}: {shards: number; onError: (error: unknown) => void},
  ) {
    this.#store = store;
    this.#onError = onError;
    this.#sequence = store.sequence();
    const known = store.watermarks();
    this.#watermarks = Array.from({length: shards}, (_, shard) => known[shard] ?? 0);
    this.#durable = [...this.#watermarks];
  }

  /** The profile that has this identity. */
  find(key: IdentityKey): bigint | undefined {
    return this.#owner(key)?.mpid;
  }

  /** The profile of a batch: its own mpid, else where its identities lead, else a new one. */
  resolve(environment: Environment, mpid: bigint | undefined, claims: readonly Claim[]): bigint {
    if (mpid !== undefined) return mpid;
    const held = claims.filter(claim => claim.value !== undefined);
    held.sort((a, b) => compareIdentityTypes(a.type, b.type));
    for (const {type, value} of held) {
      const known = this.#owner({environment, type, value: value!});
      if (known !== undefined) return known.mpid;
    }
    // A batch that only says which identity another one replaces leads to the profile that had it.
    for (const {type, released} of claims) {
      if (released === undefined) continue;
      const known = this.#owner({environment, type, value: released});
      if (known !== undefined) return known.mpid;
    }
    return newMpid();
  }

  /** Gives the claims to the profile; says who loses by it. To be settled. */
  claim(environment: Environment, mpid: bigint, claims: readonly Claim[]): ClaimedBatch {
    if (claims.length === 0) return {environment, mpid, claims: NONE, losses: NONE};
    const losses: Loss[] = [];
    const numbered = claims.map(({type, value, released}) => {
      const sequence = ++this.#sequence;
      if (released !== undefined) this.#release({environment, type, value: released}, mpid);
      if (value !== undefined) {
        const key = {environment, type, value};
        const before = this.#owner(key);
        // A claim that changes nothing need not be remembered: its number matters to no one.
        if (before?.mpid !== mpid) this.#claimed.set(nameOf(key), {key, owner: {mpid, sequence}});
        if (before !== undefined && before.mpid !== mpid) {
          losses.push({...key, mpid: before.mpid, sequence});
        }
      }
      return {type, value, sequence};
    });
    if (losses.length > 0) this.#unsettled++;
    return {environment, mpid, claims: numbered, losses};
  }

  /** An identity that its profile has given up leads nowhere, from now on. */
  #release(key: IdentityKey, mpid: bigint): void {
    if (this.#owner(key)?.mpid !== mpid) return;
    const name = nameOf(key);
    this.#claimed.delete(name);
    this.#young.delete(name);
    this.#old.delete(name);
    this.#pending.set(name, {key, owner: undefined});
  }

  settle(batch: ClaimedBatch, fate: ClaimFate): void {
    if (fate === 'unknown') {
      this.#unknown.push(batch);
      return;
    }
    const {environment, mpid} = batch;
    for (const {type, value, sequence} of batch.claims) {
      if (value === undefined) continue;
      const key = {environment, type, value};
      if (fate === 'durable') this.#confirm(key, {mpid, sequence});
      this.#forgetClaim(key, sequence);
    }
    if (batch.losses.length > 0) this.#unsettled--;
    this.#advance();
  }

  // ── After a start ─────────────────────────────────────────────────────────────────────────────

  /** Claims of a shard's journal after this are to be taken again. */
  watermark(shard: number): number {
    return this.#watermarks[shard]!;
  }

  /** A shard has started anew: its commits say nothing until it is recovered. */
  restarted(shard: number): void {
    this.#isRecovered[shard] = false;
  }

  /** Claims of a shard's journal after `watermark(shard)`. Once the losses are told: `recovered`. */
  recover(entries: readonly IdentityClaims[]): Loss[] {
    const losses: Loss[] = [];
    const claims = entries.flatMap(entry => entry.claims).sort((a, b) => a.sequence - b.sequence);
    for (const {environment, type, value, mpid, sequence} of claims) {
      this.#sequence = Math.max(this.#sequence, sequence);
      if (value === undefined) continue;
      const key = {environment, type, value};
      const known = this.#durableOwner(key);
      if (known !== undefined && known.sequence >= sequence) {
        // Another shard's claim was later: this profile has lost it, and may not have been told.
        if (known.mpid !== mpid) losses.push({...key, mpid, sequence: known.sequence});
        continue;
      }
      if (known !== undefined && known.mpid !== mpid)
        losses.push({...key, mpid: known.mpid, sequence});
      this.#pending.set(nameOf(key), {key, owner: {mpid, sequence}});
      this.#forgetClaim(key, sequence);
    }
    return losses;
  }

  recovered(shard: number): void {
    this.#isRecovered[shard] = true;
  }

  /** To be settled when every shard was asked; what comes to it meanwhile waits for the next time. */
  unknown(): readonly ClaimedBatch[] {
    return [...this.#unknown];
  }

  /** Every shard was asked after these were unknown: their claims were taken again, or there are none. */
  settleUnknown(batches: readonly ClaimedBatch[]): void {
    this.#unknown = this.#unknown.filter(batch => !batches.includes(batch));
    for (const batch of batches) this.settle(batch, 'dropped');
  }

  /** A shard has committed everything up to here; its batches were settled before. */
  committed(shard: number, watermark: number): void {
    this.#durable[shard] = watermark;
    this.#advance();
    if (this.#pending.size > 0) this.#schedule();
  }

  // ── Erasure and the end ───────────────────────────────────────────────────────────────────────

  /**
   * Nothing that the profile has claimed so far leads to it any more, from this moment on. Returns the number of
   * the last claim that counts as its own: what comes after is of a new profile.
   */
  erase(mpid: bigint): number {
    this.#noteErasure(mpid, this.#sequence);
    return this.#sequence;
  }

  /** After a start: erasures that are not finished, and no others. */
  recallErased(erasures: readonly {readonly mpid: bigint; readonly sequence: number}[]): void {
    this.#erased.clear();
    for (const {mpid, sequence} of erasures) {
      this.#noteErasure(mpid, sequence);
      // A number that the erased took last may be nowhere else any more.
      this.#sequence = Math.max(this.#sequence, sequence);
    }
  }

  /** Everything that is known of the past is on its way to the disk or there; resolves when it is there. */
  flush(): Promise<void> {
    return this.#commitNext();
  }

  /** Removes what the erased had of these keys, and all of theirs from memory. */
  async removeErased(keys: readonly Uint8Array[]): Promise<void> {
    const isGone = (owner: IdentityOwner): boolean => this.#isErased(owner);
    for (let at = 0; at < keys.length; at += REMOVED_AT_ONCE) {
      await this.#store.removeKeys(keys.slice(at, at + REMOVED_AT_ONCE), isGone);
    }
    for (const remembered of [this.#young, this.#old]) {
      for (const [name, owner] of remembered) if (isGone(owner)) remembered.delete(name);
    }
  }

  /** It is finished, or was none. */
  forgetErasure(mpid: bigint, sequence: number): void {
    const others = [...(this.#erased.get(mpid) ?? [])];
    const index = others.indexOf(sequence);
    if (index >= 0) others.splice(index, 1);
    if (others.length === 0) this.#erased.delete(mpid);
    else this.#erased.set(mpid, others);
  }

  #noteErasure(mpid: bigint, sequence: number): void {
    this.#erased.set(mpid, [...(this.#erased.get(mpid) ?? []), sequence]);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#commitNext();
    await this.#store.close();
  }

  // ── Owners ────────────────────────────────────────────────────────────────────────────────────

  #owner(key: IdentityKey): IdentityOwner | undefined {
    const claimed = this.#claimed.get(nameOf(key))?.owner;
    return claimed === undefined ? this.#durableOwner(key) : this.#unlessErased(claimed);
  }

  #isErased({mpid, sequence}: IdentityOwner): boolean {
    if (this.#erased.size === 0) return false;
    return this.#erased.get(mpid)?.some(last => sequence <= last) === true;
  }

  #unlessErased(owner: IdentityOwner): IdentityOwner | undefined {
    return this.#isErased(owner) ? undefined : owner;
  }

  #durableOwner(key: IdentityKey): IdentityOwner | undefined {
    const name = nameOf(key);
    const pending = this.#pending.get(name) ?? this.#writing.get(name);
    if (pending !== undefined) return pending.owner && this.#unlessErased(pending.owner);
    let owner = this.#young.get(name);
    if (owner !== undefined) return this.#unlessErased(owner);
    owner = this.#old.get(name) ?? this.#store.get(key);
    if (owner === undefined || this.#isErased(owner)) return undefined;
    this.#remember(name, owner);
    return owner;
  }

  #confirm(key: IdentityKey, owner: IdentityOwner): void {
    const name = nameOf(key);
    const known = this.#durableOwner(key);
    if (known !== undefined) {
      if (known.sequence > owner.sequence) return;
      // The same owner again; unless another claim lies between, it need not be written.
      if (known.mpid === owner.mpid && !this.#claimed.has(name)) return;
    }
    // Of the erased nobody has it: it was taken from whoever had it before.
    this.#pending.set(name, {key, owner: this.#unlessErased(owner)});
  }

  #forgetClaim(key: IdentityKey, sequence: number): void {
    const name = nameOf(key);
    if (this.#claimed.get(name)?.owner.sequence === sequence) this.#claimed.delete(name);
  }

  /** Two generations: what is asked for stays, the rest is forgotten with its generation. */
  #remember(name: string, owner: IdentityOwner): void {
    if (this.#young.size >= CACHE_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, owner);
  }

  // ── Writing ───────────────────────────────────────────────────────────────────────────────────

  #advance(): void {
    if (this.#unsettled > 0 || this.#unknown.length > 0) return;
    for (let shard = 0; shard < this.#watermarks.length; shard++) {
      if (this.#isRecovered[shard] === true) this.#watermarks[shard] = this.#durable[shard]!;
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#commitNext().catch(this.#onError);
    }, COMMIT_DELAY_MS);
  }

  #commitNext(): Promise<void> {
    const commit = (): Promise<void> => this.#commit();
    // After the one before, however that ended.
    this.#committing = this.#committing.then(commit, commit);
    return this.#committing;
  }

  async #commit(): Promise<void> {
    this.#writing = this.#pending;
    this.#pending = new Map();
    const changes = [...this.#writing.values()].map(({key, owner}) => [key, owner] as const);
    try {
      // As of now: by the time it is written the shards have gone on, with claims that are not in it.
      const watermarks = [...this.#watermarks];
      await this.#store.commit(changes, {watermarks, sequence: this.#sequence});
      for (const [name, {owner}] of this.#writing) {
        if (owner !== undefined && !this.#pending.has(name)) this.#remember(name, owner);
      }
      this.#writing = new Map();
    } catch (error) {
      // Newer claims win over the ones that come back.
      this.#pending = new Map([...this.#writing, ...this.#pending]);
      this.#writing = new Map();
      throw error;
    }
  }
}

function nameOf({environment, type, value}: IdentityKey): string {
  return `${environment === 'development' ? 'd' : 'p'}${type}\n${value}`;
}

function newMpid(): bigint {
  for (;;) {
    const mpid = randomBytes(8).readBigInt64LE();
    if (mpid !== 0n) return mpid;
  }
}
