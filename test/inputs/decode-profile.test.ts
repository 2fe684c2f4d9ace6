import {describe, expect, test} from 'vitest';
import {IDENTITY_TYPES} from '../../engine/identity-types.ts';
import {ARRIVAL_MS, decoded, faultsOf, named} from './decoded.ts';

describe('identities', () => {
  test('both spellings become one', () => {
    expect(
      decoded({user_identities: {customerid: '1', email: 'a@b.c', other2: 'x', other_id_3: 'y'}})
        .identities,
    ).toEqual([
      {type: 'customer_id', value: '1'},
      {type: 'email', value: 'a@b.c'},
      {type: 'other_id_2', value: 'x'},
      {type: 'other_id_3', value: 'y'},
    ]);
  });

  test('the list that outputs send', () => {
    const user_identities = [
      {identity_type: 'customer_id', identity: '1', timestamp_unixtime_ms: 5},
      {identity_type: 'email', identity: null},
      null,
      {identity_type: 'loyalty', identity: 'L'},
    ];
    const batch = decoded({user_identities});
    expect(batch.identities).toEqual([{type: 'customer_id', value: '1'}]);
    expect(JSON.parse(batch.extra)).toEqual({
      user_identities: {3: {identity_type: 'loyalty', identity: 'L'}},
    });
  });

  test('numbers lose no digit, absent values claim nothing, unknown types are kept aside', () => {
    const batch = decoded(
      '{"user_identities":{"customer_id":7346244611012968789,"other":12,"email":null,"yahoo":"","loyalty":"L"}}',
    );
    expect(batch.identities).toEqual([
      {type: 'customer_id', value: '7346244611012968789'},
      {type: 'other', value: '12'},
    ]);
    expect(JSON.parse(batch.extra)).toEqual({user_identities: {loyalty: 'L'}});
  });

  test('devices name themselves in device_info and mp_deviceid', () => {
    const batch = decoded({
      mp_deviceid: '8a1b',
      device_info: {
        platform: 'Android',
        android_advertising_id: '481c',
        android_uuid: 'u',
        ios_idfa: 'i',
        push_token: 'p',
        screen_width: 5,
      },
    });
    expect(batch.identities).toEqual([
      {type: 'mp_deviceid', value: '8a1b'},
      {type: 'android_advertising_id', value: '481c'},
      {type: 'android_uuid', value: 'u'},
      {type: 'ios_advertising_id', value: 'i'},
      {type: 'push_token', value: 'p'},
    ]);
    expect(JSON.parse(batch.extra)).toEqual({device_info: {screen_width: 5}});
  });

  test('the zeros of a device that limits tracking are nobody', () => {
    const ios_advertising_id = '00000000-0000-0000-0000-000000000000';
    expect(decoded({device_info: {ios_advertising_id}}).identities).toEqual([]);
    expect(decoded({user_identities: {customer_id: '0'}}).identities).toEqual([
      {type: 'customer_id', value: '0'},
    ]);
  });

  test('every canonical type is taken', () => {
    const user_identities = Object.fromEntries(IDENTITY_TYPES.map(type => [type, 'v']));
    expect(decoded({user_identities}).identities.map(({type}) => type)).toEqual(IDENTITY_TYPES);
  });

  test.each([
    [{email: true}, 'user_identities.email: is not text.'],
    [{email: {}}, 'user_identities.email: is not text.'],
    [{email: ['a@b.c']}, 'user_identities.email: is not text.'],
    ['a@b.c', 'user_identities: is not an object.'],
    [['a@b.c'], 'user_identities[0]: is not an object.'],
    [{email: 'x'.repeat(70_000)}, 'user_identities.email: is longer than 65536 characters.'],
  ])('%j is a fault', (user_identities, fault) => {
    expect(faultsOf({user_identities})).toEqual([fault]);
  });
});

describe('user attributes', () => {
  test('values stay what they are; null is a tag; a list is a list', () => {
    const text =
      '{"timestamp_unixtime_ms":7,"user_attributes":{"hair color":"brown","n":1.5,"big":7346244611012968789,"t":true,"tag":null,' +
      '"list":["a",1,false,null,{"k":1},[2]],"empty":[],"":"no name","text":""},"deleted_user_attributes":["old",5,null]}';
    expect(decoded(text).attributes).toEqual([
      {name: 'hair color', value: 'brown', timeMs: 7},
      {name: 'n', value: 1.5, timeMs: 7},
      {name: 'big', value: '7346244611012968789', timeMs: 7},
      {name: 't', value: true, timeMs: 7},
      {name: 'tag', value: null, timeMs: 7},
      {name: 'list', value: ['a', 1, false, null, '{"k":1}', '[2]'], timeMs: 7},
      {name: 'empty', value: [], timeMs: 7},
      {name: '', value: 'no name', timeMs: 7},
      {name: 'text', value: '', timeMs: 7},
      {name: 'old', value: undefined, timeMs: 7},
      {name: '5', value: undefined, timeMs: 7},
    ]);
  });

  test('an object is kept as its JSON text, digits and all, and costs no batch', () => {
    const text =
      '{"user_attributes":{"address":{"city":"Oslo","zip":7346244611012968789},"tier":"gold","none":{}},' +
      '"events":[{"event_type":"session_start","data":{"custom_attributes":{"cart":{"items":[1,{"a":null}]}}}},' +
      '{"event_type":"user_attribute_change","data":{"user_attribute_name":"cart","new":{"n":1}}}]}';
    const {attributes, events} = decoded(text);
    expect(attributes.map(({name, value}) => [name, value])).toEqual([
      ['address', '{"city":"Oslo","zip":7346244611012968789}'],
      ['tier', 'gold'],
      ['none', '{}'],
    ]);
    expect(events[0]?.records[0]?.fields).toEqual(['cart', '{"items":[1,{"a":null}]}']);
    expect(events[1]?.attributes[0]).toMatchObject({name: 'cart', value: '{"n":1}'});
  });

  test.each(['__proto__', 'constructor', 'toString', 'prototype', 'hasOwnProperty'])(
    'one called %s',
    name => {
      const batch = decoded(
        `{"user_attributes":{${JSON.stringify(name)}:"x"},"deleted_user_attributes":["${name}"]}`,
      );
      expect(batch.attributes).toEqual([
        {name, value: 'x', timeMs: ARRIVAL_MS},
        {name, value: undefined, timeMs: ARRIVAL_MS},
      ]);
      expect(batch.extra).toBe('');
    },
  );

  test.each([
    [{user_attributes: 'x'}, 'user_attributes: is not an object.'],
    [{user_attributes: ['x']}, 'user_attributes: is not an object.'],
    [
      `{"user_attributes":{"a":${'{"a":'.repeat(65)}1${'}'.repeat(65)}}}`,
      'user_attributes.a: is nested too deeply.',
    ],
    [
      {user_attributes: {a: {b: 'x'.repeat(65_536)}}},
      'user_attributes.a: is longer than 65536 characters as JSON.',
    ],
    [{user_attributes: {'a b': Infinity}}, 'user_attributes["a b"]: is a number out of range.'],
    [
      {user_attributes: {a: 'x'.repeat(65_537)}},
      'user_attributes.a: is longer than 65536 characters.',
    ],
    [
      {user_attributes: {a: new Array(1_001).fill(1)}},
      'user_attributes.a: has 1001 elements, and 1000 is the limit.',
    ],
    [{deleted_user_attributes: 'x'}, 'deleted_user_attributes: is not an array.'],
    [{deleted_user_attributes: [['x']]}, 'deleted_user_attributes[0]: is not text.'],
  ])('fault %#', (batch, fault) => {
    expect(faultsOf(batch)).toEqual([fault]);
  });

  test('a thousand pass, one more does not', () => {
    const of = (count: number) =>
      Object.fromEntries(Array.from({length: count}, (_, index) => [`a${index}`, index]));
    expect(decoded({user_attributes: of(1_000)}).attributes).toHaveLength(1_000);
    expect(faultsOf({user_attributes: of(1_001)})).toEqual([
      'user_attributes: has 1001 attributes, and 1000 is the limit.',
    ]);
  });

  test('an empty PHP array is an empty object', () => {
    expect(
      decoded({user_attributes: [], user_identities: [], device_info: [], consent_state: []})
        .attributes,
    ).toEqual([]);
  });
});

describe('consent', () => {
  test('purposes in lower case, with their own time or that of the batch', () => {
    const batch = decoded({
      timestamp_unixtime_ms: 9,
      consent_state: {
        gdpr: {
          Marketing: {consented: true, timestamp_unixtime_ms: 1},
          ads: {consented: false},
          nothing: {},
          gone: null,
          future: {consented: 'true', timestamp_unixtime_ms: ARRIVAL_MS + 5},
        },
        ccpa: {data_sale_opt_out: {consented: true}},
      },
    });
    expect(batch.consent).toEqual([
      {regulation: 'gdpr', purpose: 'marketing', consented: true, timeMs: 1},
      {regulation: 'gdpr', purpose: 'ads', consented: false, timeMs: 9},
      {regulation: 'gdpr', purpose: 'nothing', consented: false, timeMs: 9},
      {regulation: 'gdpr', purpose: 'future', consented: true, timeMs: ARRIVAL_MS},
      {regulation: 'ccpa', purpose: 'data_sale_opt_out', consented: true, timeMs: 9},
    ]);
    expect(batch.extra).toBe('');
  });

  test('a document is kept with the whole', () => {
    const consent_state = {gdpr: {a: {consented: true, document: 'd'}}, lgpd: {b: {}}};
    expect(JSON.parse(decoded({consent_state}).extra)).toEqual({consent_state});
  });

  test.each([null, {}, {gdpr: null, ccpa: {}}, {gdpr: {}, ccpa: null}, {gdpr: [], ccpa: []}])(
    '%j is none',
    consent_state => {
      expect(decoded({consent_state}).consent).toEqual([]);
    },
  );

  test.each([
    [{consent_state: 1}, 'consent_state: is not an object.'],
    [{consent_state: {gdpr: 'x'}}, 'consent_state.gdpr: is not an object.'],
    [{consent_state: {gdpr: {a: true}}}, 'consent_state.gdpr.a: is not an object.'],
    [
      {consent_state: {gdpr: {a: {timestamp_unixtime_ms: 'x'}}}},
      'consent_state.gdpr.a.timestamp_unixtime_ms: is not a number of milliseconds since 1970.',
    ],
  ])('fault %#', (batch, fault) => {
    expect(faultsOf(batch)).toEqual([fault]);
  });
});

describe('device, application, location', () => {
  test('fields by the names that criteria use', () => {
    const batch = decoded({
      device_info: {
        platform: 'Android',
        os_version: 14,
        brand: 'google',
        device_model: 'Pixel',
        device_manufacturer: 'Google',
        network_carrier: 'O2',
        locale_country: 'DE',
        locale_language: 'de',
        is_tablet: false,
        device: null,
      },
      application_info: {
        os: 'Android',
        application_version: '1.2',
        application_build_number: 77,
        package: 'p',
      },
      events: [{event_type: 'session_start'}],
    });
    expect(named(batch.device)).toEqual({
      platform: 'Android',
      os: 'Android',
      os_version: '14',
      brand: 'google',
      model: 'Pixel',
      manufacturer: 'Google',
      carrier: 'O2',
      country: 'DE',
      language: 'de',
      app_version: '1.2',
      app_build: '77',
    });
    expect(named(batch.events[0]!.records[0]!.fields)).toEqual({
      $app_version: '1.2',
      $app_build: '77',
      $platform: 'Android',
      $os_version: '14',
    });
    expect(JSON.parse(batch.extra)).toEqual({
      device_info: {is_tablet: false},
      application_info: {package: 'p'},
    });
  });

  test('the country of the device goes before that of its language', () => {
    expect(decoded({device_info: {device_country: 'FR', locale_country: 'DE'}}).device).toEqual([
      'country',
      'FR',
    ]);
  });

  test('the location of the context', () => {
    const location = {
      latitude: '48.1',
      longitude: 11.5,
      city_name: 'Munich',
      country_code: 'DE',
      dma_code: 501,
    };
    expect(decoded({timestamp_unixtime_ms: 3, context: {location}}).location).toEqual({
      latitude: 48.1,
      longitude: 11.5,
      city: 'Munich',
      state: undefined,
      zip: undefined,
      dma: '501',
      country: 'DE',
      timeMs: 3,
    });
  });

  test('else the newest of an event, never later than arrival', () => {
    const at = (timestamp_unixtime_ms: number, latitude: number) => ({
      event_type: 'session_start',
      data: {timestamp_unixtime_ms, location: {latitude, longitude: 1}},
    });
    const events = [at(5, 50), at(9, 51), at(7, 52)];
    expect(decoded({events}).location).toMatchObject({latitude: 51, timeMs: 9});
    expect(decoded({events: [...events, at(ARRIVAL_MS + 1, 53)]}).location).toMatchObject({
      latitude: 53,
      timeMs: ARRIVAL_MS,
    });
    expect(decoded({events, context: {location: {city_name: 'Rome'}}}).location).toMatchObject({
      city: 'Rome',
      latitude: undefined,
    });
    expect(
      decoded({events, context: {location: null, data_plan: {plan_id: 'p'}}}).location,
    ).toMatchObject({latitude: 51});
  });

  test.each([
    {},
    null,
    {latitude: 91, longitude: 1},
    {latitude: 5},
    {latitude: null, longitude: null, city_name: ''},
  ])('%j is nowhere', location => {
    expect(decoded({context: {location}}).location).toBeUndefined();
  });

  test('the ip is handed on', () => {
    expect(decoded({ip: '203.0.113.7'}).ip).toBe('203.0.113.7');
    expect(decoded({ip: null}).ip).toBeUndefined();
  });

  test.each([
    [{device_info: 'x'}, 'device_info: is not an object.'],
    [{device_info: {platform: {}}}, 'device_info.platform: is not text.'],
    [{device_info: {push_token: []}}, 'device_info.push_token: is not text.'],
    [{application_info: 3}, 'application_info: is not an object.'],
    [{application_info: {os: []}}, 'application_info.os: is not text.'],
    [{context: 'x'}, 'context: is not an object.'],
    [{context: {location: 'x'}}, 'context.location: is not an object.'],
    [{context: {location: {latitude: 'north'}}}, 'context.location.latitude: is not a number.'],
    [{context: {location: {city_name: {}}}}, 'context.location.city_name: is not text.'],
    [{ip: {}}, 'ip: is not text.'],
    [{source_request_id: {}}, 'source_request_id: is not text.'],
    [{mp_deviceid: {}}, 'mp_deviceid: is not text.'],
  ])('fault %#', (batch, fault) => {
    expect(faultsOf(batch)).toEqual([fault]);
  });
});
