/**
 * Which shard has a profile. A profile's partition is its mpid's hash modulo a number that never
 * changes; a shard serves every partition with its own remainder. Moving profiles to more shards or
 * machines is then moving partitions.
 */
import xxhash from 'xxhash-wasm';
import {mpidHi, mpidLo} from '../../engine/ids.ts';

/** For ever: the partition of a profile is part of its data's place on disk. */
export const PARTITIONS = 64;

export class Partitions {
  readonly #hash: (input: Uint8Array) => number;
  readonly #shards: number;
  readonly #bytes = Buffer.alloc(8);

  private constructor(hash: (input: Uint8Array) => number, shards: number) {
    this.#hash = hash;
    this.#shards = shards;
  }

  static async load(shards: number): Promise<Partitions> {
    const {h32Raw} = await xxhash();
    return new Partitions(input => h32Raw(input), shards);
  }

  shardOf(mpid: bigint): number {
    return this.shardOfHalves(mpidHi(mpid), mpidLo(mpid));
  }

  /** Hot: once for each record. */
  shardOfHalves(hi: number, lo: number): number {
    if (this.#shards === 1) return 0;
    this.#bytes.writeUInt32LE(lo, 0);
    this.#bytes.writeInt32LE(hi, 4);
    return (this.#hash(this.#bytes) % PARTITIONS) % this.#shards;
  }
}
