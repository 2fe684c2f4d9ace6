/**
 * Profiles as a JavaScript program would keep them: one object each, with its attributes, and for every type
 * the times of its latest five events, because no audience asks for more. Counters of windows are given to
 * every peer that wants them.
 */
import {ATTRIBUTES, EVENT_TYPES, type Predicate} from '../workload-audiences.ts';
import {type EventBlock, valueOf, type Workload} from '../workload.ts';
import {compileSource} from './compile-source.ts';

export const COUNT_MAX = 5;

export type Row = Record<string, string | number | boolean>;

/** A row with counts in an array beside its attributes: hundreds of fields would make it a slow dictionary. */
export type CountedRow = Row & {events: number[]};

export interface WindowCounter {
  readonly type: number;
  readonly windowMs: number;
  /** Its place in `events`. */
  readonly place: number;
}

export class PlainRows {
  readonly rows: CountedRow[] = [];
  /** By profile and type: times, ascending, at most COUNT_MAX. */
  readonly times: (number[][] | undefined)[] = [];
  readonly counters: readonly WindowCounter[];
  readonly #countersOf: readonly (readonly WindowCounter[])[];
  readonly #workload: Workload;

  constructor(workload: Workload, {withCounts}: {withCounts: boolean}) {
    const makeRow = rowMaker();
    this.#workload = workload;
    this.counters = countersOf(workload.predicates);
    this.#countersOf = Array.from({length: EVENT_TYPES}, (_, type) =>
      this.counters.filter(counter => counter.type === type),
    );
    const codes = new Int32Array(ATTRIBUTES.length);
    for (let profile = 0; profile < workload.profiles; profile++) {
      workload.profileCodes(profile, codes);
      const values = ATTRIBUTES.map((_, attribute) => valueOf(attribute, codes[attribute]!));
      this.rows.push(makeRow(values, withCounts ? this.counters.map(() => 0) : NO_COUNTS));
      this.times.push(undefined);
    }
  }

  /** The event into its profile's row; returns the row. */
  take(block: EventBlock, index: number): CountedRow {
    const profile = block.profile[index]!;
    const times = ((this.times[profile] ??= [])[block.type[index]!] ??= []);
    times.push(this.#workload.timeOf(block.first + index));
    if (times.length > COUNT_MAX) times.shift();
    const row = this.rows[profile]!;
    const attribute = block.attribute[index]!;
    if (attribute >= 0) {
      row[ATTRIBUTES[attribute]!.name] = valueOf(attribute, block.code[index]!);
    }
    return row;
  }

  /** Brings the counts of a row up to now, for the types that the profile has had; each is at most COUNT_MAX. */
  count(profile: number, nowMs: number): void {
    const times = this.times[profile];
    if (times === undefined) return;
    const {events} = this.rows[profile]!;
    for (let type = 0; type < times.length; type++) {
      const ofType = times[type];
      if (ofType === undefined) continue;
      const counters = this.#countersOf[type]!;
      for (let i = 0; i < counters.length; i++) {
        const {windowMs, place} = counters[i]!;
        let outside = 0;
        while (outside < ofType.length && ofType[outside]! < nowMs - windowMs) outside++;
        events[place] = ofType.length - outside;
      }
    }
  }

  absorb(events: number): void {
    const step = 8192;
    for (let first = 0; first < events; first += step) {
      const block = this.#workload.events(first, Math.min(step, events - first));
      for (let i = 0; i < block.count; i++) this.take(block, i);
    }
  }

  /** The place in `events` of a predicate's counter. */
  placeOf(type: number, windowMs: number): number {
    return this.counters.findIndex(each => each.type === type && each.windowMs === windowMs);
  }
}

const NO_COUNTS: number[] = [];

/** Object literals, so that every row has the same fields in the same places. */
function rowMaker(): (values: readonly unknown[], events: number[]) => CountedRow {
  const fields = ATTRIBUTES.map(({name}, i) => `${name}:values[${i}]`).join(',');
  return compileSource(['values', 'events'], `return {${fields},events}`);
}

export function countersOf(predicates: readonly Predicate[]): WindowCounter[] {
  const found = new Map<string, WindowCounter>();
  for (const predicate of predicates) {
    if (predicate.kind !== 'count') continue;
    const {type, windowMs} = predicate;
    const key = `${type} ${windowMs}`;
    if (!found.has(key)) found.set(key, {type, windowMs, place: found.size});
  }
  return [...found.values()];
}
