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

describe('commerce', () => {
  test('a purchase with its products', () => {
    const event = decodedEvent(
      'commerce_event',
      {
        currency_code: 'EUR',
        screen_name: 'Checkout',
        custom_attributes: {source: 'mail'},
        product_action: {
          action: 'Purchase',
          transaction_id: 12,
          total_amount: '99.50',
          coupon_code: 'TEN',
          tax_amount: null,
          products: [
            {
              id: 'sku1',
              name: 'Shoe',
              brand: 'B',
              category: 'C',
              variant: 'V',
              price: 10.5,
              quantity: 2,
              coupon_code: 'P',
            },
            {id: 7, price: '', quantity: '3', custom_attributes: {fit: 'slim', __proto: null}},
            {price: 'free', position: 1},
            null,
          ],
        },
      },
      {application_info: {application_version: '2'}},
    );
    expect(event.records).toHaveLength(1);
    const record = event.records[0]!;
    expect(record).toMatchObject({
      kind: 'commerce',
      name: 'purchase',
      type: '',
      timeMs: ARRIVAL_MS,
    });
    expect(named(record.fields)).toEqual({
      source: 'mail',
      $screen_name: 'Checkout',
      $currency_code: 'EUR',
      $app_version: '2',
      $transaction_id: '12',
      $total_amount: 99.5,
      $coupon_code: 'TEN',
    });
    expect(record.items.map(named)).toEqual([
      {
        '$product.id': 'sku1',
        '$product.name': 'Shoe',
        '$product.brand': 'B',
        '$product.category': 'C',
        '$product.variant': 'V',
        '$product.price': 10.5,
        '$product.quantity': 2,
        '$product.coupon_code': 'P',
      },
      {
        '$product.id': '7',
        '$product.quantity': 3,
        '$product.attribute.fit': 'slim',
        '$product.attribute.__proto': null,
      },
      {'$product.price': 'free'},
    ]);
  });

  test.each([
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
  ])('action %s', action => {
    expect(kindsOf('commerce_event', {product_action: {action}})).toEqual([`commerce/${action}/`]);
  });

  test('the odd spelling of the wish list', () => {
    expect(kindsOf('commerce_event', {product_action: {action: 'remove_from_wish_list'}})).toEqual([
      'commerce/remove_from_wishlist/',
    ]);
  });

  test.each([
    ['view', 'promotion_view'],
    [1, 'promotion_view'],
    ['1', 'promotion_view'],
    ['click', 'promotion_click'],
    [2, 'promotion_click'],
  ])('promotion action %j', (action, name) => {
    const promotions = [{id: 'p', name: 'Sale', creative: 'c', position: 3}, null];
    const event = decodedEvent('commerce_event', {
      promotion_action: {action, promotions},
      product_action: null,
    });
    expect(event.records).toMatchObject([
      {
        kind: 'commerce',
        name,
        items: [
          [
            '$promotion.id',
            'p',
            '$promotion.name',
            'Sale',
            '$promotion.creative',
            'c',
            '$promotion.position',
            '3',
          ],
        ],
      },
    ]);
  });

  test('impressions in several lists are one event', () => {
    const product_impressions = [
      {product_impression_list: 'top', products: [{id: 'a'}, {id: 'b'}]},
      {product_impression_list: 'side', products: [{id: 'c'}]},
    ];
    const batch = decoded({events: [{event_type: 'commerce_event', data: {product_impressions}}]});
    expect(batch.events[0]!.records).toMatchObject([
      {
        name: 'impression',
        items: [
          ['$product.id', 'a'],
          ['$product.id', 'b'],
          ['$product.id', 'c'],
        ],
      },
    ]);
    expect(JSON.parse(batch.extra)).toEqual({
      events: {
        0: {
          data: {
            product_impressions: {
              0: {product_impression_list: 'top'},
              1: {product_impression_list: 'side'},
            },
          },
        },
      },
    });
  });

  test('an action with impressions is two records, which share the attributes', () => {
    const event = decodedEvent('commerce_event', {
      custom_attributes: {a: 1},
      product_action: {action: 'click', total_amount: 5},
      product_impressions: [{products: []}],
    });
    expect(event.records.map(({name, fields}) => [name, fields])).toEqual([
      ['click', ['a', 1, '$total_amount', 5]],
      ['impression', ['a', 1]],
    ]);
  });

  test.each([
    [{}, 'product_action: Required event field "product_action" is missing or empty.'],
    [
      {product_action: null, product_impressions: []},
      'product_action: Required event field "product_action" is missing or empty.',
    ],
    [
      {product_action: {}},
      'product_action.action: Required event field "action" is missing or empty.',
    ],
    [
      {product_action: {action: ''}},
      'product_action.action: Required event field "action" is missing or empty.',
    ],
    [
      {promotion_action: {action: null}},
      'promotion_action.action: Required event field "action" is missing or empty.',
    ],
    [
      {product_action: {action: 'click', products: {}}},
      'product_action.products: is not an array.',
    ],
    [
      {product_action: {action: 'click', products: ['sku']}},
      'product_action.products[0]: is not an object.',
    ],
    [
      {product_action: {action: 'click', products: [{id: {}}]}},
      'product_action.products[0].id: is not text.',
    ],
    [
      {product_action: {action: 'click', products: [{}, {price: []}]}},
      'product_action.products[1].price: is not text.',
    ],
    [
      {promotion_action: {action: 1, promotions: 'x'}},
      'promotion_action.promotions: is not an array.',
    ],
    [
      {promotion_action: {action: 1, promotions: [1]}},
      'promotion_action.promotions[0]: is not an object.',
    ],
    [{product_impressions: {}}, 'product_impressions: is not an array.'],
    [{product_impressions: [1]}, 'product_impressions[0]: is not an object.'],
  ])('fault %j', (data, fault) => {
    expect(eventFaults('commerce_event', data)[0]).toBe(`events[0].data.${fault}`);
  });

  test.each([
    [{product_action: {action: 7}}, 'product_action'],
    [{promotion_action: {action: 3}}, 'promotion_action'],
  ])('an action that is not one: %j', (data, part) => {
    expect(eventFaults('commerce_event', data)[0]).toMatch(`events[0].data.${part}.action: is n`);
  });
});
