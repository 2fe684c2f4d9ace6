import {expect, test} from 'vitest';
import {parseDefinition} from '../../engine/definitions/parse-definition.ts';
import type {CalculatedAttributeSpec} from '../../engine/definitions/calculated-attribute.ts';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import type {EventRecord, ProfileRecord} from '../../engine/record.ts';
import {isSampled, SAMPLED_ONE_IN} from '../../engine/profiles/sampled.ts';
import {estimate, wilson} from '../../engine/questions/estimate.ts';
import {poll, type PollResult} from '../../engine/questions/poll.ts';
import {countBallots} from '../../storage/count-ballots.ts';
import {DurableShard} from '../../storage/durable-shard.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import {seededRandom} from './seeded-random.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 23);
const SCOPE = 2;

function spec(id: number, definition: object, active = true): AudienceSpec {
  const parsed = parseDefinition(definition, {
    workspaces: [1],
    inputs: undefined,
    eventRetentionMs: 30 * DAY_MS,
    hasAudience: () => true,
    hasInput: () => true,
    hasCalculatedAttribute: () => undefined,
    findCity: () => undefined,
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const {expression} = parsed;
  return {
    id,
    version: 1,
    active,
    expression,
    workspaces: [1],
    inputs: undefined,
    environment: 'production',
  };
}

function recordOf(lo: number, hi: number, part: Partial<ProfileRecord>): ProfileRecord {
  return {
    mpidHi: hi,
    mpidLo: lo,
    scope: SCOPE,
    inputId: 1,
    arrivalMs: NOW_MS,
    batchMs: NOW_MS,
    events: [],
    attributes: [],
    identities: [],
    consent: [],
    device: [],
    location: undefined,
    seen: [],
    extra: '',
    ...part,
  };
}

function custom(name: string): EventRecord {
  return {kind: 'custom', name, type: 'other', timeMs: NOW_MS - 1000, fields: [], items: []};
}

class Trial {
  readonly store = new MemoryStore();
  durable = this.open();
  #writer = new RecordWriter();

  open(): DurableShard {
    return new DurableShard(this.store, {
      eventRetentionMs: 30 * DAY_MS,
      profileRetentionMs: 30 * DAY_MS,
      deltaRetentionMs: 7 * DAY_MS,
      startMs: NOW_MS - DAY_MS,
    });
  }

  async take(records: readonly ProfileRecord[]): Promise<void> {
    for (const record of records) this.#writer.push(record);
    await this.durable.commit(this.durable.applyRecords(this.#writer.take(), NOW_MS));
  }

  async define(audience: AudienceSpec): Promise<void> {
    await this.durable.commit(this.durable.define([audience], [], NOW_MS));
    while (this.durable.prepare(10_000, NOW_MS).more);
  }

  ask(
    definition: object,
    {
      everybody = false,
      factsMax = Infinity,
      calculated,
    }: {
      everybody?: boolean;
      factsMax?: number;
      calculated?: readonly CalculatedAttributeSpec[];
    } = {},
  ): PollResult {
    const asked = {spec: {...spec(0, definition), calculated}, instead: undefined};
    const options = {nowMs: NOW_MS, everybody, factsMax, sliceLooks: 10_000};
    const slices = poll(this.durable.shard, asked, options);
    for (;;) {
      const slice = slices.next();
      if (slice.done !== true) continue;
      const result = slice.value;
      if (result.ballots === undefined) return result;
      const until = this.durable.watermark;
      const count = countBallots(this.store, {
        ballots: result.ballots,
        nowMs: NOW_MS,
        until,
        journalUntil: everybody ? until : this.durable.sampleSince,
        eventRetentionMs: 30 * DAY_MS,
      });
      return {...result, ...count};
    }
  }
}

function countOf(result: PollResult, part: number, isComplete = false) {
  return {
    certain: result.certain[part]!,
    open: result.open[part]!,
    asked: result.asked[part]!,
    held: result.held[part]!,
    isComplete,
  };
}

const BUYS = {kind: 'event', name: 'Buy'};
const GOLD = {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'};

test('the interval from the sample holds in at least 93 of 100 trials', async () => {
  const profiles = 12_000;
  let told = 0;
  let held = 0;
  for (let seed = 1; told < 100; seed++) {
    const random = seededRandom(seed);
    const share = 0.02 + 0.96 * random();
    const trial = new Trial();
    let size = 0;
    const records: ProfileRecord[] = [];
    for (let i = 0; i < profiles; i++) {
      const buys = random() < share;
      if (buys) size++;
      const events = [custom(buys ? 'Buy' : 'Look')];
      records.push(
        recordOf(Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 20), {events}),
      );
    }
    for (let from = 0; from < profiles; from += 3000) {
      await trial.take(records.slice(from, from + 3000));
    }
    const answer = estimate([countOf(trial.ask(BUYS), 0)]);
    if (answer.kind !== 'estimated') continue;
    told++;
    if (answer.low <= size && size <= answer.high) held++;
  }
  process.stdout.write(`  the interval held in ${held} of ${told} trials that told a size\n`);
  expect(held).toBeGreaterThanOrEqual(93);
}, 120_000);

test('who is sampled is told as exactly as by the whole journal, part by part', async () => {
  const random = seededRandom(3);
  const trial = new Trial();
  const mpids = Array.from({length: 20_000}, () => Math.floor(random() * 2 ** 32));
  for (let from = 0; from < mpids.length; from += 500) {
    const records = mpids.slice(from, from + 500).map(lo =>
      recordOf(lo, 0, {
        events: random() < 0.4 ? [custom('Buy'), custom('Buy')] : [custom('Look')],
        attributes: [{name: 'tier', value: random() < 0.5 ? 'gold' : 'tin', timeMs: NOW_MS}],
      }),
    );
    await trial.take(records);
  }
  const definition = {and: [GOLD, {...BUYS, compare: {operator: 'equals', value: 2}}]};
  const whole = trial.ask(definition, {everybody: true});
  const exact = estimate([countOf(whole, 0, true)]);
  expect(exact.kind).toBe('exact');
  const sampled = trial.ask(definition);
  // The gold ones are known of everybody, so only they are open.
  expect(sampled.open[0]).toBe(sampled.certain[1]);
  expect(sampled.asked[0]).toBeLessThan(sampled.open[0]! / 32);
  const told = estimate([countOf(sampled, 0)]);
  if (told.kind !== 'estimated' || exact.kind !== 'exact') throw new Error(told.kind);
  expect(told.low).toBeLessThanOrEqual(exact.size);
  expect(told.high).toBeGreaterThanOrEqual(exact.size);
  // Facts that are too many to look at are left to the sample too, and say the same of it.
  const lazy = trial.ask(definition, {factsMax: 0});
  expect(lazy.open[0]).toBe(20_000);
  expect(lazy.held[0]).toBe(sampled.held[0]);
  expect(estimate([countOf(lazy, 1)]).kind).toBe('estimated');
});

test('a calculated attribute that nobody asks for yet is told from the journal', async () => {
  const records = Array.from({length: 40}, (_, index) =>
    recordOf(index, 0, {events: Array.from({length: index % 5}, () => custom('Buy'))}),
  );
  const criterion = {
    kind: 'calculated_attribute',
    name: 'buys',
    operator: 'greater_or_equal',
    value: 3,
  };
  const attribute: CalculatedAttributeSpec = {
    workspace: 1,
    name: 'buys',
    calculation: 'count',
    filter: {
      kind: 'event',
      name: 'Buy',
      eventType: undefined,
      where: [],
      workspaces: undefined,
      inputs: undefined,
    },
    attribute: undefined,
    when: {kind: 'always'},
  };
  const calculated = [attribute];
  const trial = new Trial();
  await trial.take(records);
  const told = trial.ask(criterion, {everybody: true, calculated});
  expect(told.open[0]).toBe(40);
  expect(told.held[0]).toBe(16);
  const keeping = new Trial();
  await keeping.define({...spec(1, criterion), calculated});
  await keeping.take(records);
  expect(keeping.ask(criterion, {calculated}).certain[0]).toBe(16);
});

test('a store from before there was a sample answers from its journal', async () => {
  const trial = new Trial();
  const random = seededRandom(5);
  const mpids = Array.from({length: 6_000}, () => Math.floor(random() * 2 ** 32));
  await trial.take(mpids.slice(0, 3000).map(lo => recordOf(lo, 0, {events: [custom('Buy')]})));
  const before = trial.ask(BUYS).held[0];
  // As such a store is: no sample, and nothing that says since when there is one.
  await trial.store.commit([
    {table: 'sample', key: 1, value: undefined},
    {table: 'meta', key: 'sampleSince', value: undefined},
  ]);
  trial.durable = trial.open();
  expect(trial.durable.sampleSince).toBe(1);
  expect(trial.ask(BUYS).held[0]).toBe(before);
  await trial.take(mpids.slice(3000).map(lo => recordOf(lo, 0, {events: [custom('Buy')]})));
  trial.durable = trial.open();
  expect(trial.durable.sampleSince).toBe(1);
  expect(trial.ask(BUYS).held[0]).toBe(mpids.filter(lo => isSampled(0, lo)).length);
});

test('definitions that come and go between two slices do not confuse a poll', async () => {
  const trial = new Trial();
  const tier = (value: string): object => ({...GOLD, value});
  await trial.define(spec(1, tier('gold')));
  await trial.define(spec(2, tier('tin')));
  const records = Array.from({length: 600}, (_, index) => {
    const value = index % 3 === 0 ? 'gold' : 'tin';
    return recordOf(index, 0, {attributes: [{name: 'tier', value, timeMs: NOW_MS}]});
  });
  await trial.take(records);
  const asked = {spec: spec(0, tier('gold')), instead: undefined};
  const options = {nowMs: NOW_MS, everybody: false, factsMax: Infinity, sliceLooks: 1};
  const slices = poll(trial.durable.shard, asked, options);
  let turns = 0;
  for (;;) {
    const slice = slices.next();
    turns++;
    if (slice.done === true) {
      expect(slice.value.certain[0]).toBe(200);
      break;
    }
    if (turns !== 3) continue;
    // Its slot is free, and the next definition takes it.
    await trial.durable.commit(trial.durable.define([], [1], NOW_MS));
    await trial.define(spec(3, tier('tin')));
    await trial.define(spec(4, tier('silver')));
  }
  expect(turns).toBeGreaterThan(10);
});

test('what a profile did in an earlier life is not counted', async () => {
  const trial = new Trial();
  await trial.take([recordOf(7, 0, {events: [custom('Buy')]})]);
  await trial.durable.commit(trial.durable.erase(0, 7, NOW_MS)!);
  await trial.take([recordOf(7, 0, {events: [custom('Look')]})]);
  expect(trial.ask(BUYS, {everybody: true}).held[0]).toBe(0);
  expect(trial.ask({kind: 'event', name: 'Look'}, {everybody: true}).held[0]).toBe(1);
});

test('definitions of more criteria than a number has bits are told as exactly', async () => {
  const random = seededRandom(9);
  const trial = new Trial();
  const ages = Array.from({length: 500}, () => Math.floor(random() * 100));
  await trial.take(
    ages.map((age, index) =>
      recordOf(index, 0, {attributes: [{name: 'age', value: age, timeMs: NOW_MS}]}),
    ),
  );
  await trial.durable.commit(trial.durable.erase(0, 77, NOW_MS)!);
  const of = Array.from({length: 40}, (_, index) => ({
    kind: 'user_attribute',
    attribute: 'age',
    operator: 'equals',
    value: index * 2,
  }));
  const told = trial.ask({exclude: {or: of}});
  const living = ages.filter((_, index) => index !== 77);
  expect(told.certain[0]).toBe(living.filter(age => age >= 80 || age % 2 === 1).length);
  expect(told.certain[5]).toBe(living.filter(age => age === 8).length);
  await trial.define(spec(1, {or: of.slice(0, 35)}));
  expect(trial.ask({exclude: {or: of}}).certain).toEqual(told.certain);
  expect(trial.ask({exclude: {or: of}}, {factsMax: 0}).certain[5]).toBe(told.certain[5]);
});

test('one profile in 64 is sampled, of sequential mpids as of random ones', () => {
  const random = seededRandom(11);
  let sequential = 0;
  let drawn = 0;
  const count = 200_000;
  for (let i = 0; i < count; i++) {
    if (isSampled(0, i)) sequential++;
    if (isSampled(Math.floor(random() * 2 ** 31), Math.floor(random() * 2 ** 32))) drawn++;
  }
  const expected = count / SAMPLED_ONE_IN;
  expect(Math.abs(sequential - expected)).toBeLessThan(4 * Math.sqrt(expected));
  expect(Math.abs(drawn - expected)).toBeLessThan(4 * Math.sqrt(expected));
});

test('too few in the sample: no size, and why', () => {
  const few = estimate([{certain: 0, open: 100_000, asked: 1_560, held: 3, isComplete: false}]);
  expect(few).toMatchObject({kind: 'unknown', sampled: 3});
  const none = estimate([{certain: 0, open: 40, asked: 0, held: 0, isComplete: false}]);
  expect(none).toMatchObject({kind: 'unknown', reason: expect.stringContaining('nobody')});
  // A few that are open do not blur many that are certain.
  const mostly = estimate([{certain: 50_000, open: 40, asked: 0, held: 0, isComplete: false}]);
  expect(mostly).toMatchObject({kind: 'estimated', low: 50_000, high: 50_040});
  const mixed = estimate([
    {certain: 5, open: 10, asked: 10, held: 4, isComplete: true},
    {certain: 7, open: 0, asked: 0, held: 0, isComplete: false},
  ]);
  expect(mixed).toEqual({kind: 'exact', size: 16});
});

test("Wilson's interval is the textbook's one for many, and within bounds for few", () => {
  const {low, high} = wilson(5_000, 10_000);
  expect(low).toBeCloseTo(0.5 - 2.2414 * 0.005, 4);
  expect(high).toBeCloseTo(0.5 + 2.2414 * 0.005, 4);
  expect(wilson(0, 10)).toMatchObject({low: 0});
  expect(wilson(0, 10).high).toBeCloseTo(0.3344, 3);
  expect(wilson(10, 10).high).toBeCloseTo(1, 9);
  expect(wilson(0, 0)).toEqual({low: 0, high: 1});
});
