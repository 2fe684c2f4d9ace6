/**
 * Whether a measure over the entries of a history inside a window meets its comparison, and when that
 * may change with no new event. An entry at t is inside while `lo ≤ t ≤ hi`: it enters a sliding window
 * at `t + newerMs` and is outside again from `t + olderMs + 1`; every entry is outside once it is older
 * than the event retention.
 *
 * Works on the located history of the slab. Answers go into fields, not objects: this runs for every
 * history that an event touches.
 */
import {unreachable} from '../assert.ts';
import type {Compare, Measure} from '../definitions/definition.ts';
import type {HistorySlab} from '../histories/history-slab.ts';
import {compareNumber} from '../values/compare-number.ts';
import type {EventWindow} from './bound-criterion.ts';
import {ExactSum} from './exact-sum.ts';

export class WindowTruth {
  /** "At least this many" when the comparison is of that form (or its negation), else −1. */
  readonly atLeast: number;
  readonly #negated: boolean;
  readonly #window: EventWindow;
  readonly #measure: Measure['function'];
  readonly #compare: Compare;
  readonly #retentionMs: number;

  holds = false;
  /** The earliest moment after now at which `holds` may change; Infinity when it cannot. Never late. */
  nextMs = Infinity;
  /** What the comparison was made with; undefined when there is no value. */
  measured: number | undefined;

  constructor(
    window: EventWindow,
    measure: Measure['function'],
    compare: Compare,
    retentionMs: number,
  ) {
    this.#window = window;
    this.#measure = measure;
    this.#compare = compare;
    this.#retentionMs = retentionMs;
    const form = measure === 'count' ? thresholdOf(compare) : undefined;
    this.atLeast = form?.atLeast ?? -1;
    this.#negated = form?.negated ?? false;
  }

  /** Of a criterion on the latest entries alone: the nth latest is at most `olderMs` old, or it is not. */
  get threshold(): {atLeast: number; olderMs: number; negated: boolean} | undefined {
    const window = this.#window;
    if (this.atLeast < 1 || window.kind !== 'sliding' || window.newerMs !== 0) return undefined;
    return {atLeast: this.atLeast, olderMs: window.olderMs, negated: this.#negated};
  }

  /** For a profile without the history. */
  evaluateEmpty(): void {
    this.nextMs = Infinity;
    this.measured =
      this.#measure === 'count' || this.#measure === 'sum' || this.#measure === 'distinct'
        ? 0
        : undefined;
    this.holds = this.measured !== undefined && compareNumber(this.#compare, this.measured);
  }

  evaluate(slab: HistorySlab, nowMs: number): void {
    const window = this.#window;
    const entries = slab.entryCount;
    if (entries === 0) {
      this.evaluateEmpty();
      return;
    }
    const sliding = window.kind === 'sliding';
    const keptMs = this.#retentionMs;
    const loMs = sliding ? nowMs - window.olderMs : Math.max(window.fromMs, nowMs - keptMs);
    const hiMs = sliding ? nowMs - window.newerMs : Math.min(window.toMs - 1, nowMs);
    const first = slab.lowerBound(loMs);
    const end = slab.lowerBound(hiMs + 1);
    const inside = Math.max(0, end - first);
    if (slab.isMoving) {
      this.#evaluateMoving(slab, {first, end: first + inside, entries, nowMs});
      return;
    }
    const {words, entryAt, width} = slab;
    const leavesAfterMs = (sliding ? window.olderMs : keptMs) + 1;
    const entersAfterMs = sliding ? window.newerMs : 0;
    if (this.atLeast >= 0) {
      const reached = inside >= this.atLeast;
      this.holds = reached !== this.#negated;
      this.measured = inside;
      if (reached) {
        this.nextMs =
          this.atLeast === 0
            ? Infinity
            : words[entryAt + (first + inside - this.atLeast) * width]! + leavesAfterMs;
      } else {
        const needed = end + this.atLeast - inside - 1;
        this.nextMs = needed < entries ? this.#entry(slab, needed, entersAfterMs) : Infinity;
      }
      return;
    }
    this.nextMs = inside > 0 ? words[entryAt + first * width]! + leavesAfterMs : Infinity;
    if (end < entries) this.nextMs = Math.min(this.nextMs, this.#entry(slab, end, entersAfterMs));
    this.measured =
      this.#measure === 'count' ? inside : this.#measureOver(slab, range(first, first + inside));
    this.holds = this.measured !== undefined && compareNumber(this.#compare, this.measured);
  }

  /** Entries count only from time to time: those inside that count now are measured, one by one. */
  #evaluateMoving(
    slab: HistorySlab,
    {first, end, entries, nowMs}: {first: number; end: number; entries: number; nowMs: number},
  ): void {
    const window = this.#window;
    const sliding = window.kind === 'sliding';
    const leavesAfterMs = (sliding ? window.olderMs : this.#retentionMs) + 1;
    this.nextMs = slab.nextCountingMs(nowMs);
    if (first < end) {
      const oldestMs = slab.words[slab.entryAt + first * slab.width]!;
      this.nextMs = Math.min(this.nextMs, oldestMs + leavesAfterMs);
    }
    if (end < entries) {
      this.nextMs = Math.min(this.nextMs, this.#entry(slab, end, sliding ? window.newerMs : 0));
    }
    const counting: number[] = [];
    for (let i = first; i < end; i++) if (slab.counts(i, nowMs)) counting.push(i);
    this.measured = this.#measureOver(slab, counting);
    this.holds = this.measured !== undefined && compareNumber(this.#compare, this.measured);
  }

  /** When the entry at `index`, still ahead of the window, enters it. */
  #entry(slab: HistorySlab, index: number, entersAfterMs: number): number {
    const timeMs = slab.words[slab.entryAt + index * slab.width]!;
    if (this.#window.kind === 'fixed' && timeMs >= this.#window.toMs) return Infinity;
    return timeMs + entersAfterMs;
  }

  /** Over the entries at these indexes. */
  #measureOver(slab: HistorySlab, indexes: readonly number[]): number | undefined {
    if (this.#measure === 'count') return indexes.length;
    const values = indexes.map(index => slab.words[slab.entryAt + index * slab.width + 1]!);
    switch (this.#measure) {
      case 'sum':
        return sumOf(values).value();
      case 'avg':
        return values.length > 0 ? sumOf(values).average(values.length) : undefined;
      case 'min':
        return values.length > 0 ? values.reduce((a, b) => Math.min(a, b)) : undefined;
      case 'max':
        return values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : undefined;
      case 'distinct':
        return new Set(values).size;
      default:
        return unreachable(this.#measure);
    }
  }
}

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

function range(from: number, to: number): number[] {
  return Array.from({length: Math.max(0, to - from)}, (_, i) => from + i);
}

/** `count ≥ n` or its negation, for comparisons that are one of the two. */
function thresholdOf(compare: Compare): {atLeast: number; negated: boolean} | undefined {
  switch (compare.operator) {
    case 'greater_than':
      return threshold(Math.floor(compare.value) + 1, false);
    case 'greater_or_equal':
      return threshold(Math.ceil(compare.value), false);
    case 'less_than':
      return threshold(Math.ceil(compare.value), true);
    case 'less_or_equal':
      return threshold(Math.floor(compare.value) + 1, true);
    case 'equals':
      return compare.value === 0 ? threshold(1, true) : undefined;
    case 'not_equals':
      return compare.value === 0 ? threshold(1, false) : undefined;
    case 'between':
      return undefined;
    default:
      return unreachable(compare);
  }
}

/** A count is never below 0, so a threshold below it is met by all. */
function threshold(atLeast: number, negated: boolean): {atLeast: number; negated: boolean} {
  return {atLeast: Math.max(0, atLeast), negated};
}
