/**
 * Every spelling of an identity type becomes the one of the Events API. The same type is `customer_id`
 * there, `customerid` in IDSync and the Node SDK, `customer` in Firehose, `CustomerId` in Kinesis.
 */

/** Of a person, in the order in which they are asked for a profile. */
export const USER_IDENTITY_TYPES = [
  'customer_id',
  'email',
  'other',
  'other_id_2',
  'other_id_3',
  'other_id_4',
  'other_id_5',
  'other_id_6',
  'other_id_7',
  'other_id_8',
  'other_id_9',
  'other_id_10',
  'facebook',
  'twitter',
  'google',
  'microsoft',
  'yahoo',
  'facebook_custom_audience_id',
  'alias',
  'mobile_number',
  'phone_number_2',
  'phone_number_3',
] as const;

/** Of a device or an installation: asked after those of a person, who may share a device. */
export const DEVICE_IDENTITY_TYPES = [
  'mp_deviceid',
  'ios_idfv',
  'ios_advertising_id',
  'android_advertising_id',
  'android_uuid',
  'fire_advertising_id',
  'roku_advertising_id',
  'roku_publisher_id',
  'microsoft_advertising_id',
  'microsoft_publisher_id',
  'amp_id',
  'push_token',
] as const;

export type IdentityType =
  | (typeof USER_IDENTITY_TYPES)[number]
  | (typeof DEVICE_IDENTITY_TYPES)[number];

/** In resolution order. */
export const IDENTITY_TYPES: readonly IdentityType[] = [
  ...USER_IDENTITY_TYPES,
  ...DEVICE_IDENTITY_TYPES,
];

/** undefined: no spelling of any identity type. */
export function canonicalIdentityType(spelling: string): IdentityType | undefined {
  return TYPE_OF_SPELLING.get(spelling) ?? TYPE_OF_SPELLING.get(spelling.toLowerCase());
}

export function isDeviceIdentity(type: string): boolean {
  return rankOf(type) >= USER_IDENTITY_TYPES.length && RANKS.has(type);
}

/** Sorts canonical types into resolution order; unknown ones last. */
export function compareIdentityTypes(a: string, b: string): number {
  return rankOf(a) - rankOf(b);
}

const RANKS: ReadonlyMap<string, number> = new Map(
  IDENTITY_TYPES.map((type, index) => [type, index]),
);

function rankOf(type: string): number {
  return RANKS.get(type) ?? IDENTITY_TYPES.length;
}

/** Besides the canonical ones, in lower case. `other2` and `otheruserid2` follow below for 2 to 10. */
const SPELLINGS: readonly (readonly [IdentityType, readonly string[]])[] = [
  ['customer_id', ['customerid', 'customer']],
  ['other', ['otheruserid', 'email_sha256']],
  ['other_id_2', ['mobile_sha256']],
  ['facebook', ['facebookid']],
  ['twitter', ['twitterid']],
  ['google', ['googleid', 'googleuserid']],
  ['microsoft', ['microsoftid']],
  ['yahoo', ['yahooid']],
  ['facebook_custom_audience_id', ['facebookcustomaudienceid']],
  ['mobile_number', ['mobilenumber']],
  ['phone_number_2', ['phonenumber2']],
  ['phone_number_3', ['phonenumber3']],
  ['mp_deviceid', ['device_application_stamp']],
  ['ios_advertising_id', ['ios_idfa', 'idfa']],
  ['ios_idfv', ['ios_vendor_id', 'idfv']],
  [
    'android_advertising_id',
    ['android_aaid', 'google_advertising_id', 'googleadvertisingidentifier', 'googleaid'],
  ],
  ['android_uuid', ['android_id', 'androidid']],
  ['fire_advertising_id', ['fire_aid', 'fireadvertisingid']],
  ['roku_advertising_id', ['roku_aid', 'rokuaid']],
  ['roku_publisher_id', ['rokupublisherid']],
  ['push_token', ['pushtoken', 'google_cloud_messaging_token', 'apple_push_notification_token']],
];

const TYPE_OF_SPELLING: ReadonlyMap<string, IdentityType> = spellings();

function spellings(): Map<string, IdentityType> {
  const types = new Map<string, IdentityType>();
  for (const type of IDENTITY_TYPES) types.set(type, type);
  for (const [type, others] of SPELLINGS) for (const other of others) types.set(other, type);
  for (const type of USER_IDENTITY_TYPES) {
    if (!type.startsWith('other_id_')) continue;
    const number = type.slice('other_id_'.length);
    types.set(`other${number}`, type);
    types.set(`otheruserid${number}`, type);
    types.set(`other_id${number}`, type);
  }
  return types;
}
