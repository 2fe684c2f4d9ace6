import {DeltaWriter} from '../../engine/deltas.ts';
import type {Explanation} from '../../engine/explanations/explanation.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import type {
  AudienceState,
  FeedEntry,
  ProfileView,
  ShardAudience,
  ShardCalls,
  Shards,
} from '../../server/shards/protocol.ts';

/**
 * Shards that remember the definitions they are told and calculate nothing: a test says who the members
 * are. What is active is calculated at once, unless `progress` says otherwise.
 */
export class ToldShards implements Shards {
  readonly count = 3;
  readonly audiences = new Map<number, ShardAudience>();
  readonly defined: ShardCalls['define']['args'][] = [];
  readonly members = new Map<number, Map<bigint, number>>();
  readonly profiles = new Map<bigint, ProfileView>();
  /** What is told of a profile besides its membership. */
  readonly explained = new Map<bigint, Explanation>();
  progress = 1;
  failed: string | undefined;
  isDown = false;
  stateCalls = 0;
  readonly #feed: FeedEntry[] = [];
  readonly #listeners: ((shard: number, watermark: number, deltas: Uint8Array) => void)[] = [];

  shardOf(mpid: bigint): number {
    return Number(BigInt.asUintN(64, mpid) % BigInt(this.count));
  }

  async call<M extends keyof ShardCalls>(
    shard: number,
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']> {
    await new Promise(resolve => setImmediate(resolve));
    if (this.isDown) throw new Error('the shard is gone');
    // One place that matches methods with their types.
    return this.#answer(shard, method, args as never) as ShardCalls[M]['result'];
  }

  async callAll<M extends keyof ShardCalls>(
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result'][]> {
    return Promise.all(
      Array.from({length: this.count}, (_, shard) => this.call(shard, method, args)),
    );
  }

  durable(shard: number): number {
    return shard === 0 ? this.#feed.length : 0;
  }

  feedFloor(): number {
    return 0;
  }

  readFeed(shard: number, after: number): FeedEntry[] {
    return shard === 0 ? this.#feed.slice(after) : [];
  }

  onCommit(listener: (shard: number, watermark: number, deltas: Uint8Array) => void): void {
    this.#listeners.push(listener);
  }

  /** Those who listened are gone, the feed is not. */
  forgetListeners(): void {
    this.#listeners.length = 0;
  }

  commit(changes: readonly {audience: number; mpid: bigint; action: number; atMs: number}[]): void {
    const writer = new DeltaWriter();
    for (const {audience, mpid, action, atMs} of changes) {
      writer.push(audience, mpidHi(mpid), mpidLo(mpid), 1, action, 0, 0, atMs);
    }
    const deltas = writer.take();
    this.#feed.push({watermark: this.#feed.length + 1, deltas});
    for (const listener of this.#listeners) listener(0, this.#feed.length, deltas);
  }

  #answer<M extends keyof ShardCalls>(shard: number, method: M, args: never): unknown {
    switch (method) {
      case 'define':
        if (shard === 0) this.#define(args);
        return [];
      case 'states':
        if (shard === 0) this.stateCalls++;
        return this.#states(shard);
      case 'members':
        return this.#page(shard, args);
      case 'explain':
        return this.#explain(args);
      case 'profile':
        return this.profiles.get((args as ShardCalls['profile']['args']).mpid);
      default:
        throw new Error(`${method} is not told`);
    }
  }

  #define(args: ShardCalls['define']['args']): void {
    this.defined.push(args);
    for (const audience of args.upsert) this.audiences.set(audience.id, audience);
    for (const id of args.remove) this.audiences.delete(id);
  }

  #explain({audience, mpid}: ShardCalls['explain']['args']): Explanation | undefined {
    const sinceMs = this.members.get(audience)?.get(mpid);
    const isMember = sinceMs !== undefined;
    const explained = this.explained.get(mpid);
    if (explained !== undefined) return {...explained, isMember, sinceMs};
    if (!isMember) return undefined;
    return {atMs: 20, isMember, sinceMs, untilMs: 30, forgottenMs: 40, definition: undefined};
  }

  #states(shard: number): AudienceState[] {
    return [...this.audiences.values()].map(({id, version, active}) => ({
      id,
      version: active && this.progress === 1 ? version : 0,
      size: [...(this.members.get(id)?.keys() ?? [])].filter(mpid => this.shardOf(mpid) === shard)
        .length,
      progress: this.progress,
      failed: this.failed,
    }));
  }

  #page(
    shard: number,
    {audience, after, limit}: ShardCalls['members']['args'],
  ): ShardCalls['members']['result'] {
    const rows = [...(this.members.get(audience) ?? [])]
      .filter(([mpid]) => this.shardOf(mpid) === shard && (after === undefined || mpid > after))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit);
    return {
      mpids: BigInt64Array.from(rows.map(([mpid]) => mpid)),
      sinceMs: Float64Array.from(rows.map(([, sinceMs]) => sinceMs)),
    };
  }
}
