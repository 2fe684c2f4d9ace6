/** Windows of time: whether an instant lies in one now, and when that will next be different. */
import type {When} from '../definitions/definition.ts';

export function windowHolds(when: When, timeMs: number, nowMs: number): boolean {
  switch (when.kind) {
    case 'always':
      return true;
    case 'sliding':
      return nowMs - when.olderMs <= timeMs && timeMs <= nowMs - when.newerMs;
    case 'fixed':
      return when.fromMs <= timeMs && timeMs < when.toMs;
  }
}

/**
 * The first millisecond after nowMs at which windowHolds gives another answer, Infinity if there is
 * none. A sliding window is entered at time + newer and left one millisecond past time + older,
 * because it is closed at both ends.
 */
export function windowChangesAtMs(when: When, timeMs: number, nowMs: number): number {
  if (when.kind !== 'sliding') return Infinity;
  const entersMs = Math.ceil(timeMs + when.newerMs);
  const leavesMs = Math.floor(timeMs + when.olderMs) + 1;
  if (entersMs >= leavesMs) return Infinity;
  if (nowMs < entersMs) return entersMs;
  return nowMs < leavesMs ? leavesMs : Infinity;
}
