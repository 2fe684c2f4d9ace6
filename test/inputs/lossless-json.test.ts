import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parseJson, UnreadableBody} from '../../server/inputs/lossless-json.ts';

function parse(text: string): unknown {
  return parseJson(Buffer.from(text));
}

function faultOf(text: string | Buffer): string {
  try {
    parseJson(Buffer.from(text as string));
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableBody);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('integers beyond 2^53 keep their digits', () => {
  test.each([
    ['{"mpid":7346244611012968789}', {mpid: 7346244611012968789n}],
    ['{"mpid":-1327484737295091692}', {mpid: -1327484737295091692n}],
    ['7346244611012968789', 7346244611012968789n],
    [
      ' [ -9223372036854775808 ,\n9223372036854775807 ] ',
      [-9223372036854775808n, 9223372036854775807n],
    ],
    ['{"a":{"b":[{"c":18446744073709551615}]}}', {a: {b: [{c: 18446744073709551615n}]}}],
    [
      '[9007199254740991,9007199254740992,-9007199254740991]',
      [9007199254740991, 9007199254740992n, -9007199254740991],
    ],
    ['[9007199254740993]', [9007199254740993n]],
    [
      '{"é":"ü","id":7346244611012968789,"z":"ñ 7346244611012968789"}',
      {é: 'ü', id: 7346244611012968789n, z: 'ñ 7346244611012968789'},
    ],
    ['{"x":1,"x":7346244611012968789}', {x: 7346244611012968789n}],
    ['{"x":7346244611012968789,"x":1}', {x: 1}],
  ])('%s', (text, value) => {
    expect(parse(text)).toEqual(value);
  });

  test.each([
    '"7346244611012968789"',
    '"a: 7346244611012968789,"',
    String.raw`"\" 7346244611012968789 "`,
    String.raw`["\\",{"7346244611012968789":"\\\"[7346244611012968789]"}]`,
    '[0.7346244611012968789,1e16,7346244611012968789.0,7346244611012968789e2,1234567890.1234567890123456]',
    '[734624461101296878901]',
    '[1700000000000,-1700000000000]',
  ])('%s is what JSON.parse makes of it', text => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test('at every offset and in every neighbourhood', () => {
    const big = fc.bigInt({min: -(2n ** 63n), max: 2n ** 64n - 1n});
    const text = fc.oneof(
      fc.string(),
      big.map(String),
      fc.constantFrom('"', '\\', 'é', '7346244611012968789'),
    );
    const leaf = fc.oneof(text, big, fc.boolean(), fc.constant(null), fc.integer());
    const tree = fc.letrec(tie => ({
      value: fc.oneof(
        {maxDepth: 4},
        leaf,
        fc.array(tie('value')),
        fc.dictionary(text, tie('value')),
      ),
    })).value;
    const space = fc.constantFrom('', ' ', '\n', '\t ');
    fc.assert(
      fc.property(tree, space, (value, gap) => {
        const expected = exact(value);
        expect(parse(written(value, gap))).toEqual(expected);
      }),
    );
  });
});

function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, exact(inner)]));
}

function written(value: unknown, gap: string): string {
  if (typeof value === 'bigint') return `${gap}${value}${gap}`;
  if (Array.isArray(value)) return `[${value.map(inner => written(inner, gap)).join(',')}${gap}]`;
  if (typeof value !== 'object' || value === null) return `${gap}${JSON.stringify(value)}${gap}`;
  const members = Object.entries(value).map(
    ([key, inner]) => `${gap}${JSON.stringify(key)}${gap}:${written(inner, gap)}`,
  );
  return `{${members.join(',')}${gap}}`;
}

describe('names that mean something to JavaScript', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''])(
    '%s is an own property',
    name => {
      const text = `{${JSON.stringify(name)}:{"polluted":true},"id":7346244611012968789}`;
      const value = parse(text) as object;
      expect(Object.keys(value)).toEqual([name, 'id']);
      expect(Object.getOwnPropertyDescriptor(value, name)?.value).toEqual({polluted: true});
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect('polluted' in {}).toBe(false);
    },
  );

  test('a big integer under __proto__ stays there', () => {
    const value = parse('{"__proto__":7346244611012968789}') as object;
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toBe(7346244611012968789n);
  });
});

describe('text', () => {
  test('a byte order mark is skipped', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({a: 1});
  });

  test('bytes that are no UTF-8 are refused rather than replaced', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xe9, 0x22]))).toThrow('not valid UTF-8');
  });

  test('an escaped half of a surrogate pair becomes the replacement character, a whole pair stays', () => {
    expect(parse(String.raw`{"\ud800":["\uD83D\uDE00","\udc00x"],"ok":"\\ud800"}`)).toEqual({
      '\ufffd': ['😀', '\ufffdx'],
      ok: '\\ud800',
    });
  });
});

describe('a body that is not JSON is refused with the place', () => {
  test.each([
    ['', 'it is empty'],
    [
      '{"events":[{"data":{"a":1,}}]}',
      'expected a key in double quotes at line 1, column 27 (in events[0].data.a)',
    ],
    ['{"events":[\n  {"x" 1}]}', 'expected ":" at line 2, column 8 (in events[0].x)'],
    ['[1 2]', 'expected "," or "]" at line 1, column 4 (in [0])'],
    ['{"a":tru}', 'expected a value at line 1, column 6 (in a)'],
    ['{"a":"x', 'a string that does not end at line 1, column 8 (in a)'],
    ['{"a":"\\x"}', 'an unknown escape in a string at line 1, column 7 (in a)'],
    ['{"a":"\n"}', 'a control character in a string at line 1, column 7 (in a)'],
    ['{"a":[1,', 'it ends too early at line 1, column 9 (in a[1])'],
    ['{} {}', 'nothing may follow the value at line 1, column 4'],
    ['{"a":01}', 'expected "," or "}" at line 1, column 7 (in a)'],
    ['[]]', 'nothing may follow the value at line 1, column 3'],
    ['{7346244611012968789:1}', 'expected a key in double quotes at line 1, column 2'],
    ['[00007346244611012968789]', 'expected "," or "]" at line 1, column 3 (in [0])'],
    ['[--7346244611012968789]', 'expected a value at line 1, column 2 (in [0])'],
    [
      '7346244611012968789 7346244611012968789',
      'nothing may follow the value at line 1, column 21',
    ],
  ])('%j', (text, fault) => {
    expect(faultOf(text)).toBe(`the body is not valid JSON: ${fault}`);
  });

  test('whatever JSON.parse refuses, and nothing else', () => {
    const piece = fc.constantFrom(
      ' ',
      '\n',
      ...String.raw`{ } [ ] , : " \ a 1 - . e null "a": 1234567890123456789`.split(' '),
    );
    fc.assert(
      fc.property(fc.array(piece, {maxLength: 12}), pieces => {
        const text = pieces.join('');
        if (isJson(text)) {
          parse(text);
          return;
        }
        const fault = faultOf(text);
        expect(fault).toMatch(
          /^the body is not valid JSON: (it is empty$|.* at line \d+, column \d+)/,
        );
        expect(fault).not.toContain('unreadable');
      }),
      {numRuns: 3_000},
    );
  });

  test('ten thousand levels crash nothing, whole or broken', () => {
    expect(Array.isArray(parse('['.repeat(10_000) + ']'.repeat(10_000)))).toBe(true);
    expect(faultOf('['.repeat(10_000))).toContain('nested deeper than 64 levels');
    expect(faultOf('{"a":'.repeat(10_000))).toContain('nested deeper than 64 levels');
    expect(faultOf('['.repeat(4_000_000))).toContain('nested deeper than 64 levels');
  });

  test('a megabyte of digits takes no time', () => {
    const startMs = performance.now();
    expect(parse(`[${'1234567890'.repeat(100_000)}]`)).toEqual([Infinity]);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
