/** Durations, calendar days and `when`, straight from the contract's table. */
import {isList, textIn} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';

export const DAY_MS = 86_400_000;
const UNIT_MS = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', DAY_MS],
  ['w', 7 * DAY_MS],
]);

/** undefined for anything that is not `"<integer><unit>"`. */
export function durationMs(text: string): number | undefined {
  const found = /^(\d+)([smhdw])$/.exec(text);
  return found ? Number(found[1]) * (UNIT_MS.get(found[2] ?? '') ?? Number.NaN) : undefined;
}

/** Midnight UTC of `YYYY-MM-DD`; undefined for anything else, days that do not exist included. */
export function dayMs(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00.000Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : ms;
}

function duration(value: Json | undefined): number {
  const ms = durationMs(textIn(value, 'duration'));
  if (ms === undefined) throw new Error(`not a duration: ${JSON.stringify(value)}`);
  return ms;
}

function day(value: Json | undefined): number {
  const ms = dayMs(textIn(value, 'date'));
  if (ms === undefined) throw new Error(`not a date: ${JSON.stringify(value)}`);
  return ms;
}

export {day as requiredDayMs, duration as requiredDurationMs};

/** One row of the table: `form` is its name, `operand` what stands beside it. */
export function formHolds(
  form: string,
  operand: Json | undefined,
  timeMs: number,
  nowMs: number,
): boolean {
  const pair = isList(operand) ? operand : [];
  switch (form) {
    case 'within_last':
      return nowMs - duration(operand) <= timeMs && timeMs <= nowMs;
    case 'between_ago': {
      const newer = Math.min(duration(pair[0]), duration(pair[1]));
      const older = Math.max(duration(pair[0]), duration(pair[1]));
      return nowMs - older <= timeMs && timeMs <= nowMs - newer;
    }
    case 'before':
      return timeMs < day(operand);
    case 'after':
      return timeMs >= day(operand);
    case 'on':
      return day(operand) <= timeMs && timeMs < day(operand) + DAY_MS;
    case 'between':
      return day(pair[0]) <= timeMs && timeMs < day(pair[1]) + DAY_MS;
    default:
      throw new Error(`unknown window ${form}`);
  }
}

/** No `when` is always true: the event retention is the caller's business. */
export function whenHolds(when: JsonObject | undefined, timeMs: number, nowMs: number): boolean {
  if (when === undefined) return true;
  return Object.entries(when).every(([form, operand]) => formHolds(form, operand, timeMs, nowMs));
}
