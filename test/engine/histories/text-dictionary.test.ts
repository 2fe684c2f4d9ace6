import fc from 'fast-check';
import {expect, test} from 'vitest';
import {TextDictionary} from '../../../engine/histories/text-dictionary.ts';

test('equal texts are one number, different ones are not, while any is in use', () => {
  const text = fc.constantFrom('', 'a', 'b', 'ab', '__proto__', 'constructor', 'ſ');
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.boolean()), {maxLength: 100}), steps => {
      const dictionary = new TextDictionary();
      const inUse = new Map<string, number[]>();
      for (const [each, acquires] of steps) {
        const ids = inUse.get(each) ?? [];
        if (acquires) {
          const id = dictionary.acquire(each);
          for (const known of ids) expect(known).toBe(id);
          for (const [other, others] of inUse) if (other !== each) expect(others).not.toContain(id);
          inUse.set(each, [...ids, id]);
        } else {
          const id = ids.pop();
          if (id !== undefined) dictionary.release(id);
          if (ids.length === 0) inUse.delete(each);
        }
        for (const [known, [id]] of inUse) expect(dictionary.text(id!)).toBe(known);
      }
    }),
  );
});

test('numbers are used again: they do not grow with what was forgotten', () => {
  const dictionary = new TextDictionary();
  const ids = new Set<number>();
  for (let n = 0; n < 1_000; n++) {
    const id = dictionary.acquire(`text ${n}`);
    ids.add(id);
    dictionary.release(id);
  }
  expect(ids.size).toBe(1);
});

test('a text that nobody holds is not known', () => {
  const dictionary = new TextDictionary();
  const id = dictionary.acquire('a');
  dictionary.release(id);
  expect(() => dictionary.text(id)).toThrow('a text in use is known');
});
