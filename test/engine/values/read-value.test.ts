import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {foldCase} from '../../../engine/values/fold-case.ts';
import {
  readBoolean,
  readFolded,
  readInstantMs,
  readList,
  readNumber,
  readText,
} from '../../../engine/values/read-value.ts';
import {canonicalVersion, compareVersions, isVersion} from '../../../engine/values/version.ts';

describe('folding', () => {
  test.each([
    ['BLUE', 'blue'],
    ['ÉCOLE', 'école'],
    ['E\u0301cole', 'école'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
    ['σίσυφος', 'σίσυφοσ'],
    ['Straße', 'straße'],
    ['STRASSE', 'strasse'],
    ['ẞ', 'ß'],
    ['İ', 'i\u0307'],
    ['ı', 'ı'],
    ['\u212a', 'k'],
    ['日本', '日本'],
    ['𐐀', '𐐨'],
  ])('%j folds to %j', (text, folded) => {
    expect(foldCase(text)).toBe(folded);
  });

  test('what is folded stays as it is, for every character alone and under an accent', () => {
    for (let code = 0; code < 0x11000; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      for (const text of [String.fromCodePoint(code), `${String.fromCodePoint(code)}\u030c`]) {
        const folded = foldCase(text);
        if (foldCase(folded) !== folded) expect.unreachable(`U+${code.toString(16)}`);
      }
    }
  });

  test('upper, lower and mixed case fold alike', () => {
    const letters = fc.string({unit: fc.constantFrom(...Array.from('abcxyzäöéσλдя'))});
    fc.assert(
      fc.property(letters, text => {
        expect(foldCase(text.toUpperCase())).toBe(foldCase(text));
      }),
    );
  });
});

describe('text', () => {
  test.each([
    ['Blue', 'Blue'],
    [12.5, '12.5'],
    [1e21, '1e+21'],
    [-0, '0'],
    [true, 'true'],
    [null, undefined],
    [undefined, undefined],
    [['a'], undefined],
  ])('%j reads as %j', (value, text) => {
    expect(readText(value)).toBe(text);
    expect(readFolded(value)).toBe(text === undefined ? undefined : foldCase(text));
  });
});

describe('numbers', () => {
  test.each([
    ['12.50', 12.5],
    ['-3', -3],
    ['+3', 3],
    ['007', 7],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1_000],
    [' 12 ', 12],
    [7, 7],
  ])('%j reads as %d', (value, number) => {
    expect(readNumber(value)).toBe(number);
  });

  test.each([
    '',
    ' ',
    '0x10',
    '0b1',
    'Infinity',
    '-Infinity',
    'NaN',
    '1e999',
    '1,000',
    '12 34',
    '1_000',
    '12px',
    '٣',
    true,
    null,
    undefined,
    [1],
  ])('%j is no number', value => {
    expect(readNumber(value)).toBeUndefined();
  });
});

describe('booleans', () => {
  test.each([
    [true, true],
    ['TRUE', true],
    ['False', false],
    [1, undefined],
    ['1', undefined],
    ['yes', undefined],
    [' true', undefined],
    [null, undefined],
  ])('%j reads as %j', (value, boolean) => {
    expect(readBoolean(value)).toBe(boolean);
  });
});

describe('instants', () => {
  const noon = Date.UTC(2018, 8, 9, 13);
  test.each([
    ['2018-09-09', Date.UTC(2018, 8, 9)],
    ['2018-09-09T13:00', noon],
    ['2018-09-09T13:00:00', noon],
    ['2018-09-09 13:00:00', noon],
    ['2018-09-09T13:00:00Z', noon],
    ['2018-09-09t13:00:00z', noon],
    ['2018-09-09T15:00:00+02:00', noon],
    ['2018-09-09T15:00:00+0200', noon],
    ['2018-09-09T15:00:00+02', noon],
    ['2018-09-09T07:30:00-05:30', noon],
    ['2018-09-09T13:00:00.5Z', noon + 500],
    ['2018-09-09T13:00:00.1239999Z', noon + 123],
    ['2018-09-08T24:00:00Z', Date.UTC(2018, 8, 9)],
    ['1536498000000', noon],
    ['-1', -1],
    [noon, noon],
    [0, 0],
  ])('%j is an instant', (value, ms) => {
    expect(readInstantMs(value)).toBe(ms);
  });

  test.each([
    '2018-02-30',
    '2018-09-09T25:00',
    '2018-09-09T24:00:01',
    '2018-09-09T13:60',
    '2018-09-09T13:00:61Z',
    '2018-09-09T13',
    '2018-09-09T13:00:00+25:00',
    '2018-09',
    'September 9, 2018',
    '09/12/18',
    '1.5',
    '99999999999999999999',
    '',
    9e15,
    true,
    null,
    undefined,
    ['2018-09-09'],
  ])('%j is none', value => {
    expect(readInstantMs(value)).toBeUndefined();
  });

  test('every instant that the platform writes is read back', () => {
    fc.assert(
      fc.property(
        fc.date({min: new Date(-6e13), max: new Date(2e14), noInvalidDate: true}),
        date => {
          expect(readInstantMs(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });
});

describe('versions', () => {
  test.each([
    ['10.2', '10.10', -1],
    ['10.2', '10.2.0', 0],
    ['10', '10.0.0', 0],
    ['10.02', '10.2', 0],
    ['9', '10', -1],
    ['1.0.1', '1', 1],
    ['2.0', '1.99.99', 1],
    ['1.99999999999999999998', '1.99999999999999999999', -1],
  ])('%s against %s', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
    expect(Math.sign(compareVersions(b, a))).toBe(order === 0 ? 0 : -order);
  });

  test.each(['', '.', '1.', '.1', '1..2', 'v10', '10.2-beta', '10.x', ' 1', '１'])(
    '%j is no version',
    text => {
      expect(isVersion(text)).toBe(false);
    },
  );

  test('equal versions have one canonical text, and only those', () => {
    const version = fc
      .array(fc.constantFrom('0', '00', '1', '01', '2', '10', '010'), {minLength: 1, maxLength: 4})
      .map(parts => parts.join('.'));
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(canonicalVersion(a) === canonicalVersion(b)).toBe(compareVersions(a, b) === 0);
      }),
    );
  });
});

test('only a list is read as a list', () => {
  expect(readList(['a', 1])).toEqual(['a', 1]);
  for (const value of ['a', 1, true, null, undefined]) expect(readList(value)).toBeUndefined();
});
