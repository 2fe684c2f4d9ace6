/**
 * Which profile has which identity: the one state that belongs to no shard. An LMDB environment of its
 * own, written behind: it can be rebuilt from the shards' journals, so it says up to which watermark of each
 * shard it is current, in the same transaction.
 */
import {createHash} from 'node:crypto';
import {type Database, open, type RootDatabase} from 'lmdb';
import type {Environment} from '../engine/ids.ts';
import {committed} from './lmdb-commit.ts';

export interface IdentityOwner {
  readonly mpid: bigint;
  /** Of two claims the later number counts. */
  readonly sequence: number;
}

export interface IdentityKey {
  readonly environment: Environment;
  readonly type: string;
  readonly value: string;
}

const VALUE_BYTES = 16;
/** LMDB takes keys of at most 1,978 bytes with its usual pages; long values are named by their hash. */
const KEY_BYTES_MAX = 400;
const MAP_BYTES = 16 * 2 ** 30;

export class IdentityStore {
  readonly #root: RootDatabase<Uint8Array, Buffer>;
  readonly #owners: Database<Uint8Array, Buffer>;
  readonly #meta: Database<Uint8Array, string>;

  private constructor(root: RootDatabase<Uint8Array, Buffer>) {
    this.#root = root;
    this.#owners = root.openDB('owners', {encoding: 'binary', keyEncoding: 'binary'});
    this.#meta = root.openDB<Uint8Array, string>('meta', {encoding: 'binary'});
  }

  static open(path: string, {readOnly = false}: {readOnly?: boolean} = {}): IdentityStore {
    return new IdentityStore(
      open<Uint8Array, Buffer>({
        path,
        maxDbs: 4,
        mapSize: MAP_BYTES,
        overlappingSync: false,
        // With it a refused commit also rejects a promise that nobody holds.
        eventTurnBatching: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        readOnly,
      }),
    );
  }

  get(key: IdentityKey): IdentityOwner | undefined {
    const value = this.#owners.get(keyBytes(key));
    if (value === undefined) return undefined;
    return ownerOf(value);
  }

  /** Keys, as they are stored, of the identities that lead to one of these profiles. */
  *keysOf(mpids: ReadonlySet<bigint>): Generator<Uint8Array> {
    for (const {key, value} of this.#owners.getRange({})) {
      if (mpids.has(ownerOf(value).mpid)) yield new Uint8Array(key);
    }
  }

  /** Removes those of the keys whose owner is still one that `isGone`. */
  async removeKeys(
    keys: readonly Uint8Array[],
    isGone: (owner: IdentityOwner) => boolean,
  ): Promise<void> {
    const write = this.#root.transaction(() => {
      for (const bytes of keys) {
        const key = Buffer.from(bytes);
        const value = this.#owners.get(key);
        if (value !== undefined && isGone(ownerOf(value))) this.#owners.removeSync(key);
      }
    });
    await committed(write);
  }

  /** Watermarks that this is current to, by shard; empty for a new one. */
  watermarks(): readonly number[] {
    const value = this.#meta.get('watermarks');
    return value === undefined ? [] : [...new Float64Array(new Uint8Array(value).buffer)];
  }

  /** The highest sequence number given, at least. */
  sequence(): number {
    const value = this.#meta.get('sequence');
    return value === undefined ? 0 : new Float64Array(new Uint8Array(value).buffer)[0]!;
  }

  /** undefined removes. */
  async commit(
    changes: readonly (readonly [IdentityKey, IdentityOwner | undefined])[],
    {watermarks, sequence}: {watermarks: readonly number[]; sequence: number},
  ): Promise<void> {
    const write = this.#root.transaction(() => {
      for (const [key, owner] of changes) {
        if (owner === undefined) this.#owners.removeSync(keyBytes(key));
        else this.#owners.putSync(keyBytes(key), ownerBytes(owner));
      }
      this.#meta.putSync('watermarks', bytesOf(Float64Array.from(watermarks)));
      this.#meta.putSync('sequence', bytesOf(Float64Array.of(sequence)));
    });
    await committed(write);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

function keyBytes({environment, type, value}: IdentityKey): Buffer {
  const name = `${environment === 'development' ? 'd' : 'p'}${type}\n`;
  const bytes = Buffer.from(name + value);
  if (bytes.length <= KEY_BYTES_MAX) return bytes;
  const hash = createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(`${name.slice(0, 200)}\n${hash}`);
}

function ownerOf(value: Uint8Array): IdentityOwner {
  const view = new DataView(value.buffer, value.byteOffset, VALUE_BYTES);
  return {mpid: view.getBigInt64(0), sequence: view.getFloat64(8)};
}

function ownerBytes({mpid, sequence}: IdentityOwner): Buffer {
  const bytes = Buffer.allocUnsafe(VALUE_BYTES);
  bytes.writeBigInt64BE(mpid, 0);
  bytes.writeDoubleBE(sequence, 8);
  return bytes;
}

function bytesOf(numbers: Float64Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(numbers.buffer);
}
