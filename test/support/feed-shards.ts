import {ACTIONS, CAUSES, DeltaReader, DeltaWriter} from '../../engine/deltas.ts';
import {mpidFrom, mpidHi, mpidLo, type Watermark} from '../../engine/ids.ts';
import type {
  FeedEntry,
  FormerView,
  ProfileView,
  ShardCalls,
  Shards,
} from '../../server/shards/protocol.ts';

export interface FeedChange {
  readonly audience: number;
  readonly mpid: bigint;
  readonly action: 'add' | 'delete' | 'attribute_update';
  readonly atMs?: number;
  readonly cause?: 'event' | 'time' | 'definition' | 'profile';
  readonly version?: number;
  readonly attribute?: number;
}

/** An entry as tests read it. */
export interface LoggedChange {
  readonly shard: number;
  readonly watermark: Watermark;
  readonly index: number;
  readonly audience: number;
  readonly mpid: bigint;
  readonly action: 'add' | 'delete' | 'attribute_update';
  readonly atMs: number;
}

/**
 * Shards that keep a feed and members in memory and know nothing of events: a test says what changes.
 * Answers come as late as the real ones: a call is looked at in a later turn of the loop, and answered
 * in one later still.
 */
export class FeedShards implements Shards {
  readonly count: number;
  readonly profiles = new Map<bigint, ProfileView>();
  readonly former = new Map<bigint, FormerView>();
  readonly watched: string[][] = [];
  readonly log: LoggedChange[] = [];
  /** Called between the turns of a call, where other things happen in real life. */
  onCallTurn: () => void = () => undefined;
  diskReads = 0;
  readonly #entries: FeedEntry[][] = [];
  readonly #watermarks: Watermark[] = [];
  readonly #told: Watermark[] = [];
  readonly #floors: Watermark[] = [];
  readonly #members: Map<number, Map<bigint, number>>[] = [];
  readonly #listeners: ((shard: number, watermark: Watermark, deltas: Uint8Array) => void)[] = [];

  constructor(count: number) {
    this.count = count;
    for (let shard = 0; shard < count; shard++) {
      this.#entries.push([]);
      this.#watermarks.push(0);
      this.#told.push(0);
      this.#floors.push(0);
      this.#members.push(new Map());
    }
  }

  shardOf(mpid: bigint): number {
    return Number(BigInt.asUintN(64, mpid) % BigInt(this.count));
  }

  durable(shard: number): Watermark {
    return this.#told[shard] ?? 0;
  }

  feedFloor(shard: number): Watermark {
    return this.#floors[shard] ?? 0;
  }

  readFeed(shard: number, after: Watermark, bytesMax: number): FeedEntry[] {
    this.diskReads++;
    const found: FeedEntry[] = [];
    let bytes = 0;
    const entries = this.#entries[shard] ?? [];
    const start = entries.findIndex(({watermark}) => watermark > after);
    for (let at = start; at >= 0 && at < entries.length && bytes < bytesMax; at++) {
      const entry = entries[at];
      if (entry === undefined) break;
      found.push({watermark: entry.watermark, deltas: entry.deltas.slice()});
      bytes += entry.deltas.length;
    }
    return found;
  }

  onCommit(listener: (shard: number, watermark: Watermark, deltas: Uint8Array) => void): void {
    this.#listeners.push(listener);
  }

  /** Changes of one shard as one journal entry: on disk at once, and told. */
  commit(shard: number, changes: readonly FeedChange[]): Watermark {
    const entry = this.write(shard, changes);
    this.tell(shard, entry);
    return entry.watermark;
  }

  /** On disk, but not told yet. */
  write(shard: number, changes: readonly FeedChange[]): FeedEntry {
    const watermark = (this.#watermarks[shard] ?? 0) + 1;
    this.#watermarks[shard] = watermark;
    const writer = new DeltaWriter();
    changes.forEach((change, index) => {
      const {audience, mpid, action} = change;
      const atMs = change.atMs ?? watermark * 1000 + index;
      writer.push(
        audience,
        mpidHi(mpid),
        mpidLo(mpid),
        change.version ?? 1,
        ACTIONS.indexOf(action),
        CAUSES.indexOf(change.cause ?? 'event'),
        change.attribute ?? 0,
        atMs,
      );
      const members = this.membersIn(shard, audience);
      if (action === 'add') members.set(mpid, atMs);
      if (action === 'delete') members.delete(mpid);
      this.log.push({shard, watermark, index, audience, mpid, action, atMs});
    });
    const entry = {watermark, deltas: writer.take()};
    if (entry.deltas.length > 0) this.#entries[shard]?.push(entry);
    return entry;
  }

  tell(shard: number, entry: FeedEntry): void {
    this.#told[shard] = entry.watermark;
    for (const listener of this.#listeners) listener(shard, entry.watermark, entry.deltas);
  }

  /** Records as they are, for benchmarks: on disk and told, with no members kept. */
  tellRaw(shard: number, deltas: Uint8Array): void {
    const watermark = (this.#watermarks[shard] ?? 0) + 1;
    this.#watermarks[shard] = watermark;
    this.#entries[shard]?.push({watermark, deltas});
    this.tell(shard, {watermark, deltas});
  }

  /** Each change to the shard of its profile, one entry for each shard. */
  change(changes: readonly FeedChange[]): void {
    for (let shard = 0; shard < this.count; shard++) {
      const mine = changes.filter(({mpid}) => this.shardOf(mpid) === shard);
      if (mine.length > 0) this.commit(shard, mine);
    }
  }

  add(audience: number, ...mpids: bigint[]): void {
    this.change(mpids.map(mpid => ({audience, mpid, action: 'add'})));
  }

  delete(audience: number, ...mpids: bigint[]): void {
    this.change(mpids.map(mpid => ({audience, mpid, action: 'delete'})));
  }

  /** Everything up to the watermark is past its retention. */
  cut(shard: number, floor: Watermark): void {
    this.#floors[shard] = floor;
    this.#entries[shard] = (this.#entries[shard] ?? []).filter(({watermark}) => watermark > floor);
  }

  membersIn(shard: number, audience: number): Map<bigint, number> {
    const byAudience = this.#members[shard] ?? new Map<number, Map<bigint, number>>();
    let members = byAudience.get(audience);
    if (members === undefined) {
      members = new Map();
      byAudience.set(audience, members);
    }
    return members;
  }

  members(audience: number): bigint[] {
    const all: bigint[] = [];
    for (let shard = 0; shard < this.count; shard++) {
      all.push(...this.membersIn(shard, audience).keys());
    }
    return all.toSorted((a, b) => (a < b ? -1 : 1));
  }

  async call<M extends keyof ShardCalls>(
    shard: number,
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']> {
    await this.#turn();
    const answer = this.#answer(shard, {method, args});
    await this.#turn();
    // The method decides the type, which the compiler cannot follow through the switch.
    return answer as ShardCalls[M]['result'];
  }

  async callAll<M extends keyof ShardCalls>(
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result'][]> {
    const answers: ShardCalls[M]['result'][] = [];
    for (let shard = 0; shard < this.count; shard++) {
      answers.push(await this.call(shard, method, args));
    }
    return answers;
  }

  async #turn(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    this.onCallTurn();
  }

  #answer(shard: number, {method, args}: {method: keyof ShardCalls; args: unknown}): unknown {
    switch (method) {
      case 'snapshot': {
        const {audience, after, limit} = args as ShardCalls['snapshot']['args'];
        const members = this.membersIn(shard, audience);
        const mpids = BigInt64Array.from(members.keys())
          .toSorted()
          .filter(mpid => after === undefined || mpid > after)
          .slice(0, limit);
        const sinceMs = Float64Array.from(mpids, mpid => members.get(mpid) ?? NaN);
        return {mpids, sinceMs, watermark: this.#watermarks[shard] ?? 0};
      }
      case 'profiles': {
        const {mpids} = args as ShardCalls['profiles']['args'];
        return mpids.map(mpid => this.profiles.get(mpid));
      }
      case 'former': {
        const {asked} = args as ShardCalls['former']['args'];
        return asked.map(({mpid}) => this.former.get(mpid));
      }
      case 'watch': {
        const {attributes} = args as ShardCalls['watch']['args'];
        this.watched.push([...attributes]);
        return undefined;
      }
      default:
        throw new Error(`a test shard does not answer ${method}`);
    }
  }
}

/** What a delta record says, for tests that read raw feeds. */
export function readChanges(bytes: Uint8Array): {audience: number; mpid: bigint; action: string}[] {
  const reader = new DeltaReader(bytes);
  return Array.from({length: reader.count}, (_, index) => ({
    audience: reader.audience(index),
    mpid: mpidFrom(reader.mpidHi(index), reader.mpidLo(index)),
    action: ACTIONS[reader.action(index)] ?? '',
  }));
}
