import {describe, expect, test} from 'vitest';
import {explain} from '../../../engine/explanations/explain.ts';
import type {ExplainedCriterion, Explanation} from '../../../engine/explanations/explanation.ts';
import {commerce, custom, plain, record, type RecordParts} from '../../support/oracle-build.ts';
import {Stage, type StageAudience, type StageOptions} from '../../support/stage.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-10T12:00:00.000Z');
/** When something was done, and when it is asked about. */
const DONE = START + MINUTE;
const NOW = START + 10 * MINUTE;

function staged(
  audiences: readonly StageAudience[],
  records: readonly RecordParts[],
  options: Partial<StageOptions> = {},
): Stage {
  const stage = new Stage({startMs: START, ...options});
  stage.define(...audiences);
  for (const parts of records) stage.send(record(parts.arrivalMs ?? DONE, parts));
  return stage;
}

function explained(stage: Stage, nowMs: number, {audience = 1, mpid = 1} = {}): Explanation {
  stage.advance(nowMs);
  const found = explain(stage.shard, {audience, hi: 0, lo: mpid}, nowMs);
  if (found === undefined) throw new Error(`there is no profile ${mpid}`);
  return found;
}

/** The one criterion of the definition. */
function criterionOf({definition}: Explanation): ExplainedCriterion {
  const whole = definition?.whole;
  if (whole?.kind !== 'criterion') throw new Error('is not one criterion');
  return whole;
}

const HOUR_LONG = {when: {within_last: '1h'}};
const ONCE = {
  kind: 'events',
  measured: 1,
  orMore: false,
  count: 1,
  firstMs: DONE,
  lastMs: DONE,
  latestMs: DONE,
};
const FOR_AN_HOUR = {holds: true, sinceMs: DONE, untilMs: DONE + HOUR + 1};
const FOR_GOOD = {holds: true, sinceMs: DONE, untilMs: undefined};

function sawValue(value: unknown, saidMs: number | undefined = DONE): object {
  return {kind: 'values', values: [{workspace: 1, value, saidMs}]};
}

type Row = readonly [
  definition: {kind: string} & Record<string, unknown>,
  done: RecordParts,
  standing: {holds: boolean; sinceMs: number; untilMs: number | undefined},
  saw: object,
];

const rows: readonly Row[] = [
  [
    {kind: 'event', name: 'View', ...HOUR_LONG},
    {events: [custom(DONE, 'View')]},
    FOR_AN_HOUR,
    ONCE,
  ],
  [
    {
      kind: 'commerce',
      action: 'purchase',
      ...HOUR_LONG,
      measure: {function: 'sum', attribute: '$product.price'},
      compare: {operator: 'greater_or_equal', value: 30},
    },
    {
      arrivalMs: DONE + MINUTE,
      events: [
        commerce(DONE, 'purchase', [{'$product.price': 20}]),
        commerce(DONE + MINUTE, 'purchase', [{'$product.price': 15.5}]),
      ],
    },
    {holds: true, sinceMs: DONE + MINUTE, untilMs: DONE + HOUR + 1},
    {...ONCE, measured: 35.5, count: 2, lastMs: DONE + MINUTE, latestMs: DONE + MINUTE},
  ],
  [
    {kind: 'screen_view', compare: {operator: 'equals', value: 0}},
    {attributes: {tier: 'gold'}},
    FOR_GOOD,
    {...ONCE, measured: 0, count: 0, firstMs: undefined, lastMs: undefined, latestMs: undefined},
  ],
  [{kind: 'session', ...HOUR_LONG}, {events: [plain(DONE, 'session_start')]}, FOR_AN_HOUR, ONCE],
  [{kind: 'crash', ...HOUR_LONG}, {events: [plain(DONE, 'crash')]}, FOR_AN_HOUR, ONCE],
  [{kind: 'install', ...HOUR_LONG}, {events: [plain(DONE, 'install')]}, FOR_AN_HOUR, ONCE],
  [{kind: 'uninstall', ...HOUR_LONG}, {events: [plain(DONE, 'uninstall')]}, FOR_AN_HOUR, ONCE],
  [{kind: 'upgrade', ...HOUR_LONG}, {events: [plain(DONE, 'upgrade')]}, FOR_AN_HOUR, ONCE],
  [
    {kind: 'attribution_event', name: 'Ad', ...HOUR_LONG},
    {events: [{...custom(DONE, 'Ad'), type: 'attribution'}]},
    FOR_AN_HOUR,
    ONCE,
  ],
  [
    {kind: 'cart_abandonment', wait: '30m'},
    {events: [commerce(DONE, 'add_to_cart')]},
    {holds: false, sinceMs: DONE, untilMs: DONE + 30 * MINUTE},
    {kind: 'cart', addedMs: DONE, endedMs: undefined},
  ],
  [
    {
      kind: 'sequence',
      steps: [
        {kind: 'event', name: 'View'},
        {kind: 'commerce', action: 'purchase', within: '10m'},
      ],
      ...HOUR_LONG,
    },
    {
      arrivalMs: DONE + MINUTE,
      events: [custom(DONE, 'View'), commerce(DONE + MINUTE, 'purchase')],
    },
    {holds: true, sinceMs: DONE + MINUTE, untilMs: DONE + MINUTE + HOUR + 1},
    {kind: 'sequence', steps: 2, reached: 2, lastMs: DONE + MINUTE},
  ],
  [
    {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'},
    {attributes: {tier: 'Gold'}},
    FOR_GOOD,
    sawValue('Gold'),
  ],
  [
    {kind: 'calculated_attribute', name: 'views', operator: 'greater_or_equal', value: 1},
    {events: [custom(DONE, 'View')]},
    FOR_AN_HOUR,
    sawValue(1),
  ],
  [
    {kind: 'audience', audience: 2, operator: 'not_member'},
    {events: [custom(DONE, 'View')]},
    {...FOR_AN_HOUR, holds: false},
    {kind: 'audience', isMember: true},
  ],
  [
    {kind: 'consent', regulation: 'gdpr', purpose: 'Ads', state: 'given'},
    {consent: [{regulation: 'gdpr', purpose: 'ads', consented: true, timeMs: DONE}]},
    FOR_GOOD,
    sawValue(true),
  ],
  [
    {kind: 'device', field: 'platform', operator: 'exact_match', value: 'ios'},
    {device: ['platform', 'iOS']},
    FOR_GOOD,
    sawValue('iOS'),
  ],
  [{kind: 'first_seen', ...HOUR_LONG}, {}, FOR_AN_HOUR, sawValue(DONE)],
  [{kind: 'last_seen', ...HOUR_LONG}, {}, FOR_AN_HOUR, sawValue(DONE)],
  [
    {kind: 'location', equals: {city: 'paris'}},
    {
      location: {
        latitude: 48.8566,
        longitude: 2.3522,
        city: 'Paris',
        state: undefined,
        zip: undefined,
        dma: undefined,
        country: 'FR',
        timeMs: DONE,
      },
    },
    FOR_GOOD,
    sawValue('Paris, FR'),
  ],
  [
    {kind: 'identity', identity: 'email', operator: 'exists'},
    {identities: [{type: 'email', value: 'a@b.com', sequence: 1}]},
    FOR_GOOD,
    {kind: 'values', values: [{workspace: 1, value: 'a@b.com', saidMs: undefined}]},
  ],
  [
    {
      kind: 'attribution',
      event: 'install',
      field: 'publisher',
      operator: 'exact_match',
      value: 'red',
    },
    {events: [{...custom(DONE, 'attribution', {publisher: 'red'}), type: 'attribution'}]},
    FOR_GOOD,
    sawValue('red'),
  ],
];

const VIEWS = {
  name: 'views',
  workspace: 1,
  calculation: 'count',
  event: {kind: 'event', name: 'View'},
  attribute: undefined,
  when: {within: '1h'},
} as const;
const VIEWERS = {id: 2, definition: {kind: 'event', name: 'View', ...HOUR_LONG}};

describe('each kind says what it saw, since when it is so, and until when to the millisecond', () => {
  test.each(rows)('%j', (definition, done, standing, saw) => {
    const stage = staged([VIEWERS, {definition, calculated: [VIEWS]}], [done]);
    const found = explained(stage, NOW);
    const {isMember, untilMs, forgottenMs} = found;
    const criterion = criterionOf(found);
    expect(criterion).toMatchObject({...standing, orEarlier: false, saw});
    expect({isMember, untilMs}).toEqual({
      isMember: standing.holds,
      untilMs: standing.untilMs ?? forgottenMs,
    });
    expect(stage.members()).toEqual(isMember ? ['1'] : []);
    const changeMs = untilMs!;
    expect(criterionOf(explained(stage, changeMs - 1)).holds).toBe(standing.holds);
    expect(stage.members()).toEqual(isMember ? ['1'] : []);
    stage.advance(changeMs);
    expect(stage.members()).toEqual(isMember ? [] : ['1']);
    expect(stage.told.filter(({audience}) => audience === 1).at(-1)).toMatchObject({
      action: isMember ? 'delete' : 'add',
      atMs: changeMs,
      cause: 'time',
    });
  });

  test('none is left out', () => {
    const kinds =
      'event commerce screen_view session crash install uninstall upgrade attribution_event';
    const others =
      'cart_abandonment sequence user_attribute calculated_attribute audience consent device first_seen last_seen location identity attribution';
    expect(rows.map(([{kind}]) => kind)).toEqual(`${kinds} ${others}`.split(' '));
  });
});

describe('since when', () => {
  const GOLD = {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'};

  test('of what is said: when it was last said; what was before is not kept', () => {
    const stage = staged(
      [{definition: GOLD}],
      [
        {arrivalMs: DONE, attributes: {tier: 'gold'}},
        {arrivalMs: DONE + MINUTE, attributes: {tier: 'gold'}},
      ],
    );
    const found = explained(stage, NOW);
    expect(found.sinceMs).toBe(DONE);
    expect(criterionOf(found)).toMatchObject({sinceMs: DONE + MINUTE, orEarlier: true});
  });

  test('of events that came late: when they happened', () => {
    const stage = staged(
      [{definition: {kind: 'event', name: 'View'}}],
      [{arrivalMs: DONE}, {arrivalMs: DONE + MINUTE, events: [custom(DONE - 5, 'View')]}],
    );
    const found = explained(stage, NOW);
    expect(found.sinceMs).toBe(DONE + MINUTE);
    expect(criterionOf(found)).toMatchObject({sinceMs: DONE - 5, orEarlier: false});
  });

  test('of what has been without events for longer than they are kept nobody can tell', () => {
    const definition = {kind: 'event', name: 'View', compare: {operator: 'equals', value: 0}};
    const stage = staged([{definition}], [{}], {
      eventRetentionMs: DAY,
      profileRetentionMs: 30 * DAY,
    });
    const young = criterionOf(explained(stage, DONE + DAY));
    expect(young).toMatchObject({holds: true, sinceMs: DONE, orEarlier: false});
    const old = criterionOf(explained(stage, DONE + DAY + 1));
    expect(old).toMatchObject({holds: true, sinceMs: undefined, orEarlier: false});
  });

  test('what the known events prove needs no others', () => {
    const stage = staged(
      [{definition: {kind: 'event', name: 'View'}}],
      [0, 20, 30].map(hours => {
        const arrivalMs = DONE + hours * HOUR;
        return {arrivalMs, events: [custom(arrivalMs, 'View')]};
      }),
      {eventRetentionMs: DAY, profileRetentionMs: 30 * DAY},
    );
    // The first event is gone with the third; the second proves as much as can be told.
    expect(criterionOf(explained(stage, DONE + 31 * HOUR))).toMatchObject({
      holds: true,
      sinceMs: DONE + 20 * HOUR,
      orEarlier: true,
    });
  });
});

test('of many events the latest are kept, and the count says that there may be more', () => {
  const times = Array.from({length: 12}, (_, i) => DONE - i * 1_000);
  const stage = staged(
    [{definition: {kind: 'event', name: 'View', ...HOUR_LONG}}],
    [{events: times.map(timeMs => custom(timeMs, 'View'))}],
  );
  expect(criterionOf(explained(stage, NOW)).saw).toMatchObject({measured: 8, orMore: true});
});

test('long histories are explained as far as it pays', () => {
  const times = Array.from({length: 6_000}, (_, i) => DONE - i);
  const attribute = 'amount';
  const compare = {operator: 'greater_than', value: 5_000};
  const stage = staged(
    [{definition: {kind: 'event', name: 'View', measure: {function: 'sum', attribute}, compare}}],
    [{events: times.map(timeMs => custom(timeMs, 'View', {amount: 1}))}],
  );
  const {holds, sinceMs, orEarlier} = criterionOf(explained(stage, NOW));
  expect({holds, orEarlier}).toEqual({holds: true, orEarlier: true});
  expect(sinceMs).toBeGreaterThan(DONE - 1_000);
});

test('events from the future are reckoned with', () => {
  const comesMs = START + 2 * HOUR;
  const publisher = {...custom(comesMs, 'attribution', {publisher: 'red'}), type: 'attribution'};
  const stage = staged(
    [
      {id: 1, definition: {kind: 'last_seen', ...HOUR_LONG}},
      {
        id: 2,
        definition: {kind: 'attribution', event: 'install', field: 'publisher', operator: 'exists'},
      },
      {
        id: 3,
        definition: {
          and: [
            {exclude: {kind: 'audience', audience: 1, operator: 'member'}},
            {kind: 'audience', audience: 2, operator: 'member'},
          ],
        },
      },
    ],
    [{events: [publisher]}],
    {eventRetentionMs: DAY},
  );
  expect(explained(stage, NOW)).toMatchObject({untilMs: DONE + HOUR + 1});
  expect(explained(stage, NOW, {audience: 2})).toMatchObject({isMember: false, untilMs: comesMs});
  const both = explained(stage, NOW, {audience: 3});
  expect(both).toMatchObject({
    isMember: false,
    untilMs: comesMs + HOUR + 1,
    forgottenMs: comesMs + DAY + 1,
  });
  stage.advance(comesMs + HOUR);
  expect(stage.members(3)).toEqual([]);
  stage.advance(comesMs + HOUR + 1);
  expect(stage.members(3)).toEqual(['1']);
});

describe('the tree', () => {
  const VIEW = {kind: 'event', name: 'View', ...HOUR_LONG};
  const BUY = {kind: 'commerce', action: 'purchase'};

  test('has the shape of the definition, and each part stands for itself', () => {
    const stage = staged(
      [{definition: {and: [{or: [VIEW, BUY]}, {exclude: BUY}]}}],
      [{events: [custom(DONE, 'View')]}],
    );
    expect(explained(stage, NOW).definition?.whole).toMatchObject({
      kind: 'and',
      holds: true,
      untilMs: DONE + HOUR + 1,
      of: [
        {
          kind: 'or',
          holds: true,
          of: [
            {kind: 'criterion', holds: true, untilMs: DONE + HOUR + 1},
            {kind: 'criterion', holds: false, sinceMs: DONE, untilMs: undefined},
          ],
        },
        {kind: 'exclude', holds: true, of: {kind: 'criterion', holds: false}},
      ],
    });
  });

  test('spells nested audiences out, each once', () => {
    const nested = (audience: number) => ({kind: 'audience', audience, operator: 'member'});
    const stage = staged(
      [
        {id: 3, definition: VIEW, workspaces: [2]},
        {id: 2, definition: {or: [VIEW, nested(3)]}},
        {id: 1, definition: {and: [nested(2), {exclude: nested(3)}]}},
      ],
      [{events: [custom(DONE, 'View')]}],
    );
    const {isMember, definition} = explained(stage, NOW);
    expect(isMember).toBe(true);
    expect(definition?.whole).toMatchObject({
      of: [
        {
          holds: true,
          nested: {
            audience: 2,
            isMember: true,
            whole: {
              of: [
                {holds: true},
                {
                  holds: false,
                  nested: {
                    audience: 3,
                    isInPopulation: false,
                    isMember: false,
                    whole: {holds: false},
                  },
                },
              ],
            },
          },
        },
        {of: {holds: false, saw: {kind: 'audience', isMember: false}, nested: undefined}},
      ],
    });
  });
});

describe('who is not explained', () => {
  const VIEW = {kind: 'event', name: 'View'};

  test('a profile that nobody knows', () => {
    const stage = staged([{definition: VIEW}], [{}]);
    expect(explain(stage.shard, {audience: 1, hi: 0, lo: 9}, NOW)).toBeUndefined();
  });

  test('an audience without a definition: nothing but that the profile is there', () => {
    const stage = staged([{definition: VIEW}], [{}]);
    expect(explained(stage, NOW, {audience: 7})).toMatchObject({
      isMember: false,
      definition: undefined,
    });
  });

  test('events that nobody counts, of an audience that is not active; facts are known', () => {
    const definition = {
      or: [VIEW, {kind: 'user_attribute', attribute: 'tier', operator: 'exists'}],
    };
    const stage = staged(
      [{definition, active: false}],
      [{events: [custom(DONE, 'View')], attributes: {tier: null}}],
    );
    const {isMember, untilMs, definition: found} = explained(stage, NOW);
    expect({isMember, untilMs}).toEqual({isMember: false, untilMs: undefined});
    expect(found).toMatchObject({
      isServed: false,
      isMember: true,
      whole: {
        holds: true,
        of: [
          {holds: undefined, sinceMs: undefined, saw: undefined},
          {holds: true, saw: sawValue(null)},
        ],
      },
    });
  });

  test('a definition that is not filled yet: the former one is served, and this one is not known', () => {
    const stage = staged([{definition: VIEW}], [{events: [custom(DONE, 'View')]}]);
    stage.announce({definition: {kind: 'commerce', action: 'purchase'}});
    const {isMember, untilMs, definition} = explained(stage, NOW);
    expect({isMember, untilMs}).toEqual({isMember: true, untilMs: undefined});
    expect(definition).toMatchObject({isServed: false, isMember: undefined});
    stage.fill();
    expect(explained(stage, NOW)).toMatchObject({isMember: false, definition: {isServed: true}});
  });

  test('who is in no workspace of the audience is no member, whatever holds', () => {
    const stage = staged(
      [{definition: {exclude: VIEW}, workspaces: [2]}],
      [{events: [custom(DONE, 'View')]}],
    );
    expect(explained(stage, NOW)).toMatchObject({
      isMember: false,
      definition: {isInPopulation: false, whole: {holds: true}},
    });
  });
});
