import {describe, expect, test} from 'vitest';
import {ARRIVAL_MS, decoded, decodedEvent, faultsOf, named} from './decoded.ts';

/** Kind, name and type of every record of one event. */
function kindsOf(event_type: string, data: unknown): string[] {
  return decodedEvent(event_type, data).records.map(
    ({kind, name, type}) => `${kind}/${name}/${type}`,
  );
}

function eventFaults(event_type: unknown, data: unknown): string[] {
  return faultsOf({events: [{event_type, data}]});
}

describe('every event type', () => {
  test.each([
    [
      'custom_event',
      {event_name: 'Hello World', custom_event_type: 'Navigation'},
      ['custom/Hello World/navigation'],
    ],
    ['custom_event', {event_name: 'x'}, ['custom/x/other']],
    [
      'custom_event',
      {event_name: 'attribution', custom_event_type: 'attribution'},
      ['custom/attribution/attribution'],
    ],
    ['custom_event', {event_name: 5, custom_event_type: null}, ['custom/5/other']],
    ['custom_event', {event_name: '__proto__'}, ['custom/__proto__/other']],
    ['screen_view', {screen_name: 'Home'}, ['screen_view/Home/']],
    ['screen_view', {}, ['screen_view//']],
    ['session_start', {}, ['session_start//']],
    ['session_start', undefined, ['session_start//']],
    ['session_start', null, ['session_start//']],
    ['session_end', {session_duration_ms: 5}, ['session_end//']],
    ['crash_report', {severity: 'fatal'}, ['crash//']],
    ['first_run', {}, ['install//']],
    ['uninstall', {}, ['uninstall//']],
    [
      'application_state_transition',
      {application_transition_type: 'application_initialized', is_first_run: true},
      ['install//'],
    ],
    ['application_state_transition', {is_upgrade: true}, ['upgrade//']],
    [
      'application_state_transition',
      {is_first_run: true, is_upgrade: true},
      ['install//', 'upgrade//'],
    ],
    [
      'application_state_transition',
      {is_first_run: false, is_upgrade: null},
      ['other/application_state_transition/'],
    ],
    ['opt_out', {is_opted_out: true}, ['other/opt_out/']],
    ['push_registration', {register: true, registration_token: 't'}, ['other/push_registration/']],
    ['push_message', {}, ['other/push_message/']],
    ['push_reaction', {}, ['other/push_reaction/']],
    ['network_performance', {url: 'u'}, ['other/network_performance/']],
    ['breadcrumb', {label: 'b'}, ['other/breadcrumb/']],
    ['profile', {profile_event_type: 'login'}, ['other/profile/']],
    ['user_attribute_change', {user_attribute_name: 'a', new: 1}, ['other/user_attribute_change/']],
    [
      'user_identity_change',
      {new: {identity_type: 'email', identity: 'a@b.c'}},
      ['other/user_identity_change/'],
    ],
    ['pre_attribution', {}, ['other/pre_attribution/']],
    ['validation_result', {}, ['other/validation_result/']],
    ['unknown', {}, ['other/unknown/']],
    ['from_the_future', {}, ['other/from_the_future/']],
    ['constructor', {}, ['other/constructor/']],
  ])('%s %j', (type, data, records) => {
    expect(kindsOf(type, data)).toEqual(records);
  });

  test.each([
    [
      undefined,
      {},
      ['events[0].event_type: Required event field "event_type" is missing or empty.'],
    ],
    ['', {}, ['events[0].event_type: Required event field "event_type" is missing or empty.']],
    [
      'custom_event',
      undefined,
      ['events[0].data.event_name: Required event field "event_name" is missing or empty.'],
    ],
    [
      'custom_event',
      {event_name: ''},
      ['events[0].data.event_name: Required event field "event_name" is missing or empty.'],
    ],
    [
      'custom_event',
      {event_name: 'x', custom_event_type: {}},
      ['events[0].data.custom_event_type: is not text.'],
    ],
    ['session_start', 'x', ['events[0].data: is not an object.']],
    [
      'session_start',
      {timestamp_unixtime_ms: 'x'},
      ['events[0].data.timestamp_unixtime_ms: is not a number of milliseconds since 1970.'],
    ],
    ['session_start', {source_message_id: {}}, ['events[0].data.source_message_id: is not text.']],
    [
      'session_start',
      {custom_attributes: 'x'},
      ['events[0].data.custom_attributes: is not an object.'],
    ],
    [
      'session_start',
      {custom_attributes: {a: Infinity}},
      ['events[0].data.custom_attributes.a: is a number out of range.'],
    ],
    ['session_start', {location: 1}, ['events[0].data.location: is not an object.']],
    [
      'session_end',
      {session_duration_ms: {}},
      ['events[0].data.session_duration_ms: is not text.'],
    ],
    ['screen_view', {screen_name: []}, ['events[0].data.screen_name: is not text.']],
    [
      'user_attribute_change',
      {new: 1},
      [
        'events[0].data.user_attribute_name: Required event field "user_attribute_name" is missing or empty.',
      ],
    ],
    [
      'user_attribute_change',
      {user_attribute_name: 'a', new: Infinity},
      ['events[0].data.new: is a number out of range.'],
    ],
    ['user_identity_change', {new: 'email'}, ['events[0].data.new: is not an object.']],
    [
      'user_identity_change',
      {new: {identity_type: 'email', identity: []}},
      ['events[0].data.new.identity: is not text.'],
    ],
  ])('fault: %j %j', (type, data, faults) => {
    expect(eventFaults(type, data)).toEqual(faults);
  });

  test('an event type that is an object', () => {
    expect(eventFaults({}, {})[0]).toBe('events[0].event_type: is not text.');
  });
});

describe('the time of an event', () => {
  test.each([
    [{timestamp_unixtime_ms: 11}, {timestamp_unixtime_ms: 5}, 11],
    [{timestamp_unixtime_ms: '11'}, {}, 11],
    [{timestamp_unixtime_ms: null}, {timestamp_unixtime_ms: 5}, 5],
    [{}, {timestamp_unixtime_ms: 5}, 5],
    [{}, {}, ARRIVAL_MS],
    [{timestamp_unixtime_ms: ARRIVAL_MS + 9_000}, {}, ARRIVAL_MS + 9_000],
    [{}, {timestamp_unixtime_ms: ARRIVAL_MS + 9_000}, ARRIVAL_MS + 9_000],
    [{timestamp_unixtime_ms: -1}, {}, -1],
  ])('%j in %j', (data, batch, timeMs) => {
    expect(decodedEvent('session_start', data, batch).records[0]!.timeMs).toBe(timeMs);
  });
});

describe('fields', () => {
  test('custom attributes by their names, then what is built in', () => {
    const event = decodedEvent(
      'screen_view',
      {
        screen_name: 'Home',
        custom_attributes: {
          color: 'blue',
          count: 3,
          vip: true,
          tag: null,
          list: ['a', 1],
          $platform: 'fake',
          __own: '',
        },
      },
      {device_info: {platform: 'iOS'}},
    );
    expect(named(event.records[0]!.fields)).toEqual({
      color: 'blue',
      count: 3,
      vip: true,
      tag: null,
      list: ['a', 1],
      __own: '',
      $screen_name: 'Home',
      $platform: 'iOS',
    });
  });

  test('an attribute with a dollar of its own is kept aside', () => {
    const batch = decoded({
      events: [{event_type: 'session_start', data: {custom_attributes: {$x: 1}}}],
    });
    expect(batch.events[0]!.records[0]!.fields).toEqual([]);
    expect(JSON.parse(batch.extra)).toEqual({events: {0: {data: {custom_attributes: {$x: 1}}}}});
  });

  test.each(['__proto__', 'constructor', 'toString'])('an attribute called %s', name => {
    const text = `{"events":[{"event_type":"session_start","data":{"custom_attributes":{"${name}":"x"}}}]}`;
    expect(decoded(text).events[0]!.records[0]!.fields).toEqual([name, 'x']);
  });

  test('a 64-bit integer keeps its digits', () => {
    const text =
      '{"events":[{"event_type":"session_start","data":{"event_id":7346244611012968789,"custom_attributes":{"id":-7346244611012968789}}}]}';
    const batch = decoded(text);
    expect(batch.events[0]!.records[0]!.fields).toEqual(['id', '-7346244611012968789']);
    expect(batch.extra).toBe('{"events":{"0":{"data":{"event_id":7346244611012968789}}}}');
  });

  test.each([
    ['session_end', {session_duration_ms: 42}, ['$session_duration_ms', 42]],
    ['session_end', {session_duration_ms: '42'}, ['$session_duration_ms', 42]],
    ['crash_report', {severity: 'fatal'}, ['$severity', 'fatal']],
    ['custom_event', {event_name: 'x', screen_name: 'S'}, ['$screen_name', 'S']],
  ])('%s %j', (type, data, fields) => {
    expect(decodedEvent(type, data).records[0]!.fields).toEqual(fields);
  });
});

describe('changes of the profile', () => {
  test.each([
    [{new: 'gold', old: 'silver', deleted: false, is_new_attribute: false}, 'gold'],
    [{new: ['a', 'b'], old: null}, ['a', 'b']],
    [{new: null, old: null, deleted: false}, null],
    [{}, null],
    [{new: null, old: 'x', deleted: true}, undefined],
    [{new: 0}, 0],
  ])('user_attribute_change %j', (data, value) => {
    const event = decodedEvent('user_attribute_change', {
      user_attribute_name: 'tier',
      timestamp_unixtime_ms: 4,
      ...data,
    });
    expect(event.attributes).toEqual([{name: 'tier', value, timeMs: 4}]);
  });

  test('a change from the future happened when it arrived', () => {
    const data = {user_attribute_name: 'a', new: 1, timestamp_unixtime_ms: ARRIVAL_MS + 5};
    expect(decodedEvent('user_attribute_change', data).attributes[0]!.timeMs).toBe(ARRIVAL_MS);
  });

  test.each([
    [
      {
        new: {identity_type: 'email', identity: 'n@b.c'},
        old: {identity_type: 'email', identity: 'o@b.c'},
      },
      [{type: 'email', value: 'n@b.c', released: 'o@b.c'}],
    ],
    [
      {new: {identity_type: 'customerid', identity: 5}, old: null},
      [{type: 'customer_id', value: '5'}],
    ],
    [
      {new: {identity_type: 'email', identity: null}, old: {identity_type: 'email', identity: 'o'}},
      [{type: 'email', value: undefined, released: 'o'}],
    ],
    [
      {new: null, old: {identity_type: 'other2', identity: 'o'}},
      [{type: 'other_id_2', value: undefined, released: 'o'}],
    ],
    [
      {new: {identity_type: 'email', identity: 'n'}, old: {identity_type: 'other', identity: 'o'}},
      [
        {type: 'other', value: undefined, released: 'o'},
        {type: 'email', value: 'n'},
      ],
    ],
    [{new: {identity_type: 'loyalty', identity: 'n'}}, []],
    [{}, []],
  ])('user_identity_change %j', (data, identities) => {
    expect(decodedEvent('user_identity_change', data).identities).toEqual(identities);
  });

  test.each([
    [{register: true, registration_token: 't'}, [{type: 'push_token', value: 't'}]],
    [{registration_token: 't'}, [{type: 'push_token', value: 't'}]],
    [{register: false, registration_token: 't'}, [{type: 'push_token', value: undefined}]],
    [{register: true}, []],
  ])('push_registration %j', (data, identities) => {
    expect(decodedEvent('push_registration', data).identities).toEqual(identities);
  });
});
