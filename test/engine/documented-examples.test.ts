/** The examples that the product's documentation gives, each through a whole shard: data in, members out. */
import {describe, expect, test} from 'vitest';
import {profileView} from '../../engine/shard-queries.ts';
import type {Value} from '../../engine/record.ts';
import {commerce, custom, plain, record} from '../support/oracle-build.ts';
import {Stage} from '../support/stage.ts';

const NOW_MS = at('2018-09-09T13:00:00.000Z');
const DAY_MS = 86_400_000;

function at(iso: string): number {
  return Date.parse(iso);
}

/** Who of several profiles is a member: each has one value of one attribute, of itself or of one event. */
function matching(
  values: readonly (Value | undefined)[],
  condition: object,
  where: 'user' | 'event',
): (Value | undefined)[] {
  const stage = new Stage({startMs: NOW_MS});
  const definition =
    where === 'user'
      ? {kind: 'user_attribute', attribute: 'a', ...condition}
      : {kind: 'event', name: 'View', where: [{attribute: 'a', ...condition}]};
  stage.define({definition});
  for (const [index, value] of values.entries()) {
    const attributes = value === undefined ? {} : {a: value};
    stage.send(
      where === 'user'
        ? record(NOW_MS, {mpid: BigInt(index), attributes})
        : record(NOW_MS, {mpid: BigInt(index), events: [custom(NOW_MS, 'View', attributes)]}),
    );
  }
  return stage.members().map(mpid => values[Number(mpid)]);
}

describe.each(['user', 'event'] as const)('string matching, on an attribute of the %s', where => {
  const shop = ['blue', 'Blue Shirt', 'red', 'BLUE', 'blue shirt'];

  test.each<[operator: string, value: string, expected: readonly string[]]>([
    ['contains', 'blue', ['blue', 'Blue Shirt', 'BLUE', 'blue shirt']],
    ['not_contains', 'blue', ['red']],
    ['exact_match', 'blue', ['blue', 'BLUE']],
    ['not_exact_match', 'blue', ['Blue Shirt', 'red', 'blue shirt']],
    ['pattern', 'bl?e', ['blue', 'BLUE']],
    ['pattern', 'b*e', ['blue', 'BLUE']],
    ['pattern', 'b*', ['blue', 'Blue Shirt', 'BLUE', 'blue shirt']],
    ['pattern', 'bl?', []],
  ])('%s %j', (operator, value, expected) => {
    expect(matching(shop, {operator, value}, where)).toEqual(expected);
  });

  test('includes takes a whole element, partial match a part of one', () => {
    const chicago2002 = ['Chicago', 'Gladiator'];
    const chicago1927 = ['Metropolis', 'Chicago'];
    const cubs = ['Chicago Cubs'];
    const lists: Value[] = [chicago2002, chicago1927, cubs, ['Gladiator'], 'Chicago'];
    const condition = (operator: string) => ({operator, value: 'Chicago'});
    expect(matching(lists, condition('includes'), where)).toEqual([chicago2002, chicago1927]);
    expect(matching(lists, condition('not_includes'), where)).toEqual([cubs, ['Gladiator']]);
    expect(matching(lists, condition('partial_match'), where)).toEqual([
      chicago2002,
      chicago1927,
      cubs,
    ]);
  });

  test('exists holds for "Female" and for a tag without a value', () => {
    expect(matching(['Female', null, undefined, ''], {operator: 'exists'}, where)).toEqual([
      'Female',
      null,
      '',
    ]);
    expect(matching(['Female', null, undefined], {operator: 'not_exists'}, where)).toEqual([
      undefined,
    ]);
  });
});

/** Members among events at these moments, as of 1:00 pm on September 9th 2018. */
function inWindow(
  moments: readonly string[],
  when: object,
  arriving: 'late' | 'in time',
): string[] {
  const stage = new Stage({startMs: at('2018-09-01T00:00:00.000Z')});
  stage.define({definition: {kind: 'event', name: 'View', when}});
  const sent = moments
    .map((iso, index) => ({timeMs: at(iso), mpid: BigInt(index)}))
    .sort((a, b) => a.timeMs - b.timeMs);
  for (const {timeMs, mpid} of sent) {
    const arrivalMs = arriving === 'late' ? NOW_MS : timeMs;
    stage.send(record(arrivalMs, {mpid, events: [custom(timeMs, 'View')]}));
  }
  stage.advance(NOW_MS);
  return stage.members().map(mpid => moments[Number(mpid)]!);
}

describe.each(['late', 'in time'] as const)('windows over events that arrive %s', arriving => {
  test('recency: between 4 and 6 days ago, seen at 1:00 pm on September 9th 2018', () => {
    const moments = [
      '2018-09-03T12:59:59.999Z',
      '2018-09-03T13:00:00.000Z',
      '2018-09-04T00:00:00.000Z',
      '2018-09-05T13:00:00.000Z',
      '2018-09-05T13:00:00.001Z',
    ];
    expect(inWindow(moments, {between_ago: ['4d', '6d']}, arriving)).toEqual(moments.slice(1, 4));
  });

  test('recency: within the last 7 days', () => {
    const moments = [
      '2018-09-02T12:59:59.999Z',
      '2018-09-02T13:00:00.000Z',
      '2018-09-09T13:00:00.000Z',
    ];
    expect(inWindow(moments, {within_last: '7d'}, arriving)).toEqual(moments.slice(1));
  });

  const edges = [
    '2018-09-06T23:59:59.999Z',
    '2018-09-07T00:00:00.000Z',
    '2018-09-07T23:59:59.999Z',
    '2018-09-08T00:00:00.000Z',
    '2018-09-08T23:59:59.999Z',
    '2018-09-09T00:00:00.000Z',
    '2018-09-09T13:00:00.000Z',
  ];

  test.each<[when: object, from: number, to: number]>([
    [{before: '2018-09-07'}, 0, 1],
    [{before: '2018-09-08'}, 0, 3],
    [{before: '2018-09-09'}, 0, 5],
    [{after: '2018-09-07'}, 1, 7],
    [{after: '2018-09-08'}, 3, 7],
    [{after: '2018-09-09'}, 5, 7],
    [{on: '2018-09-07'}, 1, 3],
    [{on: '2018-09-08'}, 3, 5],
    [{on: '2018-09-09'}, 5, 7],
    [{between: ['2018-09-07', '2018-09-09']}, 1, 7],
    [{between: ['2018-09-07', '2018-09-08']}, 1, 5],
    [{between: ['2018-09-08', '2018-09-08']}, 3, 5],
  ])('dates: %j', (when, from, to) => {
    expect(inWindow(edges, when, arriving)).toEqual(edges.slice(from, to));
  });
});

test('between dates takes the last millisecond of September 9th and not the next', () => {
  const stage = new Stage({startMs: NOW_MS});
  stage.define({
    definition: {kind: 'event', name: 'View', when: {between: ['2018-09-07', '2018-09-09']}},
  });
  const lastMs = at('2018-09-09T23:59:59.999Z');
  stage.send(record(lastMs, {mpid: 1n, events: [custom(lastMs, 'View')]}));
  stage.send(record(lastMs + 1, {mpid: 2n, events: [custom(lastMs + 1, 'View')]}));
  expect(stage.members()).toEqual(['1']);
});

test('a profile enters and leaves a recency window at the exact millisecond, with no event', () => {
  const stage = new Stage({startMs: at('2018-09-03T13:00:00.000Z')});
  stage.define({definition: {kind: 'event', name: 'View', when: {between_ago: ['4d', '6d']}}});
  const startMs = at('2018-09-03T13:00:00.000Z');
  stage.send(record(startMs, {events: [custom(startMs, 'View')]}));
  stage.advance(startMs + 20 * DAY_MS);
  expect(stage.told.map(({action, cause, atMs}) => ({action, cause, atMs}))).toEqual([
    {action: 'add', cause: 'time', atMs: at('2018-09-07T13:00:00.000Z')},
    {action: 'delete', cause: 'time', atMs: at('2018-09-09T13:00:00.001Z')},
  ]);
});

describe('an audience over input A of a workspace that has A and B', () => {
  const [inputA, inputB] = [1, 2];
  const fromB = (parts: Parameters<typeof record>[1]) =>
    record(NOW_MS, {inputId: inputB, ...parts});

  function seenFromB(definition: unknown, ...records: ReturnType<typeof record>[]): string[] {
    const stage = new Stage({startMs: NOW_MS});
    stage.define({definition, inputs: [inputA]});
    stage.send(...records);
    return stage.members();
  }

  test('sees who a profile is, whichever input told', () => {
    const known = fromB({
      attributes: {tier: 'gold'},
      identities: [{type: 'email', value: 'j@example.com', sequence: 1}],
      device: ['platform', 'iOS'],
    });
    const asked = [
      {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'},
      {kind: 'identity', identity: 'email', operator: 'exists'},
      {kind: 'device', field: 'platform', operator: 'exact_match', value: 'ios'},
      {kind: 'last_seen', when: {within_last: '1d'}},
    ];
    for (const definition of asked) expect(seenFromB(definition, known)).toEqual(['1']);
    expect(seenFromB({and: asked}, known)).toEqual(['1']);
  });

  test.each([
    ['crash', plain(NOW_MS, 'crash')],
    ['install', plain(NOW_MS, 'install')],
    ['uninstall', plain(NOW_MS, 'uninstall')],
    ['upgrade', plain(NOW_MS, 'upgrade')],
  ])('takes a %s from B too', (kind, event) => {
    expect(seenFromB({kind}, fromB({events: [event]}))).toEqual(['1']);
  });

  test.each([
    [{kind: 'event', name: 'View'}, custom(NOW_MS, 'View')],
    [{kind: 'commerce', action: 'purchase'}, commerce(NOW_MS, 'purchase')],
    [{kind: 'screen_view'}, {...plain(NOW_MS, 'screen_view'), name: 'Home'}],
    [{kind: 'session'}, plain(NOW_MS, 'session_start')],
  ])('takes %j from A only', (definition, event) => {
    expect(seenFromB(definition, fromB({events: [event]}))).toEqual([]);
    expect(seenFromB(definition, record(NOW_MS, {events: [event]}))).toEqual(['1']);
  });
});

describe('John Smith uses App A on his iPad and App B on his iPhone', () => {
  const johnSmith = 77n;
  const [appA, appB] = [1, 2];
  const inApp = (workspace: number, idfa: string, sequence: number) =>
    record(NOW_MS, {
      mpid: johnSmith,
      workspace,
      identities: [
        {type: 'email', value: 'john.smith@example.com', sequence},
        {type: 'ios_advertising_id', value: idfa, sequence},
      ],
      events: [custom(NOW_MS, 'Sign up')],
    });
  const signedUp = {kind: 'event', name: 'Sign up'};

  test('an audience of App A has him, with the identities of both', () => {
    const stage = new Stage({startMs: NOW_MS});
    stage.define({definition: signedUp, workspaces: [appA]});
    stage.send(inApp(appA, 'IPAD', 1), inApp(appB, 'IPHONE', 2));
    expect(stage.members()).toEqual([String(johnSmith)]);
    const known = profileView(stage.shard, 0, Number(johnSmith))!.scopes.flatMap(scope =>
      scope.identities.filter(([type]) => type === 'ios_advertising_id'),
    );
    expect(known.map(([, value]) => value)).toEqual(['IPAD', 'IPHONE']);
  });

  test('what he does in App B alone is nothing to an audience of App A', () => {
    const stage = new Stage({startMs: NOW_MS});
    stage.define({definition: signedUp, workspaces: [appA]});
    stage.define({id: 2, definition: {exclude: signedUp}, workspaces: [appA]});
    stage.define({
      id: 3,
      definition: {kind: 'identity', identity: 'email', operator: 'exists'},
      workspaces: [appA],
    });
    stage.define({id: 4, definition: signedUp, workspaces: [appA, appB]});
    stage.send(inApp(appB, 'IPHONE', 1));
    expect([1, 2, 3, 4].map(id => stage.members(id))).toEqual([[], [], [], [String(johnSmith)]]);
  });
});

test('an audience can exclude another before that one is calculated', () => {
  const stage = new Stage({startMs: NOW_MS});
  stage.send(
    record(NOW_MS, {mpid: 1n, events: [custom(NOW_MS, 'View')]}),
    record(NOW_MS, {mpid: 2n}),
  );
  stage.define({id: 5, active: false, definition: {kind: 'event', name: 'View'}});
  stage.define({definition: {kind: 'audience', audience: 5, operator: 'not_member'}});
  expect(stage.members(1)).toEqual(['2']);
  expect(stage.members(5)).toEqual([]);
});

test('cart abandonment: added, not bought, and the wait is over', () => {
  const stage = new Stage({startMs: NOW_MS});
  stage.define({definition: {kind: 'cart_abandonment', wait: '1h'}});
  stage.send(
    record(NOW_MS, {mpid: 1n, events: [commerce(NOW_MS, 'add_to_cart', [{'$product.id': 'x'}])]}),
    record(NOW_MS, {mpid: 2n, events: [commerce(NOW_MS, 'add_to_cart', [{'$product.id': 'x'}])]}),
    record(NOW_MS + 60_000, {mpid: 2n, events: [commerce(NOW_MS + 60_000, 'purchase')]}),
  );
  stage.advance(NOW_MS + 3_599_999);
  expect(stage.members()).toEqual([]);
  stage.advance(NOW_MS + 3_600_000);
  expect(stage.members()).toEqual(['1']);
});

test('events past the retention of 30 days are nothing, whatever the dates say', () => {
  const stage = new Stage({startMs: NOW_MS, profileRetentionMs: 365 * DAY_MS});
  stage.define({definition: {kind: 'event', name: 'View', when: {after: '2018-01-01'}}});
  stage.send(record(NOW_MS, {events: [custom(NOW_MS, 'View')]}));
  stage.advance(NOW_MS + 30 * DAY_MS);
  expect(stage.members()).toEqual(['1']);
  stage.advance(NOW_MS + 30 * DAY_MS + 1);
  expect(stage.members()).toEqual([]);
});
