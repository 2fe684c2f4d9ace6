/** What is learned of the data of one input in one workspace and environment. */
import type {EventRecord, Fields, ProfileRecord, Value} from '../../engine/record.ts';
import {LearnedField} from './learned-field.ts';
import {type TopKey, TopKeys} from './top-keys.ts';

const NAMES_MAX = 300;
const FIELDS_MAX = 400;
const ITEMS_READ_MAX = 3;
const NAME_CHARACTERS_MAX = 256;
const TYPES_MAX = 8;
const SEPARATOR = '\u0000';

/** Of a custom event name: the event types it was sent with. */
export type NameFacts = string[];

export class LearnedInput {
  /** By kind and name of events. */
  readonly names = new TopKeys<NameFacts>(NAMES_MAX);
  /** By topic and attribute. */
  readonly fields = new TopKeys<LearnedField>(FIELDS_MAX);

  learn(record: ProfileRecord, weight: number): void {
    const profile = record.mpidLo ^ record.mpidHi;
    const learnAll = (topic: string, fields: Fields): void => {
      for (let i = 0; i < fields.length; i += 2) {
        this.#field(topic, fields[i] as string, weight)?.learn(fields[i + 1]!, profile, weight);
      }
    };
    for (const event of record.events) {
      if (event.kind === 'other') continue;
      this.#name(event, weight);
      const topic = topicOf(event.kind, event.name);
      learnAll(topic, event.fields);
      for (const item of event.items.slice(0, ITEMS_READ_MAX)) learnAll(topic, item);
    }
    for (const {name, value} of record.attributes) {
      if (value !== undefined) this.#field('user', name, weight)?.learn(value, profile, weight);
    }
    // What identities there are, not whose.
    for (const {type, value} of record.identities) {
      if (value !== undefined) this.#field('identity', type, weight);
    }
    for (const {regulation, purpose} of record.consent) {
      this.#field('consent', regulation, weight)?.learn(purpose, profile, weight);
    }
    learnAll('device', record.device);
    const {location} = record;
    if (location === undefined) return;
    for (const part of ['city', 'state', 'zip', 'dma', 'country'] as const) {
      const value: Value | undefined = location[part];
      if (value !== undefined) this.#field('location', part, weight)?.learn(value, profile, weight);
    }
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

  #name({kind, name, type}: EventRecord, weight: number): void {
    if (name.length > NAME_CHARACTERS_MAX) return;
    const types = this.names.count(topicOf(kind, name), weight, () => []);
    if (type !== '' && types.length < TYPES_MAX && !types.includes(type)) types.push(type);
  }

  #field(topic: string, attribute: string, weight: number): LearnedField | undefined {
    if (attribute.length > NAME_CHARACTERS_MAX || topic.length > 2 * NAME_CHARACTERS_MAX) {
      return undefined;
    }
    const key = topic + SEPARATOR + attribute;
    return this.fields.count(key, weight, () => new LearnedField());
  }
}

export function topicOf(kind: string, name: string): string {
  return kind + SEPARATOR + name;
}

/** The parts of a key of `names` or `fields`. */
export function partsOf({key}: Pick<TopKey<unknown>, 'key'>): string[] {
  return key.split(SEPARATOR);
}
