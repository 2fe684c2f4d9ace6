import fc from 'fast-check';
import {expect, test} from 'vitest';
import {Bitmap} from '../../../engine/bitmaps/bitmap.ts';
import {Random} from '../../support/arbitraries-random.ts';

/** Densities on both sides of where a bitmap changes what it is, and the borders of words and containers. */
const UNIVERSES = [1, 31, 32, 1000, 65_536, 70_000, 200_000];
const DENSITIES = [0, 0.001, 0.012, 0.013, 0.024, 0.026, 0.1, 0.9, 1];

interface Action {
  readonly kind: 'add' | 'remove';
  readonly seed: number;
  readonly density: number;
  /** Beyond the universe, which has to grow. */
  readonly wild: readonly number[];
}

const action = fc.record<Action>({
  kind: fc.constantFrom('add', 'remove'),
  seed: fc.nat(),
  density: fc.constantFrom(...DENSITIES),
  wild: fc.array(fc.oneof(fc.nat(2 ** 20), fc.constantFrom(2 ** 31, 2 ** 32 - 1)), {maxLength: 2}),
});

function ordinals(universe: number, {seed, density, wild}: Omit<Action, 'kind'>): Uint32Array {
  const random = new Random(seed);
  const chosen = new Set(wild);
  for (let ordinal = 0; ordinal < universe; ordinal++) {
    if (random.int(0, 9999) < density * 10_000) chosen.add(ordinal);
  }
  return Uint32Array.from(chosen).sort();
}

function expectSame(bitmap: Bitmap, model: Set<number>, universe: number): void {
  expect(bitmap.size).toBe(model.size);
  const expected = Uint32Array.from(model).sort();
  const actual: number[] = [];
  bitmap.forEach(ordinal => actual.push(ordinal));
  expect(Buffer.from(Uint32Array.from(actual).buffer).equals(Buffer.from(expected.buffer))).toBe(
    true,
  );
  const asked = [0, 31, 32, universe, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1];
  expect(asked.filter(each => bitmap.has(each))).toEqual(asked.filter(each => model.has(each)));
  const words = new Uint32Array(64).fill(0xffffffff);
  for (const from of [0, 32, 65_536 - 1024, 65_536, Math.floor(universe / 32) * 32]) {
    bitmap.readWords(from, words);
    for (let i = 0; i < 64 * 32; i++) {
      const isSet = ((words[i >>> 5]! >>> (i & 31)) & 1) === 1;
      if (isSet !== model.has(from + i)) throw new Error(`${from + i} is ${isSet} in its word`);
    }
  }
}

test('a bitmap holds what a set would, whatever it is inside', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...UNIVERSES),
      fc.boolean(),
      fc.array(action, {minLength: 1, maxLength: 6}),
      (universe, fromWords, [first, ...actions]) => {
        const start = ordinals(universe, {...first!, wild: []});
        const model = new Set(start);
        const words = new Uint32Array((universe + 31) >>> 5);
        for (const ordinal of start) words[ordinal >>> 5]! |= 1 << (ordinal & 31);
        const bitmap = fromWords
          ? Bitmap.fromWords(words, universe)
          : Bitmap.fromSorted(start, universe);
        expectSame(bitmap, model, universe);
        for (const each of actions) {
          const run = ordinals(universe, each);
          bitmap[each.kind](run);
          for (const ordinal of run) {
            if (each.kind === 'add') model.add(ordinal);
            else model.delete(ordinal);
          }
          expectSame(bitmap, model, universe);
        }
        bitmap.dispose();
      },
    ),
    {numRuns: 150},
  );
});

test('few of many take two bytes each, many of them a bit for everybody', () => {
  const universe = 1_000_000;
  const every = (step: number): Bitmap =>
    Bitmap.fromSorted(
      Uint32Array.from({length: universe / step}, (_, i) => i * step),
      universe,
    );
  const few = every(100);
  const many = every(10);
  expect(few.bytes).toBeLessThan(10_000 * 2 + 500);
  expect(many.bytes).toBe(universe / 8);
  // Far from one another, they must not take a bit for everybody between them.
  many.add(Uint32Array.of(2 ** 32 - 1));
  expect(many.bytes).toBeLessThan(300_000);
  expect(many.size).toBe(100_001);
  few.dispose();
  many.dispose();
});
