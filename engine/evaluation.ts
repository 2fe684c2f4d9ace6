/** Asks criteria of the opened profile and flips those whose truth has changed. */
import type {Criterion, History} from './criteria/criteria-table.ts';
import type {ThresholdSet} from './criteria/threshold-set.ts';
import {TIMES} from './histories/history-slab.ts';
import type {ProfileData} from './profiles/profile-data.ts';
import type {ShardState} from './shard-state.ts';

/** Asks the criteria over one history, which an event or nothing but time has touched, and sets its due. */
export function evaluateHistory(
  state: ShardState,
  data: ProfileData,
  history: History,
  nowMs: number,
): void {
  const {slab, rows, propagation} = state;
  const set = state.criteria.thresholdsOf(history);
  let due = Infinity;
  for (let i = 0; i < set.others.length; i++) {
    const {truth, slot} = set.others[i]!;
    state.work.criteria++;
    truth.evaluate(slab, data, nowMs);
    if (truth.nextMs < due) due = truth.nextMs;
    if (truth.holds !== (rows.bit(slot) === 1)) propagation.flip(slot, truth.holds);
  }
  if (slab.locate(history.id)) slab.due = Math.min(due, evaluateThresholds(state, set, nowMs));
}

/** Hot: for each history that an event or a lapse touches. Returns the due of the located history. */
function evaluateThresholds(state: ShardState, set: ThresholdSet, nowMs: number): number {
  const {slab, rows, propagation} = state;
  const {count, slots, atLeast, olderMs, negated} = set;
  if (count === 0) return Infinity;
  state.work.criteria += count;
  const {words, entryAt, entryCount} = slab;
  // Entries are in order of time, so those from the future are last.
  let end = entryCount;
  while (end > 0 && words[entryAt + end - 1]! > nowMs) end--;
  let due = end < entryCount ? words[entryAt + end]! : Infinity;
  const bits = rows.words;
  const {base} = rows;
  for (let i = 0; i < count; i++) {
    const n = atLeast[i]!;
    let reached = 0;
    if (n <= end) {
      const lastsMs = words[entryAt + end - n]! + olderMs[i]!;
      if (lastsMs >= nowMs) {
        reached = 1;
        if (lastsMs < due) due = lastsMs + 1;
      }
    }
    const slot = slots[i]!;
    const holds = reached ^ negated[i]!;
    if (((bits[base + (slot >>> 5)]! >>> (slot & 31)) & 1) !== holds) {
      propagation.flip(slot, holds === 1);
    }
  }
  return due;
}

/** A criterion on what is known of the profile. */
export function evaluateCriterion(
  state: ShardState,
  data: ProfileData,
  criterion: Criterion,
  nowMs: number,
): void {
  const {truth, slot, histories} = criterion;
  const {slab, rows, propagation} = state;
  state.work.criteria++;
  truth.evaluate(slab, data, nowMs);
  if (truth.holds !== (rows.bit(slot) === 1)) propagation.flip(slot, truth.holds);
  if (histories.length === 0) return;
  const timer = histories[0]!;
  const history = state.criteria.history(timer);
  if (truth.nextMs !== Infinity) slab.locateOrAdd(timer, history?.shape ?? TIMES);
  else if (!slab.locate(timer)) return;
  // Events of other criteria may be waited for there too.
  slab.due = history?.spec === undefined ? truth.nextMs : Math.min(slab.due, truth.nextMs);
}

/** Gives new nodes their bits in the opened row, children before parents, and criteria their dues. */
export function fillNodes(
  state: ShardState,
  data: ProfileData,
  nodes: readonly number[],
  nowMs: number,
): void {
  const {rows, slab, graph, criteria, propagation} = state;
  for (const slot of nodes) {
    if (!graph.isCriterion(slot)) {
      rows.set(slot, propagation.evaluate(slot));
      continue;
    }
    const criterion = criteria.find(slot);
    // A held audience's: its members are what they were.
    if (criterion === undefined) continue;
    const {truth, histories} = criterion;
    truth.evaluate(slab, data, nowMs);
    rows.set(slot, truth.holds);
    if (truth.nextMs === Infinity || histories.length === 0) continue;
    const history = histories[0]!;
    slab.locateOrAdd(history, criteria.history(history)?.shape ?? TIMES);
    slab.due = Math.min(slab.due, truth.nextMs);
  }
}
