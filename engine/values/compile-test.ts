/**
 * A test on one value, compiled once and asked often. An absent value meets only `not_exists`, a tag
 * (null) only `exists`, and a value that does not read as the type of the test meets nothing, also
 * not the negative operators.
 */
import {unreachable} from '../assert.ts';
import type {Test} from '../definitions/definition.ts';
import type {Value} from '../record.ts';
import {compareNumber, holdsForOrder} from './compare-number.ts';
import {foldCase} from './fold-case.ts';
import {
  readBoolean,
  readFolded,
  readInstantMs,
  readList,
  readNumber,
  readVersion,
} from './read-value.ts';
import {compileTextTest} from './string-tests.ts';
import {compareVersions} from './version.ts';
import {windowChangesAtMs, windowHolds} from './window.ts';

export interface CompiledTest {
  /** undefined is an absent value. Tests that are not timed ignore nowMs. */
  holds(value: Value | undefined, nowMs: number): boolean;
  /** Earliest moment after nowMs at which `holds` changes for this value with no new data; Infinity. */
  changesAtMs(value: Value | undefined, nowMs: number): number;
  /** Whether the answer can change with time alone. */
  readonly timed: boolean;
}

type NumberTest = Extract<Test, {type: 'number'}>;
type VersionTest = Extract<Test, {type: 'version'}>;
type ListTest = Extract<Test, {type: 'list'}>;
type DateTest = Extract<Test, {type: 'date'}>;

export function compileTest(test: Test): CompiledTest {
  switch (test.type) {
    case 'any':
      return test.operator === 'exists'
        ? untimed(value => value !== undefined)
        : untimed(value => value === undefined);
    case 'string': {
      const meets = compileTextTest(test);
      return untimed(value => {
        const text = readFolded(value);
        return text !== undefined && meets(text);
      });
    }
    case 'number': {
      const meets = compileNumberTest(test);
      return untimed(value => {
        const number = readNumber(value);
        return number !== undefined && meets(number);
      });
    }
    case 'boolean':
      return untimed(value => readBoolean(value) === test.value);
    case 'date':
      return compileDateTest(test);
    case 'version': {
      const meets = compileVersionTest(test);
      return untimed(value => {
        const version = readVersion(value);
        return version !== undefined && meets(version);
      });
    }
    case 'list':
      return compileListTest(test);
    default:
      return unreachable(test);
  }
}

function untimed(holds: (value: Value | undefined) => boolean): CompiledTest {
  return {holds, changesAtMs: () => Infinity, timed: false};
}

function compileNumberTest(test: NumberTest): (number: number) => boolean {
  switch (test.operator) {
    case 'in':
    case 'not_in': {
      // A Set takes 0 and -0 for the same, as === does.
      const among = new Set(test.values);
      return test.operator === 'in' ? x => among.has(x) : x => !among.has(x);
    }
    default:
      return x => compareNumber(test, x);
  }
}

function compileVersionTest(test: VersionTest): (version: string) => boolean {
  switch (test.operator) {
    case 'in':
    case 'not_in': {
      const {values} = test;
      const among = (version: string) => values.some(each => compareVersions(version, each) === 0);
      return test.operator === 'in' ? among : version => !among(version);
    }
    case 'between':
      return version =>
        compareVersions(version, test.low) >= 0 && compareVersions(version, test.high) <= 0;
    default:
      return version => holdsForOrder(test.operator, compareVersions(version, test.value));
  }
}

/** Elements are compared as text, ignoring case; null elements have none. */
function compileListTest(test: ListTest): CompiledTest {
  if ('values' in test) {
    const among = new Set(test.values.map(foldCase));
    return someElement(text => among.has(text));
  }
  const wanted = foldCase(test.value);
  switch (test.operator) {
    case 'includes':
      return someElement(text => text === wanted);
    case 'partial_match':
      return someElement(text => text.includes(wanted));
    case 'not_includes':
      return untimed(value => {
        const list = readList(value);
        return list !== undefined && !list.some(element => readFolded(element) === wanted);
      });
    default:
      return unreachable(test);
  }
}

function someElement(meets: (text: string) => boolean): CompiledTest {
  return untimed(value => {
    const list = readList(value);
    if (list === undefined) return false;
    for (const element of list) {
      const text = readFolded(element);
      if (text !== undefined && meets(text)) return true;
    }
    return false;
  });
}

function compileDateTest({when}: DateTest): CompiledTest {
  return {
    timed: when.kind === 'sliding',
    holds(value, nowMs) {
      const timeMs = readInstantMs(value);
      return timeMs !== undefined && windowHolds(when, timeMs, nowMs);
    },
    changesAtMs(value, nowMs) {
      const timeMs = readInstantMs(value);
      return timeMs === undefined ? Infinity : windowChangesAtMs(when, timeMs, nowMs);
    },
  };
}
