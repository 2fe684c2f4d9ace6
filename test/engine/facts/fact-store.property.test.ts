/** Packed facts against maps of objects: the same changes, and after each the same is known. */
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  ATTRIBUTE,
  CONSENT,
  DEVICE,
  type FactKind,
  IDENTITY,
} from '../../../engine/facts/fact-names.ts';
import {FactStore} from '../../../engine/facts/fact-store.ts';
import type {Value} from '../../../engine/record.ts';

interface Known {
  value: Value | undefined;
  timeMs: number;
}

interface Profile {
  born: number;
  toldMs: number;
  scopes: {scope: number; firstMs: number; lastMs: number; facts: Map<string, Known>}[];
}

const KINDS = [ATTRIBUTE, IDENTITY, CONSENT, DEVICE] as const;
const ORDINALS = 6;

const value: fc.Arbitrary<Value | undefined> = fc.oneof(
  fc.constantFrom<Value | undefined>(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    2 ** 31,
    -(2 ** 31),
  ),
  fc.constantFrom('', 'gold', 'silver', 'é', 'ж', '\ud800', 'x'.repeat(9), 'ж'.repeat(5)),
  fc.double({noNaN: true}),
  fc.string({unit: 'binary', maxLength: 40}),
  fc.array(fc.constantFrom<string | number>('a', 'b', 1), {maxLength: 3}),
);

const change = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      ordinal: fc.nat(ORDINALS - 1),
      scope: fc.nat(2),
      of: fc.constantFrom(...KINDS),
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'constructor', '__proto__', ''),
      value,
      timeMs: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      // More names and times than there are numbers for.
      kind: fc.constant('set many' as const),
      ordinal: fc.nat(ORDINALS - 1),
      scope: fc.nat(2),
      from: fc.nat(200),
      count: fc.nat(160),
      timeMs: fc.nat(1000),
    }),
  },
  {weight: 1, arbitrary: fc.record({kind: fc.constant('release' as const), ordinal: fc.nat(5)})},
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('live' as const),
      ordinal: fc.nat(ORDINALS - 1),
      atMs: fc.nat(1000),
    }),
  },
);

function set(
  known: Map<string, Known>,
  key: string,
  {value: next, timeMs}: {value: Value | undefined; timeMs: number},
): boolean {
  const before = known.get(key);
  if (before !== undefined && timeMs < before.timeMs) return false;
  if (before === undefined) known.set(key, {value: next, timeMs});
  else {
    before.timeMs = timeMs;
    if (!isSame(before.value, next)) {
      before.value = next;
      return true;
    }
    return false;
  }
  return next !== undefined;
}

function isSame(a: Value | undefined, b: Value | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((element, i) => element === b[i]);
}

function selectOrAdd(store: FactStore, ordinal: number, model: Profile, scope: number): number {
  let index = model.scopes.findIndex(each => each.scope === scope);
  if (index < 0) {
    index = model.scopes.length;
    store.addScope(ordinal, scope);
    model.scopes.push({scope, firstMs: Infinity, lastMs: -Infinity, facts: new Map()});
  } else store.select(ordinal, index);
  return index;
}

function profileOf(store: FactStore, models: (Profile | undefined)[], ordinal: number): Profile {
  let model = models[ordinal];
  if (model === undefined) {
    model = {born: ordinal, toldMs: 0, scopes: []};
    models[ordinal] = model;
    store.add(ordinal, ordinal);
  }
  return model;
}

function expectSame(store: FactStore, models: readonly (Profile | undefined)[]): void {
  for (const [ordinal, model] of models.entries()) {
    if (store.has(ordinal) !== (model !== undefined)) expect(store.has(ordinal)).toBe(!model);
    if (model === undefined) continue;
    const found: Profile = {
      born: store.born(ordinal),
      toldMs: store.toldMs(ordinal),
      scopes: Array.from({length: store.scopeCount(ordinal)}, (_, index) => {
        store.select(ordinal, index);
        const facts = new Map<string, Known>();
        for (const kind of KINDS) {
          store.forEach(kind, (name, of, timeMs) =>
            facts.set(`${kind} ${name}`, {value: of, timeMs}),
          );
        }
        return {scope: store.scope, firstMs: store.firstMs, lastMs: store.lastMs, facts};
      }),
    };
    expect(found).toEqual(model);
    for (const [index, {facts}] of model.scopes.entries()) {
      store.select(ordinal, index);
      for (const [key, known] of facts) {
        const kind = Number(key[0]) as FactKind;
        expect(store.get(kind, key.slice(2))).toEqual(known.value);
        expect(store.timeOf(kind, key.slice(2))).toBe(known.timeMs);
      }
      expect(store.get(ATTRIBUTE, 'never said')).toBeUndefined();
      expect(store.timeOf(ATTRIBUTE, 'never said')).toBeNaN();
    }
  }
}

test('facts are known as maps of objects would know them', () => {
  fc.assert(
    fc.property(fc.array(change, {maxLength: 120}), changes => {
      const store = new FactStore();
      const models: (Profile | undefined)[] = Array.from({length: ORDINALS}, () => undefined);
      for (const each of changes) {
        const {ordinal} = each;
        if (each.kind === 'release') {
          if (models[ordinal] !== undefined) store.release(ordinal);
          models[ordinal] = undefined;
          continue;
        }
        const model = profileOf(store, models, ordinal);
        if (each.kind === 'live') {
          model.toldMs = each.atMs;
          store.setToldMs(ordinal, each.atMs);
          if (model.scopes.length === 0) continue;
          model.scopes[0]!.firstMs = each.atMs;
          store.select(ordinal, 0);
          store.firstMs = each.atMs;
        } else if (each.kind === 'set') {
          const index = selectOrAdd(store, ordinal, model, each.scope);
          const {facts} = model.scopes[index]!;
          const changed = set(facts, `${each.of} ${each.name}`, each);
          expect(store.set(each.of, each.name, each.value, each.timeMs)).toBe(changed);
        } else {
          const index = selectOrAdd(store, ordinal, model, each.scope);
          const {facts} = model.scopes[index]!;
          for (let i = 0; i < each.count; i++) {
            const fact = {value: i % 3 === 0 ? `text ${i}` : i / 2, timeMs: each.timeMs + i};
            const changed = set(facts, `${ATTRIBUTE} ${each.from + i}`, fact);
            expect(store.set(ATTRIBUTE, String(each.from + i), fact.value, fact.timeMs)).toBe(
              changed,
            );
          }
        }
      }
      expectSame(store, models);
      for (const [ordinal, model] of models.entries()) {
        if (model !== undefined) store.release(ordinal);
      }
      expect([store.names.count, store.values.texts.count]).toEqual([0, 0]);
    }),
    {numRuns: 150},
  );
});
