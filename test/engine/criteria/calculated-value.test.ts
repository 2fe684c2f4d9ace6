/** Calculated attributes worked out by hand: what each calculation says, and when it says something else. */
import {describe, expect, test} from 'vitest';
import {bindCalculation} from '../../../engine/criteria/bound-criterion.ts';
import {CalculatedValue} from '../../../engine/criteria/calculated-value.ts';
import type {Calculation} from '../../../engine/definitions/calculated-attribute.ts';
import {parseCalculatedAttribute} from '../../../engine/definitions/parse-calculated-attribute.ts';
import type {EventRecord, Value} from '../../../engine/record.ts';
import {commerce, custom, plain, record} from '../../support/oracle-build.ts';
import {Stage} from '../../support/stage.ts';

const NOON = Date.parse('2026-03-10T12:00:00.000Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Asked {
  readonly calculation: Calculation;
  readonly event?: object;
  readonly attribute?: string;
  readonly when?: object;
  readonly workspace?: number;
}

/** One profile, with an audience that makes its shard keep the attribute. */
class Shop {
  readonly stage = new Stage({startMs: NOON});
  readonly #asked: Asked;

  constructor(asked: Asked, criterion: object = {operator: 'exists'}) {
    this.#asked = asked;
    this.stage.define({
      definition: {kind: 'calculated_attribute', name: 'it', ...criterion},
      calculated: [this.#json()],
    });
  }

  /** Each arrives when it happens, or at `arrivalMs`. */
  send(events: readonly EventRecord[], arrivalMs?: number): this {
    for (const event of events) {
      const at = Math.max(this.stage.shard.nowMs, arrivalMs ?? event.timeMs);
      this.stage.send(record(at, {events: [event]}));
    }
    return this;
  }

  value(nowMs = this.stage.shard.nowMs): Value | undefined {
    const {shard} = this.stage;
    const {eventRetentionMs} = shard.options;
    const parsed = parseCalculatedAttribute(this.#json(), {eventRetentionMs, hasInput: () => true});
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    const bound = bindCalculation(parsed.spec, {environment: 'production', eventRetentionMs});
    const history = shard.criteria.historyByKey(bound.history.key);
    if (history === undefined) throw new Error('no history is kept');
    const parts = {history: history.id, eventRetentionMs, texts: shard.texts};
    const calculated = new CalculatedValue(bound, parts);
    shard.slab.open(shard.table.find(0, 1));
    calculated.read(shard.slab, nowMs);
    return calculated.value;
  }

  #json() {
    const {calculation, event = VIEW, attribute, when, workspace = 1} = this.#asked;
    return {name: 'it', workspace, calculation, event, attribute, when};
  }
}

const VIEW = {kind: 'event', name: 'View'};

function views(...colors: (Value | undefined)[]): EventRecord[] {
  return colors.map((color, at) =>
    custom(NOON + at * HOUR, 'View', color === undefined ? {} : {color}),
  );
}

function value(asked: Asked, ...events: EventRecord[]): Value | undefined {
  return new Shop(asked).send(events).value();
}

describe('what each calculation says', () => {
  type Row = readonly [Calculation, (Value | undefined)[], Value | undefined];
  const rows: readonly Row[] = [
    ['count', ['blue', undefined, null], 3],
    ['count', [], 0],
    ['sum', [0.1, '0.2', 'five', 0.3, null, true], 0.6],
    ['sum', [], 0],
    ['min', [3, '-1.5', 'red'], -1.5],
    ['max', [3, '12.50', [99]], 12.5],
    ['min', ['red'], undefined],
    ['average', [0.2, 0.2, 0.2], 0.2],
    ['average', [1, 2], 1.5],
    ['average', [], undefined],
    ['unique_values_count', ['blue', 'BLUE', 'Red', 12.5, '12.5', null], 3],
    ['unique_values_count', [], 0],
    ['unique_list', ['red', 'Blue', 'BLUE', 'Red', 7], ['7', 'Blue', 'red']],
    ['unique_list', [null], undefined],
    ['most_frequent', ['red', 'Blue', 'BLUE'], 'Blue'],
    ['most_frequent', ['red', 'Blue', 'RED', 'blue'], 'Blue'],
    ['most_frequent', [true, 'x', 'TRUE'], 'true'],
    ['most_frequent', [], undefined],
    ['first_occurrence', [undefined, 'Red', 'blue'], 'Red'],
    ['last_occurrence', ['Red', 'blue', undefined], 'blue'],
    ['first_occurrence_timestamp', ['x', 'y'], '2026-03-10T12:00:00.000Z'],
    ['last_occurrence_timestamp', ['x', 'y'], '2026-03-10T13:00:00.000Z'],
    ['last_occurrence_timestamp', [], undefined],
  ];
  test.each(rows)('%s of %j is %j', (calculation, colors, expected) => {
    const takesNone = /count$|timestamp$/.test(calculation) && !calculation.startsWith('unique');
    const asked = takesNone ? {calculation} : {calculation, attribute: 'color'};
    const shop = new Shop(asked).send(views(...colors));
    // Somebody who did nothing is known all the same.
    if (colors.length === 0) shop.stage.send(record(NOON));
    expect(shop.value()).toEqual(expected);
  });
});

test('of one millisecond the alphabet decides, however events come', () => {
  const tie = (calculation: Calculation, ...colors: string[]): Value | undefined =>
    value({calculation, attribute: 'color'}, ...colors.map(color => custom(NOON, 'View', {color})));
  for (const calculation of ['first_occurrence', 'last_occurrence', 'most_frequent'] as const) {
    expect(tie(calculation, 'red', 'Blue')).toBe('Blue');
    expect(tie(calculation, 'Blue', 'red')).toBe('Blue');
  }
  expect(tie('unique_list', 'red', 'RED')).toEqual(['RED']);
});

test('lists and the most frequent value look at the first hundred different values', () => {
  const many = Array.from({length: 101}, (_, at) => `v${String(at).padStart(3, '0')}`);
  const events = [...many, 'v100', 'v100', 'V007'].map((color, at) =>
    custom(NOON + at, 'View', {color}),
  );
  expect(value({calculation: 'unique_list', attribute: 'color'}, ...events)).toEqual(
    many.slice(0, 100),
  );
  expect(value({calculation: 'most_frequent', attribute: 'color'}, ...events)).toBe('v007');
  expect(value({calculation: 'unique_values_count', attribute: 'color'}, ...events)).toBe(101);
});

describe('periods', () => {
  test('within the last hours: in at both ends, out one millisecond later', () => {
    const shop = new Shop({calculation: 'count', when: {within: '2h'}});
    shop.send([custom(NOON, 'View'), custom(NOON + HOUR, 'View')]);
    expect(shop.value(NOON + 2 * HOUR)).toBe(2);
    expect(shop.value(NOON + 2 * HOUR + 1)).toBe(1);
    expect(shop.value(NOON + 3 * HOUR + 1)).toBe(0);
  });

  test('since a day: from midnight on, for as long as events are kept', () => {
    const shop = new Shop({calculation: 'count', when: {since: '2026-03-11'}});
    const midnight = Date.parse('2026-03-11T00:00:00.000Z');
    shop.send([custom(midnight - 1, 'View'), custom(midnight, 'View')]);
    expect(shop.value()).toBe(1);
    expect(shop.value(midnight + 30 * DAY)).toBe(1);
    expect(shop.value(midnight + 30 * DAY + 1)).toBe(0);
  });

  test('money that comes and goes leaves exactly nothing', () => {
    const asked = {calculation: 'sum', attribute: 'amount', when: {within: '1h'}} as const;
    const shop = new Shop(asked).send(
      [0.1, 0.2, 0.3].map((amount, at) => custom(NOON + at, 'View', {amount})),
    );
    expect(shop.value(NOON + 2)).toBe(0.6);
    expect(shop.value(NOON + HOUR + 1)).toBe(0.5);
    expect(shop.value(NOON + HOUR + 3)).toBe(0);
  });

  test('an event from the future counts from its moment, a late one from its own time', () => {
    const shop = new Shop({calculation: 'last_occurrence', attribute: 'color'});
    shop.send([custom(NOON + HOUR, 'View', {color: 'red'})], NOON);
    expect(shop.value(NOON + HOUR - 1)).toBeUndefined();
    expect(shop.value(NOON + HOUR)).toBe('red');
    shop.send([custom(NOON + HOUR - 1, 'View', {color: 'blue'})], NOON + 2 * HOUR);
    expect(shop.value()).toBe('red');
  });
});

describe('which events', () => {
  test('conditions, and the products that meet them', () => {
    const purchase = commerce(NOON, 'purchase', [
      {'$product.brand': 'Acme', '$product.price': 10},
      {'$product.brand': 'Other', '$product.price': 99},
      {'$product.brand': 'ACME', '$product.price': '2.5'},
    ]);
    const event = {
      kind: 'commerce',
      action: 'purchase',
      where: [{attribute: '$product.brand', operator: 'exact_match', value: 'acme'}],
    };
    const asked = {calculation: 'sum', event, attribute: '$product.price'} as const;
    expect(value(asked, purchase)).toBe(12.5);
  });

  test('how long sessions are is asked of their ends', () => {
    const asked = {
      calculation: 'average',
      event: {kind: 'session'},
      attribute: '$session_duration_ms',
    } as const;
    const end = {$session_duration_ms: 6_000};
    expect(value(asked, plain(NOON, 'session_start'), plain(NOON + 1, 'session_end', end))).toBe(
      6_000,
    );
    expect(
      value({calculation: 'count', event: {kind: 'session'}}, plain(NOON, 'session_end')),
    ).toBe(0);
  });
});

describe('criteria', () => {
  const members = (criterion: object, asked: Asked): {shop: Shop; at: (ms: number) => string[]} => {
    const shop = new Shop(asked, criterion);
    const at = (ms: number): string[] => {
      shop.stage.advance(ms);
      return shop.stage.members();
    };
    return {shop, at};
  };

  test('become false in the millisecond in which the value decays', () => {
    const {shop, at} = members(
      {operator: 'greater_or_equal', value: 30},
      {calculation: 'sum', attribute: 'amount', when: {within: '1d'}},
    );
    shop.send([custom(NOON, 'View', {amount: 10}), custom(NOON + HOUR, 'View', {amount: '20'})]);
    expect(at(NOON + DAY)).toEqual(['1']);
    expect(at(NOON + DAY + 1)).toEqual([]);
    expect(shop.stage.told.map(({action, cause, atMs}) => [action, cause, atMs])).toEqual([
      ['add', 'event', NOON + HOUR],
      ['delete', 'time', NOON + DAY + 1],
    ]);
  });

  test('a date test on a timestamp has its own end', () => {
    const {shop, at} = members(
      {operator: 'within_last', value: '3h'},
      {calculation: 'last_occurrence_timestamp'},
    );
    shop.send([custom(NOON, 'View')]);
    expect(at(NOON + 3 * HOUR)).toEqual(['1']);
    expect(at(NOON + 3 * HOUR + 1)).toEqual([]);
  });

  test('hold for who did nothing, as soon as the workspace knows them', () => {
    const asked = {calculation: 'count', when: {within: '1d'}} as const;
    const {shop, at} = members({operator: 'equals', value: 0}, asked);
    shop.stage.send(record(NOON));
    expect(at(NOON)).toEqual(['1']);
    shop.send([custom(NOON + 1, 'View')]);
    expect(at(NOON + 1)).toEqual([]);
    expect(at(NOON + 1 + DAY)).toEqual([]);
    expect(at(NOON + 2 + DAY)).toEqual(['1']);
  });

  test('a workspace that has no such attribute meets nothing, not even its absence', () => {
    const stage = new Stage({startMs: NOON});
    const calculated = [
      {
        name: 'it',
        workspace: 1,
        calculation: 'last_occurrence',
        event: VIEW,
        attribute: 'color',
        when: undefined,
      } as const,
    ];
    stage.define({
      workspaces: [1, 2],
      definition: {kind: 'calculated_attribute', name: 'it', operator: 'not_exists'},
      calculated,
    });
    stage.send(record(NOON, {workspace: 2, mpid: 2n}), record(NOON, {workspace: 1, mpid: 1n}));
    expect(stage.members()).toEqual(['1']);
  });
});
