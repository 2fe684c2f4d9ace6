/** The closed word lists of definitions. */
import type {DeviceField} from '../record.ts';
import {DEVICE_FIELDS} from '../record.ts';

export const PRODUCT_ACTIONS = [
  'add_to_cart',
  'remove_from_cart',
  'checkout',
  'checkout_option',
  'click',
  'view_detail',
  'purchase',
  'refund',
  'add_to_wishlist',
  'remove_from_wishlist',
] as const;

export const COMMERCE_ACTIONS: readonly string[] = [
  ...PRODUCT_ACTIONS,
  'promotion_view',
  'promotion_click',
  'impression',
];

/** Clients write the wishlist with and without an underscore. */
export function canonicalAction(action: string): string {
  return action.replace('_wish_list', '_wishlist');
}

export const BUILT_IN_FIELDS: readonly string[] = [
  '$screen_name',
  '$app_version',
  '$app_build',
  '$platform',
  '$os_version',
  '$currency_code',
  '$transaction_id',
  '$total_amount',
  '$coupon_code',
  '$session_duration_ms',
  '$product.id',
  '$product.name',
  '$product.brand',
  '$product.category',
  '$product.variant',
  '$product.price',
  '$product.quantity',
  '$promotion.id',
  '$promotion.name',
  '$promotion.creative',
  '$severity',
];

export const PRODUCT_ATTRIBUTE_PREFIX = '$product.attribute.';

/** Whether a condition on this attribute is about one product or promotion of the event. */
export function isItemField(attribute: string): boolean {
  return attribute.startsWith('$product.') || attribute.startsWith('$promotion.');
}

/** Fields whose values are versions: there `greater_than "10.2"` means the version, not the number. */
export const VERSION_FIELDS: readonly string[] = [
  '$app_version',
  '$os_version',
  'app_version',
  'os_version',
];

export const CRITERION_DEVICE_FIELDS: readonly DeviceField[] = DEVICE_FIELDS;

/** Other spellings of identity types, by the name that records carry. */
const IDENTITY_ALIASES = new Map([
  ['customerid', 'customer_id'],
  ['customer', 'customer_id'],
  ['facebookcustomaudienceid', 'facebook_custom_audience_id'],
  ['ios_idfa', 'ios_advertising_id'],
  ['ios_vendor_id', 'ios_idfv'],
  ['android_aaid', 'android_advertising_id'],
  ['google_advertising_id', 'android_advertising_id'],
  ['android_id', 'android_uuid'],
  ['roku_aid', 'roku_advertising_id'],
  ['fire_aid', 'fire_advertising_id'],
  ['device_application_stamp', 'mp_deviceid'],
  ...Array.from({length: 9}, (_, index) => [`other${index + 2}`, `other_id_${index + 2}`] as const),
]);

export const IDENTITY_TYPES: readonly string[] = [
  'customer_id',
  'email',
  'other',
  ...Array.from({length: 9}, (_, index) => `other_id_${index + 2}`),
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
  'ios_advertising_id',
  'ios_idfv',
  'android_advertising_id',
  'android_uuid',
  'roku_advertising_id',
  'roku_publisher_id',
  'fire_advertising_id',
  'microsoft_advertising_id',
  'microsoft_publisher_id',
  'push_token',
  'amp_id',
  'mp_deviceid',
];

export function canonicalIdentityType(type: string): string {
  return IDENTITY_ALIASES.get(type) ?? type;
}
