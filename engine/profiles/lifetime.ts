/**
 * What time alone does to a profile: events from the future are reached, and a profile without
 * activity for longer than the retention is over. Both are timers among the profile's histories.
 */
import {TIMES} from '../histories/history-slab.ts';
import type {ShardState} from '../shard-state.ts';
import type {ProfileData, ScopeData} from './profile-data.ts';

/** History without entries: due when the profile may have gone without activity for too long. */
export const EXPIRY = 1;
/** History without entries: due when an event from the future has its time. */
export const FUTURE = 2;

/** Of the opened profile. Life only gets longer, so an expiry that is armed too early only asks again. */
export function armLifetime({slab, options}: ShardState, data: ProfileData): void {
  slab.locateOrAdd(EXPIRY, TIMES);
  slab.due = data.activityMs() + options.profileRetentionMs + 1;
  const futureMs = data.nextFutureMs();
  if (futureMs !== Infinity) slab.locateOrAdd(FUTURE, TIMES);
  else if (!slab.locate(FUTURE)) return;
  slab.due = futureMs;
}

export function hasExpired(state: ShardState, data: ProfileData, nowMs: number): boolean {
  if (data.scopes.length === 0) return false;
  if (data.activityMs() + state.options.profileRetentionMs >= nowMs) return false;
  return endsMs(state, data) <= nowMs;
}

/**
 * When it will have been without activity for too long if nothing more comes. An event whose time comes while
 * the profile lives, or as it would go, prolongs its life.
 */
export function endsMs({options}: Pick<ShardState, 'options'>, data: ProfileData): number {
  let activityMs = data.activityMs();
  const coming = data.scopes.flatMap(scope => scope.future.map(event => event.timeMs));
  for (const timeMs of coming.sort((a, b) => a - b)) {
    if (timeMs > activityMs + options.profileRetentionMs + 1) break;
    activityMs = Math.max(activityMs, timeMs);
  }
  return activityMs + options.profileRetentionMs + 1;
}

/** Tells what of each scope was reached; those events then count for what is known of the profile. */
export function reachFuture(
  data: ProfileData,
  atMs: number,
  reached: (scope: ScopeData, topic: 'seen' | 'attribution') => void,
): void {
  for (const scope of data.scopes) {
    while (scope.future.length > 0 && scope.future[0]!.timeMs <= atMs) {
      if (scope.noteEvent(scope.takeFuture()!)) reached(scope, 'attribution');
      reached(scope, 'seen');
    }
  }
}
