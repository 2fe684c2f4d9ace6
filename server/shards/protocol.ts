/**
 * What the main thread and the shard threads say to one another. One type for each call, so both
 * ends agree at compile time. Everything here survives structured cloning.
 */
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import type {MemberSlice, SliceQuery} from '../../engine/audiences/member-slice.ts';
import type {MembersPage} from '../../engine/audiences/members-page.ts';
import type {Explanation} from '../../engine/explanations/explanation.ts';
import type {Environment, Watermark} from '../../engine/ids.ts';
import type {PollResult} from '../../engine/questions/poll.ts';
import type {AskedDefinition} from '../../engine/questions/question.ts';
import type {ProfileView} from '../../engine/shard-queries.ts';
import type {BallotBox} from '../../storage/count-ballots.ts';
import type {FormerIdentity} from '../../engine/profiles/former-identities.ts';
import type {ErasedEntries} from '../../storage/erased-entries.ts';
import type {ErasureRequest, PendingErasure} from '../../storage/pending-erasures.ts';

export type {ErasedDeltas, ErasedEntries} from '../../storage/erased-entries.ts';
export type {MembersPage} from '../../engine/audiences/members-page.ts';
export type {ProfileScopeView, ProfileView} from '../../engine/shard-queries.ts';

export type ShardAudience = AudienceSpec;

export interface AudienceState {
  readonly id: number;
  /** The version whose members are served; 0 before the first is ready. */
  readonly version: number;
  readonly size: number;
  /** 0–1 of the version being prepared; 1 when none is. */
  readonly progress: number;
  /** Why the newest version cannot be prepared. */
  readonly failed?: string | undefined;
}

export interface FailedAudience {
  readonly id: number;
  /** Why. */
  readonly failed: string;
  /** Those it goes on with. */
  readonly size: number;
}

export interface ShardCalls {
  /**
   * Upserts and removals of audiences; resolves when durable, not when calculated. The result is every
   * audience that cannot be compiled as it is defined now.
   */
  define: {
    args: {upsert: readonly ShardAudience[]; remove: readonly number[]};
    result: readonly FailedAudience[];
  };
  /** Of all audiences, or of those asked for. */
  states: {args: {ids: readonly number[]} | undefined; result: readonly AudienceState[]};
  members: {
    args: {audience: number; after: bigint | undefined; limit: number};
    result: MembersPage;
  };
  /** The same, as of a durable watermark. */
  snapshot: {
    args: ShardCalls['members']['args'];
    result: MembersPage & {watermark: Watermark};
  };
  /** undefined: the audience is not calculated here. */
  memberSlice: {args: SliceQuery; result: ShardSlice | undefined};
  /** A few members as if drawn by lot, lowest hash of the mpid first. */
  memberSample: {args: {audience: number; limit: number}; result: MembersPage};
  /** Profiles by the exact set of audiences they are in: entry `set` has the audiences whose positions are its bits. */
  overlaps: {args: {audiences: readonly number[]}; result: Float64Array};
  /** How many a definition would have, in all and by criterion; nothing is saved. */
  poll: {args: AskedDefinition; result: ShardPoll | FailedPoll};
  profile: {args: {mpid: bigint}; result: ProfileView | undefined};
  profiles: {args: {mpids: readonly bigint[]}; result: readonly (ProfileView | undefined)[]};
  /** undefined: there is no such profile. */
  explain: {args: {audience: number; mpid: bigint}; result: Explanation | undefined};
  /** Identities that profiles of deltas have no longer; undefined: none are known. */
  former: {
    args: {asked: readonly {mpid: bigint; watermark: Watermark}[]};
    result: readonly (FormerView | undefined)[];
  };
  /** User attributes whose changes become attribute_update deltas, in the order of their indexes. */
  watch: {args: {attributes: readonly string[]}; result: undefined};
  /** False: there is no such profile. */
  erase: {args: {mpid: bigint; by: ErasureRequest}; result: boolean};
  /** Those of which something may be left in the journal, the sample or the feed. */
  erasures: {args: undefined; result: readonly PendingErasure[]};
  /** Takes what is left of the erased out of the first of these entries; says how many that were. */
  removeErased: {args: ErasedEntries; result: {records: number; deltas: number}};
  /** Nothing is left of them. */
  endErasures: {args: {watermarks: readonly Watermark[]}; result: undefined};
  stats: {args: undefined; result: ShardStats};
  /** Identities claimed in journal entries after a watermark, for the directory to catch up with. */
  claims: {args: {after: Watermark}; result: readonly IdentityClaims[]};
  /** Writes what is dirty and closes; the shard answers nothing after it. */
  stop: {args: undefined; result: undefined};
}

export interface FormerView {
  readonly identities: readonly FormerIdentity[];
  /** The profile of then is gone; somebody new may have its mpid. */
  readonly isGone: boolean;
}

export interface ShardPoll extends PollResult {
  /** Where the journal is asked for what the ballots leave open. */
  readonly box: Omit<BallotBox, 'ballots'>;
  /** Everybody who is open was asked, not just the sample. */
  readonly isComplete: boolean;
}

export interface FailedPoll {
  readonly failed: string;
}

export interface ShardSlice extends MemberSlice {
  /** When it was read. */
  readonly atMs: number;
  /** Tells one life of the shard's thread from the next: positions mean nothing across lives. */
  readonly life: number;
}

/** What one journal entry says about who has which identity. */
export interface IdentityClaims {
  readonly watermark: Watermark;
  readonly claims: readonly {
    readonly environment: Environment;
    readonly type: string;
    readonly value: string | undefined;
    readonly mpid: bigint;
    readonly sequence: number;
  }[];
}

export interface ShardStats {
  readonly profiles: number;
  readonly events: number;
  readonly predicatesAsked: number;
  readonly criteriaEvaluated: number;
  readonly nodesEvaluated: number;
  readonly flips: number;
  readonly deltas: number;
  readonly timers: number;
  readonly historyBytes: number;
  readonly factBytes: number;
  readonly membershipBytes: number;
  readonly truthBytes: number;
  readonly columnBytes: number;
  /** Facts that a profile's bounds left no place for. */
  readonly factsRefused: number;
  /** Active audiences that cannot be compiled as they are defined. */
  readonly failedAudiences: number;
}

export interface FeedEntry {
  readonly watermark: Watermark;
  /** Records of engine/deltas.ts. */
  readonly deltas: Uint8Array;
}

/** What the rest of the server sees of the shards; `shard-pool.ts` implements it. */
export interface Shards {
  readonly count: number;
  shardOf(mpid: bigint): number;
  call<M extends keyof ShardCalls>(
    shard: number,
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result']>;
  callAll<M extends keyof ShardCalls>(
    method: M,
    args: ShardCalls[M]['args'],
  ): Promise<ShardCalls[M]['result'][]>;
  /** Newest durable watermark of a shard. */
  durable(shard: number): Watermark;
  /** Oldest watermark from which the feed can be read on: a cursor below it has lost deltas. */
  feedFloor(shard: number): Watermark;
  /** Entries with deltas after `after`, in order, whole entries until about `bytesMax`. From disk, synchronous. */
  readFeed(shard: number, after: Watermark, bytesMax: number): FeedEntry[];
  /** Told after every durable commit, in order for each shard; `deltas` may be empty. */
  onCommit(listener: (shard: number, watermark: Watermark, deltas: Uint8Array) => void): void;
}
