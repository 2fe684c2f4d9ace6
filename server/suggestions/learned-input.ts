/** What is learned of the data of one input in one workspace and environment. */
import type {EventRecord, Fields, ProfileRecord, Value} from '../../engine/record.ts';
import {LearnedField} from './learned-field.ts';
import {forgetSighting, noteSighting, sightingOf, type Sightings} from './sightings.ts';
import {type TopKey, TopKeys} from './top-keys.ts';

const NAMES_MAX = 300;
const FIELDS_MAX = 400;
const ITEMS_READ_MAX = 3;
const NAME_CHARACTERS_MAX = 256;
const TYPES_MAX = 8;
const SEPARATOR = '\u0000';

export interface NameFacts {
  /** That a custom event was sent with. */
  readonly types: string[];
  readonly sightings: Sightings;
}

export class LearnedInput {
  /** By kind and name of events. */
  readonly names = new TopKeys<NameFacts>(NAMES_MAX);
  /** By topic and attribute. */
  readonly fields = new TopKeys<LearnedField>(FIELDS_MAX);

  learn(record: ProfileRecord, weight: number): void {
    const profile = sightingOf(record.mpidHi, record.mpidLo);
    const learnOne = (topic: string, attribute: string, value: Value): void =>
      this.#field(topic, attribute, profile, weight)?.learn(value, profile, weight);
    const learnAll = (topic: string, fields: Fields): void => {
      for (let i = 0; i < fields.length; i += 2) {
        learnOne(topic, fields[i] as string, fields[i + 1]!);
      }
    };
    for (const event of record.events) {
      if (event.kind === 'other') continue;
      this.#name(event, profile, weight);
      const topic = topicOf(event.kind, event.name);
      learnAll(topic, event.fields);
      for (const item of event.items.slice(0, ITEMS_READ_MAX)) learnAll(topic, item);
    }
    for (const {name, value} of record.attributes) {
      if (value !== undefined) learnOne('user', name, value);
    }
    // What identities there are, not whose.
    for (const {type, value} of record.identities) {
      if (value !== undefined) this.#field('identity', type, profile, weight);
    }
    for (const {regulation, purpose} of record.consent) {
      learnOne('consent', regulation, purpose);
    }
    learnAll('device', record.device);
    const {location} = record;
    if (location === undefined) return;
    for (const part of ['city', 'state', 'zip', 'dma', 'country'] as const) {
      const value: Value | undefined = location[part];
      if (value !== undefined) learnOne('location', part, value);
    }
  }

  /** The profile is erased: what only it had goes. True when something was known of it. */
  forget(profile: number): boolean {
    let isKnown = false;
    for (const {key, facts} of this.names) {
      if (!forgetSighting(facts.sightings, profile)) continue;
      isKnown = true;
      if (facts.sightings.length === 0) this.names.remove(key);
    }
    for (const {key, facts} of this.fields) {
      if (!facts.forget(profile)) continue;
      isKnown = true;
      if (facts.sightings.length === 0) this.fields.remove(key);
    }
    return isKnown;
  }

  toKept(): unknown {
    return {
      names: [...this.names].map(({key, count, error, facts}) => [key, count, error, facts]),
      fields: [...this.fields].map(({key, count, error, facts}) => [
        key,
        count,
        error,
        facts.toKept(),
      ]),
    };
  }

  static fromKept(kept: unknown): LearnedInput {
    const {names, fields} = kept as {
      names: [string, number, number, NameFacts][];
      fields: [string, number, number, unknown][];
    };
    const input = new LearnedInput();
    for (const [key, count, error, facts] of names) input.names.put({key, count, error, facts});
    for (const [key, count, error, field] of fields) {
      input.fields.put({key, count, error, facts: LearnedField.fromKept(field)});
    }
    return input;
  }

  #name({kind, name, type}: EventRecord, profile: number, weight: number): void {
    if (name.length > NAME_CHARACTERS_MAX) return;
    const {types, sightings} = this.names.count(topicOf(kind, name), weight, () => ({
      types: [],
      sightings: [],
    }));
    noteSighting(sightings, profile);
    if (type !== '' && types.length < TYPES_MAX && !types.includes(type)) types.push(type);
  }

  #field(
    topic: string,
    attribute: string,
    profile: number,
    weight: number,
  ): LearnedField | undefined {
    if (attribute.length > NAME_CHARACTERS_MAX || topic.length > 2 * NAME_CHARACTERS_MAX) {
      return undefined;
    }
    const key = topic + SEPARATOR + attribute;
    const field = this.fields.count(key, weight, () => new LearnedField());
    noteSighting(field.sightings, profile);
    return field;
  }
}

export function topicOf(kind: string, name: string): string {
  return kind + SEPARATOR + name;
}

/** The parts of a key of `names` or `fields`. */
export function partsOf({key}: Pick<TopKey<unknown>, 'key'>): string[] {
  return key.split(SEPARATOR);
}
