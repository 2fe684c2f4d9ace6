/**
 * Reads one raw value as what a field wants, leniently: numbers where text is documented and text where
 * numbers are, `null` as absent. What cannot be read is a fault, and then reads as absent.
 */
import type {Scalar, Value} from '../../engine/record.ts';
import {jsonText} from './decode-extra.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {LIST_ELEMENTS_MAX, TEXT_LENGTH_MAX, TIME_MS_MAX} from './decode-limits.ts';

export type RawObject = Readonly<Record<string, unknown>>;

export function isRawObject(raw: unknown): raw is RawObject {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** An empty array counts as an empty object: PHP encodes one so. */
export function readObject(raw: unknown, place: string, faults: Faults): RawObject | undefined {
  if (raw === undefined || raw === null) return undefined;
  if (typeof raw === 'object') {
    if (!Array.isArray(raw)) return raw as RawObject;
    if (raw.length === 0) return undefined;
  }
  faults.add(place, 'is not an object.');
  return undefined;
}

export function readList(
  raw: unknown,
  place: string,
  max: number,
  faults: Faults,
): readonly unknown[] | undefined {
  if (raw === undefined || raw === null) return undefined;
  if (!Array.isArray(raw)) {
    faults.add(place, 'is not an array.');
    return undefined;
  }
  if (raw.length <= max) return raw;
  faults.add(place, `has ${raw.length} elements, and ${max} is the limit.`);
  return undefined;
}

/** '' when absent. */
export function readText(raw: unknown, place: string, faults: Faults): string {
  switch (typeof raw) {
    case 'string':
      if (raw.length <= TEXT_LENGTH_MAX) return raw;
      faults.add(place, `is longer than ${TEXT_LENGTH_MAX} characters.`);
      return '';
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(raw);
    case 'undefined':
      return '';
    default:
      if (raw !== null) faults.add(place, 'is not text.');
      return '';
  }
}

/** Whole milliseconds. */
export function readTimeMs(raw: unknown, place: string, faults: Faults): number | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  const time = numberOf(raw);
  if (time >= -TIME_MS_MAX && time <= TIME_MS_MAX) return Math.floor(time);
  faults.add(place, 'is not a number of milliseconds since 1970.');
  return undefined;
}

export function readNumber(raw: unknown, place: string, faults: Faults): number | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  const number = numberOf(raw);
  if (Number.isFinite(number)) return number;
  faults.add(place, 'is not a number.');
  return undefined;
}

/** `true`, `1` and their texts; everything else is false. */
export function isTrue(raw: unknown): boolean {
  return raw === true || raw === 1 || raw === 'true' || raw === '1' || raw === 'True';
}

/** NaN for what is no number. */
export function numberOf(raw: unknown): number {
  if (typeof raw === 'number') return raw;
  if (typeof raw === 'string') return raw.trim() === '' ? NaN : Number(raw);
  return typeof raw === 'bigint' ? Number(raw) : NaN;
}

/** A price or a quantity: a number when it reads as one, else the text as sent; undefined when absent. */
export function readAmount(
  raw: unknown,
  place: string,
  faults: Faults,
): number | string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  const number = numberOf(raw);
  if (Number.isFinite(number)) return number;
  if (typeof raw === 'number') {
    faults.add(place, 'is a number out of range.');
    return undefined;
  }
  const text = readText(raw, place, faults);
  return text === '' ? undefined : text;
}

/** The value of attribute `name`. undefined: none, or a fault. */
export function readValue(
  raw: unknown,
  place: string,
  name: string,
  faults: Faults,
): Value | undefined {
  if (name.length > TEXT_LENGTH_MAX) {
    faults.add(memberPlace(place, name), `has a name longer than ${TEXT_LENGTH_MAX} characters.`);
    return undefined;
  }
  switch (typeof raw) {
    case 'string':
      if (raw.length <= TEXT_LENGTH_MAX) return raw;
      faults.add(memberPlace(place, name), `is longer than ${TEXT_LENGTH_MAX} characters.`);
      return undefined;
    case 'number':
      if (Number.isFinite(raw)) return raw;
      faults.add(memberPlace(place, name), 'is a number out of range.');
      return undefined;
    case 'boolean':
      return raw;
    case 'bigint':
      return String(raw);
    case 'object':
      if (raw === null) return null;
      if (Array.isArray(raw)) return readElements(raw, memberPlace(place, name), faults);
      return readNested(raw, memberPlace(place, name), faults);
    default:
      return undefined;
  }
}

/** No condition asks inside an object, and a batch is not lost for it: its JSON text is the value. */
function readNested(raw: object, place: string, faults: Faults): string | undefined {
  const text = jsonText(raw);
  if (text !== undefined && text.length <= TEXT_LENGTH_MAX) return text;
  faults.add(
    place,
    text === undefined
      ? 'is nested too deeply.'
      : `is longer than ${TEXT_LENGTH_MAX} characters as JSON.`,
  );
  return undefined;
}

function readElements(raw: readonly unknown[], place: string, faults: Faults): Value | undefined {
  if (raw.length > LIST_ELEMENTS_MAX) {
    faults.add(place, `has ${raw.length} elements, and ${LIST_ELEMENTS_MAX} is the limit.`);
    return undefined;
  }
  const elements: Scalar[] = [];
  for (let index = 0; index < raw.length; index++) {
    const element = readElement(raw[index]);
    if (typeof element === 'string' && element.length > TEXT_LENGTH_MAX) {
      faults.add(`${place}[${index}]`, `is longer than ${TEXT_LENGTH_MAX} characters.`);
    } else if (element === undefined) {
      faults.add(
        `${place}[${index}]`,
        'cannot be kept: a number out of range or too deeply nested.',
      );
    } else elements.push(element);
  }
  return elements;
}

/** What is no scalar is kept as its JSON text. */
function readElement(raw: unknown): Scalar | undefined {
  switch (typeof raw) {
    case 'string':
    case 'boolean':
      return raw;
    case 'number':
      return Number.isFinite(raw) ? raw : undefined;
    case 'bigint':
      return String(raw);
    default:
      return raw === null ? null : jsonText(raw);
  }
}
