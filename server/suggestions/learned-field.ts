/** What is learned of one attribute: as what its values read, and which are frequent. */
import type {Value} from '../../engine/record.ts';
import {
  readBoolean,
  readInstantMs,
  readList,
  readNumber,
  readText,
} from '../../engine/values/read-value.ts';
import {isVersion} from '../../engine/values/version.ts';
import {forgetSighting, noteSighting, type Sightings} from './sightings.ts';
import {type TopKey, TopKeys} from './top-keys.ts';

export const FIELD_TYPES = [
  'string',
  'number',
  'boolean',
  'date',
  'version',
  'list',
  'tag',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

const VALUES_MAX = 10;
const VALUE_CHARACTERS_MAX = 64;
/** A value that fewer profiles have says something of a person, not of the data: it is neither told nor kept. */
export const VALUE_PROFILES_MIN = 3;

export class LearnedField {
  readonly sightings: Sightings = [];
  /** How many values read as each of FIELD_TYPES. */
  readonly types = new Float64Array(FIELD_TYPES.length);
  readonly #values = new TopKeys<Sightings>(VALUES_MAX);

  learn(value: Value, profile: number, weight: number): void {
    this.types[FIELD_TYPES.indexOf(typeOf(value))]! += weight;
    for (const each of readList(value) ?? [value]) {
      const text = readText(each);
      if (text === undefined || text === '' || text.length > VALUE_CHARACTERS_MAX) continue;
      noteSighting(
        this.#values.count(text, weight, () => []),
        profile,
      );
    }
  }

  /** That enough profiles have. */
  frequentValues(): TopKey<unknown>[] {
    return [...this.#values].filter(({facts}) => facts.length >= VALUE_PROFILES_MIN);
  }

  /** The profile is erased: true when something was known of it. */
  forget(profile: number): boolean {
    let isKnown = forgetSighting(this.sightings, profile);
    for (const {key, facts} of this.#values) {
      if (!forgetSighting(facts, profile)) continue;
      isKnown = true;
      if (facts.length === 0) this.#values.remove(key);
    }
    return isKnown;
  }

  toKept(): unknown[] {
    const values = [...this.#values]
      .filter(({facts}) => facts.length >= VALUE_PROFILES_MIN)
      .map(({key, count, error, facts}) => [key, count, error, facts]);
    return [[...this.types], values, this.sightings];
  }

  static fromKept(kept: unknown): LearnedField {
    const [types, values, sightings] = kept as [
      number[],
      [string, number, number, Sightings][],
      Sightings,
    ];
    const field = new LearnedField();
    field.sightings.push(...sightings);
    field.types.set(types.slice(0, FIELD_TYPES.length));
    for (const [key, count, error, facts] of values) field.#values.put({key, count, error, facts});
    return field;
  }
}

/** What a person would call it. Text that reads as something narrower is that. */
function typeOf(value: Value): FieldType {
  if (value === null) return 'tag';
  if (readList(value) !== undefined) return 'list';
  if (typeof value === 'number') return 'number';
  if (readBoolean(value) !== undefined) return 'boolean';
  if (readNumber(value) !== undefined) return 'number';
  if (readInstantMs(value) !== undefined) return 'date';
  if (typeof value === 'string' && isVersion(value)) return 'version';
  return 'string';
}
