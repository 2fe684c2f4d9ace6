/** Criteria on events: single kinds with window and measure, cart abandonment, sequences. */
import type {
  CartAbandonmentCriterion,
  Condition,
  EventCriterion,
  EventCriterionKind,
  EventFilter,
  SequenceCriterion,
  When,
} from './definition.ts';
import {didYouMean, fieldOf, found, isObject, quoted, refuseUnknownFields} from './faults.ts';
import type {JsonObject} from './faults.ts';
import {parseAttribute, parseName} from './parse-attribute.ts';
import {parseWord} from './parse-profile-criterion.ts';
import {parseCompare, parseMeasure} from './parse-measure.ts';
import {parseInputs, parseWorkspaces} from './parse-scope.ts';
import type {Parsing} from './parse-scope.ts';
import {parseTest, TEST_FIELDS} from './parse-test.ts';
import {parseDuration, parseWhen} from './parse-when.ts';
import {
  canonicalAction,
  COMMERCE_ACTIONS,
  EVENT_TYPES,
  PRODUCT_ACTIONS,
  VERSION_FIELDS,
} from './vocabulary.ts';

/** Conditions of one `where`, and steps of one sequence. */
const CONDITIONS_MAX = 100;
const STEPS_MAX = 50;

/** Beside kind, where, workspaces and inputs. */
export const OWN_FIELDS: {readonly [kind in EventCriterionKind]: readonly string[]} = {
  event: ['name', 'event_type'],
  commerce: ['action'],
  screen_view: ['name'],
  session: [],
  crash: [],
  install: [],
  uninstall: [],
  upgrade: [],
  attribution_event: ['name'],
};

export const EVENT_CRITERION_KINDS = Object.keys(OWN_FIELDS) as readonly EventCriterionKind[];

/** These take every input of the workspaces, whatever the audience's inputs are. */
const EVERY_INPUT: ReadonlySet<EventCriterionKind> = new Set([
  'crash',
  'install',
  'uninstall',
  'upgrade',
]);

const FILTER_FIELDS = ['kind', 'where', 'workspaces', 'inputs'];

export function parseEventCriterion(
  kind: EventCriterionKind,
  object: JsonObject,
  path: string,
  parsing: Parsing,
): EventCriterion | undefined {
  const {faults} = parsing;
  const known = [...FILTER_FIELDS, ...OWN_FIELDS[kind], 'when', 'measure', 'compare'];
  refuseUnknownFields(object, known, path, faults);
  const filter = parseFilter(kind, object, path, parsing);
  const when = parseEventWhen(object, path, parsing);
  const measure = parseMeasure(fieldOf(object, 'measure'), `${path}.measure`, faults);
  const compare = parseCompare(fieldOf(object, 'compare'), `${path}.compare`, faults);
  if (!filter || !when || !measure || !compare) return undefined;
  return {...filter, when, measure, compare};
}

export function parseFilter(
  kind: EventCriterionKind,
  object: JsonObject,
  path: string,
  parsing: Parsing,
): EventFilter | undefined {
  const {faults} = parsing;
  const before = faults.count;
  const filter: EventFilter = {
    kind,
    name: parseEventName(kind, object, path, parsing),
    eventType: parseEventType(kind, object, path, parsing),
    where: parseWhere(object, path, parsing),
    workspaces: parseWorkspaces(object, path, parsing),
    inputs: parseInputs(object, path, parsing, {anyOfWorkspaces: EVERY_INPUT.has(kind)}),
  };
  return faults.count === before ? filter : undefined;
}

function parseEventName(
  kind: EventCriterionKind,
  object: JsonObject,
  path: string,
  {faults}: Parsing,
): string | undefined {
  switch (kind) {
    case 'event':
    case 'attribution_event':
      return parseName(fieldOf(object, 'name'), `${path}.name`, faults);
    case 'screen_view': {
      const name = fieldOf(object, 'name');
      return name === undefined ? undefined : parseName(name, `${path}.name`, faults);
    }
    case 'commerce':
      return parseAction(fieldOf(object, 'action'), `${path}.action`, COMMERCE_ACTIONS, {faults});
    case 'session':
    case 'crash':
    case 'install':
    case 'uninstall':
    case 'upgrade':
      return undefined;
  }
}

function parseAction(
  json: unknown,
  path: string,
  actions: readonly string[],
  {faults}: Pick<Parsing, 'faults'>,
): string | undefined {
  const action = typeof json === 'string' ? canonicalAction(json) : undefined;
  if (action !== undefined && actions.includes(action)) return action;
  const hint = action === undefined ? '' : didYouMean(action, actions);
  return faults.at(path, `must be one of ${actions.join(', ')}, not ${found(json)}${hint}`);
}

/** Attribution events are the custom events of type attribution. */
function parseEventType(
  kind: EventCriterionKind,
  object: JsonObject,
  path: string,
  {faults}: Parsing,
): string | undefined {
  if (kind === 'attribution_event') return 'attribution';
  const type = kind === 'event' ? fieldOf(object, 'event_type') : undefined;
  if (type === undefined) return undefined;
  const known = typeof type === 'string' ? type.toLowerCase() : undefined;
  return parseWord(known ?? type, `${path}.event_type`, EVENT_TYPES, faults);
}

function parseWhere(object: JsonObject, path: string, {faults}: Parsing): readonly Condition[] {
  const json = fieldOf(object, 'where');
  const at = `${path}.where`;
  if (json === undefined) return [];
  if (!Array.isArray(json)) {
    faults.at(at, `must be a list of conditions, not ${found(json)}`);
    return [];
  }
  if (json.length > CONDITIONS_MAX) {
    faults.at(at, `has more than ${CONDITIONS_MAX} conditions`);
    return [];
  }
  const conditions: Condition[] = [];
  for (const [index, each] of json.entries()) {
    const condition = parseCondition(each, `${at}[${index}]`, {faults});
    if (condition !== undefined) conditions.push(condition);
  }
  return conditions;
}

function parseCondition(
  json: unknown,
  path: string,
  {faults}: Pick<Parsing, 'faults'>,
): Condition | undefined {
  if (!isObject(json)) {
    return faults.at(path, `must be an object with attribute and operator, not ${found(json)}`);
  }
  refuseUnknownFields(json, ['attribute', ...TEST_FIELDS], path, faults);
  const attribute = parseAttribute(fieldOf(json, 'attribute'), `${path}.attribute`, faults);
  const versionField = attribute !== undefined && VERSION_FIELDS.includes(attribute);
  const test = parseTest(json, path, faults, {versionField});
  return attribute === undefined || test === undefined ? undefined : {attribute, test};
}

function parseEventWhen(object: JsonObject, path: string, parsing: Parsing): When | undefined {
  const json = fieldOf(object, 'when');
  if (json === undefined) return {kind: 'always'};
  const longestMs = parsing.context.eventRetentionMs;
  return parseWhen(json, `${path}.when`, {longestMs}, parsing.faults);
}

export function parseCartAbandonment(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): CartAbandonmentCriterion | undefined {
  const {faults, context} = parsing;
  const before = faults.count;
  refuseUnknownFields(object, [...FILTER_FIELDS, 'wait', 'until'], path, faults);
  const waitMs = parseDuration(fieldOf(object, 'wait'), `${path}.wait`, faults);
  if (waitMs !== undefined && waitMs > context.eventRetentionMs) {
    faults.at(`${path}.wait`, 'is longer than events are kept: nobody would ever wait so long');
  }
  const until = parseUntil(fieldOf(object, 'until'), `${path}.until`, parsing);
  const where = parseWhere(object, path, parsing);
  const workspaces = parseWorkspaces(object, path, parsing);
  const inputs = parseInputs(object, path, parsing, {anyOfWorkspaces: false});
  if (faults.count > before || waitMs === undefined) return undefined;
  return {kind: 'cart_abandonment', waitMs, until, where, workspaces, inputs};
}

function parseUntil(json: unknown, path: string, parsing: Parsing): readonly string[] | 'any' {
  if (json === undefined) return ['purchase'];
  if (!Array.isArray(json) || json.length === 0) {
    parsing.faults.at(path, `must be a list like ["purchase"] or ["any"], not ${found(json)}`);
    return 'any';
  }
  const actions = new Set<string>();
  const known = [...PRODUCT_ACTIONS, 'any'];
  for (const [index, each] of json.entries()) {
    if (parsing.faults.isFull) break;
    const action = parseAction(each, `${path}[${index}]`, known, parsing);
    if (action !== undefined) actions.add(action);
  }
  return actions.has('any') ? 'any' : [...actions].sort();
}

export function parseSequence(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): SequenceCriterion | undefined {
  const {faults} = parsing;
  const before = faults.count;
  refuseUnknownFields(object, ['kind', 'steps', 'when', 'workspaces', 'inputs'], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const inputs = parseInputs(object, path, parsing, {anyOfWorkspaces: false});
  const when = parseEventWhen(object, path, parsing);
  const json = fieldOf(object, 'steps');
  const at = `${path}.steps`;
  if (!Array.isArray(json) || json.length < 2) {
    return faults.at(at, `must be a list of at least two event criteria, not ${found(json)}`);
  }
  if (json.length > STEPS_MAX) return faults.at(at, `has more than ${STEPS_MAX} steps`);
  const steps: SequenceCriterion['steps'][number][] = [];
  for (const [index, each] of json.entries()) {
    const step = parseStep(each, `${at}[${index}]`, index === 0, parsing);
    if (step === undefined) continue;
    // A step looks where the whole sequence looks, unless it says otherwise.
    const filter: EventFilter = {
      ...step.filter,
      workspaces: step.filter.workspaces ?? workspaces,
      inputs: step.filter.inputs ?? (EVERY_INPUT.has(step.filter.kind) ? undefined : inputs),
    };
    steps.push({filter, withinMs: step.withinMs});
  }
  if (faults.count > before || when === undefined) return undefined;
  return {kind: 'sequence', steps, when, workspaces};
}

function parseStep(
  json: unknown,
  path: string,
  isFirst: boolean,
  parsing: Parsing,
): SequenceCriterion['steps'][number] | undefined {
  const {faults} = parsing;
  if (!isObject(json)) return faults.at(path, `must be an event criterion, not ${found(json)}`);
  const named = fieldOf(json, 'kind');
  const kind = EVENT_CRITERION_KINDS.find(each => each === named);
  if (kind === undefined) {
    const hint = typeof named === 'string' ? didYouMean(named, EVENT_CRITERION_KINDS) : '';
    return faults.at(
      `${path}.kind`,
      `a step is one of ${EVENT_CRITERION_KINDS.join(', ')}, not ${found(named)}${hint}`,
    );
  }
  for (const field of ['when', 'measure', 'compare']) {
    if (fieldOf(json, field) === undefined) continue;
    faults.at(
      `${path}.${field}`,
      `a step takes no ${quoted(field)}: each step is one event, and the sequence has one "when"`,
    );
  }
  const known = [...FILTER_FIELDS, ...OWN_FIELDS[kind], 'within', 'when', 'measure', 'compare'];
  refuseUnknownFields(json, known, path, faults);
  const filter = parseFilter(kind, json, path, parsing);
  const withinMs = parseWithin(fieldOf(json, 'within'), `${path}.within`, isFirst, parsing);
  return filter === undefined ? undefined : {filter, withinMs};
}

function parseWithin(
  json: unknown,
  path: string,
  isFirst: boolean,
  {faults}: Parsing,
): number | undefined {
  if (isFirst) {
    if (json === undefined) return undefined;
    return faults.at(path, 'the first step comes after nothing: remove it');
  }
  const withinMs = parseDuration(json, path, faults);
  // Times of steps ascend strictly, so within 0 nothing can follow.
  return withinMs === 0 ? faults.at(path, 'must be longer than 0') : withinMs;
}
