/** Whatever a client sends, the answer is a batch of well-formed parts, or problems that name their place. */
import * as fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Fields, Value} from '../../engine/record.ts';
import {decodeBatch, keptParts, type DecodedBatch} from '../../server/inputs/decode-batch.ts';
import {parseJson} from '../../server/inputs/lossless-json.ts';
import {ARRIVAL_MS, words} from './decoded.ts';

const name = fc.constantFrom(
  '',
  ...words(`
    a __proto__ constructor toString $x email customerid identity_type identity gdpr ccpa
    marketing consented latitude longitude action products promotions id price location
    platform
  `),
);
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.bigInt({min: -(2n ** 65n), max: 2n ** 65n}),
  fc.string({unit: 'binary'}),
  fc.constantFrom(
    'view',
    '1',
    'email',
    'click',
    '00000000-0000',
    '7346244611012968789',
    'development',
  ),
);
const anything = fc.letrec(tie => ({
  value: fc.oneof(
    {maxDepth: 4, withCrossShrink: true},
    {weight: 3, arbitrary: scalar},
    {weight: 1, arbitrary: fc.array(tie('value'), {maxLength: 4})},
    {weight: 2, arbitrary: fc.dictionary(name, tie('value'), {maxKeys: 4})},
  ),
})).value;

/** A batch has many fields: with anything in each of them none would be accepted. */
const mostlyAbsent = fc.oneof(
  {weight: 8, arbitrary: fc.constant(null)},
  {weight: 1, arbitrary: anything},
);

function objectOf(names: readonly string[]): fc.Arbitrary<object> {
  return fc.record(Object.fromEntries(names.map(key => [key, mostlyAbsent])), {requiredKeys: []});
}

const DATA = words(`
  event_name custom_event_type timestamp_unixtime_ms source_message_id
  custom_attributes screen_name location product_action promotion_action
  product_impressions currency_code session_duration_ms severity is_first_run
  is_upgrade user_attribute_name new old deleted register registration_token
  session_uuid __proto__
`);
const event = fc.oneof(
  {weight: 1, arbitrary: anything},
  {
    weight: 8,
    arbitrary: fc.record(
      {
        event_type: fc.oneof(
          fc.constantFrom(
            'custom_event',
            'commerce_event',
            'screen_view',
            'session_end',
            'crash_report',
            'application_state_transition',
          ),
          fc.constantFrom(
            'user_attribute_change',
            'user_identity_change',
            'push_registration',
            'whatever',
          ),
          mostlyAbsent,
        ),
        data: fc.oneof({weight: 8, arbitrary: objectOf(DATA)}, {weight: 1, arbitrary: anything}),
        extra: anything,
      },
      {requiredKeys: []},
    ),
  },
);
const batch = fc
  .tuple(
    objectOf(
      words(`
      source_request_id environment mpid mp_deviceid user_identities user_attributes
      context ip deleted_user_attributes device_info application_info consent_state
      timestamp_unixtime_ms x
    `),
    ),
    fc.array(event, {maxLength: 3}),
  )
  .map(([fields, events]) => ({...fields, events}));

function isValue(value: Value | undefined): boolean {
  if (Array.isArray(value))
    return value.every(element => !Array.isArray(element) && isValue(element as Value));
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  );
}

function expectFields(fields: Fields): void {
  expect(fields.length % 2).toBe(0);
  for (let index = 0; index < fields.length; index += 2) {
    expect(typeof fields[index]).toBe('string');
    expect(isValue(fields[index + 1])).toBe(true);
  }
}

function expectWellFormed(decoded: DecodedBatch): void {
  const parts = keptParts(decoded, new Set());
  expect(decoded.batchMs).toBeLessThanOrEqual(ARRIVAL_MS);
  expectFields(decoded.device);
  for (const record of parts.events) {
    expect(Number.isInteger(record.timeMs)).toBe(true);
    expectFields(record.fields);
    for (const item of record.items) expectFields(item);
    for (let index = 0; index < record.fields.length; index += 2)
      expect(record.fields[index]).not.toBe('$x');
  }
  for (const change of parts.attributes) {
    expect(change.timeMs).toBeLessThanOrEqual(ARRIVAL_MS);
    expect(change.value === undefined || isValue(change.value)).toBe(true);
  }
  for (const claim of parts.identities) expect(claim.value).not.toBe('');
  for (const change of decoded.consent) expect(change.timeMs).toBeLessThanOrEqual(ARRIVAL_MS);
  if (decoded.extra !== '') parseJson(Buffer.from(decoded.extra));
}

function expectAnswered(raw: unknown): 'batch' | 'problems' {
  const result = decodeBatch(raw, {arrivalMs: ARRIVAL_MS, path: ''});
  if ('batch' in result) {
    expectWellFormed(result.batch);
    return 'batch';
  }
  expect(result.problems.length).toBeGreaterThan(0);
  for (const {path, message} of result.problems) expect(message.startsWith(path)).toBe(true);
  return 'problems';
}

test('any value at all', () => {
  fc.assert(
    fc.property(anything, raw => void expectAnswered(raw)),
    {numRuns: 500},
  );
});

test('wrong types at every field', () => {
  const answers = {batch: 0, problems: 0};
  fc.assert(
    fc.property(batch, raw => {
      answers[expectAnswered(raw)]++;
    }),
    {numRuns: 3_000},
  );
  expect(answers.batch).toBeGreaterThan(50);
  expect(answers.problems).toBeGreaterThan(50);
});

test('nothing of it reaches the prototype of objects', () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect('polluted' in {}).toBe(false);
});

test('a whole batch with one field replaced by anything', () => {
  const whole = {
    mpid: '5',
    user_identities: {customer_id: 'c'},
    user_attributes: {a: ['x']},
    device_info: {platform: 'iOS'},
    consent_state: {gdpr: {m: {consented: true}}},
    context: {location: {latitude: 1, longitude: 2}},
    events: [
      {event_type: 'custom_event', data: {event_name: 'e', custom_attributes: {k: 1}}},
      {
        event_type: 'commerce_event',
        data: {product_action: {action: 'purchase', products: [{id: 's', price: 1}]}},
      },
    ],
  };
  const paths = pathsOf(whole, []);
  fc.assert(
    fc.property(fc.constantFrom(...paths), anything, (path, value) => {
      void expectAnswered(replaced(whole, path, value));
    }),
    {numRuns: 1_000},
  );
});

function pathsOf(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((inner, index) => (String(index) === key ? replaced(inner, rest, by) : inner));
  return {...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest, by)};
}
