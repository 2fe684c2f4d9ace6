import {describe, expect, test} from 'vitest';
import {decodeBatch, keptParts} from '../../server/inputs/decode-batch.ts';
import {ARRIVAL_MS, decoded, faultsOf, words} from './decoded.ts';

describe('the mpid', () => {
  test.each([
    ['{"mpid":-1327484737295091692}', -1327484737295091692n],
    ['{"mpid":"-1327484737295091692"}', -1327484737295091692n],
    ['{"mpid":7346244611012968789}', 7346244611012968789n],
    ['{"mpid":"7346244611012968789"}', 7346244611012968789n],
    ['{"mpid":-9223372036854775808}', -9223372036854775808n],
    ['{"mpid":"9223372036854775807"}', 9223372036854775807n],
    ['{"mpid":42}', 42n],
    ['{"mpid":0}', 0n],
    ['{"mpid":-0}', 0n],
    ['{"mpid":null}', undefined],
    ['{"mpid":""}', undefined],
    ['{}', undefined],
  ])('%s', (text, mpid) => {
    expect(decoded(text).mpid).toBe(mpid);
  });

  test.each([
    '9223372036854775808',
    '-9223372036854775809',
    '18446744073709551615',
    '99999999999999999999999',
    '"99999999999999999999999"',
    '"73462446110129687890"',
    '1.5',
    '1e18',
    '"abc"',
    '"0x10"',
    '" 1"',
    'true',
    '[]',
    '{}',
  ])('%s is a fault', mpid => {
    expect(faultsOf(`{"mpid":${mpid}}`)).toEqual(['mpid: is not a signed 64-bit integer.']);
  });
});

describe('the environment', () => {
  test.each([
    [undefined, 'production'],
    [null, 'production'],
    ['production', 'production'],
    ['unknown', 'production'],
    ['development', 'development'],
    ['Development', 'development'],
  ])('%j is %s', (environment, expected) => {
    expect(decoded({environment}).environment).toBe(expected);
  });

  test.each(['staging', 1, true, {}])('%j is a fault', environment => {
    expect(faultsOf({environment})).toEqual([
      'environment: is neither "production" nor "development".',
    ]);
  });
});

describe('times', () => {
  test('a batch has its own time, and never one later than its arrival', () => {
    expect(decoded({timestamp_unixtime_ms: 5}).batchMs).toBe(5);
    expect(decoded({timestamp_unixtime_ms: '1700000000000'}).batchMs).toBe(1_700_000_000_000);
    expect(decoded({timestamp_unixtime_ms: 1_700_000_000_000.75}).batchMs).toBe(1_700_000_000_000);
    expect(decoded({timestamp_unixtime_ms: ARRIVAL_MS + 1}).batchMs).toBe(ARRIVAL_MS);
    expect(decoded({timestamp_unixtime_ms: null}).batchMs).toBe(ARRIVAL_MS);
    expect(decoded({}).batchMs).toBe(ARRIVAL_MS);
  });

  test.each(['yesterday', '2026-11-23T00:00:00Z', true, {}, [1], 1e300, ' '])(
    '%j is no time',
    timestamp => {
      expect(faultsOf({timestamp_unixtime_ms: timestamp})).toEqual([
        'timestamp_unixtime_ms: is not a number of milliseconds since 1970.',
      ]);
    },
  );
});

describe('what nobody reads is kept', () => {
  test('as JSON text, with every digit', () => {
    const text =
      '{"schema_version":2,"batch_id":7346244611012968789,"partner_identities":{"a":{"id":-9223372036854775807}},' +
      '"integration_attributes":{},"api_key":"","sdk_version":null,"__proto__":{"x":[1]}}';
    expect(decoded(text).extra).toBe(
      '{"schema_version":2,"batch_id":7346244611012968789,"partner_identities":{"a":{"id":-9223372036854775807}},"__proto__":{"x":[1]}}',
    );
  });

  test('in events too, by their positions', () => {
    const batch = decoded({
      events: [
        {event_type: 'session_start', data: {}},
        null,
        {
          event_type: 'custom_event',
          note: 1,
          data: {event_name: 'x', session_uuid: 'u', custom_flags: {}, canonical_name: null},
        },
        {event_type: 'brand_new', data: {anything: [1, {deep: true}]}},
      ],
    });
    expect(batch.events.map(({records}) => records[0]!.kind)).toEqual([
      'session_start',
      'custom',
      'other',
    ]);
    expect(JSON.parse(batch.extra)).toEqual({
      events: {2: {note: 1, data: {session_uuid: 'u'}}, 3: {data: {anything: [1, {deep: true}]}}},
    });
  });

  test('up to 64 levels', () => {
    const nested = (levels: number) => `{"x":${'['.repeat(levels)}1${']'.repeat(levels)}}`;
    expect(decoded(nested(64)).extra).toBe(nested(64));
    expect(faultsOf(nested(65))).toEqual(['x: is nested deeper than 64 levels.']);
    expect(faultsOf(nested(10_000))).toEqual(['x: is nested deeper than 64 levels.']);
    expect(
      faultsOf(`{"user_attributes":{"x":[${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}]}}`),
    ).toEqual([
      'user_attributes.x[0]: cannot be kept: a number out of range or too deeply nested.',
    ]);
    expect(faultsOf('['.repeat(10_000) + ']'.repeat(10_000))).toEqual([
      'The batch is not an object.',
    ]);
  });
});

describe('faults', () => {
  test('all of them at once, each with its place', () => {
    const events = [
      {event_type: 'custom_event', data: {event_name: 'fine'}},
      {event_type: 'custom_event', data: {}},
      {data: {}},
      'event',
      {event_type: 'custom_event', data: {event_name: 'x', custom_attributes: {'a b': Infinity}}},
    ];
    const result = decodeBatch({mpid: 'x', events}, {arrivalMs: ARRIVAL_MS, path: '[2]'});
    expect(result).toEqual({
      problems: [
        {
          path: '[2].events[1].data.event_name',
          message:
            '[2].events[1].data.event_name: Required event field "event_name" is missing or empty.',
        },
        {
          path: '[2].events[2].event_type',
          message:
            '[2].events[2].event_type: Required event field "event_type" is missing or empty.',
        },
        {path: '[2].events[3]', message: '[2].events[3]: is not an object.'},
        {
          path: '[2].events[4].data.custom_attributes["a b"]',
          message: '[2].events[4].data.custom_attributes["a b"]: is a number out of range.',
        },
        {path: '[2].mpid', message: '[2].mpid: is not a signed 64-bit integer.'},
      ],
    });
  });

  test('a batch holds ten thousand events', () => {
    const batch = {events: new Array(10_000).fill({event_type: 'session_start'})};
    expect(faultsOf(batch)).toEqual([]);
  });

  test('a hundred are told, and how many more', () => {
    const faults = faultsOf({events: new Array(1_000).fill(1)});
    expect(faults).toHaveLength(101);
    expect(faults[100]).toBe('and 900 more.');
  });

  test.each([[[]], ['"x"'], [1], [null], [undefined], [true], [5n]])('%s is no batch', raw => {
    expect(faultsOf(raw)).toEqual(['The batch is not an object.']);
  });

  test.each([
    [{events: {}}, 'events: is not an array.'],
    [{events: 'x'}, 'events: is not an array.'],
    [
      {events: new Array(10_001).fill({event_type: 'x'})},
      'events: has 10001 elements, and 10000 is the limit.',
    ],
  ])('events %#', (batch, fault) => {
    expect(faultsOf(batch)).toEqual([fault]);
  });
});

describe('nothing but nulls', () => {
  test('is an empty batch', () => {
    const names = words(`
      events source_request_id environment mpid mp_deviceid user_identities user_attributes
      deleted_user_attributes device_info application_info consent_state
      integration_attributes partner_identities context ip timestamp_unixtime_ms
      schema_version unheard_of
    `);
    const empty = decoded({});
    expect(decoded(Object.fromEntries(names.map(name => [name, null])))).toEqual(empty);
    expect(empty).toEqual({
      environment: 'production',
      mpid: undefined,
      requestId: '',
      ip: undefined,
      arrivalMs: ARRIVAL_MS,
      batchMs: ARRIVAL_MS,
      events: [],
      attributes: [],
      identities: [],
      consent: [],
      device: [],
      location: undefined,
      extra: '',
    });
  });
});

describe('what is kept of a batch', () => {
  const batch = decoded({
    user_attributes: {tier: 'gold'},
    user_identities: {email: 'new@b.c'},
    events: [
      {event_type: 'custom_event', data: {event_name: 'a', source_message_id: 'm0'}},
      {
        event_type: 'user_attribute_change',
        data: {user_attribute_name: 'tier', new: 'silver', source_message_id: 'm1'},
      },
      {
        event_type: 'user_identity_change',
        data: {new: {identity_type: 'email', identity: 'old@b.c'}, source_message_id: 'm2'},
      },
    ],
  });

  test('all: what the batch says comes after what its events changed', () => {
    const parts = keptParts(batch, new Set());
    expect(parts.events.map(({kind, name}) => `${kind} ${name}`)).toEqual([
      'custom a',
      'other user_attribute_change',
      'other user_identity_change',
    ]);
    expect(parts.attributes.map(({value}) => value)).toEqual(['silver', 'gold']);
    expect(parts.identities.map(({value}) => value)).toEqual(['old@b.c', 'new@b.c']);
  });

  test('without repeats: their changes go with them', () => {
    expect(batch.events.map(({messageId}) => messageId)).toEqual(['m0', 'm1', 'm2']);
    const parts = keptParts(batch, new Set([1, 2]));
    expect(parts.events.map(({name}) => name)).toEqual(['a']);
    expect(parts.attributes.map(({value}) => value)).toEqual(['gold']);
    expect(parts.identities.map(({value}) => value)).toEqual(['new@b.c']);
  });
});
