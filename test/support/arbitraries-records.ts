/** Random records: what one batch said of one profile, in time, late, or from the future. */
import {mpidHi, mpidLo, scopeOf} from '../../engine/ids.ts';
import type {
  AttributeChange,
  ConsentChange,
  EventRecord,
  Fields,
  IdentityChange,
  LocationFix,
  ProfileRecord,
  Value,
} from '../../engine/record.ts';
import type {Random} from './arbitraries-random.ts';
import {
  ATTRIBUTION_NAMES,
  DEVICES,
  EVENT_ATTRIBUTES,
  EVENT_NAMES,
  EVENT_TYPES,
  IDENTITY_TYPES,
  INPUTS,
  PLACES,
  PRODUCT_ACTIONS,
  PRODUCT_FIELDS,
  PROMOTION_ACTIONS,
  PROMOTION_FIELDS,
  PURPOSES,
  randomValue,
  SCREENS,
  USER_ATTRIBUTES,
} from './arbitraries-world.ts';
import type {AttributeKind} from './arbitraries-world.ts';
import {DAY_MS} from './oracle-time.ts';

export interface RecordContext {
  readonly random: Random;
  readonly mpids: readonly bigint[];
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
  const mpid = random.pick(context.mpids);
  const input = random.pick(INPUTS);
  const arrivalMs = random.chance(0.9) ? nowMs : nowMs - random.int(1, 2_000);
  const batchMs = random.chance(0.85) ? arrivalMs : arrivalMs - random.int(1, 3_600_000);
  const events = random.branch([
    [2, () => 0],
    [6, () => 1],
    [2, () => 2],
    [1, () => 3],
  ]);
  const changedMs = (): number =>
    random.chance(0.7) ? batchMs : arrivalMs - random.int(0, 7_200_000);
  return {
    mpidHi: mpidHi(mpid),
    mpidLo: mpidLo(mpid),
    scope: scopeOf(input.workspace, random.chance(0.8) ? 'production' : 'development'),
    inputId: input.id,
    arrivalMs,
    batchMs,
    events: Array.from({length: events}, () => randomEvent(context, nowMs)),
    attributes: few(random, 0.4, () => attributeChange(random, nowMs, changedMs())),
    identities: few(random, 0.2, at => identityChange(random, context.sequence + 2 * at)),
    consent: few(random, 0.15, () => consentChange(random, changedMs())),
    device: random.chance(0.3) ? randomDevice(random) : [],
    location: random.chance(0.2) ? randomFix(random, changedMs()) : undefined,
    seen: [],
    extra: '',
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
  ]);
}

function randomEvent(context: RecordContext, nowMs: number): EventRecord {
  const {random} = context;
  const timeMs = randomEventMs(context, nowMs);
  const version: Fields = random.chance(0.4)
    ? ['$app_version', randomValue(random, 'version', nowMs)]
    : [];
  const plain = {name: '', type: '', timeMs, fields: version, items: []};
  return random.branch<EventRecord>([
    [6, () => customEvent(random, nowMs, {...plain, kind: 'custom'})],
    [4, () => commerceEvent(random, nowMs, {...plain, kind: 'commerce'})],
    [2, () => screenView(random, {...plain, kind: 'screen_view'})],
    [1.5, () => ({...plain, kind: 'session_start'})],
    [1.5, () => sessionEnd(random, {...plain, kind: 'session_end'})],
    [1, () => crash(random, {...plain, kind: 'crash'})],
    [1, () => ({...plain, kind: random.pick(['install', 'upgrade'])})],
    [1, () => ({...plain, kind: 'uninstall', fields: [...version, ...campaign(random)]})],
    [1.5, () => attribution(random, {...plain, kind: 'custom'})],
    [0.5, () => ({...plain, kind: 'other'})],
  ]);
}

function customEvent(random: Random, nowMs: number, event: EventRecord): EventRecord {
  return {
    ...event,
    name: random.pick(EVENT_NAMES),
    type: random.pick(EVENT_TYPES),
    fields: [...event.fields, ...fieldsOf(random, EVENT_ATTRIBUTES, nowMs)],
  };
}

function commerceEvent(random: Random, nowMs: number, event: EventRecord): EventRecord {
  const isPromotion = random.chance(0.2);
  const name = random.pick<string>(isPromotion ? PROMOTION_ACTIONS : PRODUCT_ACTIONS);
  const kinds = isPromotion ? PROMOTION_FIELDS : PRODUCT_FIELDS;
  const [first] = kinds;
  const items = Array.from({length: random.int(0, 3)}, (): Fields => [
    first?.name ?? '',
    random.pick(['red', 'Blue', 'ref']),
    ...fieldsOf(random, kinds.slice(1), nowMs),
  ]);
  const total: Fields = random.chance(0.5)
    ? ['$total_amount', randomValue(random, 'number', nowMs)]
    : [];
  return {...event, name, fields: [...event.fields, ...total], items};
}

function screenView(random: Random, event: EventRecord): EventRecord {
  const name = random.pick(SCREENS);
  return {...event, name, fields: [...event.fields, '$screen_name', name]};
}

function sessionEnd(random: Random, event: EventRecord): EventRecord {
  const duration = random.pick([0, 999, 1_000, 60_000, 90_000]);
  return {...event, fields: [...event.fields, '$session_duration_ms', duration]};
}

function crash(random: Random, event: EventRecord): EventRecord {
  return {...event, fields: [...event.fields, '$severity', random.pick(['red', 'Blue'])]};
}

function attribution(random: Random, event: EventRecord): EventRecord {
  const name = random.pick([...ATTRIBUTION_NAMES, 'Attribution', 'attribution']);
  return {...event, name, type: 'attribution', fields: [...event.fields, ...campaign(random)]};
}

function campaign(random: Random): Fields {
  const publisher = random.chance(0.8) ? ['publisher', random.pick(['red', 'Blue'])] : [];
  return [...publisher, 'campaign', random.pick(['RED', 'dark blue'])];
}

function fieldsOf(random: Random, kinds: readonly AttributeKind[], nowMs: number): Fields {
  return kinds
    .filter(() => random.chance(0.6))
    .flatMap(({name, reading}): (string | Value)[] => [name, randomValue(random, reading, nowMs)]);
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
    .filter(() => random.chance(0.7))
    .flatMap(([field, values]) => [field, random.pick<string>(values)]);
}

function randomFix(random: Random, timeMs: number): LocationFix {
  return {...random.pick(PLACES), dma: undefined, timeMs};
}
