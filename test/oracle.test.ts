/** The oracle itself, proved on cases small enough to be worked out by hand from the contract. */
import {describe, expect, test} from 'vitest';
import type {Value} from '../engine/record.ts';
import {applyStep, interestingMoments, randomHistory} from './support/arbitraries.ts';
import {findCity} from './support/arbitraries-world.ts';
import {commerce, custom, plain, record} from './support/oracle-build.ts';
import type {Asker} from './support/oracle-events.ts';
import type {Json, JsonObject} from './support/oracle-json.ts';
import {DAY_MS} from './support/oracle-time.ts';
import {haversineMeters} from './support/oracle-users.ts';
import {meets} from './support/oracle-values.ts';
import {Oracle} from './support/oracle.ts';
import type {OracleAudience} from './support/oracle.ts';

const NOON = Date.parse('2026-03-10T12:00:00.000Z');
const HOUR = 3_600_000;
const RETENTIONS = {eventRetentionMs: 30 * DAY_MS, profileRetentionMs: 30 * DAY_MS};
const EVERYWHERE: Asker = {workspaces: [1, 2], inputs: undefined, environment: 'production'};

function oracle(retentions = RETENTIONS): Oracle {
  return new Oracle(retentions);
}

function audience(definition: Json, rest: Partial<OracleAudience> = {}): OracleAudience {
  return {id: 1, workspaces: [1], environment: 'production', active: true, definition, ...rest};
}

/** Whether the criterion holds for profile 1 with one batch of these events, at noon. */
function holdsFor(criterion: JsonObject, ...events: ReturnType<typeof custom>[]): boolean {
  const one = oracle();
  one.apply(record(NOON, {events}), NOON);
  return one.criterionHolds(criterion, EVERYWHERE, '1', NOON);
}

describe('operators', () => {
  type Row = readonly [Value | undefined, string, Json | undefined, boolean, string?];
  const rows: readonly Row[] = [
    ['Blue', 'exact_match', 'bLUE', true],
    ['Blue', 'not_exact_match', 'blue', false],
    [12.5, 'exact_match', '12.5', true],
    [true, 'exact_match', 'TRUE', true],
    ['dark blue', 'contains', 'K B', true],
    ['dark blue', 'not_contains', 'red', true],
    ['dark blue', 'starts_with', 'DARK', true],
    ['dark blue', 'ends_with', 'dark', false],
    ['dark blue', 'pattern', 'd*e', true],
    ['dark blue', 'pattern', 'blue', false],
    ['blue', 'pattern', 'b??e', true],
    ['blue', 'pattern', 'b?e', false],
    ['', 'pattern', '*', true],
    ['', 'pattern', '?', false],
    ['a*c', 'pattern', 'a**c', true],
    ['blue', 'not_pattern', 'b*', false],
    ['Blue', 'in', ['red', 'BLUE'], true],
    ['Blue', 'not_in', ['red', 'BLUE'], false],
    [['blue'], 'exact_match', 'blue', false],
    [['blue'], 'not_exact_match', 'red', false],
    ['12.50', 'equals', 12.5, true],
    ['five', 'not_equals', 5, false],
    [true, 'not_equals', 5, false],
    [0.3, 'greater_or_equal', 0.3, true],
    [5, 'between', [5, 6], true],
    [7, 'between', [5, 6], false],
    [7, 'not_in', [5, 6], true],
    ['7', 'in', [5, 7], true],
    ['true', 'equals', true, true],
    [1, 'equals', true, false],
    [false, 'equals', false, true],
    ['10.2', 'less_than', '10.10', true, 'version'],
    ['10.2', 'less_than', 10.1, false, 'number'],
    ['10.2.0', 'equals', '10.2', true, 'version'],
    ['10.x', 'not_equals', '10.2', false, 'version'],
    [['FR', 'en'], 'includes', 'fr', true],
    [['FR', 'en'], 'not_includes', 'de', true],
    ['fr', 'includes', 'fr', false],
    ['fr', 'not_includes', 'de', false],
    [['French'], 'includes', 'fren', false],
    [['French'], 'partial_match', 'FREN', true],
    [['fr', 5], 'in', ['5', 'x'], true, 'list'],
    ['fr', 'in', ['fr'], false, 'list'],
    [undefined, 'not_exists', undefined, true],
    [undefined, 'not_exact_match', 'x', false],
    [null, 'exists', undefined, true],
    [null, 'not_exists', undefined, false],
    [null, 'not_exact_match', 'x', false],
    [[], 'exists', undefined, true],
    ['2026-03-10', 'on', '2026-03-10', true],
    ['2026-03-10T23:59:59.999Z', 'on', '2026-03-10', true],
    ['2026-03-10T23:30:00-01:00', 'on', '2026-03-10', false],
    [NOON, 'before', '2026-03-10', false],
    [NOON, 'after', '2026-03-10', true],
    ['2026-03-11', 'between', ['2026-03-10', '2026-03-11'], true, 'date'],
    [NOON - HOUR, 'within_last', '1h', true],
    [NOON - HOUR - 1, 'within_last', '1h', false],
    [NOON + 1, 'within_last', '1h', false],
    [NOON - 2 * HOUR, 'between_ago', ['1h', '2h'], true],
    ['soon', 'before', '2030-01-01', false],
    ['2026-02-30', 'before', '2030-01-01', false],
  ];
  for (const [value, operator, operand, expected, type] of rows) {
    const condition = {
      operator,
      ...(operand === undefined ? {} : {value: operand}),
      ...(type === undefined ? {} : {type}),
    };
    test(`${JSON.stringify(value)} meets ${JSON.stringify(condition)}: ${expected}`, () => {
      expect(meets(value, condition, NOON)).toBe(expected);
    });
  }
});

describe('event criteria', () => {
  const view = {kind: 'event', name: 'View'};

  test('names are exact, case included, and types are compared without it', () => {
    expect(holdsFor(view, custom(NOON, 'view'))).toBe(false);
    expect(holdsFor(view, custom(NOON, 'View'))).toBe(true);
    expect(holdsFor({...view, event_type: 'Other'}, custom(NOON, 'View'))).toBe(true);
    expect(holdsFor({...view, event_type: 'social'}, custom(NOON, 'View'))).toBe(false);
  });

  test('a window keeps its last millisecond and loses the next', () => {
    const one = oracle();
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.setAudience(audience({...view, when: {within_last: '7d'}}));
    expect(one.holds(1, '1', NOON + 7 * DAY_MS)).toBe(true);
    expect(one.holds(1, '1', NOON + 7 * DAY_MS + 1)).toBe(false);
    expect(one.flips(1, '1', {fromMs: NOON, toMs: NOON + 20 * DAY_MS})).toEqual([
      {atMs: NOON + 7 * DAY_MS + 1, member: false},
    ]);
  });

  test('a window in the past is entered and left to the millisecond', () => {
    const one = oracle();
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.setAudience(audience({...view, when: {between_ago: ['4d', '6d']}}));
    expect(one.flips(1, '1', {fromMs: NOON, toMs: NOON + 20 * DAY_MS})).toEqual([
      {atMs: NOON + 4 * DAY_MS, member: true},
      {atMs: NOON + 6 * DAY_MS + 1, member: false},
    ]);
  });

  test('calendar windows begin at midnight UTC and end before the next', () => {
    const midnight = Date.parse('2026-03-10T00:00:00.000Z');
    const on = (when: JsonObject, timeMs: number): boolean =>
      holdsFor({...view, when}, custom(timeMs, 'View'));
    expect(on({before: '2026-03-10'}, midnight - 1)).toBe(true);
    expect(on({before: '2026-03-10'}, midnight)).toBe(false);
    expect(on({after: '2026-03-10'}, midnight)).toBe(true);
    expect(on({after: '2026-03-10'}, midnight - 1)).toBe(false);
    expect(on({on: '2026-03-09'}, midnight - 1)).toBe(true);
    expect(on({on: '2026-03-09'}, midnight)).toBe(false);
    expect(on({between: ['2026-03-08', '2026-03-09']}, midnight - 1)).toBe(true);
    expect(on({between: ['2026-03-08', '2026-03-09']}, midnight)).toBe(false);
  });

  test('an event from the future counts from its own millisecond', () => {
    const one = oracle();
    one.apply(record(NOON, {events: [custom(NOON + HOUR, 'View')]}), NOON);
    one.setAudience(audience({...view, when: {within_last: '1h'}}));
    expect(one.flips(1, '1', {fromMs: NOON, toMs: NOON + DAY_MS})).toEqual([
      {atMs: NOON + HOUR, member: true},
      {atMs: NOON + 2 * HOUR + 1, member: false},
    ]);
    one.setAudience(audience(view));
    expect(one.holds(1, '1', NOON + HOUR - 1)).toBe(false);
    one.setAudience(audience({...view, when: {after: '2026-03-01'}}));
    expect(one.holds(1, '1', NOON + HOUR - 1)).toBe(false);
  });

  test('an event leaves when it passes the event retention', () => {
    const one = oracle({eventRetentionMs: DAY_MS, profileRetentionMs: 30 * DAY_MS});
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.setAudience(audience(view));
    expect(one.holds(1, '1', NOON + DAY_MS)).toBe(true);
    expect(one.holds(1, '1', NOON + DAY_MS + 1)).toBe(false);
  });

  test.each<readonly [JsonObject, number, boolean]>([
    [{operator: 'equals', value: 0}, 0, true],
    [{operator: 'less_than', value: 2}, 1, true],
    [{operator: 'less_than', value: 2}, 2, false],
    [{operator: 'between', value: [1, 2]}, 2, true],
    [{operator: 'not_equals', value: 1}, 0, true],
    [{operator: 'greater_than', value: 1}, 1, false],
  ])('compare %j with %i events is %s', (compare, count, expected) => {
    const events = Array.from({length: count}, () => custom(NOON, 'View'));
    expect(holdsFor({...view, compare}, ...events)).toBe(expected);
  });

  test('sums are exact, in either spelling of a number, and skip what is none', () => {
    const sum = (value: number): JsonObject => ({
      ...view,
      measure: {function: 'sum', attribute: 'amount'},
      compare: {operator: 'equals', value},
    });
    const events = [0.1, '0.20', 'many', true, null].map(amount => custom(NOON, 'View', {amount}));
    expect(holdsFor(sum(0.3), ...events, custom(NOON, 'View'))).toBe(true);
    expect(holdsFor(sum(0))).toBe(true);
  });

  test.each<readonly [string, readonly Value[], string, Json, boolean]>([
    ['avg', [0.1, 0.2], 'equals', 0.15, true],
    ['avg', [1, 1, 2], 'greater_than', 1.3333333333333, true],
    ['avg', [1, 3], 'between', [2, 3], true],
    ['avg', [], 'less_or_equal', 0, false],
    ['min', [], 'less_or_equal', 0, false],
    ['max', [1e-7, '2e2', 1.5e21], 'greater_than', 1e21, true],
    ['max', [1e-7, '2e2'], 'equals', 200, true],
    ['min', [1e-7, '2e2'], 'less_than', 0.000001, true],
    ['min', ['12.50', 13], 'equals', 12.5, true],
    ['max', [1, 'x'], 'less_than', 2, true],
    ['max', ['x'], 'less_than', 2, false],
    ['distinct', ['A', 'a', 1, '1', true, null, ['b']], 'equals', 3, true],
    ['distinct', [], 'equals', 0, true],
  ])('%s of %j %s %j is %s', (name, amounts, operator, value, expected) => {
    const criterion = {
      ...view,
      measure: {function: name, attribute: 'amount'},
      compare: {operator, value},
    };
    const events = amounts.map(amount => custom(NOON, 'View', {amount}));
    expect(holdsFor(criterion, ...events)).toBe(expected);
  });

  test('conditions on products hold for one and the same product', () => {
    const where = [
      {attribute: '$product.brand', operator: 'exact_match', value: 'acme'},
      {attribute: '$product.price', operator: 'greater_than', value: 10},
    ];
    const criterion = {kind: 'commerce', action: 'purchase', where};
    const cheap = {'$product.brand': 'Acme', '$product.price': 5};
    const other = {'$product.brand': 'Other', '$product.price': 50};
    const dear = {'$product.brand': 'ACME', '$product.price': '10.01'};
    expect(holdsFor(criterion, commerce(NOON, 'purchase', [cheap, other]))).toBe(false);
    expect(holdsFor(criterion, commerce(NOON, 'purchase', [cheap, other, dear]))).toBe(true);
    expect(holdsFor({kind: 'commerce', action: 'purchase'}, commerce(NOON, 'purchase'))).toBe(true);
  });

  test('a measure of a product field takes the matching products, not the events', () => {
    const criterion = {
      kind: 'commerce',
      action: 'purchase',
      where: [{attribute: '$product.brand', operator: 'exact_match', value: 'acme'}],
      measure: {function: 'sum', attribute: '$product.price'},
      compare: {operator: 'equals', value: 7},
    };
    const products = [
      {'$product.brand': 'acme', '$product.price': 5},
      {'$product.brand': 'acme', '$product.price': 2},
      {'$product.brand': 'other', '$product.price': 100},
    ];
    expect(holdsFor(criterion, commerce(NOON, 'purchase', products))).toBe(true);
  });

  test('an absent product field is met by not_exists only where there is a product', () => {
    const where = [{attribute: '$product.brand', operator: 'not_exists'}];
    const criterion = {kind: 'commerce', action: 'purchase', where};
    expect(holdsFor(criterion, commerce(NOON, 'purchase', []))).toBe(false);
    expect(holdsFor(criterion, commerce(NOON, 'purchase', [{'$product.id': 'a'}]))).toBe(true);
  });

  test('a session is its start, unless its duration is asked for', () => {
    const start = plain(NOON, 'session_start');
    const end = plain(NOON, 'session_end', {$session_duration_ms: 60_000});
    const two = {operator: 'equals', value: 1};
    expect(holdsFor({kind: 'session', compare: two}, start, end)).toBe(true);
    const longest = {function: 'max', attribute: '$session_duration_ms'};
    const compare = {operator: 'equals', value: 60_000};
    expect(holdsFor({kind: 'session', measure: longest, compare}, start, end)).toBe(true);
    const where = [{attribute: '$session_duration_ms', operator: 'greater_than', value: 60_000}];
    expect(holdsFor({kind: 'session', where}, start, end)).toBe(false);
  });

  test('installs take every input, other events the inputs of the audience', () => {
    const asker = {...EVERYWHERE, inputs: [2]};
    const one = oracle();
    const events = [custom(NOON, 'View'), plain(NOON, 'install')];
    one.apply(record(NOON, {inputId: 1, events}), NOON);
    const holds = (criterion: JsonObject): boolean =>
      one.criterionHolds(criterion, asker, '1', NOON);
    expect(holds(view)).toBe(false);
    expect(holds({...view, inputs: [1, 2]})).toBe(true);
    expect(holds({kind: 'install'})).toBe(true);
    expect(holds({kind: 'install', inputs: [2]})).toBe(false);
  });

  test('an attribution event is a custom event of that type and name', () => {
    const criterion = {kind: 'attribution_event', name: 're-engagement'};
    const event = {...custom(NOON, 're-engagement'), type: 'attribution'};
    expect(holdsFor(criterion, custom(NOON, 're-engagement'))).toBe(false);
    expect(holdsFor(criterion, event)).toBe(true);
  });

  test('events of all workspaces are counted together', () => {
    const one = oracle();
    one.apply(record(NOON, {workspace: 1, events: [custom(NOON, 'View')]}), NOON);
    one.apply(record(NOON, {workspace: 2, events: [custom(NOON, 'View')]}), NOON);
    one.apply(record(NOON, {environment: 'development', events: [custom(NOON, 'View')]}), NOON);
    const twice = {...view, compare: {operator: 'equals', value: 2}};
    expect(one.criterionHolds(twice, EVERYWHERE, '1', NOON)).toBe(true);
    expect(one.criterionHolds({...twice, workspaces: [2]}, EVERYWHERE, '1', NOON)).toBe(false);
  });
});

describe('cart abandonment', () => {
  const cart = {kind: 'cart_abandonment', wait: '1h'};

  function at(nowMs: number, criterion: JsonObject, ...events: ReturnType<typeof commerce>[]) {
    const one = oracle();
    one.apply(record(NOON, {events}), NOON);
    return one.criterionHolds(criterion, EVERYWHERE, '1', nowMs);
  }

  test('begins exactly when the wait is over, and only after a cart', () => {
    expect(at(NOON + HOUR - 1, cart, commerce(NOON, 'add_to_cart'))).toBe(false);
    expect(at(NOON + HOUR, cart, commerce(NOON, 'add_to_cart'))).toBe(true);
    expect(at(NOON + HOUR, cart)).toBe(false);
  });

  test('is ended by a purchase strictly after the cart', () => {
    const later = NOON + 2 * HOUR;
    const added = commerce(NOON, 'add_to_cart');
    expect(at(later, cart, added, commerce(NOON, 'purchase'))).toBe(true);
    expect(at(later, cart, added, commerce(NOON + 1, 'purchase'))).toBe(false);
    expect(at(later, cart, added, commerce(NOON + 1, 'click'))).toBe(true);
    expect(at(later, {...cart, until: ['any']}, added, commerce(NOON + 1, 'click'))).toBe(false);
    const impression = commerce(NOON + 1, 'impression');
    expect(at(later, {...cart, until: ['any']}, added, impression)).toBe(true);
  });

  test('a cart that does not meet where is no cart, but any product action ends one', () => {
    const where = [{attribute: '$product.id', operator: 'exact_match', value: 'a'}];
    const wanted = commerce(NOON, 'add_to_cart', [{'$product.id': 'A'}]);
    const other = commerce(NOON + HOUR, 'add_to_cart', [{'$product.id': 'b'}]);
    const later = NOON + 3 * HOUR;
    expect(at(later, {...cart, where}, wanted, other)).toBe(true);
    expect(at(later, {...cart, where, until: ['any']}, wanted, other)).toBe(false);
    expect(at(later, {...cart, where}, other)).toBe(false);
  });

  test('a newer cart starts the wait again', () => {
    const [first, second] = [commerce(NOON, 'add_to_cart'), commerce(NOON + HOUR, 'add_to_cart')];
    expect(at(NOON + HOUR, cart, first, second)).toBe(false);
    expect(at(NOON + 2 * HOUR, cart, first, second)).toBe(true);
  });
});

describe('sequences', () => {
  const steps = [
    {kind: 'event', name: 'A'},
    {kind: 'event', name: 'B', within: '1h'},
  ];
  const sequence = {kind: 'sequence', steps};

  test('come in strictly increasing time, each within its time of the one before', () => {
    const after = (ms: number): boolean =>
      holdsFor(sequence, custom(NOON - DAY_MS, 'A'), custom(NOON - DAY_MS + ms, 'B'));
    expect(after(0)).toBe(false);
    expect(after(-1)).toBe(false);
    expect(after(1)).toBe(true);
    expect(after(HOUR)).toBe(true);
    expect(after(HOUR + 1)).toBe(false);
  });

  test('one event does not serve two steps', () => {
    const twice = {kind: 'sequence', steps: [steps[0] ?? {}, {...steps[0], within: '1h'}]};
    expect(holdsFor(twice, custom(NOON - 5, 'A'))).toBe(false);
    expect(holdsFor(twice, custom(NOON - 5, 'A'), custom(NOON, 'A'))).toBe(true);
  });

  test('the window is that of the last step', () => {
    const recent = {...sequence, when: {within_last: '10m'}};
    const first = custom(NOON - HOUR, 'A');
    expect(holdsFor(recent, first, custom(NOON - 600_000, 'B'))).toBe(true);
    expect(holdsFor(recent, first, custom(NOON - 600_001, 'B'))).toBe(false);
  });

  test('a chain may need an earlier event than the nearest', () => {
    const third = {kind: 'event', name: 'C', within: '1h'};
    const events = [
      custom(NOON - 100, 'A'),
      custom(NOON - 50, 'B'),
      custom(NOON - 40, 'A'),
      custom(NOON - 30, 'C'),
    ];
    expect(holdsFor({kind: 'sequence', steps: [...steps, third]}, ...events)).toBe(true);
  });

  test('steps take workspaces and inputs of the sequence, installs every input all the same', () => {
    const one = oracle();
    const events = [plain(NOON - 5, 'install'), custom(NOON, 'B')];
    one.apply(record(NOON, {inputId: 1, events}), NOON);
    const inputs = (...ids: number[]): JsonObject => ({
      kind: 'sequence',
      inputs: ids,
      steps: [{kind: 'install'}, {kind: 'event', name: 'B', within: '1h'}],
    });
    const holds = (criterion: JsonObject): boolean =>
      one.criterionHolds(criterion, EVERYWHERE, '1', NOON);
    expect(holds(inputs(1))).toBe(true);
    expect(holds(inputs(2))).toBe(false);
    expect(holds({...inputs(1), workspaces: [2]})).toBe(false);
  });

  test('ends when its first event passes the retention', () => {
    const one = oracle({eventRetentionMs: DAY_MS, profileRetentionMs: 30 * DAY_MS});
    const events = [custom(NOON - HOUR, 'A'), custom(NOON, 'B')];
    one.apply(record(NOON, {events}), NOON);
    expect(one.criterionHolds(sequence, EVERYWHERE, '1', NOON + DAY_MS - HOUR)).toBe(true);
    expect(one.criterionHolds(sequence, EVERYWHERE, '1', NOON + DAY_MS - HOUR + 1)).toBe(false);
  });
});

describe('user criteria', () => {
  const tier = (value: string): JsonObject => ({
    kind: 'user_attribute',
    attribute: 'tier',
    operator: 'exact_match',
    value,
  });

  function known(...records: ReturnType<typeof record>[]): (criterion: JsonObject) => boolean {
    const one = oracle();
    for (const each of records) one.apply(each, NOON);
    return criterion => one.criterionHolds(criterion, EVERYWHERE, '1', NOON);
  }

  test('the latest change by time wins, whatever order changes come in', () => {
    const holds = known(
      record(NOON, {attributes: {tier: 'gold'}}),
      record(NOON, {batchMs: NOON - 1, attributes: {tier: 'silver'}}),
    );
    expect(holds(tier('gold'))).toBe(true);
    expect(holds(tier('silver'))).toBe(false);
  });

  test('of two changes at one time the one applied last wins; removal is a change', () => {
    const holds = known(
      record(NOON, {attributes: {tier: 'gold', age: 5}}),
      record(NOON, {attributes: {tier: 'silver', age: undefined}}),
    );
    expect(holds(tier('silver'))).toBe(true);
    expect(holds({kind: 'user_attribute', attribute: 'age', operator: 'not_exists'})).toBe(true);
  });

  test('one workspace is enough, and one that never saw the profile is not asked', () => {
    const absent = {kind: 'user_attribute', attribute: 'tier', operator: 'not_exists'};
    expect(known(record(NOON, {attributes: {tier: 'gold'}}))(absent)).toBe(false);
    const both = known(record(NOON, {attributes: {tier: 'gold'}}), record(NOON, {workspace: 2}));
    expect(both(absent)).toBe(true);
    expect(both(tier('gold'))).toBe(true);
    expect(both({...tier('gold'), workspaces: [2]})).toBe(false);
  });

  test('a date attribute passes through its window with the clock', () => {
    const one = oracle();
    one.apply(record(NOON, {attributes: {due: NOON + HOUR}}), NOON);
    const value = {operator: 'within_last', value: '1h'};
    one.setAudience(audience({kind: 'user_attribute', attribute: 'due', ...value}));
    expect(one.flips(1, '1', {fromMs: NOON, toMs: NOON + DAY_MS})).toEqual([
      {atMs: NOON + HOUR, member: true},
      {atMs: NOON + 2 * HOUR + 1, member: false},
    ]);
  });

  test('consent: the latest state counts, and none is not given', () => {
    const gdpr = {kind: 'consent', regulation: 'gdpr', purpose: 'ADS'};
    const ccpa = {kind: 'consent', regulation: 'ccpa'};
    const change = (consented: boolean | undefined, timeMs: number) =>
      ({regulation: 'gdpr', purpose: 'ads', consented, timeMs}) as const;
    const given = known(record(NOON, {consent: [change(true, NOON), change(false, NOON - 1)]}));
    expect(given({...gdpr, state: 'given'})).toBe(true);
    expect(given({...gdpr, state: 'not_given'})).toBe(false);
    expect(given({...ccpa, state: 'opted_out'})).toBe(false);
    expect(given({...ccpa, state: 'not_opted_out'})).toBe(true);
    const withdrawn = known(
      record(NOON, {consent: [change(true, NOON - 1), change(undefined, NOON)]}),
    );
    expect(withdrawn({...gdpr, state: 'not_given'})).toBe(true);
  });

  test('device fields are the last known, each by itself', () => {
    const holds = known(
      record(NOON, {device: ['platform', 'ios', 'os_version', '10.10.1']}),
      record(NOON, {batchMs: NOON - 1, device: ['platform', 'android']}),
      record(NOON, {device: ['country', 'FR']}),
    );
    const device = (field: string, operator: string, value: string): JsonObject => ({
      kind: 'device',
      field,
      operator,
      value,
    });
    expect(holds(device('platform', 'exact_match', 'IOS'))).toBe(true);
    expect(holds(device('os_version', 'greater_than', '10.2.1'))).toBe(true);
    expect(holds(device('country', 'exact_match', 'fr'))).toBe(true);
  });

  test('fields that hold versions are compared as versions, said or not', () => {
    const holds = known(record(NOON, {device: ['os_version', '10.10']}));
    const device = {kind: 'device', field: 'os_version', operator: 'greater_than'};
    expect(holds({...device, value: '10.2'})).toBe(true);
    expect(holds({...device, value: 10.2})).toBe(true);
    const where = [{attribute: '$app_version', operator: 'less_than', value: '10.2'}];
    const event = custom(NOON, 'View', {$app_version: '10.10'});
    expect(holdsFor({kind: 'event', name: 'View', where}, event)).toBe(false);
  });

  test('first seen is the first arrival or the earliest event, last seen the latest of both', () => {
    const one = oracle();
    const events = [custom(NOON - 2 * HOUR, 'late'), custom(NOON + HOUR, 'future')];
    one.apply(record(NOON, {events}), NOON);
    const first = {kind: 'first_seen', when: {between_ago: ['2h', '3h']}};
    const last = {kind: 'last_seen', when: {within_last: '30m'}};
    const holds = (criterion: JsonObject, nowMs: number): boolean =>
      one.criterionHolds(criterion, EVERYWHERE, '1', nowMs);
    expect(holds(first, NOON)).toBe(true);
    expect(holds(first, NOON + HOUR)).toBe(true);
    expect(holds(first, NOON + HOUR + 1)).toBe(false);
    expect(holds(last, NOON + HOUR / 2)).toBe(true);
    expect(holds(last, NOON + HOUR - 1)).toBe(false);
    expect(holds(last, NOON + HOUR)).toBe(true);
  });

  test('first seen never moves later, though its event has passed the retention', () => {
    const one = oracle({eventRetentionMs: DAY_MS, profileRetentionMs: 30 * DAY_MS});
    one.apply(record(NOON, {events: [custom(NOON - 5 * DAY_MS, 'old')]}), NOON);
    const first = {kind: 'first_seen', when: {before: '2026-03-06'}};
    expect(one.criterionHolds(first, EVERYWHERE, '1', NOON)).toBe(true);
  });

  test('location: the latest fix, by its fields or by distance', () => {
    const nowhere = {state: undefined, zip: undefined, dma: undefined};
    const paris = {...nowhere, city: 'Paris', country: 'FR', latitude: 48.8566, longitude: 2.3522};
    const rome = {
      ...nowhere,
      city: 'Rome',
      country: 'IT',
      latitude: undefined,
      longitude: undefined,
    };
    const holds = known(
      record(NOON, {location: {...paris, timeMs: NOON}}),
      record(NOON, {location: {...rome, timeMs: NOON - 1}}),
    );
    expect(holds({kind: 'location', equals: {city: 'PARIS', country: 'fr'}})).toBe(true);
    expect(holds({kind: 'location', equals: {city: 'paris', zip: '75001'}})).toBe(false);
    const near = (value: number): JsonObject => ({
      kind: 'location',
      within: {latitude: 48.8049, longitude: 2.1204, radius: {value, unit: 'km'}},
    });
    expect(holds(near(17))).toBe(false);
    expect(holds(near(18.5))).toBe(true);
    // A quarter of a meridian of a sphere.
    const pole = haversineMeters({latitude: 0, longitude: 7}, {latitude: 90, longitude: 0});
    expect(pole).toBeCloseTo((Math.PI / 2) * 6_371_008.8, 3);
  });

  test('location: a city is found by its name where names are known', () => {
    const findCity = (name: string) =>
      name === 'Paris' ? {latitude: 48.8566, longitude: 2.3522} : undefined;
    const one = new Oracle({...RETENTIONS, findCity});
    const versailles = {latitude: 48.8049, longitude: 2.1204, timeMs: NOON};
    const unnamed = {city: undefined, state: undefined, zip: undefined, dma: undefined};
    const location = {...unnamed, country: undefined, ...versailles};
    one.apply(record(NOON, {location}), NOON);
    const near = (value: number): JsonObject => ({
      kind: 'location',
      within: {city: 'Paris', radius: {value, unit: 'mi'}},
    });
    expect(one.criterionHolds(near(10), EVERYWHERE, '1', NOON)).toBe(false);
    expect(one.criterionHolds(near(12), EVERYWHERE, '1', NOON)).toBe(true);
  });

  test('calculated attributes come from whoever calculates them', () => {
    const calculate = (name: string): Value | undefined => (name === 'visits' ? 3 : undefined);
    const one = new Oracle({...RETENTIONS, calculate});
    one.apply(record(NOON), NOON);
    const holds = (name: string, operator: string): boolean => {
      const test_ = operator === 'exists' ? {} : {value: 3};
      const criterion = {kind: 'calculated_attribute', name, operator, ...test_};
      return one.criterionHolds(criterion, EVERYWHERE, '1', NOON);
    };
    expect(holds('visits', 'equals')).toBe(true);
    expect(holds('other', 'exists')).toBe(false);
  });

  test('identity: the highest sequence says what the profile has', () => {
    const email = (operator: string): JsonObject => ({
      kind: 'identity',
      identity: 'email',
      operator,
    });
    const holds = known(
      record(NOON, {identities: [{type: 'email', value: undefined, sequence: 9}]}),
      record(NOON, {identities: [{type: 'email', value: 'x@b.com', sequence: 8}]}),
    );
    expect(holds(email('exists'))).toBe(false);
    expect(holds(email('not_exists'))).toBe(true);
  });

  test('attribution: the latest install attribution, with no retention of its own', () => {
    const one = oracle({eventRetentionMs: DAY_MS, profileRetentionMs: 30 * DAY_MS});
    const install = (timeMs: number, publisher: string) => ({
      ...custom(timeMs, 'Attribution', {publisher}),
      type: 'attribution',
    });
    const events = [
      install(NOON, 'Acme'),
      install(NOON - 1, 'Other'),
      install(NOON + HOUR, 'Next'),
    ];
    one.apply(record(NOON, {events}), NOON);
    const from = (value: string): JsonObject => ({
      kind: 'attribution',
      event: 'install',
      field: 'publisher',
      operator: 'exact_match',
      value,
    });
    expect(one.criterionHolds(from('acme'), EVERYWHERE, '1', NOON)).toBe(true);
    expect(one.criterionHolds(from('next'), EVERYWHERE, '1', NOON + HOUR)).toBe(true);
    expect(one.criterionHolds(from('next'), EVERYWHERE, '1', NOON + 5 * DAY_MS)).toBe(true);
    expect(one.criterionHolds({...from('acme'), event: 'uninstall'}, EVERYWHERE, '1', NOON)).toBe(
      false,
    );
  });
});

describe('membership', () => {
  const never = {kind: 'event', name: 'Never', compare: {operator: 'equals', value: 0}};
  const view = {kind: 'event', name: 'View'};

  test('the population is the profiles with data in a workspace of the audience', () => {
    const one = oracle();
    one.apply(record(NOON, {mpid: 1n}), NOON);
    one.apply(record(NOON, {mpid: 2n, workspace: 2}), NOON);
    one.apply(record(NOON, {mpid: -3n, environment: 'development'}), NOON);
    one.setAudience(audience(never));
    one.setAudience(audience({exclude: view}, {id: 2, workspaces: [1, 2]}));
    one.setAudience(audience({exclude: view}, {id: 3, environment: 'development'}));
    expect(one.members(1, NOON)).toEqual(new Set(['1']));
    expect(one.members(2, NOON)).toEqual(new Set(['1', '2']));
    expect(one.members(3, NOON)).toEqual(new Set(['-3']));
  });

  test('and, or and exclude mean what they say', () => {
    const one = oracle();
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    const members = (definition: Json): number => {
      one.setAudience(audience(definition));
      return one.members(1, NOON).size;
    };
    expect(members({and: [view, never]})).toBe(1);
    expect(members({and: [view, {exclude: never}]})).toBe(0);
    expect(members({or: [{exclude: view}, {exclude: never}]})).toBe(0);
    expect(members({or: [{exclude: view}, {exclude: {exclude: never}}]})).toBe(1);
  });

  test('a nested audience is asked with its own workspaces, environment and inputs, draft or not', () => {
    const one = oracle();
    one.apply(record(NOON, {mpid: 1n, events: [custom(NOON, 'View')]}), NOON);
    one.apply(record(NOON, {mpid: 1n, workspace: 2}), NOON);
    one.apply(record(NOON, {mpid: 2n, workspace: 2, inputId: 3}), NOON);
    const nest = (operator: string): Json => ({kind: 'audience', audience: 1, operator});
    one.setAudience(audience({or: [view, never]}, {active: false}));
    one.setAudience(audience(nest('member'), {id: 2, workspaces: [2], inputs: [3]}));
    one.setAudience(audience(nest('not_member'), {id: 3, workspaces: [2]}));
    expect(one.members(2, NOON)).toEqual(new Set(['1']));
    expect(one.members(3, NOON)).toEqual(new Set(['2']));
  });

  test('a profile without activity leaves a millisecond after its retention, events and all', () => {
    const one = oracle({eventRetentionMs: 9 * DAY_MS, profileRetentionMs: DAY_MS});
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.setAudience(audience(view));
    one.setAudience(audience(never, {id: 2}));
    expect(one.flips(1, '1', {fromMs: NOON, toMs: NOON + 9 * DAY_MS})).toEqual([
      {atMs: NOON + DAY_MS + 1, member: false},
    ]);
    one.apply(record(NOON + DAY_MS + 1), NOON + DAY_MS + 1);
    expect(one.members(1, NOON + DAY_MS + 1).size).toBe(0);
    expect(one.members(2, NOON + DAY_MS + 1).size).toBe(1);
  });

  test('activity in the last millisecond keeps a profile and its events', () => {
    const one = oracle({eventRetentionMs: 9 * DAY_MS, profileRetentionMs: DAY_MS});
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.apply(record(NOON + DAY_MS, {workspace: 2}), NOON + DAY_MS);
    one.setAudience(audience(view));
    expect(one.holds(1, '1', NOON + 2 * DAY_MS)).toBe(true);
    expect(one.holds(1, '1', NOON + 2 * DAY_MS + 1)).toBe(false);
  });

  test('an event from the future is activity when it is reached, if the profile lives to see it', () => {
    const one = oracle({eventRetentionMs: 9 * DAY_MS, profileRetentionMs: DAY_MS});
    const [inTime, tooLate] = [NOON + DAY_MS + 1, NOON + DAY_MS + 2];
    one.apply(record(NOON, {mpid: 1n, events: [custom(inTime, 'View')]}), NOON);
    one.apply(record(NOON, {mpid: 2n, events: [custom(tooLate, 'View')]}), NOON);
    one.setAudience(audience(never));
    expect(one.members(1, NOON + DAY_MS)).toEqual(new Set(['1', '2']));
    expect(one.members(1, inTime)).toEqual(new Set(['1']));
    expect(one.members(1, inTime + DAY_MS)).toEqual(new Set(['1']));
    expect(one.members(1, inTime + DAY_MS + 1)).toEqual(new Set());
  });

  test('erasure takes everything, and later data makes a new profile', () => {
    const one = oracle();
    one.apply(record(NOON, {events: [custom(NOON, 'View')]}), NOON);
    one.setAudience(audience(view));
    one.erase(0, 1, NOON + 1);
    expect(one.profiles(NOON + 1)).toEqual([]);
    one.apply(record(NOON + 2), NOON + 2);
    expect(one.members(1, NOON + 2).size).toBe(0);
  });

  test('order of arrival makes no difference to events', () => {
    const events = [custom(NOON - 5, 'View'), custom(NOON, 'View')];
    const [forwards, backwards] = [oracle(), oracle()];
    for (const event of events) forwards.apply(record(NOON, {events: [event]}), NOON);
    for (const event of events.toReversed()) backwards.apply(record(NOON, {events: [event]}), NOON);
    const twice = {...view, compare: {operator: 'equals', value: 2}};
    for (const one of [forwards, backwards]) {
      expect(one.criterionHolds(twice, EVERYWHERE, '1', NOON)).toBe(true);
    }
  });
});

describe('random histories', () => {
  test('are the same for the same seed', () => {
    expect(randomHistory(7, {kinds: 'all'})).toEqual(randomHistory(7, {kinds: 'all'}));
    expect(randomHistory(7, {kinds: 'all'})).not.toEqual(randomHistory(8, {kinds: 'all'}));
  });

  test('go forwards in time and stay within what they promise', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const {steps} = randomHistory(seed, {kinds: 'all'});
      let beforeMs = 0;
      for (const step of steps) {
        expect(step.nowMs).toBeGreaterThanOrEqual(beforeMs);
        beforeMs = step.nowMs;
        const records = step.kind === 'records' ? step.records : [];
        for (const {arrivalMs} of records) expect(arrivalMs).toBeLessThanOrEqual(step.nowMs);
      }
    }
  });

  test('are telling: neither everybody nor nobody is a member, and time alone changes who is', () => {
    for (const kinds of ['basic', 'all'] as const) {
      let [members, pairs, byTime] = [0, 0, 0];
      for (let seed = 1; seed <= 40; seed++) {
        const history = randomHistory(seed, {kinds});
        const one = new Oracle({...history.options, findCity});
        for (const step of history.steps) {
          const before = step.kind === 'advance' ? everyPair(one, one.nowMs) : undefined;
          applyStep(one, step);
          const now = everyPair(one, step.nowMs);
          pairs += now.size;
          members += [...now.values()].filter(Boolean).length;
          for (const [pair, member] of before ?? []) {
            if (member !== (now.get(pair) ?? false)) byTime++;
          }
        }
      }
      expect(members / pairs).toBeGreaterThan(0.2);
      expect(members / pairs).toBeLessThan(0.7);
      expect(byTime).toBeGreaterThan(100);
    }
  });

  test('name every moment at which time changes an answer', () => {
    // Membership a millisecond before each interesting moment is that of the moment before it.
    const history = randomHistory(3, {kinds: 'all', steps: 30});
    const one = new Oracle({...history.options, findCity});
    history.steps.forEach((step, index) => {
      applyStep(one, step);
      let before = everyPair(one, step.nowMs);
      for (const moment of interestingMoments(history, index).slice(0, 50)) {
        const between = everyPair(one, Math.max(moment - 1, step.nowMs));
        expect([...between]).toEqual([...before]);
        before = everyPair(one, moment);
      }
    });
  });
});

function everyPair(one: Oracle, nowMs: number): Map<string, boolean> {
  const pairs = new Map<string, boolean>();
  for (const {id} of one.audiences()) {
    for (const mpid of one.profiles(nowMs)) pairs.set(`${id}/${mpid}`, one.holds(id, mpid, nowMs));
  }
  return pairs;
}
