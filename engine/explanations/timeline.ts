/**
 * The leaves of a definition through time: how they came to be what they are, and what becomes of them if
 * nothing more happens. The same truths that serve live profiles are asked at the moments they name.
 */
import {type CriterionTruth, HistoryWindowTruth} from '../criteria/criterion-truth.ts';
import {reachFuture} from '../profiles/lifetime.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import {certainFromMs, provenAnswer} from './certain-from.ts';
import {always, type Course, extend, type Span} from './course.ts';
import type {Leaf} from './leaf.ts';
import type {Present} from './present.ts';

/**
 * Looks at entries for one explanation, back and ahead alike; what they do not reach stays unknown. Events wait
 * meanwhile: about 10 ms.
 */
const LOOKS_MAX = 250_000;
/** Of a truth that finds its entries by halving. */
const FEW_LOOKS = 8;

export class Timeline {
  readonly #leaves: readonly Leaf[];
  readonly #present: Present;

  constructor(leaves: readonly Leaf[], present: Present) {
    this.#leaves = leaves;
    this.#present = present;
  }

  /** Of each leaf, up to the end of the profile. */
  courses(endsMs: number): Course[] {
    const courses = this.#leaves.map(leaf => this.#past(leaf));
    this.#lookAhead(courses, endsMs);
    return courses;
  }

  #past(leaf: Leaf): Span[] {
    const {data, atMs} = this.#present;
    if (leaf.bound.kind === 'population') return population(leaf.bound.scopes, data);
    if (leaf.truth === undefined) return always(undefined);
    const reachMs = this.#reachMs(leaf);
    const certainMs = Math.max(certainFromMs(leaf, this.#present), reachMs);
    const proven = provenAnswer(leaf);
    const course = always(undefined);
    const add = (fromMs: number, holds: boolean): void => {
      extend(course, fromMs, fromMs >= certainMs || holds === proven ? holds : undefined);
    };
    // Nothing is different before the first thing that is known.
    const isOfEvents = leaf.histories.length > 0;
    const fromMs = isOfEvents ? Math.max(reachMs, this.#oldestMs(leaf) - 1) : certainMs;
    let momentMs = Math.min(atMs, proven === undefined ? Math.max(certainMs, fromMs) : fromMs);
    let isFirst = true;
    while (momentMs <= atMs) {
      const {holds, nextMs} = this.#ask(leaf.truth, data, momentMs);
      add(isFirst && momentMs >= certainMs ? certainMs : momentMs, holds);
      isFirst = false;
      momentMs = momentMs < certainMs ? Math.min(nextMs, certainMs) : nextMs;
    }
    return course;
  }

  /** How far back it pays to look into long histories: as many moments as may be asked of all entries. */
  #reachMs(leaf: Leaf): number {
    const {slab, atMs} = this.#present;
    const looks = LOOKS_MAX / this.#leaves.length / this.#looksOf(leaf);
    // An event comes, and it goes.
    const events = Math.max(2, Math.floor(looks / 2 / leaf.histories.length));
    let reachMs = -Infinity;
    for (const {id} of leaf.histories) {
      if (!slab.locate(id)) continue;
      const first = slab.lowerBound(atMs + 1) - events;
      if (first > 0) reachMs = Math.max(reachMs, slab.words[slab.entryAt + first * slab.width]!);
    }
    return reachMs;
  }

  /** What it takes to ask once. */
  #looksOf({bound, truth, histories}: Leaf): number {
    const {slab} = this.#present;
    const isCount = truth instanceof HistoryWindowTruth && truth.window.atLeast >= 0;
    let looks = FEW_LOOKS;
    for (const {id} of histories) {
      if (!slab.locate(id)) continue;
      if (slab.isMoving || !(isCount || bound.kind === 'cart')) looks += slab.entryCount;
    }
    return looks;
  }

  #oldestMs({histories}: Leaf): number {
    const {slab} = this.#present;
    let oldestMs = Infinity;
    for (const {id} of histories) {
      if (slab.locate(id) && slab.entryCount > 0) {
        oldestMs = Math.min(oldestMs, slab.words[slab.entryAt]!);
      }
    }
    return oldestMs;
  }

  /** Goes from moment to moment at which one of the leaves may change. */
  #lookAhead(courses: Span[][], endsMs: number): void {
    const {atMs} = this.#present;
    const data = this.#present.data.copy();
    const nextMs = this.#leaves.map(({truth}) =>
      truth === undefined ? Infinity : this.#ask(truth, data, atMs).nextMs,
    );
    let looks = 0;
    for (;;) {
      const futureMs = data.nextFutureMs();
      const momentMs = nextMs.reduce((a, b) => Math.min(a, b), futureMs);
      if (momentMs >= endsMs) return;
      if (looks > LOOKS_MAX) {
        for (const course of courses) extend(course, momentMs, undefined);
        return;
      }
      reachFuture(data, momentMs, () => {});
      for (const [at, leaf] of this.#leaves.entries()) {
        const {bound, truth} = leaf;
        const isReached = bound.kind === 'profile' && futureMs <= momentMs;
        if (truth === undefined || (nextMs[at]! > momentMs && !isReached)) continue;
        looks += this.#looksOf(leaf);
        const asked = this.#ask(truth, data, momentMs);
        extend(courses[at]!, momentMs, asked.holds);
        nextMs[at] = asked.nextMs;
      }
    }
  }

  #ask(truth: CriterionTruth, data: ProfileData, momentMs: number): CriterionTruth {
    truth.evaluate(this.#present.slab, data, momentMs);
    return truth;
  }
}

function population(scopes: readonly number[], data: ProfileData): Span[] {
  const course = always(false);
  const met = data.scopes.filter(({scope}) => scopes.includes(scope));
  if (met.length > 0) extend(course, Math.min(...met.map(({firstMs}) => firstMs)), true);
  return course;
}
