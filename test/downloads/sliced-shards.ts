/** Shards that hold so many members of every audience and nothing else, made up as they are asked for. */
import type {ShardCalls, ShardSlice, Shards} from '../../server/shards/protocol.ts';

export class SlicedShards implements Shards {
  readonly count = 2;
  /** In each shard; their mpids are shard × 1,000,000,000 + position. */
  members: number;
  /** Of each shard's thread. */
  readonly lives = [1, 2];
  readonly erased = new Set<bigint>();
  slices = 0;
  /** Called before each slice is given. */
  onSlice: (slice: number) => void | Promise<void> = () => {};

  constructor(members: number) {
    this.members = members;
  }

  shardOf(mpid: bigint): number {
    return Number(mpid / 1_000_000_000n);
  }

  async call<M extends keyof ShardCalls>(
    shard: number,
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']> {
    if (method !== 'memberSlice') throw new Error(`${method} is not asked for here`);
    const {from, membersMax} = args as ShardCalls['memberSlice']['args'];
    await this.onSlice(this.slices++);
    return this.#slice(shard, from, membersMax) as ShardCalls[M]['result'];
  }

  callAll(): never {
    throw new Error('not asked here');
  }

  durable(): number {
    return 0;
  }

  feedFloor(): number {
    return 0;
  }

  readFeed(): [] {
    return [];
  }

  onCommit(): void {}

  #slice(shard: number, from: number, membersMax: number): ShardSlice {
    const next = Math.min(this.members, from + membersMax);
    const base = BigInt(shard) * 1_000_000_000n;
    const mpids = Array.from({length: next - from}, (_, i) => base + BigInt(from + i)).filter(
      mpid => !this.erased.has(mpid),
    );
    const values = mpids.map(mpid => `profile${mpid}@example.com`);
    return {
      mpids: BigInt64Array.from(mpids),
      identityCounts: new Uint32Array(mpids.length).fill(1),
      types: new Uint8Array(mpids.length),
      lengths: Uint32Array.from(values, value => value.length),
      values: values.join(''),
      next,
      end: this.members,
      atMs: Date.now(),
      life: this.lives[shard]!,
    };
  }
}
