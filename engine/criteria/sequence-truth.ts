/**
 * A sequence: events in strictly increasing time, one for each step, each soon enough after the one
 * before, the last inside the window. Which times of a step can end a partial sequence is computed
 * step by step: a time is reachable when some reachable time of the step before lies before it and within
 * reach. Linear in the entries.
 */
import type {HistorySlab} from '../histories/history-slab.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import type {EventWindow} from './bound-criterion.ts';
import type {CriterionTruth} from './criterion-truth.ts';

export class SequenceTruth implements CriterionTruth {
  holds = false;
  nextMs = Infinity;
  /** Steps, from the first on, that some partial sequence reaches. */
  reachedSteps = 0;
  /** The latest end of a whole sequence, in the window or not. */
  lastMs: number | undefined;
  readonly #steps: readonly number[];
  readonly #withinMs: readonly number[];
  readonly #window: EventWindow;
  readonly #retentionMs: number;

  constructor(
    steps: readonly number[],
    withinMs: readonly number[],
    window: EventWindow,
    retentionMs: number,
  ) {
    this.#steps = steps;
    this.#withinMs = withinMs;
    this.#window = window;
    this.#retentionMs = retentionMs;
  }

  evaluate(slab: HistorySlab, _data: ProfileData, nowMs: number): void {
    this.holds = false;
    this.nextMs = Infinity;
    this.reachedSteps = 0;
    this.lastMs = undefined;
    let reachable: number[] = [];
    let oldestMs = Infinity;
    for (let step = 0; step < this.#steps.length; step++) {
      if (!slab.locate(this.#steps[step]!)) {
        // Without this step no moment changes anything; an event of it will ask again.
        this.nextMs = Infinity;
        return;
      }
      const first = slab.lowerBound(nowMs - this.#retentionMs);
      const end = slab.lowerBound(nowMs + 1);
      if (end < slab.entryCount) {
        this.nextMs = Math.min(this.nextMs, slab.words[slab.entryAt + end * slab.width]!);
      }
      this.nextMs = Math.min(this.nextMs, slab.nextCountingMs(nowMs));
      if (first < end) {
        oldestMs = Math.min(oldestMs, slab.words[slab.entryAt + first * slab.width]!);
      }
      reachable = this.#reach(slab, {step, first, end, before: reachable, nowMs});
      if (reachable.length > 0) this.reachedSteps = step + 1;
    }
    this.lastMs = reachable.at(-1);
    this.#judge(reachable, oldestMs, nowMs);
  }

  #reach(
    slab: HistorySlab,
    parts: {step: number; first: number; end: number; before: number[]; nowMs: number},
  ): number[] {
    const {step, first, end, before, nowMs} = parts;
    const times: number[] = [];
    const withinMs = this.#withinMs[step]!;
    let latest = -1;
    for (let i = first; i < end; i++) {
      if (!slab.counts(i, nowMs)) continue;
      const timeMs = slab.words[slab.entryAt + i * slab.width]!;
      while (latest + 1 < before.length && before[latest + 1]! < timeMs) latest++;
      // The latest reachable time before it is the one most likely within reach.
      if (step === 0 || (latest >= 0 && timeMs - before[latest]! <= withinMs)) times.push(timeMs);
    }
    return times;
  }

  /** `ends` are the times, up to now, of last steps of whole sequences. */
  #judge(ends: readonly number[], oldestMs: number, nowMs: number): void {
    const window = this.#window;
    const sliding = window.kind === 'sliding';
    for (const endMs of ends) {
      const inside = sliding
        ? nowMs - window.olderMs <= endMs && endMs <= nowMs - window.newerMs
        : window.fromMs <= endMs && endMs < window.toMs;
      if (inside) {
        this.holds = true;
        if (sliding) this.nextMs = Math.min(this.nextMs, endMs + window.olderMs + 1);
      } else if (sliding && endMs > nowMs - window.newerMs) {
        this.nextMs = Math.min(this.nextMs, endMs + window.newerMs);
      }
    }
    // The first event of the only sequence may pass the retention.
    if (this.holds) this.nextMs = Math.min(this.nextMs, oldestMs + this.#retentionMs + 1);
  }
}
