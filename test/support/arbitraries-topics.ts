/**
 * What events and event criteria can be about. A history has a few favourites that most of its events and
 * most of its criteria share: otherwise they would miss one another and every answer would be no.
 */
import type {EventKind} from '../../engine/record.ts';
import type {Random} from './arbitraries-random.ts';
import type {AttributeKind} from './arbitraries-world.ts';
import type {JsonObject} from './oracle-json.ts';

export interface Topic {
  /** Kind and name of a criterion. */
  readonly criterion: JsonObject;
  /** Kinds of the events that it may be about. */
  readonly kinds: readonly EventKind[];
  /** Names of those events; the others are near misses. */
  readonly names: readonly string[];
  /** What its events carry, for conditions and measures. */
  readonly attributes: readonly AttributeKind[];
  /** What the products or promotions of its events carry. */
  readonly items: readonly AttributeKind[];
}

const VERSION: AttributeKind = {name: '$app_version', reading: 'version'};

/** What the batch says of the application and the device, on whatever event. */
const ON_ANY: readonly AttributeKind[] = [
  {name: '$app_build', reading: 'text'},
  {name: '$platform', reading: 'text'},
  {name: '$os_version', reading: 'version'},
];

const ON_CUSTOM: readonly AttributeKind[] = [
  {name: 'color', reading: 'text'},
  {name: 'amount', reading: 'number'},
  {name: 'gift', reading: 'boolean'},
  {name: 'due', reading: 'date'},
  VERSION,
];

export const ON_PRODUCTS: readonly AttributeKind[] = [
  {name: '$product.id', reading: 'text'},
  {name: '$product.name', reading: 'text'},
  {name: '$product.brand', reading: 'text'},
  {name: '$product.category', reading: 'text'},
  {name: '$product.variant', reading: 'text'},
  {name: '$product.price', reading: 'number'},
  {name: '$product.quantity', reading: 'number'},
  {name: '$product.attribute.size', reading: 'text'},
];

const ON_PROMOTIONS: readonly AttributeKind[] = [
  {name: '$promotion.id', reading: 'text'},
  {name: '$promotion.name', reading: 'text'},
  {name: '$promotion.creative', reading: 'text'},
];

const ON_CAMPAIGNS: readonly AttributeKind[] = [
  {name: 'publisher', reading: 'text'},
  {name: 'campaign', reading: 'text'},
];

function custom(name: string): Topic {
  const criterion = {kind: 'event', name};
  return {criterion, kinds: ['custom'], names: [name], attributes: ON_CUSTOM, items: []};
}

const ON_COMMERCE: readonly AttributeKind[] = [
  {name: '$total_amount', reading: 'number'},
  {name: '$currency_code', reading: 'text'},
  {name: '$transaction_id', reading: 'text'},
  {name: '$coupon_code', reading: 'text'},
];

/** `spelt` as criteria may write it. */
function action(name: string, items: readonly AttributeKind[], spelt = name): Topic {
  const criterion = {kind: 'commerce', action: spelt};
  return {criterion, kinds: ['commerce'], names: [name], attributes: ON_COMMERCE, items};
}

function screen(name: string | undefined): Topic {
  const criterion = {kind: 'screen_view', ...(name === undefined ? {} : {name})};
  const attributes: readonly AttributeKind[] = [{name: '$screen_name', reading: 'text'}, VERSION];
  const names = name === undefined ? ['Home', 'Cart'] : [name];
  return {criterion, kinds: ['screen_view'], names, attributes, items: []};
}

function lifecycle(kind: EventKind, attributes: readonly AttributeKind[]): Topic {
  return {
    criterion: {kind},
    kinds: [kind],
    names: [''],
    attributes: [...attributes, VERSION, ...ON_ANY],
    items: [],
  };
}

const BASIC_TOPICS: readonly Topic[] = [
  // Twice each: half of what programs tell are events of their own.
  ...['View', 'view', 'Buy', 'View', 'view', 'Buy'].map(custom),
  action('add_to_cart', ON_PRODUCTS),
  action('purchase', ON_PRODUCTS),
  action('click', ON_PRODUCTS),
  action('remove_from_cart', ON_PRODUCTS),
  action('view_detail', ON_PRODUCTS),
  action('checkout', ON_PRODUCTS),
  action('checkout_option', ON_PRODUCTS),
  action('refund', ON_PRODUCTS),
  action('add_to_wishlist', ON_PRODUCTS),
  action('remove_from_wishlist', ON_PRODUCTS, 'remove_from_wish_list'),
  action('promotion_view', ON_PROMOTIONS),
  action('promotion_click', ON_PROMOTIONS),
  action('impression', ON_PRODUCTS),
  screen('Home'),
  screen('Cart'),
  screen(undefined),
  {
    criterion: {kind: 'session'},
    kinds: ['session_start', 'session_end'],
    names: [''],
    attributes: [{name: '$session_duration_ms', reading: 'number'}, VERSION],
    items: [],
  },
  lifecycle('crash', [{name: '$severity', reading: 'text'}]),
  lifecycle('install', []),
  lifecycle('upgrade', []),
  lifecycle('uninstall', ON_CAMPAIGNS),
];

const ATTRIBUTION_TOPICS: readonly Topic[] = ['attribution', 're-engagement'].map(name => ({
  criterion: {kind: 'attribution_event', name},
  kinds: ['custom'],
  names: name === 'attribution' ? [name, 'Attribution'] : [name],
  attributes: ON_CAMPAIGNS,
  items: [],
}));

/** All that is known of it is a date: conditions on it move with the clock. */
const REMINDER: Topic = {...custom('Remind'), attributes: [{name: 'due', reading: 'date'}]};

export function topicsOf(kinds: 'basic' | 'all'): readonly Topic[] {
  return kinds === 'basic' ? BASIC_TOPICS : [...BASIC_TOPICS, ...ATTRIBUTION_TOPICS, REMINDER];
}

/** Favourites five times out of six, anything otherwise. */
export function pickTopic(random: Random, topics: Topics): Topic {
  return random.pick(random.chance(0.83) ? topics.favourites : topics.all);
}

export interface Topics {
  readonly all: readonly Topic[];
  readonly favourites: readonly Topic[];
}

export function randomTopics(random: Random, kinds: 'basic' | 'all'): Topics {
  const all = topicsOf(kinds);
  const favourites = Array.from({length: 4}, () => random.pick(all));
  if (kinds === 'all' && random.chance(0.1)) favourites[0] = REMINDER;
  // One history in three is about a shop: carts are abandoned nowhere else.
  const shop = all.filter(topic => ['add_to_cart', 'purchase'].includes(topic.names[0] ?? ''));
  return {all, favourites: random.chance(0.33) ? [...shop, ...favourites.slice(2)] : favourites};
}
