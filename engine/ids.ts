/**
 * Ids and small closed vocabularies that every layer shares.
 *
 * An mpid is a signed 64-bit integer. Outside it is a decimal string; at the edge of the server a
 * bigint; inside the engine two 32-bit halves, because a bigint is a heap object.
 */
export type Mpid = bigint;

/** Bit position of a profile inside one shard. Reused after erasure. */
export type Ordinal = number;

/** One per journal entry, per shard, ascending from 1. */
export type Watermark = number;

/**
 * Where data lives: one workspace, one environment. Production and development data of a
 * workspace are two scopes, so neither is ever seen by an audience of the other.
 */
export type ScopeId = number;

export type Environment = 'production' | 'development';

export function scopeOf(workspaceId: number, environment: Environment): ScopeId {
  return workspaceId * 2 + (environment === 'development' ? 1 : 0);
}

export function workspaceOf(scope: ScopeId): number {
  return scope >> 1;
}

export function environmentOf(scope: ScopeId): Environment {
  return (scope & 1) === 1 ? 'development' : 'production';
}

export function mpidHi(mpid: Mpid): number {
  return Number(BigInt.asIntN(32, mpid >> 32n));
}

/** The low half as an unsigned 32-bit number. */
export function mpidLo(mpid: Mpid): number {
  return Number(BigInt.asUintN(32, mpid));
}

/** hi is signed, lo unsigned. */
export function mpidFrom(hi: number, lo: number): Mpid {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}
