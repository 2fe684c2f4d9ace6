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

/** `custom_event_type` of events, as stored. */
export const EVENT_TYPES: readonly string[] = [
  'navigation',
  'location',
  'search',
  'transaction',
  'user_content',
  'user_preference',
  'social',
  'media',
  'other',
  'attribution',
  'unknown',
];
