import fc from 'fast-check';
import {expect, test} from 'vitest';
import {decodeCursor, encodeCursor} from '../../server/stream/cursor.ts';
import {Position} from '../../server/stream/position.ts';

const cursors = fc
  .record({
    feedId: fc.nat(2 ** 32 - 1),
    complete: fc.boolean(),
    shards: fc.array(fc.tuple(fc.maxSafeNat(), fc.oneof(fc.constant(0), fc.nat(2_000_000))), {
      maxLength: 70,
    }),
  })
  .map(({feedId, complete, shards}) => ({
    feedId,
    complete,
    position: new Position(
      shards.map(([watermark]) => watermark),
      shards.map(([, index]) => index),
    ),
  }));

test('a cursor is read as it was written', () => {
  fc.assert(
    fc.property(cursors, cursor => {
      const text = encodeCursor(cursor);
      expect(text).toMatch(/^[\w-]+$/);
      const read = decodeCursor(text);
      expect(read?.position.key).toBe(cursor.position.key);
      expect(read?.feedId).toBe(cursor.feedId);
      expect(read?.complete).toBe(cursor.complete);
    }),
  );
});

test('a cursor with one character changed, cut or added is no cursor', () => {
  fc.assert(
    fc.property(cursors, fc.nat(), fc.constantFrom('A', 'z', '_', '='), (cursor, at, other) => {
      const text = encodeCursor(cursor);
      const place = at % text.length;
      const changed = text.slice(0, place) + other + text.slice(place + 1);
      // The last character may carry bits that belong to no byte.
      if (place < text.length - 1 && changed !== text) {
        expect(decodeCursor(changed)).toBeUndefined();
      }
      expect(decodeCursor(text.slice(0, place))).toBeUndefined();
      expect(decodeCursor(`${text}AAAA`)).toBeUndefined();
    }),
  );
});

test('any text at all is survived', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(decodeCursor(text)).toBeUndefined();
    }),
  );
});
