import * as fc from 'fast-check';
import {Packr} from 'msgpackr';
import {describe, expect, test} from 'vitest';
import {parseMsgpack, UnreadableBody} from '../../server/inputs/lossless-json.ts';

const packr = new Packr({useRecords: false, variableMapSize: true});

function pack(value: unknown): Buffer {
  return packr.pack(value);
}

function faultOf(bytes: Buffer): string {
  try {
    parseMsgpack(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableBody);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('messages that JSON could say', () => {
  test.each([
    [{events: [{event_type: 'custom_event', data: {event_name: 'x'.repeat(300)}}]}],
    [{mpid: 7346244611012968789n, neg: -1327484737295091692n, safe: 9007199254740991, small: -5}],
    [
      [
        0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, -1, -32, -33, -129,
        -32_769,
      ],
    ],
    [[64, 65, 100, 127]],
    [[1.5, -0.1, true, false, null, '', 'é', '😀'.repeat(40)]],
    [Array.from({length: 70_000}, (_, index) => index)],
  ])('round trip %#', value => {
    expect(parseMsgpack(pack(value))).toEqual(value);
  });

  test('an unsigned 64-bit number that is exact as a double is a number', () => {
    expect(parseMsgpack(Buffer.from('cf0000018bcfe56800', 'hex'))).toBe(1700000000000);
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    '%s is an own property with its own name',
    name => {
      const value = parseMsgpack(pack(new Map([[name, new Map([['polluted', true]])]]))) as object;
      expect(Object.keys(value)).toEqual([name]);
      expect(Object.getOwnPropertyDescriptor(value, name)?.value).toEqual({polluted: true});
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    },
  );

  test('arbitrary trees', () => {
    const tree = fc.letrec(tie => ({
      value: fc.oneof(
        {maxDepth: 5},
        fc.oneof(
          fc.string({unit: 'binary'}),
          fc.integer(),
          fc.double({noNaN: true}),
          fc.boolean(),
          fc.constant(null),
        ),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(tree, value => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(parseMsgpack(pack(plain))).toEqual(plain);
      }),
    );
  });
});

describe('messages that would hurt are refused before they are decoded', () => {
  test('three thousand bytes of nested array headers', () => {
    const bytes = Buffer.alloc(3_000);
    for (let at = 0; at + 5 <= bytes.length; at += 5) {
      bytes[at] = 0xdd;
      bytes.writeUInt32BE(bytes.length - at - 5, at + 1);
    }
    const heapBefore = process.memoryUsage().heapUsed;
    const startMs = performance.now();
    expect(faultOf(bytes)).toContain('more elements declared than there are bytes at byte 5');
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(10_000_000);
  });

  test.each([
    [
      'depth',
      Buffer.from([...new Array<number>(65).fill(0x91), 0xc0]),
      'nested deeper than 64 levels',
    ],
    ['a map that claims four billion', Buffer.from('dfffffffff', 'hex'), 'more elements declared'],
    [
      'a string that claims four billion',
      Buffer.from('dbffffffff', 'hex'),
      'a string longer than the message',
    ],
    ['a date', Buffer.from('d6ff65537f00', 'hex'), 'an extension type'],
    ['a big extension', Buffer.from('c9000000010000', 'hex'), 'an extension type'],
    ['binary', Buffer.from('c40101', 'hex'), 'binary data'],
    ['the unused byte', Buffer.from('c1', 'hex'), 'never uses'],
    ['a number as key', Buffer.from('8101c0', 'hex'), 'a key that is not a string at byte 1'],
    ['an array as key', Buffer.from('8190c0', 'hex'), 'a key that is not a string'],
    ['nothing', Buffer.alloc(0), 'it ends too early, at byte 0'],
    ['half a number', Buffer.from('cf0000', 'hex'), 'a number that ends too early'],
    ['half a length', Buffer.from('da00', 'hex'), 'a length that ends too early'],
    ['two values', Buffer.from('c0c0', 'hex'), 'nothing may follow the value at byte 1'],
    ['text that is no UTF-8', Buffer.from('a1ff', 'hex'), 'not valid UTF-8'],
    ['half a surrogate pair', Buffer.from('a3eda080', 'hex'), 'not valid UTF-8'],
  ])('%s', (_name, bytes, fault) => {
    expect(faultOf(bytes)).toContain(fault);
  });

  test('any bytes are a value or refused', () => {
    const token = fc.constantFrom(
      0x80,
      0x81,
      0x90,
      0x92,
      0xa1,
      0xc0,
      0xcf,
      0xd9,
      0xdc,
      0xdd,
      0xde,
      0xdf,
      0x01,
      0x45,
    );
    const byte = fc.oneof(fc.integer({min: 0, max: 255}), token);
    fc.assert(
      fc.property(fc.array(byte, {maxLength: 40}), bytes => {
        try {
          parseMsgpack(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableBody);
        }
      }),
      {numRuns: 3_000},
    );
  });
});
