/** Calculated attributes, read from their meaning: every value worked out anew from all events. */
import {environmentOf, workspaceOf} from '../../engine/ids.ts';
import type {Value} from '../../engine/record.ts';
import {compareDecimals, plus, ZERO} from './oracle-decimal.ts';
import type {Decimal} from './oracle-decimal.ts';
import {matching, measuredValues} from './oracle-events.ts';
import type {Sight} from './oracle-events.ts';
import {textIn} from './oracle-json.ts';
import type {JsonObject} from './oracle-json.ts';
import {requiredDayMs, requiredDurationMs} from './oracle-time.ts';
import {decimalIn, textOf} from './oracle-values.ts';

/** As the API takes it. */
export interface OracleCalculated {
  readonly name: string;
  readonly workspace: number;
  readonly calculation: string;
  readonly event: JsonObject;
  readonly attribute?: string;
  readonly when?: JsonObject;
}

interface Occurrence {
  readonly timeMs: number;
  readonly value: Value | undefined;
}

/** The scope is of the attribute's workspace. */
export function calculate(
  attribute: OracleCalculated,
  scope: number,
  sight: Sight,
): Value | undefined {
  const all = occurrences(attribute, scope, sight);
  const times = all.map(({timeMs}) => timeMs).toSorted((a, b) => a - b);
  const numbers = all.flatMap(({value}) => decimalIn(value) ?? []).toSorted(compareDecimals);
  const texts = inOrder(all);
  const sum = numbers.reduce(plus, ZERO);
  switch (attribute.calculation) {
    case 'count':
      return all.length;
    case 'sum':
      return numberOf(sum);
    case 'min':
      return numbers[0] && numberOf(numbers[0]);
    case 'max':
      return numbers.length > 0 ? numberOf(numbers.at(-1) ?? ZERO) : undefined;
    case 'average':
      return numbers.length > 0 ? quotient(sum, numbers.length) : undefined;
    case 'unique_values_count':
      return new Set(texts.map(lower)).size;
    case 'unique_list': {
      const first = firstDifferent(texts);
      return first.length > 0 ? first.toSorted(alphabetical) : undefined;
    }
    case 'most_frequent': {
      const count = (text: string): number =>
        texts.filter(each => lower(each) === lower(text)).length;
      return firstDifferent(texts).toSorted((a, b) => count(b) - count(a) || alphabetical(a, b))[0];
    }
    case 'first_occurrence':
      return texts[0];
    case 'last_occurrence':
      return inOrder(all.filter(each => each.timeMs === lastTextMs(all)))[0];
    case 'first_occurrence_timestamp':
      return times[0] === undefined ? undefined : new Date(times[0]).toISOString();
    case 'last_occurrence_timestamp': {
      const last = times.at(-1);
      return last === undefined ? undefined : new Date(last).toISOString();
    }
    default:
      throw new Error(`unknown calculation ${attribute.calculation}`);
  }
}

/** One for each event of the period, or for each value of it. */
function occurrences(
  {event, workspace, attribute, when}: OracleCalculated,
  scope: number,
  sight: Sight,
): Occurrence[] {
  if (workspaceOf(scope) !== workspace) throw new Error('asked in another workspace');
  const asker = {
    workspaces: [workspace],
    inputs: undefined,
    environment: environmentOf(scope),
  };
  // A length of sessions is asked of their ends, as a measure would.
  const criterion =
    attribute === undefined ? event : {...event, measure: {function: 'sum', attribute}};
  return matching(criterion, asker, sight)
    .filter(({event: {timeMs}}) => isInPeriod(when, timeMs, sight.nowMs))
    .flatMap(happening => {
      const {timeMs} = happening.event;
      if (attribute === undefined) return [{timeMs, value: undefined}];
      const values = measuredValues([happening], criterion, attribute, sight.nowMs);
      return values.map(value => ({timeMs, value}));
    });
}

function isInPeriod(when: JsonObject | undefined, timeMs: number, nowMs: number): boolean {
  if (when === undefined) return true;
  if (when['within'] !== undefined) return nowMs - timeMs <= requiredDurationMs(when['within']);
  return timeMs >= requiredDayMs(when['since']);
}

/** Values that are text, by time; at one time by the alphabet. */
function inOrder(all: readonly Occurrence[]): string[] {
  return all
    .flatMap(({timeMs, value}) => {
      const text = textOf(value);
      return text === undefined ? [] : [{timeMs, text}];
    })
    .toSorted((a, b) => a.timeMs - b.timeMs || alphabetical(a.text, b.text))
    .map(({text}) => text);
}

function lastTextMs(all: readonly Occurrence[]): number {
  const timed = all.filter(({value}) => textOf(value) !== undefined);
  return Math.max(...timed.map(({timeMs}) => timeMs));
}

/** At most a hundred values that differ in more than case, each in its first spelling. */
function firstDifferent(texts: readonly string[]): string[] {
  const found: string[] = [];
  for (const text of texts) {
    if (found.length < 100 && !found.some(each => lower(each) === lower(text))) found.push(text);
  }
  return found;
}

function lower(text: string): string {
  return text.toLowerCase();
}

function alphabetical(a: string, b: string): number {
  const order = lower(a) === lower(b) ? [a, b] : [lower(a), lower(b)];
  return textIn(order[0], 'text') < textIn(order[1], 'text') ? -1 : order[0] === order[1] ? 0 : 1;
}

function numberOf({digits, scale}: Decimal): number {
  return Number(`${digits}e-${scale}`);
}

function quotient({digits, scale}: Decimal, count: number): number {
  return Number(`${(digits * 10n ** 40n) / BigInt(count)}e-${scale + 40}`);
}
