/** Truth over histories laid out by hand: what it says now, and that no moment it does not name changes it. */
import {expect} from 'vitest';
import type {CriterionTruth} from '../../../engine/criteria/criterion-truth.ts';
import {
  HistorySlab,
  MOVING_NUMBERS,
  NUMBERS,
  TIMES,
} from '../../../engine/histories/history-slab.ts';
import {ProfileData} from '../../../engine/profiles/profile-data.ts';

export interface LaidEntry {
  readonly timeMs: number;
  readonly value?: number;
  /** When it counts, both ends inclusive. */
  readonly from?: number;
  readonly to?: number;
}

/** Of one profile: history id to entries in order of time. */
export type Laid = ReadonlyMap<number, readonly LaidEntry[]>;

export function slabOf(laid: Laid): HistorySlab {
  const slab = new HistorySlab();
  slab.open(0);
  for (const [id, entries] of laid) {
    const shape = entries.some(entry => entry.from !== undefined)
      ? MOVING_NUMBERS
      : entries.some(entry => entry.value !== undefined)
        ? NUMBERS
        : TIMES;
    slab.locateOrAdd(id, shape);
    for (const {timeMs, value = 0, from, to} of entries) {
      const index = slab.lowerBound(timeMs + 1);
      slab.insert(index, timeMs, value);
      if (from !== undefined) slab.setInterval(index, from, to ?? Infinity);
    }
  }
  return slab;
}

const NOBODY = ProfileData.of();

export function truthAt(truth: CriterionTruth, slab: HistorySlab, nowMs: number): boolean {
  slab.open(0);
  truth.evaluate(slab, NOBODY, nowMs);
  return truth.holds;
}

/**
 * At every millisecond of the span `holds` agrees with `expected`, and it never changes before the moment
 * that was named for the next change.
 */
export function expectTruth(
  truth: CriterionTruth,
  laid: Laid,
  span: {readonly fromMs: number; readonly toMs: number},
  expected: (nowMs: number) => boolean,
): void {
  const slab = slabOf(laid);
  let namedMs = -Infinity;
  let held: boolean | undefined;
  for (let nowMs = span.fromMs; nowMs <= span.toMs; nowMs++) {
    const holds = truthAt(truth, slab, nowMs);
    // Told by `expect` only when wrong: this runs for hundreds of thousands of milliseconds.
    if (holds !== expected(nowMs)) expect(holds, `at ${nowMs}`).toBe(expected(nowMs));
    if (held !== undefined && nowMs < namedMs && holds !== held) {
      expect(holds, `until ${namedMs}`).toBe(held);
    }
    if (nowMs >= namedMs) namedMs = -Infinity;
    // The engine asks again at the moment named, and believes the answer until then.
    if (namedMs === -Infinity) {
      namedMs = truth.nextMs;
      held = holds;
    }
    if (truth.nextMs <= nowMs) expect(truth.nextMs).toBeGreaterThan(nowMs);
  }
}
