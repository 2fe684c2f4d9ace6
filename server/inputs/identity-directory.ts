/**
 * From a batch's identities to its profile. An identity belongs to one profile: the last batch that
 * carries it.
 *
 * Claims take effect in memory at once and reach this directory's disk behind the shards' commits. After a
 * crash the claims that the journals have and the disk has not are taken again, in the order of their
 * numbers, and every profile that lost an identity is told again; telling twice changes nothing.
 */
import {randomBytes} from 'node:crypto';
import type {Environment} from '../../engine/ids.ts';
import type {IdentityKey, IdentityOwner, IdentityStore} from '../../storage/identity-store.ts';
import type {IdentityClaims} from '../shards/protocol.ts';
import {compareIdentityTypes} from './identity-types.ts';

export interface Claim {
  readonly type: string;
  readonly value: string | undefined;
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

/** Owners remembered in memory, twice this many at most. */
const CACHE_ENTRIES = 200_000;
const COMMIT_DELAY_MS = 20;

export class IdentityDirectory {
  readonly #store: IdentityStore;
  readonly #onError: (error: unknown) => void;
  #sequence: number;
  /** Claims that are not on disk yet. */
  #pending = new Map<string, {key: IdentityKey; owner: IdentityOwner | undefined}>();
  #writing = new Map<string, {key: IdentityKey; owner: IdentityOwner | undefined}>();
  #young = new Map<string, IdentityOwner>();
  #old = new Map<string, IdentityOwner>();
  readonly #watermarks: number[];
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
  }

  /** Claims of a shard's journal after this are to be taken again. */
  watermark(shard: number): number {
    return this.#watermarks[shard]!;
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
    return newMpid();
  }

  /** Gives the claims to the profile; says who loses by it. */
  claim(
    environment: Environment,
    mpid: bigint,
    claims: readonly Claim[],
  ): {claims: NumberedClaim[]; losses: Loss[]} {
    const losses: Loss[] = [];
    const numbered = claims.map(({type, value}) => {
      const sequence = ++this.#sequence;
      if (value !== undefined) {
        const loss = this.#take({environment, type, value}, {mpid, sequence});
        if (loss !== undefined) losses.push(loss);
      }
      return {type, value, sequence};
    });
    return {claims: numbered, losses};
  }

  /** Claims of the journal that may not have reached the disk, all shards together. */
  recover(entries: readonly IdentityClaims[]): Loss[] {
    const losses: Loss[] = [];
    const claims = entries.flatMap(entry => entry.claims).sort((a, b) => a.sequence - b.sequence);
    for (const {environment, type, value, mpid, sequence} of claims) {
      this.#sequence = Math.max(this.#sequence, sequence);
      if (value === undefined) continue;
      const key = {environment, type, value};
      const known = this.#owner(key);
      if (known !== undefined && known.sequence >= sequence) continue;
      const loss = this.#take(key, {mpid, sequence});
      if (loss !== undefined) losses.push(loss);
    }
    return losses;
  }

  /** An erased profile leads nowhere any more. */
  forget(environment: Environment, mpid: bigint, identities: readonly Claim[]): void {
    for (const {type, value} of identities) {
      if (value === undefined) continue;
      const key = {environment, type, value};
      if (this.#owner(key)?.mpid !== mpid) continue;
      const name = nameOf(key);
      this.#young.delete(name);
      this.#old.delete(name);
      this.#pending.set(name, {key, owner: undefined});
    }
    this.#schedule();
  }

  /** A shard has committed everything up to here. */
  committed(shard: number, watermark: number): void {
    this.#watermarks[shard] = watermark;
    if (this.#pending.size > 0) this.#schedule();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#committing;
    await this.#commit();
    await this.#store.close();
  }

  #owner(key: IdentityKey): IdentityOwner | undefined {
    const name = nameOf(key);
    const pending = this.#pending.get(name) ?? this.#writing.get(name);
    if (pending !== undefined) return pending.owner;
    let owner = this.#young.get(name);
    if (owner !== undefined) return owner;
    owner = this.#old.get(name) ?? this.#store.get(key);
    if (owner !== undefined) this.#remember(name, owner);
    return owner;
  }

  /** Returns what the profile that had it loses. */
  #take(key: IdentityKey, owner: IdentityOwner): Loss | undefined {
    const before = this.#owner(key);
    // A claim that changes nothing need not be written: its number matters to no one.
    if (before?.mpid === owner.mpid) return undefined;
    this.#pending.set(nameOf(key), {key, owner});
    if (before === undefined) return undefined;
    return {...key, mpid: before.mpid, sequence: owner.sequence};
  }

  /** Two generations: what is asked for stays, the rest is forgotten with its generation. */
  #remember(name: string, owner: IdentityOwner): void {
    if (this.#young.size >= CACHE_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, owner);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#committing = this.#committing.then(() => this.#commit()).catch(this.#onError);
    }, COMMIT_DELAY_MS);
  }

  async #commit(): Promise<void> {
    this.#writing = this.#pending;
    this.#pending = new Map();
    const changes = [...this.#writing.values()].map(({key, owner}) => [key, owner] as const);
    try {
      await this.#store.commit(changes, {
        watermarks: this.#watermarks,
        sequence: this.#sequence,
      });
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
