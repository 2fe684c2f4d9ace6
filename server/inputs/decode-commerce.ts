/**
 * commerce_event: a product action, a promotion action, product impressions, or several of them. Each becomes
 * one record, with its products or promotions as items.
 */
import type {EventRecord, Fields, Value} from '../../engine/record.ts';
import {withMember, withObject} from './decode-extra.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {ATTRIBUTES_MAX, ITEMS_MAX} from './decode-limits.ts';
import {
  isRawObject,
  readAmount,
  readList,
  readObject,
  readText,
  readValue,
  type RawObject,
} from './decode-values.ts';

type Pairs = (string | Value)[];

export interface CommerceEvent {
  /** custom_event_type, or ''. */
  readonly type: string;
  readonly timeMs: number;
  /** What all its records share; not changed. */
  readonly fields: Fields;
}

/** Appends the records. Returns what was not read, as members for the extra text of the event's data. */
export function readCommerce(
  data: RawObject,
  event: CommerceEvent,
  into: EventRecord[],
  faults: Faults,
): string {
  let extra = '';
  const action = readObject(data.product_action, 'data.product_action', faults);
  if (action !== undefined) {
    extra = withObject(extra, 'product_action', readProductAction(action, event, into, faults));
  }
  const promotion = readObject(data.promotion_action, 'data.promotion_action', faults);
  if (promotion !== undefined) {
    const inner = readPromotionAction(promotion, event, into, faults);
    extra = withObject(extra, 'promotion_action', inner);
  }
  const impressions = readList(
    data.product_impressions,
    'data.product_impressions',
    ITEMS_MAX,
    faults,
  );
  if (impressions !== undefined && impressions.length > 0) {
    const inner = readImpressions(impressions, event, into, faults);
    extra = withObject(extra, 'product_impressions', inner);
  }
  if (action === undefined && promotion === undefined && into.length === 0) {
    faults.missing('data.product_action', 'product_action');
  }
  return extra;
}

function readProductAction(
  action: RawObject,
  event: CommerceEvent,
  into: EventRecord[],
  faults: Faults,
): string {
  const place = 'data.product_action';
  const fields = event.fields.slice();
  const items: Fields[] = [];
  let name = '';
  let extra = '';
  for (const key in action) {
    const value = action[key];
    switch (key) {
      case 'action':
        name = readProductActionName(value, faults);
        break;
      case 'transaction_id':
        pushText(fields, '$transaction_id', value, place, key, faults);
        break;
      case 'total_amount':
        pushAmount(fields, '$total_amount', value, place, key, faults);
        break;
      case 'coupon_code':
        pushText(fields, '$coupon_code', value, place, key, faults);
        break;
      case 'products':
        extra = withObject(
          extra,
          key,
          readProducts(value, 'data.product_action.products', items, faults),
        );
        break;
      default:
        extra = withMember(extra, key, value, place, faults);
    }
  }
  if (name === '') faults.missing('data.product_action.action', 'action');
  else into.push({kind: 'commerce', name, type: event.type, timeMs: event.timeMs, fields, items});
  return extra;
}

function readProductActionName(raw: unknown, faults: Faults): string {
  if (raw === null || raw === undefined) return '';
  if (typeof raw !== 'string') {
    faults.add('data.product_action.action', 'is not the name of a product action.');
    return '';
  }
  const name = raw.trim().toLowerCase();
  if (name === 'remove_from_wish_list') return 'remove_from_wishlist';
  return name === 'add_to_wish_list' ? 'add_to_wishlist' : name;
}

function readPromotionAction(
  promotion: RawObject,
  event: CommerceEvent,
  into: EventRecord[],
  faults: Faults,
): string {
  const items: Fields[] = [];
  let name = '';
  let extra = '';
  for (const key in promotion) {
    if (key === 'action') name = readPromotionActionName(promotion[key], faults);
    else if (key === 'promotions') readPromotions(promotion[key], items, faults);
    else extra = withMember(extra, key, promotion[key], 'data.promotion_action', faults);
  }
  if (name === '') faults.missing('data.promotion_action.action', 'action');
  else
    into.push({
      kind: 'commerce',
      name,
      type: event.type,
      timeMs: event.timeMs,
      fields: event.fields,
      items,
    });
  return extra;
}

function readPromotionActionName(raw: unknown, faults: Faults): string {
  if (raw === null || raw === undefined || raw === '') return '';
  switch (typeof raw === 'string' ? raw.trim().toLowerCase() : raw) {
    case 'view':
    case 'promotion_view':
    case '1':
    case 1:
      return 'promotion_view';
    case 'click':
    case 'promotion_click':
    case '2':
    case 2:
      return 'promotion_click';
    default:
      faults.add('data.promotion_action.action', 'is neither "view" nor "click".');
      return '';
  }
}

function readPromotions(raw: unknown, items: Fields[], faults: Faults): void {
  const place = 'data.promotion_action.promotions';
  const promotions = readList(raw, place, ITEMS_MAX, faults) ?? [];
  for (let index = 0; index < promotions.length; index++) {
    const promotion = promotions[index];
    if (promotion === null) continue;
    const at = `${place}[${index}]`;
    if (!isRawObject(promotion)) {
      faults.add(at, 'is not an object.');
      continue;
    }
    const fields: Pairs = [];
    pushText(fields, '$promotion.id', promotion.id, at, 'id', faults);
    pushText(fields, '$promotion.name', promotion.name, at, 'name', faults);
    pushText(fields, '$promotion.creative', promotion.creative, at, 'creative', faults);
    pushText(fields, '$promotion.position', promotion.position, at, 'position', faults);
    items.push(fields);
  }
}

/** However many lists of products were seen together, it is one impression. */
function readImpressions(
  impressions: readonly unknown[],
  event: CommerceEvent,
  into: EventRecord[],
  faults: Faults,
): string {
  const items: Fields[] = [];
  let extra = '';
  for (let index = 0; index < impressions.length; index++) {
    const impression = impressions[index];
    if (impression === null) continue;
    const place = `data.product_impressions[${index}]`;
    if (!isRawObject(impression)) {
      faults.add(place, 'is not an object.');
      continue;
    }
    let inner = '';
    for (const key in impression) {
      const value = impression[key];
      inner =
        key === 'products'
          ? withObject(inner, key, readProducts(value, `${place}.products`, items, faults))
          : withMember(inner, key, value, place, faults);
    }
    extra = withObject(extra, String(index), inner);
  }
  if (items.length > ITEMS_MAX) {
    faults.add(
      'data.product_impressions',
      `has ${items.length} products, and ${ITEMS_MAX} is the limit.`,
    );
  }
  into.push({
    kind: 'commerce',
    name: 'impression',
    type: event.type,
    timeMs: event.timeMs,
    fields: event.fields,
    items,
  });
  return extra;
}

function readProducts(raw: unknown, place: string, items: Fields[], faults: Faults): string {
  const products = readList(raw, place, ITEMS_MAX, faults) ?? [];
  let extra = '';
  for (let index = 0; index < products.length; index++) {
    const product = products[index];
    if (product === null) continue;
    if (!isRawObject(product)) {
      faults.add(`${place}[${index}]`, 'is not an object.');
      continue;
    }
    const fields: Pairs = [];
    extra = withObject(
      extra,
      String(index),
      readProduct(product, `${place}[${index}]`, fields, faults),
    );
    items.push(fields);
  }
  return extra;
}

function readProduct(product: RawObject, place: string, fields: Pairs, faults: Faults): string {
  let extra = '';
  for (const key in product) {
    const value = product[key];
    switch (key) {
      case 'id':
        pushText(fields, '$product.id', value, place, key, faults);
        break;
      case 'name':
        pushText(fields, '$product.name', value, place, key, faults);
        break;
      case 'brand':
        pushText(fields, '$product.brand', value, place, key, faults);
        break;
      case 'category':
        pushText(fields, '$product.category', value, place, key, faults);
        break;
      case 'variant':
        pushText(fields, '$product.variant', value, place, key, faults);
        break;
      case 'price':
        pushAmount(fields, '$product.price', value, place, key, faults);
        break;
      case 'quantity':
        pushAmount(fields, '$product.quantity', value, place, key, faults);
        break;
      case 'coupon_code':
        pushText(fields, '$product.coupon_code', value, place, key, faults);
        break;
      case 'custom_attributes':
        readProductAttributes(value, `${place}.custom_attributes`, fields, faults);
        break;
      default:
        extra = withMember(extra, key, value, place, faults);
    }
  }
  return extra;
}

function readProductAttributes(raw: unknown, place: string, fields: Pairs, faults: Faults): void {
  const attributes = readObject(raw, place, faults);
  let count = 0;
  for (const name in attributes) {
    const value = readValue(attributes[name], place, name, faults);
    if (value === undefined) continue;
    fields.push(`$product.attribute.${name}`, value);
    count++;
  }
  if (count > ATTRIBUTES_MAX)
    faults.add(place, `has ${count} attributes, and ${ATTRIBUTES_MAX} is the limit.`);
}

function pushText(
  fields: Pairs,
  name: string,
  raw: unknown,
  place: string,
  key: string,
  faults: Faults,
): void {
  const text =
    typeof raw === 'string' && raw.length <= 256
      ? raw
      : readText(raw, memberPlace(place, key), faults);
  if (text !== '') fields.push(name, text);
}

function pushAmount(
  fields: Pairs,
  name: string,
  raw: unknown,
  place: string,
  key: string,
  faults: Faults,
): void {
  const amount =
    typeof raw === 'number' && Number.isFinite(raw)
      ? raw
      : readAmount(raw, memberPlace(place, key), faults);
  if (amount !== undefined) fields.push(name, amount);
}
