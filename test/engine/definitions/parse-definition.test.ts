import {describe, expect, test} from 'vitest';
import type {Criterion, Expression} from '../../../engine/definitions/definition.ts';
import {parseDefinition} from '../../../engine/definitions/parse-definition.ts';
import type {ParseContext} from '../../../engine/definitions/parse-definition.ts';
import {DAY_MS} from '../../../engine/values/calendar.ts';

const context: ParseContext = {
  eventRetentionMs: 30 * DAY_MS,
  workspaces: [1, 2],
  inputs: [10, 11],
  hasAudience: id => id === 7,
  hasInput: id => id >= 10 && id < 20,
  hasCalculatedAttribute: name => (name === 'unlisted' ? undefined : name === 'ltv'),
  findCity: name => (name === 'Paris' ? {latitude: 48.85, longitude: 2.35} : undefined),
};

function parse(json: unknown): Expression {
  const parsed = parseDefinition(json, context);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.expression;
}

function criterion(json: unknown): Criterion {
  const expression = parse(json);
  if (expression.kind !== 'criterion') throw new Error(expression.kind);
  return expression.criterion;
}

function problems(json: unknown): readonly {path: string; message: string}[] {
  const parsed = parseDefinition(json, context);
  return 'problems' in parsed ? parsed.problems : [];
}

const paths = (json: unknown) => problems(json).map(problem => problem.path);

const ALWAYS = {kind: 'always'};
const ANYWHERE = {workspaces: undefined, inputs: undefined};
const ONCE = {operator: 'greater_than', value: 0};
const COUNT = {function: 'count'};

describe('event criteria', () => {
  test('an event alone is at least one within the retention', () => {
    expect(criterion({kind: 'event', name: 'Level Up'})).toEqual({
      kind: 'event',
      name: 'Level Up',
      eventType: undefined,
      where: [],
      when: ALWAYS,
      measure: COUNT,
      compare: ONCE,
      ...ANYWHERE,
    });
  });

  test('everything that a commerce criterion can say', () => {
    expect(
      criterion({
        kind: 'commerce',
        action: 'add_to_cart',
        workspaces: [2, 1, 2],
        inputs: [11],
        where: [
          {attribute: '$product.attribute.color', operator: 'contains', value: 'Blue'},
          {attribute: '$total_amount', operator: 'between', value: [1, '2.5']},
        ],
        when: {between_ago: ['4d', '6d']},
        measure: {function: 'sum', attribute: '$product.price'},
        compare: {operator: 'between', value: [10, 20]},
      }),
    ).toEqual({
      kind: 'commerce',
      name: 'add_to_cart',
      eventType: undefined,
      workspaces: [1, 2],
      inputs: [11],
      where: [
        {
          attribute: '$product.attribute.color',
          test: {type: 'string', operator: 'contains', value: 'blue'},
        },
        {
          attribute: '$total_amount',
          test: {type: 'number', operator: 'between', low: 1, high: 2.5},
        },
      ],
      when: {kind: 'sliding', olderMs: 6 * DAY_MS, newerMs: 4 * DAY_MS},
      measure: {function: 'sum', attribute: '$product.price'},
      compare: {operator: 'between', low: 10, high: 20},
    });
  });

  test.each([
    [{kind: 'screen_view'}, {kind: 'screen_view', name: undefined}],
    [{kind: 'screen_view', name: 'Home'}, {name: 'Home'}],
    [{kind: 'session', when: {within_last: '10h'}}, {when: {olderMs: 36_000_000, newerMs: 0}}],
    [{kind: 'crash', compare: {operator: 'equals', value: 0}}, {compare: {value: 0}}],
    [{kind: 'install', inputs: [19]}, {inputs: [19]}],
    [{kind: 'upgrade', workspaces: [2]}, {workspaces: [2]}],
    [{kind: 'uninstall'}, {name: undefined}],
    [{kind: 'attribution_event', name: 'attribution'}, {eventType: 'attribution'}],
    [{kind: 'event', name: 'x', event_type: 'Social'}, {eventType: 'social'}],
    [{kind: 'commerce', action: 'remove_from_wish_list'}, {name: 'remove_from_wishlist'}],
    [{kind: 'event', name: 'x', when: null, where: null, inputs: null}, {when: ALWAYS}],
  ])('%j', (json, expected) => {
    expect(criterion(json)).toMatchObject(expected);
  });

  test.each([
    [{before: '2018-09-09'}, {fromMs: -Infinity, toMs: Date.UTC(2018, 8, 9)}],
    [{after: '2018-09-09'}, {fromMs: Date.UTC(2018, 8, 9), toMs: Infinity}],
    [{on: '2018-09-09'}, {fromMs: Date.UTC(2018, 8, 9), toMs: Date.UTC(2018, 8, 10)}],
    [
      {between: ['2018-09-07', '2018-09-09']},
      {fromMs: Date.UTC(2018, 8, 7), toMs: Date.UTC(2018, 8, 10)},
    ],
  ])('dates: %j', (when, expected) => {
    expect(criterion({kind: 'crash', when})).toMatchObject({when: {kind: 'fixed', ...expected}});
  });

  test('a cart that is abandoned', () => {
    expect(criterion({kind: 'cart_abandonment', wait: '2h'})).toEqual({
      kind: 'cart_abandonment',
      waitMs: 7_200_000,
      until: ['purchase'],
      where: [],
      ...ANYWHERE,
    });
    expect(criterion({kind: 'cart_abandonment', wait: '1d', until: ['any']})).toMatchObject({
      until: 'any',
    });
  });

  test('a sequence, whose steps look where it looks', () => {
    const read = criterion({
      kind: 'sequence',
      workspaces: [2],
      steps: [
        {kind: 'install'},
        {kind: 'event', name: 'Signup', within: '1d', inputs: [10]},
        {kind: 'commerce', action: 'purchase', within: '2w', workspaces: [1]},
      ],
      when: {within_last: '7d'},
    });
    expect(read).toMatchObject({
      kind: 'sequence',
      workspaces: [2],
      when: {kind: 'sliding', olderMs: 7 * DAY_MS},
      steps: [
        {withinMs: undefined, filter: {kind: 'install', workspaces: [2]}},
        {withinMs: DAY_MS, filter: {name: 'Signup', workspaces: [2], inputs: [10]}},
        {withinMs: 14 * DAY_MS, filter: {name: 'purchase', workspaces: [1]}},
      ],
    });
  });
});

describe('profile criteria', () => {
  const everywhere = {workspaces: undefined};
  test.each<[object, object]>([
    [
      {kind: 'user_attribute', attribute: '__proto__', operator: 'exists'},
      {attribute: '__proto__', test: {type: 'any', operator: 'exists'}},
    ],
    [
      {kind: 'calculated_attribute', name: 'ltv', operator: 'greater_than', value: 100},
      {name: 'ltv', test: {type: 'number', operator: 'greater_than', value: 100}},
    ],
    [
      {kind: 'calculated_attribute', name: 'unlisted', operator: 'exists'},
      {name: 'unlisted', test: {type: 'any', operator: 'exists'}},
    ],
    [
      {kind: 'audience', audience: 7, operator: 'not_member'},
      {audience: 7, operator: 'not_member'},
    ],
    [
      {kind: 'consent', regulation: 'gdpr', purpose: 'Advertising', state: 'given'},
      {regulation: 'gdpr', purpose: 'advertising', state: 'given'},
    ],
    [
      {kind: 'consent', regulation: 'gdpr', state: 'not_given'},
      {regulation: 'gdpr', purpose: '', state: 'not_given'},
    ],
    [
      {kind: 'consent', regulation: 'ccpa', state: 'not_opted_out'},
      {regulation: 'ccpa', purpose: 'data_sale_opt_out', state: 'not_opted_out'},
    ],
    [
      {kind: 'device', field: 'platform', operator: 'in', value: ['iOS', 'Android']},
      {field: 'platform', test: {type: 'string', operator: 'in', values: ['ios', 'android']}},
    ],
    [
      {kind: 'device', field: 'os_version', operator: 'greater_or_equal', value: '10.2'},
      {field: 'os_version', test: {type: 'version', operator: 'greater_or_equal', value: '10.2'}},
    ],
    [
      {kind: 'first_seen', when: {within_last: '400d'}},
      {when: {kind: 'sliding', olderMs: 400 * DAY_MS, newerMs: 0}},
    ],
    [
      {kind: 'location', equals: {city: 'New York', zip: 10001}},
      {
        place: {
          kind: 'equals',
          city: 'new york',
          state: undefined,
          zip: '10001',
          dma: undefined,
          country: undefined,
        },
      },
    ],
    [
      {kind: 'location', within: {city: 'Paris', radius: {value: 10, unit: 'mi'}}},
      {place: {kind: 'within', latitude: 48.85, longitude: 2.35, radiusMeters: 16_093.44}},
    ],
    [
      {
        kind: 'location',
        within: {latitude: 0, longitude: -180, radius: {value: 500, unit: 'm'}},
      },
      {place: {kind: 'within', latitude: 0, longitude: -180, radiusMeters: 500}},
    ],
    [
      {kind: 'identity', identity: 'email', operator: 'ends_with', value: '@Example.com'},
      {identity: 'email', test: {type: 'string', operator: 'ends_with', value: '@example.com'}},
    ],
    [
      {kind: 'identity', identity: 'customerid', operator: 'not_exists', value: null},
      {identity: 'customer_id', test: {type: 'any', operator: 'not_exists'}},
    ],
    [
      {
        kind: 'attribution',
        event: 'install',
        field: 'publisher',
        operator: 'exact_match',
        value: 'Ads',
      },
      {
        event: 'install',
        field: 'publisher',
        test: {type: 'string', operator: 'exact_match', value: 'ads'},
      },
    ],
  ])('%j', (json, expected) => {
    expect(criterion(json)).toEqual({...everywhere, ...json, ...expected, ...withoutJson(json)});
  });

  /** What the parser turns into something else. */
  function withoutJson(json: object): object {
    const fields = {operator: undefined, value: undefined, equals: undefined, within: undefined};
    return (json as {kind: string}).kind === 'audience' ? {} : fields;
  }
});

describe('the type of a condition', () => {
  test.each<[string, unknown, string | undefined, unknown]>([
    ['equals', 5, undefined, {type: 'number', operator: 'equals', value: 5}],
    ['equals', '5.50', undefined, {type: 'number', operator: 'equals', value: 5.5}],
    ['equals', true, undefined, {type: 'boolean', operator: 'equals', value: true}],
    ['equals', 'False', undefined, {type: 'boolean', operator: 'equals', value: false}],
    ['greater_than', '10.2', undefined, {type: 'number', operator: 'greater_than', value: 10.2}],
    ['greater_than', '10.2.1', undefined, {type: 'version', value: '10.2.1'}],
    ['greater_than', '10.2', 'version', {type: 'version', value: '10.2'}],
    ['greater_than', 10, 'version', {type: 'version', value: '10'}],
    ['between', ['2018-09-07', '2018-09-09'], undefined, {type: 'date', operator: 'when'}],
    ['between', [1, 2], undefined, {type: 'number', low: 1, high: 2}],
    ['between', ['1.2.3', '1.10'], undefined, {type: 'version', low: '1.2.3', high: '1.10'}],
    ['in', [1, 2], undefined, {type: 'number', operator: 'in', values: [1, 2]}],
    ['in', ['1', 'B'], undefined, {type: 'string', operator: 'in', values: ['1', 'b']}],
    ['in', ['1', '2.50'], 'number', {type: 'number', operator: 'in', values: [1, 2.5]}],
    ['in', ['A', 3], 'list', {type: 'list', operator: 'in', values: ['a', '3']}],
    ['includes', 3, undefined, {type: 'list', operator: 'includes', value: '3'}],
    ['within_last', '400d', undefined, {type: 'date', when: {olderMs: 400 * DAY_MS}}],
    ['before', '2018-09-09', 'date', {type: 'date', when: {toMs: Date.UTC(2018, 8, 9)}}],
    ['exists', undefined, 'string', {type: 'any', operator: 'exists'}],
    ['exact_match', '', undefined, {type: 'string', operator: 'exact_match', value: ''}],
  ])('%s %j as %s', (operator, value, type, expected) => {
    const json = {kind: 'user_attribute', attribute: 'a', operator, value, type};
    expect(criterion(json)).toMatchObject({test: expected});
  });

  test.each<[string, unknown, string | undefined, string]>([
    ['equals', 'blue', undefined, 'value'],
    ['equals', 'blue', 'string', 'operator'],
    ['contains', 5, undefined, 'value'],
    ['contains', 'x', 'number', 'operator'],
    ['not_equals', true, 'boolean', 'operator'],
    ['greater_than', true, undefined, 'value'],
    ['greater_than', 'abc', undefined, 'value'],
    ['greater_than', [1], undefined, 'value'],
    ['greater_than', undefined, undefined, 'value'],
    ['greater_than', '10.x', 'version', 'value'],
    ['between', [5, 2], undefined, 'value'],
    ['between', [1], undefined, 'value'],
    ['between', 5, undefined, 'value'],
    ['between', ['2018-09-09', '2018-09-07'], undefined, 'value'],
    ['between', ['2018-09-09', 'later'], undefined, 'value[1]'],
    ['between', ['1.10', '1.2'], 'version', 'value'],
    ['in', [], undefined, 'value'],
    ['in', 'x', undefined, 'value'],
    ['in', [1, 'x'], undefined, 'value[0]'],
    ['not_in', ['x'], 'list', 'operator'],
    ['includes', 'x', 'string', 'operator'],
    ['includes', {a: 1}, undefined, 'value'],
    ['before', '2018-02-30', undefined, 'value'],
    ['before', 5, undefined, 'value'],
    ['within_last', '0d', undefined, 'value'],
    ['between_ago', ['6d', '4d'], undefined, 'value'],
    ['exists', 'x', undefined, 'value'],
    ['is', 'x', undefined, 'operator'],
    ['constructor', 'x', undefined, 'operator'],
    ['equals', 5, 'decimal', 'type'],
    ['equals', 5, '__proto__', 'type'],
    ['pattern', 'x'.repeat(1_025), undefined, 'value'],
    ['not_pattern', '😀'.repeat(1_025), undefined, 'value'],
    ['exact_match', 'x'.repeat(5_000), undefined, 'value'],
  ])('%s %j as %s is refused at %s', (operator, value, type, path) => {
    const json = {kind: 'user_attribute', attribute: 'a', operator, value, type};
    expect(paths(json)).toEqual([`definition.${path}`]);
  });

  test('a pattern may have 1,024 characters of any size', () => {
    for (const value of ['x'.repeat(1_024), '😀'.repeat(1_024)]) {
      parse({kind: 'user_attribute', attribute: 'a', operator: 'pattern', value});
    }
  });
});

describe('faults', () => {
  const crash = {kind: 'crash'};
  test.each<[unknown, string[]]>([
    [undefined, ['definition']],
    [null, ['definition']],
    [[crash], ['definition']],
    ['crash', ['definition']],
    [{}, ['definition']],
    [{not: crash}, ['definition']],
    [{and: []}, ['definition.and']],
    [{or: crash}, ['definition.or']],
    [{and: null}, ['definition.and']],
    [{exclude: null}, ['definition.exclude']],
    [{and: [crash], or: [crash]}, ['definition.or']],
    [{exclude: crash, kind: 'crash'}, ['definition.kind']],
    [{and: [crash, 5]}, ['definition.and[1]']],
    [{kind: 'crsh'}, ['definition.kind']],
    [{kind: 'constructor'}, ['definition.kind']],
    [{kind: ['crash']}, ['definition.kind']],
    [{kind: 'crash', name: 'x'}, ['definition.name']],
    [{kind: 'crash', 'a b': 'x'}, ['definition["a b"]']],
    [JSON.parse('{"kind":"crash","__proto__":{"name":"x"}}'), ['definition.__proto__']],
    [{kind: 'event'}, ['definition.name']],
    [{kind: 'event', name: ''}, ['definition.name']],
    [{kind: 'event', name: 5}, ['definition.name']],
    [{kind: 'commerce', action: 'buy'}, ['definition.action']],
    [{kind: 'crash', workspaces: [1, 3]}, ['definition.workspaces[1]']],
    [{kind: 'crash', workspaces: []}, ['definition.workspaces']],
    [{kind: 'crash', workspaces: ['1']}, ['definition.workspaces[0]']],
    [{kind: 'session', inputs: [12]}, ['definition.inputs[0]']],
    [{kind: 'crash', inputs: [12, 99]}, ['definition.inputs[1]']],
    [
      {kind: 'user_attribute', attribute: 'a', operator: 'exists', inputs: [10]},
      ['definition.inputs'],
    ],
    [{kind: 'crash', when: {}}, ['definition.when']],
    [{kind: 'crash', when: '7d'}, ['definition.when']],
    [{kind: 'crash', when: {within: '7d'}}, ['definition.when.within']],
    [{kind: 'crash', when: {within_last: '31d'}}, ['definition.when.within_last']],
    [{kind: 'crash', when: {within_last: '0s'}}, ['definition.when.within_last']],
    [{kind: 'crash', when: {within_last: 7}}, ['definition.when.within_last']],
    [{kind: 'crash', when: {between_ago: ['6d', '4d']}}, ['definition.when.between_ago']],
    [{kind: 'crash', when: {between_ago: ['6d', '31d']}}, ['definition.when.between_ago']],
    [{kind: 'crash', when: {on: '2018-02-30'}}, ['definition.when.on']],
    [{kind: 'crash', when: {between: ['2018-09-09', '2018-09-07']}}, ['definition.when.between']],
    [{kind: 'crash', when: {on: '2018-09-09', after: '2018-09-07'}}, ['definition.when']],
    [
      {kind: 'crash', when: {between: ['x', 'y']}},
      ['definition.when.between[0]', 'definition.when.between[1]'],
    ],
    [{kind: 'crash', where: {}}, ['definition.where']],
    [{kind: 'crash', where: [1]}, ['definition.where[0]']],
    [
      {kind: 'crash', where: [{attribute: '$product.colour', operator: 'exists'}]},
      ['definition.where[0].attribute'],
    ],
    [{kind: 'crash', where: [{attribute: 'a'}]}, ['definition.where[0].operator']],
    [{kind: 'crash', measure: {function: 'median'}}, ['definition.measure.function']],
    [{kind: 'crash', measure: {function: 'sum'}}, ['definition.measure.attribute']],
    [
      {kind: 'crash', measure: {function: 'count', attribute: 'a'}},
      ['definition.measure.attribute'],
    ],
    [{kind: 'crash', compare: {operator: 'in', value: [1]}}, ['definition.compare.operator']],
    [{kind: 'crash', compare: {operator: 'equals', value: '5'}}, ['definition.compare.value']],
    [{kind: 'crash', compare: {operator: 'between', value: [5, 2]}}, ['definition.compare.value']],
    [{kind: 'crash', compare: 5}, ['definition.compare']],
    [{kind: 'cart_abandonment'}, ['definition.wait']],
    [{kind: 'cart_abandonment', wait: '31d'}, ['definition.wait']],
    [{kind: 'cart_abandonment', wait: '1d', until: []}, ['definition.until']],
    [{kind: 'cart_abandonment', wait: '1d', until: ['buy']}, ['definition.until[0]']],
    [{kind: 'cart_abandonment', wait: '1d', when: {on: '2018-01-01'}}, ['definition.when']],
    [{kind: 'sequence', steps: [crash]}, ['definition.steps']],
    [{kind: 'sequence', steps: [crash, crash]}, ['definition.steps[1].within']],
    [
      {
        kind: 'sequence',
        steps: [
          {...crash, within: '1d'},
          {...crash, within: '0d'},
        ],
      },
      ['definition.steps[0].within', 'definition.steps[1].within'],
    ],
    [
      {
        kind: 'sequence',
        steps: [
          {...crash, compare: {operator: 'equals', value: 1}},
          {kind: 'audience', audience: 7},
        ],
      },
      ['definition.steps[0].compare', 'definition.steps[1].kind'],
    ],
    [{kind: 'audience', audience: 8, operator: 'member'}, ['definition.audience']],
    [{kind: 'audience', audience: '7'}, ['definition.operator', 'definition.audience']],
    [{kind: 'calculated_attribute', name: 'x', operator: 'exists'}, ['definition.name']],
    [{kind: 'consent', regulation: 'ccpa', state: 'given'}, ['definition.state']],
    [{kind: 'consent', regulation: 'gdpr', purpose: 'a', state: 'opted_out'}, ['definition.state']],
    [{kind: 'consent', regulation: 'lgpd', state: 'given'}, ['definition.regulation']],
    [
      {kind: 'consent', regulation: 'ccpa', purpose: 'a', state: 'opted_out'},
      ['definition.purpose'],
    ],
    [{kind: 'device', field: 'colour', operator: 'exists'}, ['definition.field']],
    [{kind: 'first_seen'}, ['definition.when']],
    [{kind: 'location'}, ['definition']],
    [{kind: 'location', equals: {}}, ['definition.equals']],
    [{kind: 'location', equals: {city: 5}}, ['definition.equals.city']],
    [{kind: 'location', within: {city: 'Paris'}}, ['definition.within.radius']],
    [
      {kind: 'location', within: {city: 'Atlantis', radius: {value: 1, unit: 'km'}}},
      ['definition.within.city'],
    ],
    [
      {kind: 'location', within: {latitude: 91, longitude: 181, radius: {value: 0, unit: 'ly'}}},
      [
        'definition.within.latitude',
        'definition.within.longitude',
        'definition.within.radius.unit',
        'definition.within.radius.value',
      ],
    ],
    [
      {kind: 'location', within: {latitude: 1, city: 'Paris', radius: {value: 1, unit: 'km'}}},
      ['definition.within'],
    ],
    [{kind: 'identity', identity: 'E-Mail', operator: 'exists'}, ['definition.identity']],
    [{kind: 'identity', identity: 'loyalty', operator: 'exists'}, ['definition.identity']],
    [{kind: 'event', name: 'x', event_type: 'socail'}, ['definition.event_type']],
    [{kind: 'event', name: 'x', event_type: 5}, ['definition.event_type']],
    [
      {kind: 'identity', identity: 'email', operator: 'greater_than', value: 5},
      ['definition.operator'],
    ],
    [
      {kind: 'attribution', event: 'open', field: 'cost', operator: 'exists'},
      ['definition.event', 'definition.field'],
    ],
  ])('%j at %j', (json, expected) => {
    expect(paths(json)).toEqual(expected);
  });

  test('all are told at once, each where it is', () => {
    expect(
      paths({
        and: [
          {kind: 'event', name: 'x', when: {within_last: '31d'}},
          {or: [{kind: 'evnt'}, {exclude: {or: []}}]},
          {kind: 'crash', wher: [], compare: {operator: 'more', value: 1}},
        ],
      }),
    ).toEqual([
      'definition.and[0].when.within_last',
      'definition.and[1].or[0].kind',
      'definition.and[1].or[1].exclude.or',
      'definition.and[2].wher',
      'definition.and[2].compare.operator',
    ]);
  });

  test('a word that is nearly right is answered with the right one', () => {
    const messages = problems({
      and: [{kind: 'evnt'}, {kind: 'crash', wehre: []}, {kind: 'commerce', action: 'addToCart'}],
    }).map(problem => problem.message);
    expect(messages[0]).toContain('did you mean "event"');
    expect(messages[1]).toContain('did you mean "where"');
    expect(messages[2]).toContain('did you mean "add_to_cart"');
  });

  test('text compared by equals is told of exact_match', () => {
    const [problem] = problems({
      kind: 'user_attribute',
      attribute: 'color',
      operator: 'equals',
      value: 'blue',
    });
    expect(problem?.message).toContain('exact_match');
  });
});

describe('limits', () => {
  const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
    let json: unknown = {kind: 'crash'};
    for (let level = 0; level < depth; level++) json = wrap(json);
    return json;
  };

  test.each([
    ['exclude', (inner: unknown) => ({exclude: inner})],
    ['and', (inner: unknown) => ({and: [{kind: 'crash'}, inner]})],
  ])('%s may be nested 32 levels deep and no more', (_name, wrap) => {
    expect(problems(nested(32, wrap))).toEqual([]);
    expect(problems(nested(33, wrap))).toHaveLength(1);
    expect(problems(nested(33, wrap))[0]?.message).toContain('32 levels');
  });

  test('ten thousand levels are one clear problem', () => {
    const deep = '{"and":['.repeat(10_000) + '{"kind":"crash"}' + ']}'.repeat(10_000);
    expect(problems(JSON.parse(deep)).map(problem => problem.message)).toEqual([
      'is nested more than 32 levels deep',
    ]);
  });

  test('depth where no depth belongs is a fault like any other', () => {
    const deep: unknown = JSON.parse('['.repeat(10_000) + ']'.repeat(10_000));
    const json = {kind: 'user_attribute', attribute: 'a', operator: 'equals', value: deep};
    expect(paths(json)).toEqual(['definition.value']);
    expect(paths({kind: 'crash', when: {within_last: deep}, where: deep, inputs: deep})).toEqual([
      'definition.where[0]',
      'definition.inputs[0]',
      'definition.when.within_last',
    ]);
  });

  test('256 criteria are read, 257 are refused', () => {
    const crashes = (count: number) => ({or: Array.from({length: count}, () => ({kind: 'crash'}))});
    expect(problems(crashes(256))).toEqual([]);
    expect(problems(crashes(257))).toEqual([
      {path: 'definition', message: 'has more than 256 criteria'},
    ]);
    expect(problems({and: [crashes(200), {exclude: crashes(57)}]})).toHaveLength(1);
    expect(problems({and: Array.from({length: 1_000_000}, () => 0)})).toHaveLength(1);
  });

  test('parts of hostile size are refused without looking at all of them', () => {
    const fields = Array.from({length: 100_000}, (_, index) => [`field${index}`, 1] as const);
    const many = Object.fromEntries(fields);
    const zeros = Array.from({length: 1_000_000}, () => 0);
    const startedMs = performance.now();
    for (const json of [
      {...many, kind: 'crash'},
      {...many, and: []},
      {kind: 'crash', when: many},
      {kind: 'crash', workspaces: zeros, inputs: zeros},
      {kind: 'crash', where: zeros},
      {kind: 'cart_abandonment', wait: '1d', until: zeros},
      {kind: 'sequence', steps: zeros},
      {kind: 'user_attribute', attribute: 'a', operator: 'in', value: zeros},
    ]) {
      expect(problems(json).length).toBeGreaterThan(0);
    }
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('faults beyond what anybody reads are not listed', () => {
    const where = Array.from({length: 100}, () => ({}));
    const json = {and: Array.from({length: 100}, () => ({kind: 'crash', where}))};
    expect(problems(json)).toHaveLength(200);
  });
});
