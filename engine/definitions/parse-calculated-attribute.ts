/**
 * Reads what a calculated attribute is made of from JSON that anybody may have written, with every
 * fault at once: which events, of which attribute, since when.
 */
import {dayStartMs} from '../values/calendar.ts';
import {durationText} from '../values/duration.ts';
import {
  type Calculation,
  type CalculatedAttributeSpec,
  takesAttribute,
} from './calculated-attribute.ts';
import type {EventFilter, Problem, When} from './definition.ts';
import {
  didYouMean,
  Faults,
  fieldOf,
  found,
  isObject,
  quoted,
  refuseUnknownFields,
} from './faults.ts';
import {parseAttribute} from './parse-attribute.ts';
import {EVENT_CRITERION_KINDS, OWN_FIELDS, parseFilter} from './parse-event-criterion.ts';
import {parseDuration} from './parse-when.ts';

export interface CalculatedAttributeJson {
  readonly workspace: number;
  readonly name: string;
  readonly calculation: Calculation;
  /** Kind, name or action, `event_type`, `where` and `inputs`, as in an event criterion. */
  readonly event: unknown;
  readonly attribute: unknown;
  /** `{"within": "30d"}` or `{"since": "2026-09-07"}`; absent: as long as events are kept. */
  readonly when: unknown;
}

export interface CalculatedAttributeContext {
  readonly eventRetentionMs: number;
  /** Whether the workspace has this input. */
  hasInput(id: number): boolean;
}

export function parseCalculatedAttribute(
  {workspace, name, calculation, event, attribute, when}: CalculatedAttributeJson,
  context: CalculatedAttributeContext,
): {readonly spec: CalculatedAttributeSpec} | {readonly problems: readonly Problem[]} {
  const faults = new Faults();
  const filter = parseEvent(event, workspace, context, faults);
  const valued = parseValued(attribute, calculation, faults);
  const window = parsePeriod(when, context.eventRetentionMs, faults);
  if (filter === undefined || window === undefined || faults.count > 0) {
    return {problems: faults.problems};
  }
  return {spec: {workspace, name, calculation, filter, attribute: valued, when: window}};
}

function parseEvent(
  json: unknown,
  workspace: number,
  context: CalculatedAttributeContext,
  faults: Faults,
): EventFilter | undefined {
  if (!isObject(json)) {
    return faults.at(
      'event',
      `must be an object like {"kind":"commerce","action":"purchase"}, not ${found(json)}`,
    );
  }
  const named = fieldOf(json, 'kind');
  const kind = EVENT_CRITERION_KINDS.find(each => each === named);
  if (kind === undefined) {
    const hint = typeof named === 'string' ? didYouMean(named, EVENT_CRITERION_KINDS) : '';
    return faults.at(
      'event.kind',
      `must be one of ${EVENT_CRITERION_KINDS.join(', ')}, not ${found(named)}${hint}`,
    );
  }
  refuseUnknownFields(json, ['kind', 'where', 'inputs', ...OWN_FIELDS[kind]], 'event', faults);
  return parseFilter(kind, json, 'event', {
    faults,
    context: {
      eventRetentionMs: context.eventRetentionMs,
      workspaces: [workspace],
      inputs: undefined,
      hasAudience: () => false,
      hasInput: id => context.hasInput(id),
      hasCalculatedAttribute: () => false,
      findCity: () => undefined,
    },
  });
}

function parseValued(json: unknown, calculation: Calculation, faults: Faults): string | undefined {
  if (takesAttribute(calculation)) return parseAttribute(json ?? undefined, 'attribute', faults);
  if (json === undefined || json === null) return undefined;
  return faults.at('attribute', `${quoted(calculation)} takes none: it looks at the events alone`);
}

/** `within_last` and `after` are the same windows by the names that criteria have for them. */
const PERIODS = ['within', 'since', 'within_last', 'after'];

function parsePeriod(json: unknown, longestMs: number, faults: Faults): When | undefined {
  if (json === undefined || json === null) return {kind: 'always'};
  if (!isObject(json)) {
    return faults.at('when', `must be an object like {"within":"30d"}, not ${found(json)}`);
  }
  refuseUnknownFields(json, PERIODS, 'when', faults);
  const named = PERIODS.filter(each => fieldOf(json, each) !== undefined);
  const [form] = named;
  if (form === undefined || named.length > 1) {
    return faults.at('when', 'needs exactly one of within and since');
  }
  const operand = fieldOf(json, form);
  const path = `when.${form}`;
  if (form === 'since' || form === 'after') {
    const fromMs = typeof operand === 'string' ? dayStartMs(operand) : undefined;
    if (fromMs !== undefined) return {kind: 'fixed', fromMs, toMs: Infinity};
    return faults.at(path, `must be a date that exists, like "2026-09-07", not ${found(operand)}`);
  }
  const olderMs = parseDuration(operand, path, faults);
  if (olderMs === undefined) return undefined;
  if (olderMs === 0) return faults.at(path, 'must be longer than 0');
  if (olderMs <= longestMs) return {kind: 'sliding', olderMs, newerMs: 0};
  return faults.at(
    path,
    `reaches back ${durationText(olderMs)}, but events are kept for ${durationText(longestMs)}`,
  );
}
