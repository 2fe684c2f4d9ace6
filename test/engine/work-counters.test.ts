/**
 * The work that an event costs depends on what it touches. Counted, not timed: a counter that grows with
 * audiences or profiles that have nothing to do with the event is a defect, however fast it runs.
 */
import {describe, expect, test} from 'vitest';
import {commerce, custom, record} from '../support/oracle-build.ts';
import {Stage} from '../support/stage.ts';

const START_MS = Date.parse('2026-03-10T12:00:00.000Z');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UNRELATED = 1_000;

interface Work {
  readonly asked: number;
  readonly criteria: number;
  readonly evaluated: number;
  readonly flips: number;
  readonly settled: number;
  readonly deltas: number;
}

/** What was done while `act` ran. */
function workOf({shard}: Stage, act: () => void): Work {
  const before = counted();
  act();
  const after = counted();
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - before[name as keyof Work]]),
  ) as unknown as Work;

  function counted(): Work {
    const {criteria, settled, deltas} = shard.work;
    const {evaluated, flips} = shard.propagation;
    return {asked: shard.criteria.index.asked, criteria, evaluated, flips, settled, deltas};
  }
}

function buys(mpid: bigint, atMs: number): ReturnType<typeof record> {
  return record(atMs, {mpid, events: [commerce(atMs, 'purchase', [{'$product.price': 3}])]});
}

const KEEN = {
  and: [
    {
      kind: 'commerce',
      action: 'purchase',
      where: [{attribute: '$product.price', operator: 'greater_than', value: 2}],
      when: {within_last: '7d'},
    },
    {exclude: {kind: 'event', name: 'Complain', when: {within_last: '7d'}}},
  ],
};

/** A stage with one audience that purchases concern, and as many others as asked for. */
function stageWith(others: readonly unknown[]): Stage {
  const stage = new Stage({startMs: START_MS});
  stage.define(
    {definition: KEEN},
    ...others.map((definition, index) => ({id: index + 2, definition})),
  );
  return stage;
}

function numbered(definition: (index: number) => unknown): unknown[] {
  return Array.from({length: UNRELATED}, (_, index) => definition(index));
}

describe('an event asks no more', () => {
  const alone = workOf(stageWith([]), () => {});
  const unrelated: readonly (readonly [string, (index: number) => unknown])[] = [
    ['other event names', i => ({kind: 'event', name: `Other ${i}`, when: {within_last: '3d'}})],
    [
      'other event names, combined',
      i => ({
        or: [
          {kind: 'event', name: `This ${i}`},
          {exclude: {kind: 'event', name: `That ${i}`, compare: {operator: 'equals', value: 2}}},
        ],
      }),
    ],
    ['other actions', i => ({kind: 'commerce', action: 'refund', where: [price(i)]})],
    ['other screens', i => ({kind: 'screen_view', name: `Screen ${i}`})],
    ['user attributes', i => ({kind: 'user_attribute', attribute: `a${i}`, operator: 'exists'})],
    [
      'the same event with another value of an attribute that it has',
      i => ({
        kind: 'commerce',
        action: 'purchase',
        where: [{attribute: '$product.price', operator: 'equals', value: 1_000 + i}],
      }),
    ],
    [
      'the same event with a bound that it does not reach',
      i => ({
        kind: 'commerce',
        action: 'purchase',
        where: [{attribute: '$product.price', operator: 'greater_than', value: 1_000 + i}],
      }),
    ],
    [
      'the same event with an attribute that it does not have',
      i => ({
        kind: 'commerce',
        action: 'purchase',
        where: [{attribute: `note ${i}`, operator: 'contains', value: 'x'}],
      }),
    ],
  ];

  function price(value: number): unknown {
    return {attribute: '$product.price', operator: 'less_than', value};
  }

  test('than there is: nothing is done when nothing happens', () => {
    expect(Object.values(alone)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test.each(unrelated)(`with ${UNRELATED} audiences on %s than with none`, (_, definition) => {
    const bare = stageWith([]);
    const crowded = stageWith(numbered(definition));
    // Of a profile that is there already: a new one is counted into every audience that it is in unasked.
    for (const stage of [bare, crowded]) stage.send(record(START_MS, {mpid: 7n}));
    const atMs = START_MS + MINUTE_MS;
    const expected = workOf(bare, () => bare.send(buys(7n, atMs)));
    expect(expected).toMatchObject({asked: 1, deltas: 1});
    expect(workOf(crowded, () => crowded.send(buys(7n, atMs)))).toEqual(expected);
  });

  test('with 2,000 other profiles than with none', () => {
    const bare = stageWith([]);
    const crowded = stageWith([]);
    for (let mpid = 100n; mpid < 2_100n; mpid++) crowded.send(buys(mpid, START_MS));
    const atMs = START_MS + MINUTE_MS;
    const expected = workOf(bare, () => bare.send(buys(7n, atMs)));
    expect(workOf(crowded, () => crowded.send(buys(7n, atMs)))).toEqual(expected);
  });
});

describe('what is equal is one', () => {
  test(`${UNRELATED} audiences that say the same thing cost one criterion`, () => {
    const stage = stageWith(numbered(() => KEEN));
    const one = stageWith([]);
    const atMs = START_MS + MINUTE_MS;
    const asOne = workOf(one, () => one.send(buys(7n, atMs)));
    const asMany = workOf(stage, () => stage.send(buys(7n, atMs)));
    expect(asMany).toEqual({...asOne, deltas: UNRELATED + 1});
    expect(stage.shard.graph.count).toBe(one.shard.graph.count);
    expect([...stage.shard.criteria.histories()].length).toBe(2);
  });

  test('also when they say it in other words', () => {
    const [purchase, complain] = KEEN.and;
    const words = [
      {and: [complain, purchase]},
      {and: [{and: [purchase, purchase]}, complain]},
      {exclude: {or: [{exclude: purchase}, {exclude: complain}]}},
      {exclude: {exclude: KEEN}},
      {or: [KEEN]},
      {and: [{...purchase, compare: {operator: 'greater_or_equal', value: 1}}, complain]},
    ];
    const stage = stageWith(words);
    stage.send(buys(7n, START_MS));
    for (let id = 1; id <= words.length + 1; id++) expect(stage.members(id)).toEqual(['7']);
    expect([...stage.shard.criteria.histories()].length).toBe(2);
  });
});

describe('time costs what it changes', () => {
  test('a month over idle profiles does no work', () => {
    const stage = new Stage({startMs: START_MS, profileRetentionMs: 365 * DAY_MS});
    stage.define({definition: KEEN});
    for (let mpid = 1n; mpid <= 500n; mpid++) {
      stage.send(record(START_MS, {mpid, attributes: {tier: 'gold'}}));
    }
    const month = workOf(stage, () => stage.advance(START_MS + 30 * DAY_MS));
    expect(Object.values(month)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('of many profiles that wait, only the one whose moment comes is looked at', () => {
    const stage = stageWith([]);
    for (let mpid = 1n; mpid <= 500n; mpid++) stage.send(buys(mpid, START_MS + Number(mpid)));
    const firstEndsMs = START_MS + 1 + 7 * DAY_MS;
    expect(workOf(stage, () => stage.advance(firstEndsMs))).toMatchObject({settled: 0, deltas: 0});
    expect(workOf(stage, () => stage.advance(firstEndsMs + 1))).toMatchObject({
      settled: 1,
      deltas: 1,
    });
  });

  test('an event that only prolongs arms nothing and asks once', () => {
    const stage = stageWith([]);
    stage.send(buys(1n, START_MS));
    const armed = stage.shard.timers;
    for (let n = 1; n <= 100; n++) stage.send(buys(1n, START_MS + n * MINUTE_MS));
    expect(stage.shard.timers).toBe(armed);
  });

  test('events nobody asks for are counted and forgotten', () => {
    const stage = stageWith([]);
    stage.send(record(START_MS, {mpid: 1n}));
    const atMs = START_MS + MINUTE_MS;
    const events = Array.from({length: 100}, (_, i) => custom(atMs, `Unasked ${i}`));
    const work = workOf(stage, () => stage.send(record(atMs, {mpid: 1n, events})));
    expect(Object.values(work)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
