/**
 * From when on the truth of a criterion can be told from what is kept. Events leave when they pass the
 * retention, some histories keep the latest few, and of facts only the last word is known: what was before
 * that, nobody can say any more.
 */
import {unreachable} from '../assert.ts';
import type {EventWindow} from '../criteria/bound-criterion.ts';
import {HistoryWindowTruth} from '../criteria/criterion-truth.ts';
import type {ScopeId} from '../ids.ts';
import type {Leaf, LeafHistory} from './leaf.ts';
import type {Present} from './present.ts';
import {saidMs} from './said-ms.ts';

/** −Infinity: always. Never after the present, which is certain. */
export function certainFromMs(leaf: Leaf, present: Present): number {
  return Math.min(present.atMs, certainMs(leaf, present));
}

function certainMs({bound, histories}: Leaf, present: Present): number {
  const {data, eventRetentionMs} = present;
  switch (bound.kind) {
    case 'population':
      return -Infinity;
    case 'window':
      return emptiedMs(knownFromMs(histories[0]!, present), bound.window, eventRetentionMs);
    case 'cart':
      return cartCertainMs(histories, present);
    case 'sequence':
      return latest(histories.map(history => knownFromMs(history, present))) + eventRetentionMs;
    case 'calculated':
      return latest(
        bound.calculations.map(({scope, window}, at) => {
          const knownMs = emptiedMs(knownFromMs(histories[at]!, present), window, eventRetentionMs);
          return Math.max(metMs(scope, present), knownMs);
        }),
      );
    case 'profile': {
      const {criterion, scopes} = bound;
      return latest(
        data.scopes
          .filter(({scope}) => scopes.includes(scope))
          .map(scope => Math.max(scope.firstMs, saidMs(criterion, scope, data) ?? -Infinity)),
      );
    }
    default:
      return unreachable(bound);
  }
}

/**
 * The answer that needs no more than the entries that are known: those that are not can only confirm it.
 * undefined: neither does.
 */
export function provenAnswer({truth, bound}: Leaf): boolean | undefined {
  if (bound.kind === 'sequence') return true;
  if (!(truth instanceof HistoryWindowTruth)) return undefined;
  const {threshold} = truth.window;
  return threshold && !threshold.negated;
}

/** Every event of the history from this time on is an entry. */
function knownFromMs({id, spec}: LeafHistory, present: Present): number {
  const {slab, data, atMs, eventRetentionMs} = present;
  const firstMs = earliest(
    data.scopes.filter(({scope}) => spec.filter.scopes.includes(scope)).map(scope => scope.firstMs),
  );
  const isLocated = slab.locate(id) && slab.entryCount > 0;
  const oldestMs = isLocated ? slab.words[slab.entryAt]! : Infinity;
  // Entries go from the front, so where there is one there is all that came after it.
  const retainedMs = Math.min(atMs - eventRetentionMs, oldestMs);
  const fromMs = firstMs >= retainedMs ? -Infinity : retainedMs;
  if (!isLocated || slab.lowerBound(atMs + 1) < spec.keep) return fromMs;
  return Math.max(fromMs, oldestMs + 1);
}

/** From when on a window looks at nothing before `knownMs`. */
function emptiedMs(knownMs: number, window: EventWindow, eventRetentionMs: number): number {
  if (window.kind === 'sliding') return knownMs + window.olderMs;
  return window.fromMs >= knownMs ? -Infinity : knownMs + eventRetentionMs;
}

/** From the first known add to cart on, only what came after it matters. */
function cartCertainMs(histories: readonly LeafHistory[], present: Present): number {
  const {slab, atMs, eventRetentionMs} = present;
  const knownMs = latest(histories.map(history => knownFromMs(history, present)));
  const emptyMs = knownMs + eventRetentionMs;
  if (!slab.locate(histories[0]!.id) || slab.isMoving) return emptyMs;
  const first = slab.lowerBound(knownMs);
  if (first >= slab.lowerBound(atMs + 1)) return emptyMs;
  return Math.min(emptyMs, slab.words[slab.entryAt + first * slab.width]!);
}

/** When the workspace met the profile; −Infinity: it never did. */
function metMs(scope: ScopeId, {data}: Present): number {
  return data.find(scope)?.firstMs ?? -Infinity;
}

function latest(moments: readonly number[]): number {
  return Math.max(-Infinity, ...moments);
}

function earliest(moments: readonly number[]): number {
  return Math.min(Infinity, ...moments);
}
