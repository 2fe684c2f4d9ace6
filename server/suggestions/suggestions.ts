/**
 * What the builder can offer: event names, attributes with their types and frequent values, learned from the
 * batches that go by. Memory is bounded whatever the data is, and so is the time: of a fast stream one
 * record in N is looked at, and counts N times.
 */
import type {Environment} from '../../engine/ids.ts';
import {scopeOf} from '../../engine/ids.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {FIELD_TYPES, type FieldType} from './learned-field.ts';
import {LearnedInput, partsOf} from './learned-input.ts';
import {sightingOf} from './sightings.ts';

/** Inputs learned from; beyond it the one that was silent longest is forgotten. */
const INPUTS_MAX = 64;
/** Events looked at in a second. */
const EVENTS_A_SECOND_MAX = 1_000;
/** A type that fewer values have is a slip. */
const TYPE_SHARE_MIN = 0.01;
const FORMAT = 2;

export interface SuggestionQuery {
  readonly workspace: number;
  readonly environment: Environment;
  /** undefined: all. */
  readonly inputs: readonly number[] | undefined;
}

export interface SuggestedName {
  readonly kind: string;
  readonly name: string;
  readonly eventTypes: readonly string[];
  readonly count: number;
}

export interface SuggestedField {
  readonly attribute: string;
  /** Most frequent first. */
  readonly types: readonly FieldType[];
  readonly values: readonly string[];
  readonly count: number;
}

export class Suggestions {
  /** By scope and input; the one that spoke last is last. */
  #inputs = new Map<string, LearnedInput>();
  #second = 0;
  #arrived = 0;
  #learned = 0;
  #oneIn = 1;
  #skipped = 0;
  #isChanged = false;

  constructor(kept?: unknown) {
    const {format, inputs} = (kept ?? {}) as {format?: number; inputs?: [string, unknown][]};
    if (format !== FORMAT || inputs === undefined) return;
    for (const [key, input] of inputs) this.#inputs.set(key, LearnedInput.fromKept(input));
  }

  /** Hot: every record comes by. */
  offer(record: ProfileRecord): void {
    const events = Math.max(1, record.events.length);
    const second = Math.floor(record.arrivalMs / 1000);
    if (second !== this.#second) {
      this.#oneIn = Math.max(1, Math.ceil(this.#arrived / EVENTS_A_SECOND_MAX));
      this.#second = second;
      this.#arrived = 0;
      this.#learned = 0;
    }
    this.#arrived += events;
    if (++this.#skipped < this.#oneIn) return;
    this.#skipped = 0;
    this.#learned += events;
    // A burst that nobody saw coming.
    if (this.#learned > 2 * EVENTS_A_SECOND_MAX) return;
    this.#isChanged = true;
    this.#inputOf(record).learn(record, this.#oneIn);
  }

  /** Somebody is erased: what nobody else has goes, what several have stays. */
  forget(mpidHi: number, mpidLo: number): void {
    const profile = sightingOf(mpidHi, mpidLo);
    for (const input of this.#inputs.values()) if (input.forget(profile)) this.#isChanged = true;
  }

  /** Of events of this kind, most frequent first. */
  names(query: SuggestionQuery, kinds: readonly string[]): SuggestedName[] {
    const found = new Map<
      string,
      {kind: string; name: string; types: Set<string>; count: number}
    >();
    for (const input of this.#asked(query)) {
      for (const entry of input.names) {
        const [kind = '', name = ''] = partsOf(entry);
        if (!kinds.includes(kind)) continue;
        let sum = found.get(entry.key);
        if (sum === undefined)
          found.set(entry.key, (sum = {kind, name, types: new Set(), count: 0}));
        sum.count += entry.count;
        for (const type of entry.facts.types) sum.types.add(type);
      }
    }
    return byCount([...found.values()]).map(({kind, name, types, count}) => ({
      kind,
      name,
      eventTypes: [...types],
      count,
    }));
  }

  /** Attributes under a topic that passes, most frequent first. */
  fields(query: SuggestionQuery, isAsked: (topic: readonly string[]) => boolean): SuggestedField[] {
    const found = new Map<string, FieldSum>();
    for (const input of this.#asked(query)) {
      for (const entry of input.fields) {
        const parts = partsOf(entry);
        const attribute = parts.pop() ?? '';
        if (!isAsked(parts)) continue;
        let sum = found.get(attribute);
        if (sum === undefined) found.set(attribute, (sum = new FieldSum(attribute)));
        sum.count += entry.count;
        for (const [at, count] of entry.facts.types.entries()) sum.types[at]! += count;
        for (const {key, count} of entry.facts.frequentValues()) sum.add(key, count);
      }
    }
    return byCount([...found.values()]).map(sum => sum.told());
  }

  /** undefined: nothing was learned since the last time. */
  takeKept(): unknown {
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    const inputs = [...this.#inputs].map(([key, input]) => [key, input.toKept()]);
    return {format: FORMAT, inputs};
  }

  *#asked({workspace, environment, inputs}: SuggestionQuery): Iterable<LearnedInput> {
    const scope = scopeOf(workspace, environment);
    for (const [key, learned] of this.#inputs) {
      const [ownScope, ownInput] = key.split(' ').map(Number);
      if (ownScope !== scope) continue;
      if (inputs === undefined || inputs.includes(ownInput!)) yield learned;
    }
  }

  #inputOf({scope, inputId}: ProfileRecord): LearnedInput {
    const key = `${scope} ${inputId}`;
    let input = this.#inputs.get(key);
    if (input !== undefined) this.#inputs.delete(key);
    else {
      input = new LearnedInput();
      if (this.#inputs.size >= INPUTS_MAX) {
        const [oldest] = this.#inputs.keys();
        this.#inputs.delete(oldest!);
      }
    }
    this.#inputs.set(key, input);
    return input;
  }
}

/** One attribute over several events and inputs. */
class FieldSum {
  count = 0;
  readonly types = new Float64Array(FIELD_TYPES.length);
  readonly #attribute: string;
  readonly #values = new Map<string, number>();

  constructor(attribute: string) {
    this.#attribute = attribute;
  }

  add(value: string, count: number): void {
    this.#values.set(value, (this.#values.get(value) ?? 0) + count);
  }

  told(): SuggestedField {
    const all = this.types.reduce((sum, count) => sum + count, 0);
    const types = FIELD_TYPES.map((type, at) => ({type, count: this.types[at]!}));
    return {
      attribute: this.#attribute,
      types: byCount(types.filter(({count}) => count > 0 && count >= all * TYPE_SHARE_MIN)).map(
        ({type}) => type,
      ),
      values: byCount([...this.#values].map(([value, count]) => ({value, count}))).map(
        ({value}) => value,
      ),
      count: this.count,
    };
  }
}

function byCount<T extends {readonly count: number}>(all: T[]): T[] {
  return all.sort((a, b) => b.count - a.count);
}
