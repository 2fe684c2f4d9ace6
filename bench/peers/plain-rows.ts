/**
 * Profiles as a JavaScript program would keep them: one object each, with its attributes, and for every type
 * the times of its latest five events, because no audience asks for more. Counters of windows are given to
 * every peer that wants them.
 */
import {ATTRIBUTES, EVENT_TYPES, type Predicate} from '../workload-audiences.ts';
import {type EventBlock, valueOf, type Workload} from '../workload.ts';

export const COUNT_MAX = 5;

export type Row = Record<string, string | number | boolean>;

export interface WindowCounter {
  readonly type: number;
  readonly windowMs: number;
  /** Of the field of a row that has the count, at most COUNT_MAX. */
  readonly field: string;
}

export class PlainRows {
  readonly rows: Row[] = [];
  /** By profile and type: times, ascending, at most COUNT_MAX. */
  readonly times: (number[][] | undefined)[] = [];
  readonly counters: readonly WindowCounter[];
  readonly #countersOf: readonly (readonly WindowCounter[])[];
  readonly #workload: Workload;

  constructor(workload: Workload, {withCounts}: {withCounts: boolean}) {
    this.#workload = workload;
    this.counters = countersOf(workload.predicates);
    this.#countersOf = Array.from({length: EVENT_TYPES}, (_, type) =>
      this.counters.filter(counter => counter.type === type),
    );
    const codes = new Int32Array(ATTRIBUTES.length);
    for (let profile = 0; profile < workload.profiles; profile++) {
      workload.profileCodes(profile, codes);
      const row: Row = {};
      for (const [attribute, {name}] of ATTRIBUTES.entries()) {
        row[name] = valueOf(attribute, codes[attribute]!);
      }
      if (withCounts) for (const {field} of this.counters) row[field] = 0;
      this.rows.push(row);
      this.times.push(undefined);
    }
  }

  /** The event into its profile's row; returns the row. */
  take(block: EventBlock, index: number): Row {
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

  /** Brings the fields of the counters up to now, for the types that the profile has had. */
  count(profile: number, row: Row, nowMs: number): void {
    const times = this.times[profile];
    if (times === undefined) return;
    for (let type = 0; type < times.length; type++) {
      const ofType = times[type];
      if (ofType === undefined) continue;
      const counters = this.#countersOf[type]!;
      for (let i = 0; i < counters.length; i++) {
        const {windowMs, field} = counters[i]!;
        let outside = 0;
        while (outside < ofType.length && ofType[outside]! < nowMs - windowMs) outside++;
        row[field] = ofType.length - outside;
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
}

export function counterField(type: number, windowMs: number): string {
  return `events_${type}_${windowMs / 3_600_000}h`;
}

function countersOf(predicates: readonly Predicate[]): WindowCounter[] {
  const found = new Map<string, WindowCounter>();
  for (const predicate of predicates) {
    if (predicate.kind !== 'count') continue;
    const {type, windowMs} = predicate;
    const field = counterField(type, windowMs);
    found.set(field, {type, windowMs, field});
  }
  return [...found.values()];
}
