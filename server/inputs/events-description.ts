/**
 * What the two calls that take events say of themselves. The decoders read more leniently than this: a
 * schema says what to send. `test/inputs/events-description.test.ts` holds that they take all of it.
 */
import {Type} from 'typebox';
import {PRODUCT_ACTIONS} from '../../engine/definitions/vocabulary.ts';
import {BOUNDS} from '../config.ts';
import {EVENT_TYPES} from './decode-events.ts';
import {ATTRIBUTES_MAX, EVENTS_MAX, ITEMS_MAX} from './decode-limits.ts';
import {DEVICE_IDENTITY_TYPES, USER_IDENTITY_TYPES} from '../../engine/identity-types.ts';

const MIB = 2 ** 20;
const Ms = Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]});
const Text = (example: string, description?: string) =>
  Type.String({examples: [example], ...(description !== undefined && {description})});
const Scalar = Type.Unsafe<string | number | boolean | null>({
  type: ['string', 'number', 'boolean', 'null'],
  examples: ['gold'],
});

const UserAttributes = Type.Record(
  Type.String(),
  Type.Unsafe<unknown>({
    anyOf: [Scalar, Type.Array(Scalar, {examples: [['tea', 'maps']]})],
  }),
  {
    maxProperties: ATTRIBUTES_MAX,
    description: 'Merged into those of the profile; a list replaces a list, null makes a tag',
    examples: [{tier: 'gold', visits: 12, interests: ['tea', 'maps'], newsletter: null}],
  },
);
const CustomAttributes = Type.Record(Type.String(), Scalar, {
  maxProperties: ATTRIBUTES_MAX,
  examples: [{color: 'blue', size: 42}],
});
const Identities = Type.Partial(
  Type.Object(
    Object.fromEntries(USER_IDENTITY_TYPES.map(type => [type, Text(`a ${type}`)] as const)),
  ),
  {
    description: 'Other spellings that clients use, such as customerid, are read too',
    examples: [{customer_id: 'h.jekyll.md', email: 'h.jekyll@example.com'}],
  },
);
const Location = Type.Object(
  {
    latitude: Type.Optional(Type.Number({minimum: -90, maximum: 90, examples: [48.8566]})),
    longitude: Type.Optional(Type.Number({minimum: -180, maximum: 180, examples: [2.3522]})),
    city_name: Type.Optional(Text('Paris')),
    region_code: Type.Optional(Text('IDF')),
    postal_code: Type.Optional(Text('75001')),
    dma_code: Type.Optional(Text('501')),
    country_code: Type.Optional(Text('FR')),
  },
  {examples: [{latitude: 48.8566, longitude: 2.3522, city_name: 'Paris', country_code: 'FR'}]},
);
const Product = Type.Object({
  id: Text('T-01'),
  name: Type.Optional(Text('Teapot')),
  brand: Type.Optional(Text('Hyde')),
  category: Type.Optional(Text('Kitchen')),
  variant: Type.Optional(Text('blue')),
  price: Type.Optional(Type.Number({examples: [24.5]})),
  quantity: Type.Optional(Type.Number({examples: [1]})),
  coupon_code: Type.Optional(Text('SPRING')),
  custom_attributes: Type.Optional(CustomAttributes),
});
const Products = Type.Array(Product, {
  maxItems: ITEMS_MAX,
  examples: [[{id: 'T-01', name: 'Teapot', price: 24.5, quantity: 1}]],
});
const ProductAction = Type.Object({
  action: Type.Unsafe<string>({enum: [...PRODUCT_ACTIONS], examples: ['purchase']}),
  transaction_id: Type.Optional(Text('A-1001')),
  total_amount: Type.Optional(Type.Number({examples: [24.5]})),
  coupon_code: Type.Optional(Text('SPRING')),
  products: Type.Optional(Products),
});
const PromotionAction = Type.Object({
  action: Type.Unsafe<string>({enum: ['view', 'click'], examples: ['view']}),
  promotions: Type.Optional(
    Type.Array(
      Type.Object({
        id: Text('P-7'),
        name: Type.Optional(Text('Spring')),
        creative: Type.Optional(Text('banner')),
      }),
      {maxItems: ITEMS_MAX},
    ),
  ),
});

const EventData = Type.Object(
  {
    timestamp_unixtime_ms: Type.Optional(
      Type.Integer({
        description: "Absent: the batch's, else arrival",
        examples: [1_790_000_000_000],
      }),
    ),
    source_message_id: Type.Optional(Text('m-1', 'A repeat of it changes nothing')),
    custom_attributes: Type.Optional(CustomAttributes),
    location: Type.Optional(Location),
    event_name: Type.Optional(Text('Add To Cart', 'Of a custom_event, which needs it')),
    custom_event_type: Type.Optional(Text('navigation')),
    screen_name: Type.Optional(Text('Checkout')),
    product_action: Type.Optional(ProductAction),
    promotion_action: Type.Optional(PromotionAction),
    product_impressions: Type.Optional(
      Type.Array(
        Type.Object({product_impression_list: Type.Optional(Text('front')), products: Products}),
      ),
    ),
    currency_code: Type.Optional(Text('EUR')),
    session_duration_ms: Type.Optional(Type.Number({minimum: 0, examples: [60_000]})),
    is_first_run: Type.Optional(Type.Boolean({description: 'An install', examples: [true]})),
    is_upgrade: Type.Optional(Type.Boolean({examples: [false]})),
    severity: Type.Optional(Text('fatal')),
    user_attribute_name: Type.Optional(Text('tier', 'Of a user_attribute_change, which needs it')),
    new: Type.Optional(
      Type.Unknown({description: 'Value or identity that is new', examples: ['gold']}),
    ),
    old: Type.Optional(Type.Unknown({examples: ['silver']})),
    deleted: Type.Optional(Type.Boolean({examples: [false]})),
    register: Type.Optional(Type.Boolean({examples: [true]})),
    registration_token: Type.Optional(Text('3f1c')),
  },
  {
    description: 'What a type does not know is kept, and no criterion can ask for it',
    examples: [{event_name: 'Add To Cart', custom_event_type: 'transaction'}],
  },
);
const Event = Type.Object(
  {
    event_type: Type.String({
      description: `One of ${EVENT_TYPES.join(', ')}; others are kept and mean nothing`,
      examples: ['custom_event'],
    }),
    data: Type.Optional(EventData),
  },
  {title: 'Event'},
);

const DeviceInfo = Type.Partial(
  Type.Object({
    platform: Text('iOS'),
    os_version: Text('17.1'),
    brand: Text('apple'),
    device_model: Text('iPhone15,2'),
    device_manufacturer: Text('Apple'),
    network_carrier: Text('Orange'),
    device_country: Text('FR'),
    locale_country: Text('FR'),
    locale_language: Text('fr'),
    ...Object.fromEntries(
      DEVICE_IDENTITY_TYPES.filter(type => type !== 'mp_deviceid').map(
        type => [type, Text(`a ${type}`)] as const,
      ),
    ),
  }),
  {examples: [{platform: 'iOS', os_version: '17.1', brand: 'apple', ios_idfv: '74587f4b-3ed5'}]},
);
const Consent = Type.Object({
  consented: Type.Boolean({examples: [true]}),
  timestamp_unixtime_ms: Type.Optional(Ms),
});

const BATCH = {
  mpid: '-1327484737295091692',
  environment: 'production',
  source_request_id: 'r-1',
  user_identities: {customer_id: 'h.jekyll.md', email: 'h.jekyll@example.com'},
  user_attributes: {tier: 'gold', visits: 12, interests: ['tea', 'maps'], newsletter: null},
  deleted_user_attributes: ['trial'],
  device_info: {platform: 'iOS', os_version: '17.1', brand: 'apple', ios_idfv: '74587f4b-3ed5'},
  consent_state: {gdpr: {marketing: {consented: true}}},
  events: [
    {
      event_type: 'custom_event',
      data: {
        event_name: 'Add To Cart',
        custom_event_type: 'transaction',
        source_message_id: 'm-1',
        custom_attributes: {color: 'blue', size: 42},
      },
    },
    {
      event_type: 'commerce_event',
      data: {
        currency_code: 'EUR',
        product_action: {
          action: 'purchase',
          transaction_id: 'A-1001',
          total_amount: 24.5,
          products: [{id: 'T-01', name: 'Teapot', price: 24.5, quantity: 1}],
        },
      },
    },
  ],
};

export const EventBatch = Type.Object(
  {
    events: Type.Optional(
      Type.Array(Event, {maxItems: EVENTS_MAX, description: 'None: only the profile changes'}),
    ),
    mpid: Type.Optional(
      Type.Unsafe<string | number>({
        type: ['integer', 'string'],
        pattern: '^-?[0-9]+$',
        description: 'A signed 64-bit integer. Absent: the profile that the identities lead to',
        examples: [BATCH.mpid],
      }),
    ),
    environment: Type.Optional(
      Type.Unsafe<string>({enum: ['production', 'development'], examples: ['production']}),
    ),
    source_request_id: Type.Optional(Text('r-1', 'A repeat of it changes nothing')),
    timestamp_unixtime_ms: Type.Optional(Ms),
    user_identities: Type.Optional(Identities),
    mp_deviceid: Type.Optional(Text('5a0b4a6e-1f3c')),
    user_attributes: Type.Optional(UserAttributes),
    deleted_user_attributes: Type.Optional(Type.Array(Text('trial'), {maxItems: ATTRIBUTES_MAX})),
    device_info: Type.Optional(DeviceInfo),
    application_info: Type.Optional(
      Type.Partial(
        Type.Object({
          os: Text('IOS'),
          application_version: Text('3.1.0'),
          application_build_number: Text('310'),
        }),
      ),
    ),
    consent_state: Type.Optional(
      Type.Partial(
        Type.Object({
          gdpr: Type.Record(Type.String(), Consent, {examples: [{marketing: {consented: true}}]}),
          ccpa: Type.Object({data_sale_opt_out: Consent}),
        }),
      ),
    ),
    context: Type.Optional(Type.Object({location: Type.Optional(Location)})),
    ip: Type.Optional(
      Text('198.51.100.7', 'Where it is says the location, when nothing else does'),
    ),
  },
  {
    title: 'EventBatch',
    description:
      'A batch of the mParticle Events API v2. null is absent, unknown fields are kept, numbers and text stand in for one another.',
    examples: [
      BATCH,
      {user_identities: {email: 'm.hyde@example.com'}, user_attributes: {tier: 'silver'}},
    ],
  },
);

const Bulk = Type.Array(EventBatch, {minItems: 1, maxItems: BOUNDS.bulkBatchesMax});

const Faults = Type.Array(
  Type.Object({
    code: Type.String({examples: ['BAD_REQUEST']}),
    message: Type.String({
      examples: [
        'events[3].data.event_name: Required event field "event_name" is missing or empty.',
      ],
    }),
    path: Type.String({examples: ['events[3].data.event_name']}),
  }),
);
const rejected = Type.Array(
  Type.Object({index: Type.Integer({minimum: 0, examples: [2]}), errors: Faults}),
  {description: 'Batches that were not taken, by their places'},
);

export const EventsTaken = Type.Object({}, {title: 'EventsTaken', examples: [{}]});
export const BulkTaken = Type.Object({rejected: Type.Optional(rejected)}, {title: 'BulkTaken'});
export const BulkRefused = Type.Object({errors: Faults, rejected}, {title: 'BulkRefused'});

const ANSWERS =
  'Basic authentication with the key and secret of an input, which also name the workspace. 202: what was ' +
  'taken survives whatever happens to the process. A body may be gzip, deflate or br, and ' +
  `application/msgpack instead of JSON; 413 beyond ${BOUNDS.bodyBytesMax / MIB} MiB, also when inflated, 415 for ` +
  'another encoding, 429 with Retry-After when the engine is behind, 503 with Retry-After when it cannot take any.';

export const EVENTS_DESCRIPTION = [
  {
    method: 'POST',
    pattern: '/v2/events',
    access: 'input',
    tag: 'Events',
    summary: 'Take a batch of events of one profile',
    description: `${ANSWERS} 400 lists every fault of the batch, of which nothing is applied.`,
    body: EventBatch,
    answers: {202: EventsTaken},
  },
  {
    method: 'POST',
    pattern: '/v2/bulkevents',
    access: 'input',
    tag: 'Events',
    summary: 'Take batches of several profiles, each judged alone',
    description: `${ANSWERS} 202 when at least one batch was taken, 400 when none was; 413 beyond ${BOUNDS.bulkBatchesMax} batches.`,
    body: Bulk,
    answers: {202: BulkTaken, 400: BulkRefused},
  },
] as const;
