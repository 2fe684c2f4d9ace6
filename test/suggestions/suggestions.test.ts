import {expect, test} from 'vitest';
import type {EventRecord, Fields, ProfileRecord, Value} from '../../engine/record.ts';
import {Suggestions} from '../../server/suggestions/suggestions.ts';
import {TopKeys} from '../../server/suggestions/top-keys.ts';
import {seededRandom} from '../questions/seeded-random.ts';

const NOW_MS = Date.UTC(2026, 10, 23);
const ALL = {workspace: 1, environment: 'production', inputs: undefined} as const;

function record(part: Partial<ProfileRecord>, mpidLo = 1): ProfileRecord {
  return {
    mpidHi: 0,
    mpidLo,
    scope: 2,
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

function event(name: string, fields: Fields = [], part: Partial<EventRecord> = {}): EventRecord {
  return {kind: 'custom', name, type: 'navigation', timeMs: NOW_MS, fields, items: [], ...part};
}

function attribute(name: string, value: Value) {
  return {name, value, timeMs: NOW_MS};
}

test('names come by frequency, with their event types, apart by workspace, environment and input', () => {
  const suggestions = new Suggestions();
  for (let i = 0; i < 5; i++) suggestions.offer(record({events: [event('Open')]}));
  suggestions.offer(record({events: [event('Buy', [], {type: 'transaction'})], inputId: 2}));
  suggestions.offer(record({events: [event('Dev')], scope: 3}));
  suggestions.offer(record({events: [event('Else')], scope: 4}));
  expect(suggestions.names(ALL, ['custom'])).toEqual([
    {kind: 'custom', name: 'Open', eventTypes: ['navigation'], count: 5},
    {kind: 'custom', name: 'Buy', eventTypes: ['transaction'], count: 1},
  ]);
  const of = (query: object): string[] =>
    suggestions.names({...ALL, ...query}, ['custom']).map(({name}) => name);
  expect(of({inputs: [2]})).toEqual(['Buy']);
  expect(of({environment: 'development'})).toEqual(['Dev']);
  expect(of({workspace: 2})).toEqual(['Else']);
});

test('attributes have the types that their values read as, the most frequent first', () => {
  const suggestions = new Suggestions();
  const values: Record<string, Value[]> = {
    color: ['blue', 'red'],
    price: [12.5, '12.50'],
    since: ['2026-01-02', '2025-12-31T10:00:00Z'],
    member: [true, 'false'],
    app: ['10.2.1', '10.10.0'],
    tags: [['a', 'b'], ['c']],
    newsletter: [null, null],
    mixed: ['x', 'y', 'z', 7],
  };
  for (const [name, own] of Object.entries(values)) {
    for (const value of own) suggestions.offer(record({attributes: [attribute(name, value)]}));
  }
  const found = suggestions.fields(ALL, ([topic]) => topic === 'user');
  expect(Object.fromEntries(found.map(each => [each.attribute, each.types]))).toEqual({
    color: ['string'],
    price: ['number'],
    since: ['date'],
    member: ['boolean'],
    app: ['version'],
    tags: ['list'],
    newsletter: ['tag'],
    mixed: ['string', 'number'],
  });
});

test('a value is told once three profiles have it, and not how often one of them does', () => {
  const suggestions = new Suggestions();
  const say = (mpid: number, city: string): void =>
    suggestions.offer(record({events: [event('Open', ['city', city])]}, mpid));
  for (let i = 0; i < 50; i++) say(1, 'Jekyll Street 7');
  for (let mpid = 1; mpid <= 3; mpid++) say(mpid, 'Paris');
  for (let mpid = 1; mpid <= 4; mpid++) say(mpid, 'Rome');
  const values = (from: Suggestions): readonly string[] =>
    from.fields(ALL, ([kind]) => kind === 'custom')[0]!.values;
  expect(values(suggestions)).toEqual(['Rome', 'Paris']);
  const kept = JSON.stringify(suggestions.takeKept());
  expect(kept).not.toContain('Jekyll');
  expect(suggestions.takeKept()).toBeUndefined();
  const again = new Suggestions(JSON.parse(kept));
  expect(values(again)).toEqual(['Rome', 'Paris']);
  expect(again.names(ALL, ['custom'])).toEqual(suggestions.names(ALL, ['custom']));
});

test('what only somebody who is erased had goes, and what others have too stays', () => {
  const suggestions = new Suggestions();
  for (let mpidLo = 1; mpidLo <= 4; mpidLo++) {
    suggestions.offer(
      record(
        {
          events: [event('Open', ['size', 7]), ...(mpidLo === 1 ? [event('Met Anna')] : [])],
          attributes: [
            attribute('tier', mpidLo <= 3 ? 'gold' : 'tin'),
            attribute('club', 'chess'),
            ...(mpidLo === 1 ? [attribute('note of Anna', 'x')] : []),
          ],
        },
        mpidLo,
      ),
    );
  }
  const told = (each: Suggestions) => ({
    names: each.names(ALL, ['custom']).map(({name}) => name),
    values: Object.fromEntries(
      each.fields(ALL, ([topic]) => topic === 'user').map(field => [field.attribute, field.values]),
    ),
  });
  expect(told(suggestions)).toEqual({
    names: ['Open', 'Met Anna'],
    values: {tier: ['gold'], club: ['chess'], 'note of Anna': []},
  });
  suggestions.takeKept();
  suggestions.forget(0, 99);
  expect(suggestions.takeKept()).toBeUndefined();
  suggestions.forget(0, 1);
  const left = {names: ['Open'], values: {tier: [], club: ['chess']}};
  expect(told(suggestions)).toEqual(left);
  const kept = JSON.stringify(suggestions.takeKept());
  expect(kept).not.toMatch(/Anna|gold/);
  expect(told(new Suggestions(JSON.parse(kept)))).toEqual(left);
});

test('products, devices, consent and places are learned; identities by type alone', () => {
  const suggestions = new Suggestions();
  for (let mpid = 1; mpid <= 3; mpid++) {
    suggestions.offer(
      record(
        {
          events: [
            event('purchase', ['$total_amount', 5], {
              kind: 'commerce',
              items: [['$product.brand', 'Acme']],
            }),
          ],
          device: ['platform', 'iOS'],
          consent: [{regulation: 'gdpr', purpose: 'marketing', consented: true, timeMs: NOW_MS}],
          identities: [{type: 'email', value: 'h.jekyll@example.com', sequence: 1}],
        },
        mpid,
      ),
    );
  }
  const under = (wanted: string) => suggestions.fields(ALL, ([topic]) => topic === wanted);
  expect(under('commerce')).toMatchObject([
    {attribute: '$total_amount', types: ['number'], values: ['5']},
    {attribute: '$product.brand', types: ['string'], values: ['Acme']},
  ]);
  expect(under('device')).toMatchObject([{attribute: 'platform', values: ['iOS']}]);
  expect(under('consent')).toMatchObject([{attribute: 'gdpr', values: ['marketing']}]);
  expect(under('identity')).toEqual([{attribute: 'email', types: [], values: [], count: 3}]);
  expect(JSON.stringify(suggestions.takeKept())).not.toContain('jekyll');
});

test('what is frequent is found among endless rare keys, in bounded memory', () => {
  const random = seededRandom(1);
  const keys = new TopKeys<null>(50);
  for (let i = 0; i < 100_000; i++) {
    const key = random() < 0.3 ? `often ${Math.floor(random() * 10)}` : `once ${i}`;
    keys.count(key, 1, () => null);
  }
  expect(keys.size).toBe(50);
  const found = [...keys].sort((a, b) => b.count - b.error - (a.count - a.error)).slice(0, 10);
  expect(found.map(({key}) => key).sort()).toEqual(
    Array.from({length: 10}, (_, i) => `often ${i}`),
  );
});

test('a fast stream is looked at in part, and counts in full', () => {
  const suggestions = new Suggestions();
  let looked = 0;
  const seconds = 10;
  for (let second = 0; second < seconds; second++) {
    for (let i = 0; i < 20_000; i++) {
      const fields: Fields = {
        // Read only when it is looked at.
        get length() {
          looked++;
          return 0;
        },
      } as unknown as Fields;
      suggestions.offer(
        record({events: [event('Open', fields)], arrivalMs: NOW_MS + second * 1000}),
      );
    }
  }
  expect(looked).toBeLessThan(2_000 * seconds);
  const [name] = suggestions.names(ALL, ['custom']);
  // The first second is a burst that nobody saw coming.
  const told = name!.count / (20_000 * (seconds - 1));
  expect(told).toBeGreaterThan(0.95);
  expect(told).toBeLessThan(1.15);
});
