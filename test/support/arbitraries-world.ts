/**
 * The small universe that random histories draw from: small, so that things collide. Names and values
 * differ by case, by type and by the last digit on purpose.
 */
import type {Scalar, Value} from '../../engine/record.ts';
import type {Random} from './arbitraries-random.ts';
import type {JsonObject} from './oracle-json.ts';
import {DAY_MS, durationMs} from './oracle-time.ts';

export const WORKSPACES = [1, 2] as const;

export const INPUTS = [
  {id: 1, workspace: 1},
  {id: 2, workspace: 1},
  {id: 3, workspace: 2},
] as const;

/** Noon, so that midnights fall into a history and between its events. */
export const START_MS = Date.parse('2026-03-10T12:00:00.000Z');

export const MPIDS: readonly bigint[] = [
  -9_223_372_036_854_775_808n,
  -1n,
  1n,
  42n,
  9_007_199_254_740_993n,
  9_223_372_036_854_775_807n,
];

export const EVENT_TYPES = ['navigation', 'social', 'other'] as const;
export const PURPOSES = ['analytics', 'Ads'] as const;
export const IDENTITY_TYPES = ['customer_id', 'email'] as const;
export const DEVICES = {
  platform: ['ios', 'Android'],
  os: ['iPadOS', 'android'],
  os_version: ['10.2.1', '10.10.0', '9'],
  brand: ['red', 'Blue'],
  model: ['ref', 'dark blue'],
  manufacturer: ['Blue', 'RED'],
  carrier: ['red', 'ref'],
  country: ['FR', 'de'],
  language: ['fr', 'EN'],
  app_version: ['10.2.1', '10.10', '9'],
  app_build: ['7', '12.50', 'red'],
} as const;
export type DeviceField = keyof typeof DEVICES;
/** Tested as versions; the others as text. */
export const VERSION_DEVICES: readonly string[] = ['os_version', 'app_version'];
export const PLACES = [
  {
    city: 'Paris',
    state: undefined,
    zip: '75001',
    dma: undefined,
    country: 'FR',
    latitude: 48.8566,
    longitude: 2.3522,
  },
  {
    city: 'Versailles',
    state: undefined,
    zip: '78000',
    dma: undefined,
    country: 'FR',
    latitude: 48.8049,
    longitude: 2.1204,
  },
  {
    city: 'Springfield',
    state: 'IL',
    zip: '62701',
    dma: '648',
    country: 'US',
    latitude: 39.7817,
    longitude: -89.6501,
  },
  {
    city: 'springfield',
    state: 'MA',
    zip: '01101',
    dma: '543',
    country: 'US',
    latitude: undefined,
    longitude: undefined,
  },
  // Only a point, as from a device.
  {
    city: undefined,
    state: undefined,
    zip: undefined,
    dma: undefined,
    country: undefined,
    latitude: 48.86,
    longitude: 2.35,
  },
] as const;

/** Cities that definitions may name as centres. */
export function findCity(name: string): {latitude: number; longitude: number} | undefined {
  return name.toLowerCase() === 'paris' ? {latitude: 48.8566, longitude: 2.3522} : undefined;
}

export const READINGS = ['text', 'number', 'boolean', 'date', 'version', 'list'] as const;
export type Reading = (typeof READINGS)[number];

/** What an attribute is mostly used for; its values stray from that now and then. */
export interface AttributeKind {
  readonly name: string;
  readonly reading: Reading;
}

export const USER_ATTRIBUTES: readonly AttributeKind[] = [
  {name: 'tier', reading: 'text'},
  {name: 'age', reading: 'number'},
  {name: 'vip', reading: 'boolean'},
  {name: 'born', reading: 'date'},
  {name: 'app', reading: 'version'},
  {name: 'langs', reading: 'list'},
];

const TEXTS = ['red', 'Blue', 'dark blue', 'RED', 'ref'] as const;
const NUMBERS = [0.1, 0.2, 0.3, 1, 2, 5] as const;
/** Sums of these are not what adding them up as they are gives. */
const DRIFTING = [0.1, 0.1, 0.2, 0.2, 0.7] as const;
const VERSIONS = ['10.2.1', '10.10.0', '10.10', '9'] as const;
const LANGUAGES = ['fr', 'EN', 'de'] as const;

/** A value that mostly reads as asked. */
export function randomValue(random: Random, reading: Reading, nowMs: number): Value {
  if (random.chance(0.1)) {
    return random.pick<Value>([null, 'red', '0.30', 7, true, 'TRUE', ['red', 1], '2026-03-11']);
  }
  switch (reading) {
    case 'text':
      return random.pick<Scalar>([...TEXTS, ...TEXTS, 12.5, '12.50', false, '']);
    case 'number':
      return random.pick<Scalar>([
        ...NUMBERS,
        ...NUMBERS,
        ...DRIFTING,
        '0.1',
        '0.20',
        '5',
        -1,
        'five',
      ]);
    case 'boolean':
      return random.pick<Scalar>([true, true, false, 'true', 'False']);
    case 'date':
      return randomInstant(random, nowMs);
    case 'version':
      return random.pick<Scalar>([...VERSIONS, 10, '10.2.1.0', '10.x']);
    case 'list':
      return random.some<Scalar>([...LANGUAGES, 5]);
  }
}

function randomInstant(random: Random, nowMs: number): Scalar {
  const instant = nowMs + random.pick([-1, 1, 0]) * random.int(0, 2 * DAY_MS);
  const iso = new Date(instant).toISOString();
  return random.pick<Scalar>([instant, iso, iso.slice(0, 10), 'soon']);
}

/** Operator, value and, where the two leave it open, type: a condition without its attribute. */
export function randomTest(random: Random, reading: Reading, windows: Windows): JsonObject {
  if (random.chance(0.12)) return {operator: random.pick(['exists', 'not_exists'])};
  // Nobody is kept from asking for what is a number as if it were text.
  const asked = windows.strays && random.chance(0.05) ? random.pick(READINGS) : reading;
  switch (asked) {
    case 'text':
      return textTest(random);
    case 'number':
      return random.chance(0.15)
        ? orderTest(random, NUMBERS.map(String), {type: 'number'})
        : orderTest(random, NUMBERS, random.chance(0.15) ? {type: 'number'} : {});
    case 'boolean':
      return {operator: 'equals', value: random.pick<Scalar>([true, true, false, 'true', 'FALSE'])};
    case 'date':
      return dateTest(random, windows);
    case 'version':
      return orderTest(random, VERSIONS, {type: 'version'});
    case 'list':
      return listTest(random);
  }
}

function textTest(random: Random): JsonObject {
  const stated = random.chance(0.2) ? {type: 'string'} : {};
  const text = random.pick(['red', 'BLUE', 'dark blue', 'ref']);
  return random.branch<JsonObject>([
    [
      3,
      () => ({operator: random.pick(['exact_match', 'not_exact_match']), value: text, ...stated}),
    ],
    [
      2,
      () => ({
        operator: random.pick(['contains', 'not_contains']),
        value: random.pick(['e', 'Blu', 'd']),
        ...stated,
      }),
    ],
    [
      1,
      () => ({
        operator: random.pick(['starts_with', 'ends_with']),
        value: random.pick(['RE', 'd', 'blue']),
        ...stated,
      }),
    ],
    [
      2,
      () => ({
        operator: random.pick(['pattern', 'not_pattern']),
        value: random.pick(['r?d', '*blue', 'B*e', '*', 're*', '??f']),
        ...stated,
      }),
    ],
    [
      2,
      () => ({
        operator: random.pick(['in', 'not_in']),
        value: random.some(['red', 'Blue', 'ref', '12.5']),
      }),
    ],
  ]);
}

function orderTest(
  random: Random,
  values: readonly (number | string)[],
  stated: JsonObject,
): JsonObject {
  const low = random.int(0, 2);
  const high = random.int(3, values.length - 1);
  return random.branch<JsonObject>([
    [
      6,
      () => ({
        operator: random.pick([
          'equals',
          'not_equals',
          'greater_than',
          'greater_or_equal',
          'less_than',
          'less_or_equal',
        ]),
        value: random.pick(values),
        ...stated,
      }),
    ],
    [1, () => ({operator: 'between', value: between(values, stated, low, high), ...stated})],
    [2, () => ({operator: random.pick(['in', 'not_in']), value: random.some(values), ...stated})],
  ]);
}

/** Versions are listed newest last but one; a range from high to low would be refused. */
function between(
  values: readonly (number | string)[],
  {type}: JsonObject,
  low: number,
  high: number,
): (number | string)[] {
  if (type === 'version') return ['9', '10.2.1'];
  return [values[low] ?? 0, values[high] ?? 0];
}

function listTest(random: Random): JsonObject {
  return random.branch<JsonObject>([
    [
      3,
      () => ({
        operator: random.pick(['includes', 'not_includes']),
        value: random.pick(['FR', 'en', '5']),
      }),
    ],
    [1, () => ({operator: 'partial_match', value: random.pick(['f', 'E'])})],
    [1, () => ({operator: 'in', value: random.some(['fr', 'de', 'EN']), type: 'list'})],
  ]);
}

function dateTest(random: Random, windows: Windows): JsonObject {
  const form =
    windows.moving && random.chance(0.6) ? movingWindow(random, windows) : fixedWindow(random);
  const [operator = 'after', value = ''] = Object.entries(form)[0] ?? [];
  return operator === 'between' ? {operator, value, type: 'date'} : {operator, value};
}

/** Which durations the definitions of a world may name. */
export interface Windows {
  /** Ascending, none longer than the event retention. */
  readonly durations: readonly string[];
  /** Whether tests of attributes may move with the clock. */
  readonly moving: boolean;
  /** Whether tests may be of another type than what they test. */
  readonly strays: boolean;
}

const DURATIONS = ['90s', '10m', '1h', '3h', '12h', '1d', '36h', '2d', '3d', '1w'] as const;

export function windowsOf(eventRetentionMs: number, moving: boolean): Windows {
  const fits = (text: string): boolean => (durationMs(text) ?? Infinity) <= eventRetentionMs;
  return {durations: DURATIONS.filter(fits), moving, strays: true};
}

export function movingWindow(random: Random, {durations}: Windows): JsonObject {
  if (random.chance(0.75)) return {within_last: random.pick(durations.slice(1))};
  const newer = random.int(-1, durations.length - 2);
  const older = random.int(newer + 1, durations.length - 1);
  return {between_ago: [durations[newer] ?? '0s', durations[older] ?? '']};
}

export function fixedWindow(random: Random): JsonObject {
  const day = random.int(-1, 2);
  return random.branch<JsonObject>([
    [1, () => ({before: dayText(day + 1)})],
    [1, () => ({after: dayText(day)})],
    [1, () => ({on: dayText(day)})],
    [1, () => ({between: [dayText(day - 1), dayText(day)]})],
  ]);
}

export function dayText(offset: number): string {
  return new Date(START_MS + offset * DAY_MS).toISOString().slice(0, 10);
}
