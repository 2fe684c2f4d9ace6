/** Random records: what one batch said of one profile, in time, late, or from the future. */
import {mpidHi, mpidLo, scopeOf} from '../../engine/ids.ts';
import type {
  AttributeChange,
  ConsentChange,
  EventKind,
  EventRecord,
  Fields,
  IdentityChange,
  LocationFix,
  ProfileRecord,
  Value,
} from '../../engine/record.ts';
import {LOSSES_OF} from '../../engine/intake.ts';
import type {Random} from './arbitraries-random.ts';
import {pickTopic} from './arbitraries-topics.ts';
import type {Topic, Topics} from './arbitraries-topics.ts';
import {
  DEVICES,
  EVENT_TYPES,
  IDENTITY_TYPES,
  INPUTS,
  PLACES,
  PURPOSES,
  randomValue,
  USER_ATTRIBUTES,
} from './arbitraries-world.ts';
import type {AttributeKind} from './arbitraries-world.ts';
import {DAY_MS} from './oracle-time.ts';

export interface RecordContext {
  readonly random: Random;
  readonly mpids: readonly bigint[];
  readonly topics: Topics;
  readonly eventRetentionMs: number;
  /** Durations that definitions name: events are put exactly that far from now. */
  readonly durationsMs: readonly number[];
  /** Times of earlier events, for ties. */
  readonly pastMs: readonly number[];
  /** Ascending for the whole history. */
  readonly sequence: number;
}

export function randomRecord(context: RecordContext, nowMs: number): ProfileRecord {
  const {random} = context;
  // Some are busy, some are seldom seen.
  const busy = context.mpids.slice(0, Math.max(2, context.mpids.length >> 3));
  const mpid = random.pick(random.chance(0.5) ? busy : context.mpids);
  const input = random.pick(INPUTS);
  const arrivalMs = random.chance(0.9) ? nowMs : nowMs - random.int(1, 2_000);
  const batchMs = random.chance(0.85) ? arrivalMs : arrivalMs - random.int(1, 3_600_000);
  const events = random.branch([
    [2, () => 0],
    [5, () => 1],
    [4, () => 2],
    [2, () => 3],
  ]);
  const changedMs = (): number =>
    random.chance(0.7) ? batchMs : arrivalMs - random.int(0, 7_200_000);
  return {
    mpidHi: mpidHi(mpid),
    mpidLo: mpidLo(mpid),
    scope: scopeOf(input.workspace, random.chance(0.85) ? 'production' : 'development'),
    inputId: input.id,
    arrivalMs,
    batchMs,
    events: random.chance(0.05)
      ? burst(context, nowMs)
      : Array.from({length: events}, () => randomEvent(context, nowMs)),
    attributes: few(random, 0.5, () => attributeChange(random, nowMs, changedMs())),
    identities: few(random, 0.2, at => identityChange(random, context.sequence + 2 * at)),
    consent: few(random, 0.15, () => consentChange(random, changedMs())),
    device: random.chance(0.3) ? randomDevice(random) : [],
    location: random.chance(0.2) ? randomFix(random, changedMs()) : undefined,
    seen: [],
    extra: '',
  };
}

/** What a profile is told when another has claimed its identities. */
export function randomLosses(context: RecordContext, nowMs: number): ProfileRecord {
  const {random, sequence} = context;
  const record = randomRecord(context, nowMs);
  return {
    ...record,
    scope: random.chance(0.8) ? LOSSES_OF.production : LOSSES_OF.development,
    events: [],
    attributes: [],
    identities: [identityChange(random, sequence)].map(change => ({
      ...change,
      value: change.value ?? 'z',
    })),
    consent: [],
    device: [],
    location: undefined,
  };
}

/** How many sequence numbers one record may use. */
export const SEQUENCES_PER_RECORD = 4;

function few<T>(random: Random, probability: number, make: (at: number) => T): T[] {
  if (!random.chance(probability)) return [];
  return Array.from({length: random.int(1, 2)}, (_, at) => make(at));
}

export function randomEventMs(context: RecordContext, nowMs: number): number {
  const {random, eventRetentionMs, durationsMs, pastMs} = context;
  return random.branch([
    [5, () => nowMs],
    [3, () => nowMs - random.int(0, 5_000)],
    [5, () => nowMs - random.pick(durationsMs) + random.pick([-1, 0, 0, 1])],
    [4, () => nowMs - random.int(0, Math.min(eventRetentionMs, 2 * DAY_MS))],
    [1, () => nowMs - eventRetentionMs - random.pick([-1, 0, 1, DAY_MS])],
    [2, () => nowMs + random.pick([1, random.int(1, 3_600_000), random.int(1, DAY_MS)])],
    [pastMs.length > 0 ? 2 : 0, () => random.pick(pastMs)],
    // As far after an earlier event as steps of sequences may be, to the millisecond.
    [
      pastMs.length > 0 ? 2.5 : 0,
      () => random.pick(pastMs) + random.pick(durationsMs) + random.pick([-1, 0, 0, 1]),
    ],
    [1.5, () => midnightMs(random, nowMs)],
  ]);
}

/** More of the same than a bounded history keeps, some of it not yet. */
function burst(context: RecordContext, nowMs: number): EventRecord[] {
  const {random} = context;
  const event = randomEvent(context, nowMs);
  return Array.from({length: random.int(6, 11)}, () => ({
    ...event,
    timeMs: nowMs + random.pick([0, random.int(-5_000, 0), random.int(-3_600_000, 600_000)]),
  }));
}

/** A midnight near by, where windows between dates begin and end, or the millisecond before. */
function midnightMs(random: Random, nowMs: number): number {
  const midnight = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return midnight + random.pick([0, 0, -DAY_MS, DAY_MS]) + random.pick([-1, 0, 0]);
}

function randomEvent(context: RecordContext, nowMs: number): EventRecord {
  const {random} = context;
  const topic = pickTopic(random, context.topics);
  const kind = random.chance(0.03) ? 'other' : random.pick(topic.kinds);
  const name = random.pick(topic.names);
  return {
    kind,
    name: kind === 'other' ? '' : name,
    type: kind === 'custom' ? eventType(random, topic) : '',
    timeMs: randomEventMs(context, nowMs),
    fields: eventFields(random, {kind, name, topic, nowMs}),
    items: topic.items.length === 0 ? [] : randomItems(random, topic.items, nowMs),
  };
}

function eventType(random: Random, {criterion}: Topic): string {
  return criterion['kind'] === 'attribution_event' ? 'attribution' : random.pick(EVENT_TYPES);
}

function eventFields(
  random: Random,
  about: {kind: EventKind; name: string; topic: Topic; nowMs: number},
): Fields {
  const {kind, name, topic, nowMs} = about;
  return topic.attributes.flatMap(({name: attribute, reading}): (string | Value)[] => {
    if (attribute === '$screen_name') return [attribute, name];
    if (attribute === '$session_duration_ms') {
      const duration = random.pick([0, 999, 1_000, 6_000, 12_000, 60_000, 300_000]);
      return kind === 'session_end' ? [attribute, duration] : [];
    }
    return random.chance(0.8) ? [attribute, randomValue(random, reading, nowMs)] : [];
  });
}

/** None at all now and then; the first field is always there, so that each can be told to be one. */
function randomItems(random: Random, kinds: readonly AttributeKind[], nowMs: number): Fields[] {
  const [first, ...others] = kinds;
  return Array.from({length: random.pick([0, 1, 1, 2, 3])}, () => [
    first?.name ?? '',
    random.pick(['red', 'Blue', 'ref']),
    ...others
      .filter(() => random.chance(0.8))
      .flatMap(({name, reading}): (string | Value)[] => [
        name,
        randomValue(random, reading, nowMs),
      ]),
  ]);
}

function attributeChange(random: Random, nowMs: number, timeMs: number): AttributeChange {
  const {name, reading} = random.pick(USER_ATTRIBUTES);
  const value = random.chance(0.12) ? undefined : randomValue(random, reading, nowMs);
  return {name, value, timeMs};
}

/** Sequences are even; one that comes late has the odd number of a time before. */
function identityChange(random: Random, sequence: number): IdentityChange {
  const type = random.pick(IDENTITY_TYPES);
  const value = random.chance(0.25) ? undefined : random.pick(['x@b.com', 'Y@B.COM', 'z']);
  return {type, value, sequence: random.chance(0.85) ? sequence : sequence - 9};
}

function consentChange(random: Random, timeMs: number): ConsentChange {
  const consented = random.pick([true, true, false, undefined]);
  if (random.chance(0.4)) {
    return {regulation: 'ccpa', purpose: 'data_sale_opt_out', consented, timeMs};
  }
  const purpose = random.pick(PURPOSES).toLowerCase();
  return {regulation: 'gdpr', purpose, consented, timeMs};
}

function randomDevice(random: Random): Fields {
  return Object.entries(DEVICES)
    .filter(() => random.chance(0.5))
    .flatMap(([field, values]) => [field, random.pick<string>(values)]);
}

function randomFix(random: Random, timeMs: number): LocationFix {
  return {...random.pick(PLACES), timeMs};
}
