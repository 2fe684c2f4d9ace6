/**
 * The criteria on one attribute, by what a change of its value can flip: an equality by the values it
 * names, a range by the bounds between the old value and the new, anything else always.
 */
import type {Test} from '../definitions/definition.ts';
import type {Value} from '../record.ts';
import {readFolded, readNumber} from '../values/read-value.ts';
import type {Criterion} from './criteria-table.ts';

export class AttributeIndex {
  #byText = new Map<string, Criterion[]>();
  #byNumber = new Map<number, Criterion[]>();
  /** Ascending by bound. */
  #bounds: {readonly bound: number; readonly criterion: Criterion}[] = [];
  #always: Criterion[] = [];

  add(criterion: Criterion, test: Test | undefined): void {
    if (test?.type === 'string' && test.operator === 'exact_match') {
      put(this.#byText, test.value, criterion);
    } else if (test?.type === 'string' && test.operator === 'in') {
      for (const value of test.values) put(this.#byText, value, criterion);
    } else if (test?.type === 'number' && test.operator === 'equals') {
      put(this.#byNumber, test.value, criterion);
    } else if (test?.type === 'number' && test.operator === 'in') {
      for (const value of test.values) put(this.#byNumber, value, criterion);
    } else if (test?.type === 'number' && RANGES.has(test.operator)) {
      const bounds =
        test.operator === 'between' ? [test.low, test.high] : [(test as {value: number}).value];
      for (const bound of bounds) this.#bounds.push({bound, criterion});
      this.#bounds.sort((a, b) => a.bound - b.bound);
    } else this.#always.push(criterion);
  }

  remove(criterion: Criterion): void {
    for (const map of [this.#byText, this.#byNumber] as Map<unknown, Criterion[]>[]) {
      for (const [key, list] of map) {
        const kept = list.filter(other => other !== criterion);
        if (kept.length === 0) map.delete(key);
        else if (kept.length < list.length) map.set(key, kept);
      }
    }
    this.#bounds = this.#bounds.filter(entry => entry.criterion !== criterion);
    this.#always = this.#always.filter(other => other !== criterion);
  }

  all(): Set<Criterion> {
    return new Set([
      ...[...this.#byText.values()].flat(),
      ...[...this.#byNumber.values()].flat(),
      ...this.#bounds.map(entry => entry.criterion),
      ...this.#always,
    ]);
  }

  /** Calls `touch` with what may flip as the value goes from `before` to `after`, some perhaps twice. */
  changed(
    before: Value | undefined,
    after: Value | undefined,
    touch: (criteria: readonly Criterion[]) => void,
  ): void {
    if (this.#always.length > 0) touch(this.#always);
    if (this.#byText.size > 0) {
      touchAt(this.#byText, readFolded(before), touch);
      touchAt(this.#byText, readFolded(after), touch);
    }
    if (this.#byNumber.size === 0 && this.#bounds.length === 0) return;
    const from = readNumber(before);
    const to = readNumber(after);
    touchAt(this.#byNumber, from, touch);
    touchAt(this.#byNumber, to, touch);
    this.#touchBetween(from, to, touch);
  }

  #touchBetween(
    from: number | undefined,
    to: number | undefined,
    touch: (criteria: readonly Criterion[]) => void,
  ): void {
    if (from === to) return;
    // What is not a number lies outside every range.
    const isMove = from !== undefined && to !== undefined;
    const low = isMove ? Math.min(from, to) : -Infinity;
    const high = isMove ? Math.max(from, to) : Infinity;
    for (let i = this.#firstAtLeast(low); i < this.#bounds.length; i++) {
      const {bound, criterion} = this.#bounds[i]!;
      if (bound > high) break;
      touch([criterion]);
    }
  }

  #firstAtLeast(low: number): number {
    let from = 0;
    let to = this.#bounds.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#bounds[middle]!.bound < low) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

const RANGES: ReadonlySet<string> = new Set([
  'greater_than',
  'greater_or_equal',
  'less_than',
  'less_or_equal',
  'between',
]);

function touchAt<K>(
  map: ReadonlyMap<K, Criterion[]>,
  key: K | undefined,
  touch: (criteria: readonly Criterion[]) => void,
): void {
  const criteria = key === undefined ? undefined : map.get(key);
  if (criteria !== undefined) touch(criteria);
}

function put<K>(map: Map<K, Criterion[]>, key: K, criterion: Criterion): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [criterion]);
  else if (!list.includes(criterion)) list.push(criterion);
}
