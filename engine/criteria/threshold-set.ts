/**
 * The criteria of one history that ask for "at least n in the last w": nearly all there are. With the
 * entries in order of time the answer is one look: the nth latest is young enough, or it is not. So they are
 * kept as columns and asked in one loop.
 */
import type {Criterion} from './criteria-table.ts';
import {HistoryWindowTruth} from './criterion-truth.ts';

export class ThresholdSet {
  count = 0;
  slots = new Int32Array(0);
  atLeast = new Int32Array(0);
  olderMs = new Float64Array(0);
  /** 1 for "fewer than n". */
  negated = new Uint8Array(0);
  /** Those of another form. */
  readonly others: Criterion[] = [];

  /** `isPlain`: every entry of the history counts at every time, and has no value. */
  constructor(criteria: readonly Criterion[], {isPlain}: {isPlain: boolean}) {
    const simple: Criterion[] = [];
    for (const criterion of criteria) {
      if (!isPlain || thresholdOf(criterion) === undefined) this.others.push(criterion);
      else simple.push(criterion);
    }
    this.count = simple.length;
    this.slots = Int32Array.from(simple, criterion => criterion.slot);
    this.atLeast = Int32Array.from(simple, criterion => thresholdOf(criterion)!.atLeast);
    this.olderMs = Float64Array.from(simple, criterion => thresholdOf(criterion)!.olderMs);
    this.negated = Uint8Array.from(simple, criterion => (thresholdOf(criterion)!.negated ? 1 : 0));
  }
}

function thresholdOf({
  truth,
}: Criterion): {atLeast: number; olderMs: number; negated: boolean} | undefined {
  return truth instanceof HistoryWindowTruth ? truth.window.threshold : undefined;
}
