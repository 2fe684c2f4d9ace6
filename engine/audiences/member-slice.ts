/**
 * A long read of an audience with its members' identities, a slice at a time, so that no event waits for
 * more than one slice. Each profile is read whole at one moment; a profile keeps its position while it
 * lives, so nobody who is a member from the first slice to the last is missed or told twice.
 */
import type {Ordinal, ScopeId} from '../ids.ts';
import {mpidFrom} from '../ids.ts';
import type {Shard} from '../shard.ts';
import {isInShare, type Share} from './variants.ts';

export interface SliceQuery {
  readonly audience: number;
  /** Where the slice before ended; 0 for the first. */
  readonly from: Ordinal;
  /** Positions looked at, and members told, at most. */
  readonly positionsMax: number;
  readonly membersMax: number;
  /** Only members that are in all of these. */
  readonly shares: readonly Share[];
  /** Where identities are read. */
  readonly scopes: readonly ScopeId[];
  readonly identities: readonly string[];
}

export interface MemberSlice {
  readonly mpids: BigInt64Array;
  /** Beside them: how many identities each has. */
  readonly identityCounts: Uint32Array;
  /** Of each identity: its type, as a place in the types asked for, and the length of its value. */
  readonly types: Uint8Array;
  readonly lengths: Uint32Array;
  /** All values, one after the other: one string crosses threads faster than thousands. */
  readonly values: string;
  /** Where the next slice starts: at `end` there is none. */
  readonly next: Ordinal;
  readonly end: Ordinal;
}

/** undefined: the audience is not calculated here. */
export function memberSlice(shard: Shard, query: SliceQuery): MemberSlice | undefined {
  const root = shard.audiences.get(query.audience)?.root ?? -1;
  if (root < 0) return undefined;
  const slot = root >> 1;
  const end = shard.table.end;
  const last = Math.min(end, query.from + query.positionsMax);
  const mpids: bigint[] = [];
  const identityCounts: number[] = [];
  const types: number[] = [];
  const values: string[] = [];
  let at = query.from;
  for (; at < last && mpids.length < query.membersMax; at++) {
    if (!shard.table.isLive(at) || !shard.rows.get(at, slot)) continue;
    const hi = shard.table.hi(at);
    const lo = shard.table.lo(at);
    if (!query.shares.every(share => isInShare(share, hi, lo))) continue;
    const before = values.length;
    readIdentities(shard, at, query, {types, values});
    mpids.push(mpidFrom(hi, lo));
    identityCounts.push(values.length - before);
  }
  return {
    mpids: BigInt64Array.from(mpids),
    identityCounts: Uint32Array.from(identityCounts),
    types: Uint8Array.from(types),
    lengths: Uint32Array.from(values, value => value.length),
    values: values.join(''),
    next: Math.min(at, end),
    end,
  };
}

/** In the order of the types asked for; the same value of a type in two scopes is one identity. */
function readIdentities(
  shard: Shard,
  ordinal: Ordinal,
  {scopes, identities}: SliceQuery,
  into: {types: number[]; values: string[]},
): void {
  const data = shard.data(ordinal);
  if (data === undefined) return;
  for (let type = 0; type < identities.length; type++) {
    const first = into.values.length;
    for (const scope of scopes) {
      const value = data.find(scope)?.identity(identities[type]!);
      if (value === undefined || into.values.indexOf(value, first) >= 0) continue;
      into.types.push(type);
      into.values.push(value);
    }
  }
}
