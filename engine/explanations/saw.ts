/** What a criterion saw of a profile. */
import {unreachable} from '../assert.ts';
import type {EventWindow} from '../criteria/bound-criterion.ts';
import {CalculatedTruth} from '../criteria/calculated-truth.ts';
import {HistoryWindowTruth, ScopedProfileTruth} from '../criteria/criterion-truth.ts';
import {SequenceTruth} from '../criteria/sequence-truth.ts';
import {workspaceOf} from '../ids.ts';
import type {Saw, SawCart, SawEvents, SawValues} from './explanation.ts';
import type {Leaf, LeafHistory} from './leaf.ts';
import type {Present} from './present.ts';
import {saidMs} from './said-ms.ts';

/** undefined: nothing is known. */
export function sawOf({bound, truth, histories}: Leaf, present: Present): Saw | undefined {
  const {slab, data, atMs} = present;
  truth?.evaluate(slab, data, atMs);
  switch (bound.kind) {
    case 'population':
      return undefined;
    case 'window': {
      if (!(truth instanceof HistoryWindowTruth)) return undefined;
      const {measured} = truth.window;
      return {...sawEvents(histories[0]!, bound.window, present), measured};
    }
    case 'cart':
      return truth && sawCart(histories, present);
    case 'sequence': {
      if (!(truth instanceof SequenceTruth)) return undefined;
      const {reachedSteps: reached, lastMs} = truth;
      return {kind: 'sequence', steps: bound.steps.length, reached, lastMs};
    }
    case 'calculated': {
      if (!(truth instanceof CalculatedTruth)) return undefined;
      const known = truth.values.filter(({scope}) => data.find(scope) !== undefined);
      const values = known.map(({scope, calculated: {value, lastMs}}) => ({
        workspace: workspaceOf(scope),
        value,
        saidMs: Number.isNaN(lastMs) ? undefined : lastMs,
      }));
      return {kind: 'values', values};
    }
    case 'profile': {
      if (!(truth instanceof ScopedProfileTruth)) return undefined;
      const values = data.scopes
        .filter(({scope}) => bound.scopes.includes(scope))
        .map((scope): SawValues['values'][number] => ({
          workspace: workspaceOf(scope.scope),
          value: truth.truth.value(scope),
          saidMs:
            bound.criterion.kind === 'identity' ? undefined : saidMs(bound.criterion, scope, data),
        }));
      return {kind: 'values', values};
    }
    default:
      return unreachable(bound);
  }
}

function sawEvents(
  history: LeafHistory,
  window: EventWindow,
  {slab, atMs, eventRetentionMs}: Present,
): Omit<SawEvents, 'measured'> {
  const times: number[] = [];
  let latestMs: number | undefined;
  let isFull = false;
  if (slab.locate(history.id)) {
    const end = slab.lowerBound(atMs + 1);
    isFull = end >= history.spec.keep;
    for (let i = slab.lowerBound(atMs - eventRetentionMs); i < end; i++) {
      if (!slab.counts(i, atMs)) continue;
      latestMs = slab.words[slab.entryAt + i * slab.width]!;
      if (isInside(window, latestMs, atMs)) times.push(latestMs);
    }
  }
  return {
    kind: 'events',
    // The oldest that is kept is inside: those before it may be too.
    orMore: isFull && times.length >= history.spec.keep,
    count: times.length,
    firstMs: times[0],
    lastMs: times.at(-1),
    latestMs,
  };
}

function isInside(window: EventWindow, timeMs: number, atMs: number): boolean {
  return window.kind === 'sliding'
    ? atMs - window.olderMs <= timeMs && timeMs <= atMs - window.newerMs
    : window.fromMs <= timeMs && timeMs < window.toMs;
}

function sawCart(
  [added, until]: readonly LeafHistory[],
  {slab, atMs, eventRetentionMs}: Present,
): SawCart {
  let addedMs: number | undefined;
  if (added !== undefined && slab.locate(added.id)) {
    for (let i = slab.lowerBound(atMs - eventRetentionMs); i < slab.lowerBound(atMs + 1); i++) {
      if (slab.counts(i, atMs)) addedMs = slab.words[slab.entryAt + i * slab.width]!;
    }
  }
  let endedMs: number | undefined;
  if (addedMs !== undefined && until !== undefined && slab.locate(until.id)) {
    const after = slab.lowerBound(addedMs + 1);
    if (after < slab.lowerBound(atMs + 1)) {
      endedMs = slab.words[slab.entryAt + after * slab.width]!;
    }
  }
  return {kind: 'cart', addedMs, endedMs};
}
