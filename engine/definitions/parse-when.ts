/** Windows of time: `when` of criteria, and the date operators, which say the same of a value. */
import {DAY_MS, dayStartMs} from '../values/calendar.ts';
import {durationMs, durationText} from '../values/duration.ts';
import type {When} from './definition.ts';
import {didYouMean, found, isObject, memberPath, quoted} from './faults.ts';
import type {Faults} from './faults.ts';

export const WINDOW_FORMS = [
  'within_last',
  'between_ago',
  'before',
  'after',
  'on',
  'between',
] as const;
export type WindowForm = (typeof WINDOW_FORMS)[number];

/** `{"within_last": "7d"}` and the like: exactly one form. Absent is the caller's business. */
export function parseWhen(
  json: unknown,
  path: string,
  options: {readonly longestMs: number},
  faults: Faults,
): When | undefined {
  if (!isObject(json)) {
    return faults.at(path, `must be an object like {"within_last":"7d"}, not ${found(json)}`);
  }
  const keys = Object.keys(json);
  const forms = keys.filter(isWindowForm);
  for (const key of keys) {
    if (faults.isFull) break;
    if (isWindowForm(key)) continue;
    const hint = didYouMean(key, WINDOW_FORMS);
    faults.at(
      memberPath(path, key),
      `unknown window ${quoted(key)}${hint}; known are ${WINDOW_FORMS.join(', ')}`,
    );
  }
  const [form] = forms;
  if (form === undefined) {
    return keys.length > 0
      ? undefined
      : faults.at(path, `needs exactly one of ${WINDOW_FORMS.join(', ')}`);
  }
  if (forms.length > 1) {
    faults.at(path, `needs exactly one of ${WINDOW_FORMS.join(', ')}, not ${forms.length} of them`);
  }
  const windows = forms.map(each =>
    parseWindow(each, json[each], memberPath(path, each), options, faults),
  );
  return keys.length === 1 ? windows[0] : undefined;
}

export function isWindowForm(text: string): text is WindowForm {
  return (WINDOW_FORMS as readonly string[]).includes(text);
}

/** One form with its operand. `longestMs` bounds how far back sliding windows may look. */
export function parseWindow(
  form: WindowForm,
  operand: unknown,
  path: string,
  options: {readonly longestMs: number},
  faults: Faults,
): When | undefined {
  switch (form) {
    case 'within_last': {
      const olderMs = parseDuration(operand, path, faults);
      if (olderMs === undefined) return undefined;
      if (olderMs === 0) return faults.at(path, 'must be longer than 0');
      return sliding(olderMs, 0, path, options, faults);
    }
    case 'between_ago': {
      const pair = parsePair(operand, path, '["4d","6d"]', parseDuration, faults);
      if (pair === undefined) return undefined;
      const [newerMs, olderMs] = pair;
      if (newerMs > olderMs) {
        return faults.at(path, 'the shorter duration comes first, as in ["4d","6d"]');
      }
      return sliding(olderMs, newerMs, path, options, faults);
    }
    case 'before': {
      const dayMs = parseDay(operand, path, faults);
      return dayMs === undefined ? undefined : {kind: 'fixed', fromMs: -Infinity, toMs: dayMs};
    }
    case 'after': {
      const dayMs = parseDay(operand, path, faults);
      return dayMs === undefined ? undefined : {kind: 'fixed', fromMs: dayMs, toMs: Infinity};
    }
    case 'on': {
      const dayMs = parseDay(operand, path, faults);
      return dayMs === undefined ? undefined : {kind: 'fixed', fromMs: dayMs, toMs: dayMs + DAY_MS};
    }
    case 'between': {
      const pair = parsePair(operand, path, '["2018-09-07","2018-09-09"]', parseDay, faults);
      if (pair === undefined) return undefined;
      const [firstMs, lastMs] = pair;
      if (firstMs > lastMs) return faults.at(path, 'the earlier date comes first');
      return {kind: 'fixed', fromMs: firstMs, toMs: lastMs + DAY_MS};
    }
  }
}

function sliding(
  olderMs: number,
  newerMs: number,
  path: string,
  {longestMs}: {readonly longestMs: number},
  faults: Faults,
): When | undefined {
  if (olderMs > longestMs) {
    return faults.at(
      path,
      `reaches back ${durationText(olderMs)}, but events are kept for ${durationText(longestMs)}`,
    );
  }
  return {kind: 'sliding', olderMs, newerMs};
}

export function parseDuration(json: unknown, path: string, faults: Faults): number | undefined {
  const ms = typeof json === 'string' ? durationMs(json) : undefined;
  if (ms !== undefined) return ms;
  return faults.at(
    path,
    `must be a duration like "7d" (a whole number and one of s m h d w), not ${found(json)}`,
  );
}

function parseDay(json: unknown, path: string, faults: Faults): number | undefined {
  const ms = typeof json === 'string' ? dayStartMs(json) : undefined;
  if (ms !== undefined) return ms;
  return faults.at(path, `must be a date that exists, like "2018-09-07", not ${found(json)}`);
}

/** Both ends are looked at, so that both faults are told. */
export function parsePair<T>(
  json: unknown,
  path: string,
  example: string,
  parseEnd: (json: unknown, path: string, faults: Faults) => T | undefined,
  faults: Faults,
): readonly [T, T] | undefined {
  if (!Array.isArray(json) || json.length !== 2) {
    return faults.at(path, `must be a list of two, like ${example}, not ${found(json)}`);
  }
  const low = parseEnd(json[0], `${path}[0]`, faults);
  const high = parseEnd(json[1], `${path}[1]`, faults);
  return low === undefined || high === undefined ? undefined : [low, high];
}
