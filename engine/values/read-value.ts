/**
 * How a value reads as each type; undefined where it does not, and then no condition of that type
 * holds. null (a tag) and undefined (absent) read as nothing.
 */
import type {Value} from '../record.ts';
import {civilMs} from './calendar.ts';
import {foldCase} from './fold-case.ts';
import {isVersion} from './version.ts';

/** Strings as they are, numbers and booleans as JSON writes them. A list has no text. */
export function readText(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** What text operators compare. */
export function readFolded(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return foldCase(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** Finite numbers, and strings that are a decimal number and nothing more but space around it. */
export function readNumber(value: Value | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' ? numberOf(value) : undefined;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** No hexadecimal, no Infinity, no empty text: only digits with a sign, a point and an exponent. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (!DECIMAL.test(trimmed)) return undefined;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : undefined;
}

/** Booleans, and "true" and "false" ignoring case. */
export function readBoolean(value: Value | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' || value.length > 5) return undefined;
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Dotted numbers, as text. */
export function readVersion(value: Value | undefined): string | undefined {
  const text = readText(value);
  return text !== undefined && isVersion(text) ? text : undefined;
}

/** Only a list is a list: one value is not a list of one. */
export function readList(
  value: Value | undefined,
): readonly (string | number | boolean | null)[] | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}

/** The farthest instant that has a date, on either side of 1970. */
const INSTANT_MS_MAX = 8.64e15;

/** Epoch milliseconds as a number or in digits, or ISO 8601 (see instantOf). */
export function readInstantMs(value: Value | undefined): number | undefined {
  if (typeof value === 'number') return withinDates(value);
  return typeof value === 'string' ? instantOf(value) : undefined;
}

const EPOCH_MS = /^[+-]?\d+$/;
const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/**
 * `2018-09-07`, `2018-09-07T13:00`, with seconds, a fraction (cut to milliseconds) and a zone (`Z`,
 * `+02`, `+0200`, `+02:00`; without one UTC); a space may stand for the T. All digits are epoch
 * milliseconds. A day or an hour that does not exist makes the text unreadable.
 */
function instantOf(text: string): number | undefined {
  if (EPOCH_MS.test(text)) return withinDates(Number(text));
  const parts = ISO_8601.exec(text);
  if (parts === null) return undefined;
  const dayMs = civilMs(Number(parts[1]), Number(parts[2]), Number(parts[3]));
  if (dayMs === undefined) return undefined;
  if (parts[4] === undefined) return dayMs;
  const hour = Number(parts[4]);
  const minute = Number(parts[5]);
  const second = Number(parts[6] ?? 0);
  const fractionMs = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
  if (minute > 59 || second > 59) return undefined;
  // 24:00 is the end of the day, and nothing after it.
  if (hour > 24 || (hour === 24 && minute + second + fractionMs > 0)) return undefined;
  const zoneMs = zoneOffsetMs(parts[8] ?? 'Z');
  if (zoneMs === undefined) return undefined;
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1_000 + fractionMs - zoneMs;
}

function zoneOffsetMs(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', ''));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function withinDates(ms: number): number | undefined {
  return Math.abs(ms) <= INSTANT_MS_MAX ? ms : undefined;
}
