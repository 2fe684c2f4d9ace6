/** What is gone is gone from memory, and memory follows what is there. */
import {expect, test} from 'vitest';
import {ATTRIBUTE, IDENTITY} from '../../../engine/facts/fact-names.ts';
import {FactStore} from '../../../engine/facts/fact-store.ts';
import {scopeOf} from '../../../engine/ids.ts';
import {Shard} from '../../../engine/shard.ts';
import type {ProfileRecord, Value} from '../../../engine/record.ts';

const NAME = 'Utterson';
const WIDE_NAME = 'Аттерсон';

function isIn(store: FactStore, text: string): boolean {
  const spellings = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le')];
  return store
    .memory()
    .some(page => spellings.some(spelling => Buffer.from(page.buffer).includes(spelling)));
}

function record(profile: number, attributes: Readonly<Record<string, Value>>): ProfileRecord {
  return {
    mpidHi: 0,
    mpidLo: profile,
    scope: scopeOf(1, 'production'),
    inputId: 1,
    arrivalMs: 1000,
    batchMs: 1000,
    events: [],
    attributes: Object.entries(attributes).map(([name, value]) => ({name, value, timeMs: 1000})),
    identities: [{type: 'email', value: `${NAME}@example.com`, sequence: profile}],
    consent: [],
    device: [],
    location: undefined,
    seen: [],
    extra: '',
  };
}

function shard(): Shard {
  return new Shard({eventRetentionMs: 1e9, profileRetentionMs: 1e9, startMs: 0});
}

test('nothing of an erased profile is left in memory', () => {
  const {facts} = fill(3);
  expect(isIn(facts, NAME)).toBe(true);
  expect(isIn(facts, WIDE_NAME)).toBe(true);
  expect(facts.values.texts.count).toBe(0);

  const often = fill(12);
  expect(often.facts.values.texts.count).toBeGreaterThan(0);
  for (let profile = 1; profile <= 12; profile++) often.erase(0, profile, 2000);
  expect(isIn(often.facts, NAME)).toBe(false);
  expect(isIn(often.facts, WIDE_NAME)).toBe(false);
  expect(often.facts.values.texts.count).toBe(0);
  expect(often.facts.names.count).toBe(0);
});

/** So many profiles with the same name, and one attribute each that is called by it. */
function fill(profiles: number): Shard {
  const filled = shard();
  for (let profile = 1; profile <= profiles; profile++) {
    const attributes = {name: NAME, [`${NAME} ${profile}`]: 1, wide: WIDE_NAME, number: 0.5};
    filled.apply(record(profile, attributes), 1000);
  }
  return filled;
}

test('a value that gives way to another leaves nothing behind', () => {
  const store = new FactStore();
  store.add(0, 0);
  store.addScope(0, 2);
  for (const value of [`${NAME} and ${WIDE_NAME}`, `Mr ${NAME}`, WIDE_NAME, NAME, 'Hyde', 7]) {
    store.set(ATTRIBUTE, 'name', value, 1);
    expect(store.get(ATTRIBUTE, 'name')).toBe(value);
  }
  expect([isIn(store, NAME), isIn(store, WIDE_NAME), isIn(store, 'Hyde')]).toEqual([
    false,
    false,
    false,
  ]);
});

test('a block that has moved leaves nothing behind', () => {
  const store = new FactStore();
  store.add(0, 0);
  store.addScope(0, 2);
  store.set(IDENTITY, 'email', NAME, 1);
  for (let i = 0; i < 5000; i++) store.set(ATTRIBUTE, `a ${i}`, `some long text ${i}`, i);
  store.set(IDENTITY, 'email', 'Hyde', 2);
  expect(isIn(store, NAME)).toBe(false);
  expect(store.get(ATTRIBUTE, 'a 4999')).toBe('some long text 4999');
});

test('what is freed is used again, and pages that are mostly free are given back', () => {
  const store = new FactStore();
  const PROFILES = 20_000;
  const set = (ordinal: number, facts: number): void => {
    if (!store.has(ordinal)) {
      store.add(ordinal, 0);
      store.addScope(ordinal, 2);
    }
    store.select(ordinal, 0);
    for (let i = 0; i < facts; i++) store.set(ATTRIBUTE, `a ${i}`, i + ordinal, 1);
  };
  for (let ordinal = 0; ordinal < PROFILES; ordinal++) set(ordinal, 8);
  const small = store.byteLength;
  expect(small / PROFILES).toBeLessThan(200);
  for (let ordinal = 0; ordinal < PROFILES; ordinal++) set(ordinal, 30);
  const large = store.byteLength;
  // The blocks that all have outgrown are of no use to anybody.
  expect(large / PROFILES).toBeLessThan(450);
  for (let ordinal = 0; ordinal < PROFILES; ordinal++) {
    if (ordinal % 10 !== 0) store.release(ordinal);
  }
  expect(store.byteLength).toBeLessThan(large / 3);
  for (let ordinal = 0; ordinal < PROFILES; ordinal += 10) {
    store.select(ordinal, 0);
    expect(store.get(ATTRIBUTE, 'a 29')).toBe(29 + ordinal);
  }
});

test('names and texts of others are kept', () => {
  const kept = fill(12);
  kept.erase(0, 1, 2000);
  const data = kept.data(kept.table.find(0, 2))!.find(scopeOf(1, 'production'))!;
  expect(data.attribute('name')).toBe(NAME);
  expect(data.attribute('wide')).toBe(WIDE_NAME);
  expect(data.identity('email')).toBe(`${NAME}@example.com`);
  expect(data.attribute(`${NAME} 2`)).toBe(1);
});
