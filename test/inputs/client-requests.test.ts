/** Bodies as the official clients sent them, byte for byte. */
import {expect, test} from 'vitest';
import {ARRIVAL_MS, decoded} from './decoded.ts';

const NODE_SDK =
  '{"environment":"development","user_identities":{"customerid":"123456","email":"a@b.c"},' +
  '"user_attributes":{"hair color":"brown","list":["a","b"]},"deleted_user_attributes":["old"],' +
  '"device_info":{"platform":"Android","android_advertising_id":"481c7d04-1f5e-4d9f-bb1b-1e0e6a5c2f11"},' +
  '"consent_state":{"gdpr":{"marketing":{"document":"d","consented":true,"timestamp_unixtime_ms":1}},"ccpa":{}},' +
  '"events":[{"data":{"custom_event_type":"navigation","event_name":"Hello World"},"event_type":"custom_event"},' +
  '{"data":{},"event_type":"session_start"}]}';

test('the Node SDK, which spells identities as IDSync does and leaves data empty', () => {
  expect(decoded(NODE_SDK)).toEqual({
    environment: 'development',
    mpid: undefined,
    requestId: '',
    ip: undefined,
    arrivalMs: ARRIVAL_MS,
    batchMs: ARRIVAL_MS,
    events: [
      {
        messageId: '',
        records: [
          {
            kind: 'custom',
            name: 'Hello World',
            type: 'navigation',
            timeMs: ARRIVAL_MS,
            fields: ['$platform', 'Android'],
            items: [],
          },
        ],
        attributes: [],
        identities: [],
      },
      {
        messageId: '',
        records: [
          {
            kind: 'session_start',
            name: '',
            type: '',
            timeMs: ARRIVAL_MS,
            fields: ['$platform', 'Android'],
            items: [],
          },
        ],
        attributes: [],
        identities: [],
      },
    ],
    attributes: [
      {name: 'hair color', value: 'brown', timeMs: ARRIVAL_MS},
      {name: 'list', value: ['a', 'b'], timeMs: ARRIVAL_MS},
      {name: 'old', value: undefined, timeMs: ARRIVAL_MS},
    ],
    identities: [
      {type: 'customer_id', value: '123456'},
      {type: 'email', value: 'a@b.c'},
      {type: 'android_advertising_id', value: '481c7d04-1f5e-4d9f-bb1b-1e0e6a5c2f11'},
    ],
    consent: [{regulation: 'gdpr', purpose: 'marketing', consented: true, timeMs: 1}],
    device: ['platform', 'Android'],
    location: undefined,
    extra:
      '{"consent_state":{"gdpr":{"marketing":{"document":"d","consented":true,"timestamp_unixtime_ms":1}},"ccpa":{}}}',
  });
});

const AT = 1_764_000_000_000;
const COMMON =
  `"timestamp_unixtime_ms":${AT},"session_uuid":"S1","session_start_unixtime_ms":${AT},` +
  '"custom_attributes":null,"location":null,"source_message_id":';
const WEB_SDK =
  '{"source_request_id":"R1","mpid":"-1327484737295091692","timestamp_unixtime_ms":' +
  `${AT + 50},"environment":"production","mp_deviceid":"D1","sdk_version":"2.71.0",` +
  '"application_info":{"application_version":"3.1.0","application_name":null,"sideloaded_kits_count":0},' +
  '"device_info":{"platform":"web","screen_width":1280,"screen_height":720},' +
  '"user_attributes":{"vip":null,"tier":"gold"},"user_identities":{"customer_id":"c1","email":"a@b.c"},' +
  '"consent_state":{"gdpr":{"marketing":{"consented":true,"timestamp_unixtime_ms":1764000000000,"document":null,"location":null,"hardware_id":null}},"ccpa":null},' +
  '"integration_attributes":{},"events":[' +
  `{"event_type":"session_start","data":{${COMMON}"S1"}},` +
  `{"event_type":"application_state_transition","data":{${COMMON}"M2","application_transition_type":"application_initialized","is_first_run":true,"is_upgrade":false,"launch_referral":"https://example.com/"}},` +
  `{"event_type":"user_identity_change","data":{${COMMON}"M3","new":{"identity_type":"email","identity":"a@b.c","timestamp_unixtime_ms":${AT},"created_this_batch":true},"old":{"identity_type":"email","identity":null,"timestamp_unixtime_ms":${AT},"created_this_batch":false}}},` +
  `{"event_type":"user_attribute_change","data":{${COMMON}"M4","user_attribute_name":"vip","new":null,"old":null,"deleted":false,"is_new_attribute":true}},` +
  `{"event_type":"commerce_event","data":{${COMMON}"M5","custom_event_type":"promotion_view","promotion_action":{"action":1,"promotions":[{"id":"p1","name":"Sale","creative":null,"position":null}]},"currency_code":null,"product_impressions":null,"product_action":null}},` +
  `{"event_type":"commerce_event","data":{${COMMON}"M6","custom_event_type":"add_to_cart","product_action":{"action":"add_to_cart","checkout_step":null,"total_amount":null,"products":[{"id":"sku","name":"Shoe","brand":null,"category":null,"variant":null,"position":null,"price":"","quantity":1,"coupon_code":null,"added_to_cart_time_ms":${AT},"total_product_amount":0,"custom_attributes":null}]}}}` +
  ']}';

test('the web SDK, which sends null for everything absent and numbers for promotion actions', () => {
  const batch = decoded(WEB_SDK);
  expect(batch.mpid).toBe(-1327484737295091692n);
  expect(batch.requestId).toBe('R1');
  expect(batch.batchMs).toBe(AT + 50);
  expect(batch.identities).toEqual([
    {type: 'customer_id', value: 'c1'},
    {type: 'email', value: 'a@b.c'},
    {type: 'mp_deviceid', value: 'D1'},
  ]);
  expect(batch.attributes).toEqual([
    {name: 'vip', value: null, timeMs: AT + 50},
    {name: 'tier', value: 'gold', timeMs: AT + 50},
  ]);
  expect(batch.consent).toEqual([
    {regulation: 'gdpr', purpose: 'marketing', consented: true, timeMs: AT},
  ]);
  expect(batch.device).toEqual(['platform', 'web', 'app_version', '3.1.0']);
  expect(
    batch.events.map(({messageId, records}) => [messageId, records[0]!.kind, records[0]!.name]),
  ).toEqual([
    ['S1', 'session_start', ''],
    ['M2', 'install', ''],
    ['M3', 'other', 'user_identity_change'],
    ['M4', 'other', 'user_attribute_change'],
    ['M5', 'commerce', 'promotion_view'],
    ['M6', 'commerce', 'add_to_cart'],
  ]);
  expect(batch.events[2]!.identities).toEqual([{type: 'email', value: 'a@b.c'}]);
  expect(batch.events[3]!.attributes).toEqual([{name: 'vip', value: null, timeMs: AT}]);
  expect(batch.events[4]!.records[0]!.items).toEqual([
    ['$promotion.id', 'p1', '$promotion.name', 'Sale'],
  ]);
  expect(batch.events[5]!.records[0]).toEqual({
    kind: 'commerce',
    name: 'add_to_cart',
    type: 'add_to_cart',
    timeMs: AT,
    fields: ['$app_version', '3.1.0', '$platform', 'web'],
    items: [['$product.id', 'sku', '$product.name', 'Shoe', '$product.quantity', 1]],
  });
  expect(JSON.parse(batch.extra)).toMatchObject({
    sdk_version: '2.71.0',
    device_info: {screen_width: 1280},
  });
});
