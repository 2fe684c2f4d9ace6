import {describe, expect, test} from 'vitest';
import {
  canonicalIdentityType,
  compareIdentityTypes,
  DEVICE_IDENTITY_TYPES,
  IDENTITY_TYPES,
  isDeviceIdentity,
} from '../../engine/identity-types.ts';

describe('every spelling of the table', () => {
  test.each([
    ['customer_id', ['customer_id', 'customerid', 'customer', 'CustomerId']],
    ['email', ['email', 'Email']],
    ['other', ['other', 'Other', 'otheruserid']],
    ['other_id_2', ['other_id_2', 'other2', 'Other2', 'otheruserid2']],
    ['other_id_3', ['other_id_3', 'other3', 'Other3', 'otheruserid3']],
    ['other_id_10', ['other_id_10', 'other10', 'otheruserid10']],
    ['facebook', ['facebook', 'FacebookId', 'facebookid']],
    ['twitter', ['twitter', 'twitterid']],
    ['google', ['google', 'googleuserid']],
    ['microsoft', ['microsoft', 'microsoftid']],
    ['yahoo', ['yahoo', 'yahooid']],
    ['facebook_custom_audience_id', ['facebook_custom_audience_id', 'facebookcustomaudienceid']],
    ['alias', ['alias']],
    ['mobile_number', ['mobile_number']],
    ['phone_number_2', ['phone_number_2']],
    ['phone_number_3', ['phone_number_3']],
    ['ios_advertising_id', ['ios_advertising_id', 'ios_idfa', 'idfa']],
    ['ios_idfv', ['ios_idfv', 'ios_vendor_id', 'idfv']],
    [
      'android_advertising_id',
      [
        'android_advertising_id',
        'android_aaid',
        'google_advertising_id',
        'GoogleAdvertisingIdentifier',
        'googleaid',
      ],
    ],
    ['android_uuid', ['android_uuid', 'android_id', 'androidid']],
    ['roku_advertising_id', ['roku_advertising_id', 'roku_aid', 'rokuaid']],
    ['roku_publisher_id', ['roku_publisher_id', 'rokupublisherid']],
    ['fire_advertising_id', ['fire_advertising_id', 'fire_aid', 'fireadvertisingid']],
    ['microsoft_advertising_id', ['microsoft_advertising_id']],
    ['microsoft_publisher_id', ['microsoft_publisher_id']],
    [
      'push_token',
      ['push_token', 'google_cloud_messaging_token', 'apple_push_notification_token', 'pushtoken'],
    ],
    ['amp_id', ['amp_id']],
    ['mp_deviceid', ['mp_deviceid', 'device_application_stamp']],
  ])('%s', (canonical, spellings) => {
    for (const spelling of spellings) expect(canonicalIdentityType(spelling)).toBe(canonical);
  });

  test.each(['', 'other11', 'other1', 'loyalty', '__proto__', 'constructor', 'toString'])(
    '%j is none',
    spelling => {
      expect(canonicalIdentityType(spelling)).toBeUndefined();
    },
  );
});

test('the order of resolution is customer id, email, the others, persons, devices', () => {
  expect(IDENTITY_TYPES.slice(0, 5)).toEqual([
    'customer_id',
    'email',
    'other',
    'other_id_2',
    'other_id_3',
  ]);
  expect(IDENTITY_TYPES.slice(-DEVICE_IDENTITY_TYPES.length)).toEqual(DEVICE_IDENTITY_TYPES);
  const shuffled = [
    'nonsense',
    'push_token',
    'other_id_10',
    'mp_deviceid',
    'email',
    'other',
    'customer_id',
    'alias',
    'other_id_9',
  ];
  expect(shuffled.sort(compareIdentityTypes)).toEqual([
    'customer_id',
    'email',
    'other',
    'other_id_9',
    'other_id_10',
    'alias',
    'mp_deviceid',
    'push_token',
    'nonsense',
  ]);
  expect(IDENTITY_TYPES.filter(isDeviceIdentity)).toEqual(DEVICE_IDENTITY_TYPES);
  expect(isDeviceIdentity('nonsense')).toBe(false);
});
