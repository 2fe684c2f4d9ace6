import fc from 'fast-check';
import {expect, test} from 'vitest';
import {AUDIENCE_ID_MAX, MembershipLists} from '../../../engine/profiles/membership-lists.ts';

const ordinal = fc.integer({min: 0, max: 3000});
const audience = fc.oneof(fc.integer({min: 1, max: 40}), fc.constant(AUDIENCE_ID_MAX));
const step = fc.record({
  ordinal: fc.oneof(fc.constantFrom(0, 1, 2), ordinal),
  audience,
  sinceMs: fc.oneof(
    fc.integer({min: 0, max: 2 ** 41}),
    fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 43 - 1),
  ),
  action: fc.constantFrom('flip', 'flip', 'flip', 'flip', 'release', 'restart'),
});

test('lists say what a map of maps says, whatever joins, leaves, goes or is written and read again', () => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 400}), steps => {
      const lists = new MembershipLists();
      const model = new Map<number, Map<number, number>>();
      for (const {ordinal: profile, audience: id, sinceMs, action} of steps) {
        const known = model.get(profile) ?? new Map<number, number>();
        model.set(profile, known);
        if (action === 'restart') {
          const words = lists.export(profile);
          lists.release(profile);
          lists.import(profile, words);
        } else if (action === 'release') {
          lists.release(profile);
          known.clear();
        } else if (known.delete(id)) lists.remove(profile, id);
        else {
          lists.add(profile, id, sinceMs);
          known.set(id, sinceMs);
        }
        const expected = [...known].sort(([a], [b]) => a - b).flat();
        expect(lists.list(profile)).toEqual(expected);
        expect(lists.sinceMs(profile, id)).toBe(known.get(id) ?? NaN);
      }
    }),
    {numRuns: 200},
  );
});

test('a profile can be in ten thousand audiences, and leaves the blocks that it outgrew to others', () => {
  const lists = new MembershipLists();
  for (let profile = 0; profile < 20; profile++) {
    for (let id = 1; id <= 10_000; id++) lists.add(profile, id, id * 1000);
    expect(lists.sinceMs(profile, 7777)).toBe(7_777_000);
    for (let id = 1; id <= 10_000; id += 2) lists.remove(profile, id);
    expect(lists.list(profile)).toHaveLength(10_000);
    lists.release(profile);
  }
  // One profile's worth of blocks, of every size on the way up.
  expect(lists.bytes).toBeLessThan(2_000_000);
});
