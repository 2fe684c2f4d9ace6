import fc from 'fast-check';
import {expect, test} from 'vitest';
import {TruthRows} from '../../../engine/profiles/truth-rows.ts';

/** On both sides of the edges of blocks of rows and of words. */
const ORDINALS = [0, 1, 4_095, 4_096, 4_097, 9_000];
const SLOTS = [0, 1, 31, 32, 63, 64, 127, 128, 300];
const END = 9_001;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      ordinal: fc.constantFrom(...ORDINALS),
      slot: fc.constantFrom(...SLOTS),
      value: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant('blank' as const),
    slot: fc.constantFrom(...SLOTS),
    value: fc.boolean(),
  }),
  fc.record({kind: fc.constant('reset' as const), ordinal: fc.constantFrom(...ORDINALS)}),
  fc.record({kind: fc.constant('clear' as const), ordinal: fc.constantFrom(...ORDINALS)}),
  fc.record({kind: fc.constant('widen' as const)}),
  fc.record({
    kind: fc.constant('move' as const),
    from: fc.constantFrom(...ORDINALS),
    to: fc.constantFrom(...ORDINALS),
  }),
);

test('bits are where they were put, while rows widen and blocks are added', () => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60}), steps => {
      const rows = new TruthRows();
      const model = new Map<number, Set<number>>(ORDINALS.map(ordinal => [ordinal, new Set()]));
      const blank = new Set<number>();
      for (const each of steps) {
        // Room is made for what is named, and no more: so that rows widen on the way.
        if ('slot' in each) rows.reserve(each.slot + 1);
        const bits = 'ordinal' in each ? model.get(each.ordinal)! : blank;
        switch (each.kind) {
          case 'set':
            rows.open(each.ordinal);
            rows.set(each.slot, each.value);
            if (each.value) bits.add(each.slot);
            else bits.delete(each.slot);
            expect(rows.bit(each.slot)).toBe(each.value ? 1 : 0);
            break;
          case 'blank':
            rows.setBlank(each.slot, each.value);
            if (each.value) blank.add(each.slot);
            else blank.delete(each.slot);
            break;
          case 'reset':
            rows.reset(each.ordinal);
            model.set(each.ordinal, new Set(blank));
            break;
          case 'clear':
            rows.clear(each.ordinal);
            model.set(each.ordinal, new Set());
            break;
          case 'widen':
            rows.widen();
            break;
          case 'move': {
            const words = rows.export(each.from);
            rows.open(each.to);
            rows.import(words);
            model.set(each.to, new Set(model.get(each.from)!));
            break;
          }
        }
      }
      rows.reserve(301);
      for (const slot of SLOTS) {
        const expected = ORDINALS.filter(ordinal => model.get(ordinal)!.has(slot));
        const found: number[] = [];
        rows.forEachSet(slot, END, ordinal => found.push(ordinal));
        expect(found).toEqual(expected);
        expect(ORDINALS.filter(ordinal => rows.get(ordinal, slot))).toEqual(expected);
        expect(rows.blank(slot)).toBe(blank.has(slot));
      }
    }),
    {numRuns: 60},
  );
});

test('there is room before it is needed, made a block at a time by whoever has the time', () => {
  const rows = new TruthRows();
  for (let ordinal = 0; ordinal < END; ordinal++) rows.reset(ordinal);
  expect(rows.widen()).toBe(false);
  // Four words, of which the last begins to be used.
  rows.reserve(97);
  rows.open(0);
  const {words} = rows;
  for (let block = 0; block < 3; block++) expect(rows.widen()).toBe(true);
  expect(rows.widen()).toBe(false);
  expect(rows.words).not.toBe(words);
  rows.set(96, true);
  const widened = rows.words;
  rows.reserve(129);
  rows.open(1);
  expect(rows.words).toBe(widened);
  rows.set(128, true);
  expect([rows.get(0, 96), rows.get(1, 96), rows.get(0, 128), rows.get(1, 128)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

test('the end is exclusive', () => {
  const rows = new TruthRows();
  rows.open(5);
  rows.set(3, true);
  const found: number[] = [];
  rows.forEachSet(3, 5, ordinal => found.push(ordinal));
  expect(found).toEqual([]);
  rows.forEachSet(3, 6, ordinal => found.push(ordinal));
  expect(found).toEqual([5]);
});
