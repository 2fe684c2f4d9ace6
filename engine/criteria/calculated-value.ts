/**
 * The value of a calculated attribute: worked out anew from the entries that count now, so it decays at
 * the exact moment at which an entry leaves its period.
 *
 * What is a matter of order is settled by time, and within one millisecond by the alphabet (ignoring case),
 * never by arrival: late events give the same value as punctual ones.
 */
import {assert, unreachable} from '../assert.ts';
import type {HistorySlab} from '../histories/history-slab.ts';
import type {TextDictionary} from '../histories/text-dictionary.ts';
import type {Value} from '../record.ts';
import {foldCase} from '../values/fold-case.ts';
import type {BoundCalculation} from './bound-criterion.ts';
import {ExactSum} from './exact-sum.ts';

/** `most_frequent` and `unique_list` look at this many different values, the first ones by time. */
export const DIFFERENT_VALUES_MAX = 100;

interface Occurrence {
  readonly timeMs: number;
  readonly text: string;
  readonly folded: string;
}

export class CalculatedValue {
  readonly #bound: BoundCalculation;
  readonly #history: number;
  readonly #texts: TextDictionary;
  readonly #retentionMs: number;

  /** undefined: no entry gives it one. */
  value: Value | undefined;
  /** Earliest moment after now at which the value may change by time alone; Infinity. Never late. */
  nextMs = Infinity;
  /** Times of the first and last entry that count; NaN when none does. */
  firstMs = NaN;
  lastMs = NaN;

  constructor(
    bound: BoundCalculation,
    parts: {
      readonly history: number;
      readonly eventRetentionMs: number;
      readonly texts: TextDictionary;
    },
  ) {
    this.#bound = bound;
    this.#history = parts.history;
    this.#texts = parts.texts;
    this.#retentionMs = parts.eventRetentionMs;
  }

  /** Of the opened profile. */
  read(slab: HistorySlab, nowMs: number): void {
    const counting = slab.locate(this.#history) ? this.#counting(slab, nowMs) : NOTHING;
    if (counting.length === 0) {
      if (counting === NOTHING) this.nextMs = Infinity;
      this.firstMs = NaN;
      this.lastMs = NaN;
    } else {
      this.firstMs = timeAt(slab, counting[0]!);
      this.lastMs = timeAt(slab, counting.at(-1)!);
    }
    this.value = this.#valueOf(slab, counting);
  }

  /** Indexes of the entries in the period that count now, in order of time. Sets the next moment. */
  #counting(slab: HistorySlab, nowMs: number): number[] {
    const {window} = this.#bound;
    const sliding = window.kind === 'sliding';
    assert(sliding ? window.newerMs === 0 : window.toMs === Infinity, 'a period reaches up to now');
    const olderMs = sliding ? window.olderMs : this.#retentionMs;
    const oldestMs = sliding ? nowMs - olderMs : Math.max(window.fromMs, nowMs - olderMs);
    const first = slab.lowerBound(oldestMs);
    const end = slab.lowerBound(nowMs + 1);
    this.nextMs = slab.nextCountingMs(nowMs);
    if (first < end) this.nextMs = Math.min(this.nextMs, timeAt(slab, first) + olderMs + 1);
    if (end < slab.entryCount) this.nextMs = Math.min(this.nextMs, timeAt(slab, end));
    const counting: number[] = [];
    for (let i = first; i < end; i++) if (slab.counts(i, nowMs)) counting.push(i);
    return counting;
  }

  #valueOf(slab: HistorySlab, counting: readonly number[]): Value | undefined {
    const {calculation} = this.#bound;
    switch (calculation) {
      case 'count':
        return counting.length;
      case 'unique_values_count':
        return new Set(counting.map(index => valueAt(slab, index))).size;
      case 'sum':
        return sumOf(slab, counting).value();
      case 'average':
        return counting.length === 0 ? undefined : sumOf(slab, counting).average(counting.length);
      case 'min':
        return extreme(slab, counting, Math.min);
      case 'max':
        return extreme(slab, counting, Math.max);
      case 'first_occurrence_timestamp':
        return Number.isNaN(this.firstMs) ? undefined : instantText(this.firstMs);
      case 'last_occurrence_timestamp':
        return Number.isNaN(this.lastMs) ? undefined : instantText(this.lastMs);
      case 'first_occurrence':
        return this.#occurrences(slab, counting)[0]?.text;
      case 'last_occurrence': {
        const occurrences = this.#occurrences(slab, counting);
        return occurrences.find(({timeMs}) => timeMs === this.lastMs)?.text;
      }
      case 'unique_list': {
        const different = [...differentValues(this.#occurrences(slab, counting)).values()];
        if (different.length === 0) return undefined;
        return different
          .map(({first}) => first)
          .sort(alphabetically)
          .map(({text}) => text);
      }
      case 'most_frequent': {
        const different = [...differentValues(this.#occurrences(slab, counting)).values()];
        different.sort((a, b) => b.count - a.count || alphabetically(a.first, b.first));
        return different[0]?.first.text;
      }
      default:
        return unreachable(calculation);
    }
  }

  /** By time, those of one millisecond by the alphabet. */
  #occurrences(slab: HistorySlab, counting: readonly number[]): Occurrence[] {
    const occurrences = counting.map((index): Occurrence => {
      const text = this.#texts.text(valueAt(slab, index));
      return {timeMs: timeAt(slab, index), text, folded: foldCase(text)};
    });
    return occurrences.sort((a, b) => a.timeMs - b.timeMs || alphabetically(a, b));
  }
}

const NOTHING: readonly number[] = [];

/** Values that are equal ignoring case are one, in the spelling that came first. */
function differentValues(
  occurrences: readonly Occurrence[],
): Map<string, {readonly first: Occurrence; count: number}> {
  const different = new Map<string, {readonly first: Occurrence; count: number}>();
  for (const occurrence of occurrences) {
    const known = different.get(occurrence.folded);
    if (known !== undefined) known.count++;
    else if (different.size < DIFFERENT_VALUES_MAX) {
      different.set(occurrence.folded, {first: occurrence, count: 1});
    }
  }
  return different;
}

/** By the numbers of the characters, ignoring case; spellings of one value likewise. */
function alphabetically(a: Occurrence, b: Occurrence): number {
  if (a.folded !== b.folded) return a.folded < b.folded ? -1 : 1;
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

function sumOf(slab: HistorySlab, counting: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const index of counting) sum.add(valueAt(slab, index));
  return sum;
}

function extreme(
  slab: HistorySlab,
  counting: readonly number[],
  choose: (a: number, b: number) => number,
): number | undefined {
  if (counting.length === 0) return undefined;
  return counting.map(index => valueAt(slab, index)).reduce((a, b) => choose(a, b));
}

function timeAt(slab: HistorySlab, index: number): number {
  return slab.words[slab.entryAt + index * slab.width]!;
}

function valueAt(slab: HistorySlab, index: number): number {
  return slab.words[slab.entryAt + index * slab.width + 1]!;
}

/** ISO 8601 in UTC, to the millisecond. */
function instantText(ms: number): string {
  return new Date(ms).toISOString();
}
