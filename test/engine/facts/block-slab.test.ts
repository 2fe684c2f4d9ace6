import fc from 'fast-check';
import {expect, test} from 'vitest';
import {BlockSlab, HEADER_WORDS} from '../../../engine/facts/block-slab.ts';

const step = fc.record({
  ordinal: fc.integer({min: 0, max: 140}),
  action: fc.constantFrom('grow', 'grow', 'grow', 'shrink', 'release'),
  pairs: fc.integer({min: 1, max: 12}),
});

test('blocks have what was put into them, whichever pages are emptied while they grow', () => {
  fc.assert(
    fc.property(fc.array(step, {minLength: 200, maxLength: 1200}), steps => {
      const slab = new BlockSlab();
      const model = new Map<number, number[]>();
      let next = 1;
      const put = (ordinal: number, count: number): void => {
        const known = model.get(ordinal)!;
        const values = Array.from({length: count}, () => next++);
        slab.open(ordinal);
        const at = slab.used;
        slab.insert(at, count);
        slab.words.set(values, slab.base + at);
        known.push(...values);
      };
      // More than the first, small page holds, so that it can be emptied.
      for (let ordinal = 0; ordinal <= 140; ordinal++) {
        slab.add(ordinal);
        model.set(ordinal, []);
        put(ordinal, 4);
      }
      for (const {ordinal, action, pairs} of steps) {
        const known = model.get(ordinal);
        if (known === undefined) {
          slab.add(ordinal);
          model.set(ordinal, []);
          put(ordinal, pairs * 2);
        } else if (action === 'grow') put(ordinal, pairs * 2);
        else if (action === 'shrink' && known.length >= pairs * 2) {
          slab.open(ordinal);
          slab.remove(HEADER_WORDS, pairs * 2);
          known.splice(0, pairs * 2);
        } else if (action === 'release') {
          slab.release(ordinal);
          model.delete(ordinal);
        }
      }
      for (const [ordinal, known] of model) {
        slab.open(ordinal);
        const from = slab.base + HEADER_WORDS;
        expect([...slab.words.subarray(from, slab.base + slab.used)]).toEqual(known);
      }
    }),
    {numRuns: 60},
  );
});

test('a block that grows on the page that is emptied by it keeps the room that was made for it', () => {
  const slab = new BlockSlab();
  const write = (ordinal: number, count: number): void => {
    slab.open(ordinal);
    const at = slab.used;
    slab.insert(at, count);
    slab.words.fill(ordinal + 1, slab.base + at, slab.base + at + count);
  };
  // Large blocks on the first page, and one of the size that is asked for later; then they are free.
  for (let ordinal = 0; ordinal < 10; ordinal++) {
    slab.add(ordinal);
    write(ordinal, ordinal === 0 ? 18 : 76);
  }
  const grown = 40;
  slab.add(grown);
  write(grown, 14);
  for (let ordinal = 0; ordinal < 10; ordinal++) slab.release(ordinal);
  // Small ones until the second page is begun: from then on the first may be emptied.
  const others = Array.from({length: 30}, (_, i) => 50 + i);
  for (const ordinal of others) {
    slab.add(ordinal);
    write(ordinal, 14);
  }
  write(grown, 4);
  for (const [ordinal, count] of [[grown, 18], ...others.map(each => [each, 14])]) {
    slab.open(ordinal!);
    expect(slab.used - HEADER_WORDS).toBe(count);
    const words = slab.words.subarray(slab.base + HEADER_WORDS, slab.base + slab.used);
    expect(words.every(word => word === ordinal! + 1)).toBe(true);
  }
});
