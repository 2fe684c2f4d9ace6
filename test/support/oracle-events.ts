/** Criteria on events: every question is asked anew of every event that counts now. */
import {scopeOf} from '../../engine/ids.ts';
import type {Environment} from '../../engine/ids.ts';
import type {EventRecord, Fields, ProfileRecord, Value} from '../../engine/record.ts';
import {compareDecimals, plus, times, ZERO} from './oracle-decimal.ts';
import type {Decimal} from './oracle-decimal.ts';
import {isList, numberIn, numbersIn, objectIn, objectsIn, textIn} from './oracle-json.ts';
import type {JsonObject} from './oracle-json.ts';
import {requiredDurationMs, whenHolds} from './oracle-time.ts';
import {decimalIn, meets, meetsCompare, textOf} from './oracle-values.ts';

/** The audience that asks: what its criteria fall back on. */
export interface Asker {
  readonly workspaces: readonly number[];
  /** undefined: every input. */
  readonly inputs: readonly number[] | undefined;
  readonly environment: Environment;
}

/** One profile at one moment. */
export interface Sight {
  readonly nowMs: number;
  readonly eventRetentionMs: number;
  /** In the order in which they were applied. */
  readonly records: readonly ProfileRecord[];
}

export interface Happening {
  readonly event: EventRecord;
  readonly record: ProfileRecord;
}

export function scopesOf(criterion: JsonObject, asker: Asker): readonly number[] {
  const workspaces = numbersIn(criterion['workspaces'], 'workspaces') ?? asker.workspaces;
  return workspaces.map(workspace => scopeOf(workspace, asker.environment));
}

/** Whether a field's value is there: the last of its name, as an object would have it. */
export function fieldOf(fields: Fields, name: string): Value | undefined {
  let found: Value | undefined;
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) found = fields[at + 1];
  return found;
}

/** Events that the clock has reached and the retention still keeps, of the scopes and inputs given. */
function happenings(
  sight: Sight,
  scopes: readonly number[],
  inputs: readonly number[] | undefined,
): Happening[] {
  const found: Happening[] = [];
  for (const record of sight.records) {
    if (!scopes.includes(record.scope)) continue;
    if (inputs !== undefined && !inputs.includes(record.inputId)) continue;
    for (const event of record.events) {
      const ageMs = sight.nowMs - event.timeMs;
      if (ageMs >= 0 && ageMs <= sight.eventRetentionMs) found.push({event, record});
    }
  }
  return found;
}

const EVERY_INPUT = new Set<unknown>(['install', 'uninstall', 'upgrade', 'crash']);

function inputsOf(criterion: JsonObject, asker: Asker): readonly number[] | undefined {
  const own = numbersIn(criterion['inputs'], 'inputs');
  if (own !== undefined) return own;
  return EVERY_INPUT.has(criterion['kind']) ? undefined : asker.inputs;
}

/** The happenings that an event criterion, or a step of a sequence, is about: no window yet. */
export function matching(criterion: JsonObject, asker: Asker, sight: Sight): Happening[] {
  const candidates = happenings(sight, scopesOf(criterion, asker), inputsOf(criterion, asker));
  return candidates.filter(
    ({event}) => isOfKind(event, criterion) && meetsWhere(event, criterion, sight.nowMs),
  );
}

function isOfKind(event: EventRecord, criterion: JsonObject): boolean {
  switch (criterion['kind']) {
    case 'event': {
      const type = criterion['event_type'];
      return (
        event.kind === 'custom' &&
        event.name === criterion['name'] &&
        (type === undefined || event.type === textIn(type, 'event_type').toLowerCase())
      );
    }
    case 'attribution_event':
      return (
        event.kind === 'custom' && event.type === 'attribution' && event.name === criterion['name']
      );
    case 'commerce':
      return event.kind === 'commerce' && event.name === actionName(criterion['action']);
    case 'screen_view':
      return (
        event.kind === 'screen_view' &&
        (criterion['name'] === undefined || event.name === criterion['name'])
      );
    case 'session':
      return event.kind === (mentionsDuration(criterion) ? 'session_end' : 'session_start');
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
      return event.kind === criterion['kind'];
    default:
      throw new Error(`not an event criterion: ${JSON.stringify(criterion)}`);
  }
}

/** `remove_from_wish_list` is the odd spelling that clients send; records have the other. */
function actionName(action: unknown): string {
  const name = String(action).toLowerCase();
  return name === 'remove_from_wish_list' ? 'remove_from_wishlist' : name;
}

/** Only the end of a session knows how long it was. */
function mentionsDuration(criterion: JsonObject): boolean {
  const asked = conditionsOf(criterion).map(condition => condition['attribute']);
  if (criterion['measure'] !== undefined) asked.push(measureOf(criterion)['attribute']);
  return asked.includes('$session_duration_ms');
}

function conditionsOf(criterion: JsonObject): readonly JsonObject[] {
  return objectsIn(criterion['where'], 'where');
}

const ITEM_PREFIXES = ['$product.', '$promotion.'] as const;
type ItemPrefix = (typeof ITEM_PREFIXES)[number];

function meetsWhere(event: EventRecord, criterion: JsonObject, nowMs: number): boolean {
  const conditions = conditionsOf(criterion);
  const onEvent = conditions.filter(condition => itemPrefix(condition) === undefined);
  if (!meetsAll(event.fields, onEvent, nowMs)) return false;
  return ITEM_PREFIXES.every(
    prefix =>
      !conditions.some(condition => itemPrefix(condition) === prefix) ||
      matchingItems(event, criterion, prefix, nowMs).length > 0,
  );
}

function meetsAll(fields: Fields, conditions: readonly JsonObject[], nowMs: number): boolean {
  return conditions.every(condition =>
    meets(fieldOf(fields, textIn(condition['attribute'], 'attribute')), condition, nowMs),
  );
}

function itemPrefix({attribute}: JsonObject): ItemPrefix | undefined {
  return ITEM_PREFIXES.find(prefix => textIn(attribute, 'attribute').startsWith(prefix));
}

/** The products (or promotions) of the event that each meet all conditions on products. */
function matchingItems(
  event: EventRecord,
  criterion: JsonObject,
  prefix: ItemPrefix,
  nowMs: number,
): readonly Fields[] {
  const conditions = conditionsOf(criterion).filter(each => itemPrefix(each) === prefix);
  return event.items.filter(
    item =>
      item.some((name, at) => at % 2 === 0 && String(name).startsWith(prefix)) &&
      meetsAll(item, conditions, nowMs),
  );
}

function windowOf(criterion: JsonObject): JsonObject | undefined {
  return criterion['when'] === undefined ? undefined : objectIn(criterion['when'], 'when');
}

function measureOf(criterion: JsonObject): JsonObject {
  const measure = criterion['measure'];
  return measure === undefined ? {function: 'count'} : objectIn(measure, 'measure');
}

export function eventCriterionHolds(criterion: JsonObject, asker: Asker, sight: Sight): boolean {
  const counted = matching(criterion, asker, sight).filter(({event}) =>
    whenHolds(windowOf(criterion), event.timeMs, sight.nowMs),
  );
  const compare =
    criterion['compare'] === undefined ? undefined : objectIn(criterion['compare'], 'compare');
  const {function: name, attribute} = measureOf(criterion);
  if (name === 'count') {
    return meetsCompare({digits: BigInt(counted.length), scale: 0}, compare);
  }
  const values = measuredValues(counted, criterion, textIn(attribute, 'measure'), sight.nowMs);
  if (name === 'distinct') {
    const different = new Set(values.flatMap(value => textOf(value)?.toLowerCase() ?? []));
    return meetsCompare({digits: BigInt(different.size), scale: 0}, compare);
  }
  const numbers = values.flatMap(value => decimalIn(value) ?? []);
  const sum = numbers.reduce(plus, ZERO);
  if (name === 'sum') return meetsCompare(sum, compare);
  if (numbers.length === 0) return false;
  if (name === 'avg') return averageMeets(sum, numbers.length, compare);
  const sorted = numbers.toSorted(compareDecimals);
  const extreme = name === 'min' ? sorted[0] : sorted.at(-1);
  return extreme !== undefined && meetsCompare(extreme, compare);
}

/** sum / count against n is sum against n × count: no division, so no rounding. */
function averageMeets(sum: Decimal, count: number, compare: JsonObject | undefined): boolean {
  const {operator, value} = compare ?? {operator: 'greater_than', value: 0};
  const operands = (isList(value) ? value : [value]).map(each => numberIn(each, 'compare'));
  const [low, high] = operands.map(each => times(decimalIn(each) ?? ZERO, count));
  if (low === undefined) throw new Error('compare without a value');
  const order = compareDecimals(sum, low);
  switch (operator) {
    case 'equals':
      return order === 0;
    case 'not_equals':
      return order !== 0;
    case 'greater_than':
      return order > 0;
    case 'greater_or_equal':
      return order >= 0;
    case 'less_than':
      return order < 0;
    case 'less_or_equal':
      return order <= 0;
    case 'between':
      return order >= 0 && high !== undefined && compareDecimals(sum, high) <= 0;
    default:
      throw new Error(`unknown comparison ${JSON.stringify(operator)}`);
  }
}

/** One value for each event, or for each matching product of each event. */
export function measuredValues(
  counted: readonly Happening[],
  criterion: JsonObject,
  attribute: string,
  nowMs: number,
): (Value | undefined)[] {
  const prefix = itemPrefix({attribute});
  if (prefix === undefined) return counted.map(({event}) => fieldOf(event.fields, attribute));
  return counted.flatMap(({event}) =>
    matchingItems(event, criterion, prefix, nowMs).map(item => fieldOf(item, attribute)),
  );
}

const PRODUCT_ACTIONS = [
  'add_to_cart',
  'remove_from_cart',
  'checkout',
  'checkout_option',
  'click',
  'view_detail',
  'purchase',
  'refund',
  'add_to_wishlist',
  'remove_from_wishlist',
];

export function cartAbandonmentHolds(criterion: JsonObject, asker: Asker, sight: Sight): boolean {
  const carts = matching({...criterion, kind: 'commerce', action: 'add_to_cart'}, asker, sight);
  if (carts.length === 0) return false;
  const latest = Math.max(...carts.map(({event}) => event.timeMs));
  const until = isList(criterion['until']) ? criterion['until'] : ['purchase'];
  const ends = until.includes('any') ? PRODUCT_ACTIONS : until.map(actionName);
  const ended = happenings(sight, scopesOf(criterion, asker), inputsOf(criterion, asker)).some(
    ({event}) => event.kind === 'commerce' && ends.includes(event.name) && event.timeMs > latest,
  );
  return !ended && sight.nowMs >= latest + requiredDurationMs(criterion['wait']);
}

export function sequenceHolds(criterion: JsonObject, asker: Asker, sight: Sight): boolean {
  const steps = objectsIn(criterion['steps'], 'steps');
  /** Times at which the steps so far can end. */
  let ends: number[] | undefined;
  for (const step of steps) {
    const stepTimes = matching(inheriting(step, criterion), asker, sight).map(
      ({event}) => event.timeMs,
    );
    if (ends === undefined) {
      ends = stepTimes;
      continue;
    }
    const before = ends;
    const withinMs = requiredDurationMs(step['within']);
    ends = stepTimes.filter(timeMs =>
      before.some(earlier => earlier < timeMs && timeMs - earlier <= withinMs),
    );
  }
  return (ends ?? []).some(timeMs => whenHolds(windowOf(criterion), timeMs, sight.nowMs));
}

/** What the sequence says of workspaces and inputs holds for steps that say nothing of their own. */
function inheriting(step: JsonObject, sequence: JsonObject): JsonObject {
  const {workspaces = sequence['workspaces'], inputs} = step;
  const own = inputs ?? (EVERY_INPUT.has(step['kind']) ? undefined : sequence['inputs']);
  return {
    ...step,
    ...(workspaces === undefined ? {} : {workspaces}),
    ...(own === undefined ? {} : {inputs: own}),
  };
}
