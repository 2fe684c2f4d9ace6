/** Random definitions: valid contract JSON, weighted so that answers are neither always yes nor always no. */
import {calculatedCriterion} from './arbitraries-calculated.ts';
import type {Random} from './arbitraries-random.ts';
import {ON_PRODUCTS, pickTopic} from './arbitraries-topics.ts';
import type {Topics} from './arbitraries-topics.ts';
import {
  DEVICES,
  EVENT_TYPES,
  fixedWindow,
  IDENTITY_TYPES,
  INPUTS,
  movingWindow,
  PURPOSES,
  randomTest,
  USER_ATTRIBUTES,
} from './arbitraries-world.ts';
import type {AttributeKind, Windows} from './arbitraries-world.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import type {Asker} from './oracle-events.ts';
import type {Json, JsonObject} from './oracle-json.ts';

export type Kinds = 'basic' | 'all';

export interface DefinitionContext {
  readonly random: Random;
  readonly kinds: Kinds;
  readonly windows: Windows;
  readonly topics: Topics;
  readonly asker: Asker;
  /** Audiences that may be nested. */
  readonly nestable: readonly number[];
  /** Calculated attributes that the asker's workspaces have. */
  readonly calculated: readonly OracleCalculated[];
}

const CRITERIA_MAX = 12;
const DEPTH_MAX = 4;

export function randomDefinition(context: DefinitionContext): JsonObject {
  const {random} = context;
  const criteria = random.branch([
    [2, () => 1],
    [4, () => random.int(2, 3)],
    [3, () => random.int(4, 6)],
    [1, () => random.int(7, CRITERIA_MAX)],
  ]);
  return randomExpression(context, criteria, DEPTH_MAX);
}

/** Exactly `criteria` leaves, or fewer where the depth runs out. */
function randomExpression(context: DefinitionContext, criteria: number, depth: number): JsonObject {
  const {random} = context;
  if (depth > 1 && random.chance(0.12)) {
    return {exclude: randomExpression(context, criteria, depth - 1)};
  }
  if (criteria === 1 || depth === 0) return randomCriterion(context);
  const parts = Math.min(criteria, random.int(2, 4));
  const sizes = Array.from({length: parts}, () => 1);
  for (let left = criteria - parts; left > 0; left--) {
    const at = random.int(0, parts - 1);
    sizes[at] = (sizes[at] ?? 0) + 1;
  }
  const of = sizes.map(size => randomExpression(context, size, depth - 1));
  return random.chance(0.5) ? {and: of} : {or: of};
}

export function randomCriterion(context: DefinitionContext): JsonObject {
  const {random, kinds} = context;
  const onEvents = (): JsonObject => eventCriterion(context);
  const onAttribute = (): JsonObject => userAttribute(context);
  if (kinds === 'basic') {
    return random.branch([
      [5, onEvents],
      [2, onAttribute],
    ]);
  }
  return random.branch([
    [10, onEvents],
    [2, () => cartAbandonment(context)],
    [3, () => sequence(context)],
    [4, onAttribute],
    [context.nestable.length > 0 ? 4 : 0, () => nested(context)],
    [context.calculated.length > 0 ? 4 : 0, () => calculated(context)],
    [1.5, () => consent(context)],
    [1.5, () => device(context)],
    [2, () => ({kind: random.pick(['first_seen', 'last_seen']), when: when(context)})],
    [1.5, () => location(context)],
    [1.5, () => identity(context)],
    [1.5, () => attribution(context)],
  ]);
}

/** Now and then a criterion looks at fewer workspaces than its audience. */
function narrowed({random, asker}: DefinitionContext): JsonObject {
  return random.chance(0.15) ? {workspaces: random.some(asker.workspaces)} : {};
}

function narrowedInputs({random, asker}: DefinitionContext): JsonObject {
  if (!random.chance(0.15)) return {};
  const all = INPUTS.filter(input => asker.workspaces.includes(input.workspace));
  return {inputs: random.some(asker.inputs ?? all.map(input => input.id))};
}

function when({random, windows}: DefinitionContext): JsonObject {
  return random.chance(0.75) ? movingWindow(random, windows) : fixedWindow(random);
}

interface Filter {
  readonly json: JsonObject;
  /** What its events and their products carry, for conditions and measures. */
  readonly attributes: readonly AttributeKind[];
}

/** Kind, name, `where`, workspaces and inputs: what steps of sequences have too. */
export function randomFilter(context: DefinitionContext, conditions: number): Filter {
  const {random} = context;
  const topic = pickTopic(random, context.topics);
  const attributes = [...topic.attributes, ...topic.items];
  const where = Array.from({length: conditions}, () => condition(context, attributes));
  const typed = topic.criterion['kind'] === 'event' && random.chance(0.2);
  return {
    json: {
      ...topic.criterion,
      ...(typed ? {event_type: random.pick(EVENT_TYPES)} : {}),
      ...(where.length > 0 ? {where} : {}),
      ...narrowed(context),
      ...narrowedInputs(context),
    },
    attributes,
  };
}

export function randomConditions(random: Random): number {
  return random.branch([
    [7, () => 0],
    [3, () => 1],
    [1, () => 2],
  ]);
}

function condition(context: DefinitionContext, attributes: readonly AttributeKind[]): JsonObject {
  const {random, windows} = context;
  const {name, reading} = random.pick(attributes);
  const test = randomTest(random, reading, windows);
  if (name === '$app_version' && !Array.isArray(test['value']) && random.chance(0.5)) {
    return {attribute: name, ...untyped(test)};
  }
  // A duration worth comparing with is one that sessions have.
  if (name === '$session_duration_ms' && typeof test['value'] === 'number') {
    return {attribute: name, operator: 'greater_or_equal', value: random.pick([0, 1_000, 60_000])};
  }
  return {attribute: name, ...test};
}

/** Versions need not say that they are. */
function untyped({type: _, ...test}: JsonObject): JsonObject {
  return test;
}

function eventCriterion(context: DefinitionContext): JsonObject {
  const {random, kinds} = context;
  const {json, attributes} = randomFilter(context, randomConditions(random));
  const window = random.chance(0.25) ? {} : {when: when(context)};
  if (kinds === 'all' && random.chance(0.35)) {
    return {...json, ...window, ...measured(random, attributes)};
  }
  const measure = random.chance(0.1) ? {measure: {function: 'count'}} : {};
  return {...json, ...window, ...measure, ...counted(random)};
}

/** `compare` of a count; often left out, which is "at least one". */
function counted(random: Random): JsonObject {
  const compare = (operator: string, value: Json): JsonObject => ({compare: {operator, value}});
  return random.branch<JsonObject>([
    [7, () => ({})],
    [4, () => compare('greater_or_equal', random.int(1, 3))],
    [2, () => compare('greater_than', random.int(0, 2))],
    [2, () => compare('equals', random.int(0, 2))],
    [2, () => compare('less_than', random.int(1, 3))],
    [1, () => compare('less_or_equal', random.int(0, 2))],
    [1, () => compare('not_equals', random.int(0, 2))],
    [1, () => compare('between', [random.int(0, 1), random.int(1, 3)])],
    // Around what a bounded history keeps.
    [1, () => compare(random.pick(['greater_or_equal', 'less_than', 'equals']), random.int(6, 9))],
  ]);
}

function measured(random: Random, attributes: readonly AttributeKind[]): JsonObject {
  const distinct = (): JsonObject =>
    measure(random, 'distinct', random.pick(attributes), [0, 1, 2]);
  const numbers = attributes.filter(each => each.reading === 'number');
  if (numbers.length === 0) return distinct();
  const number = random.pick(numbers);
  // Sessions last seconds, the rest costs a few units.
  const scale = number.name === '$session_duration_ms' ? 60_000 : 1;
  const scaled = (values: readonly number[]): number[] => values.map(value => value * scale);
  return random.branch<JsonObject>([
    [3, () => measure(random, 'sum', number, scaled([0, 0.3, 0.3, 0.6, 1, 5]))],
    [2, () => measure(random, 'avg', number, scaled([0.15, 0.2, 1, 2]))],
    [2, () => measure(random, 'min', number, scaled([0.1, 0.3, 1]))],
    [2, () => measure(random, 'max', number, scaled([0.2, 1, 5]))],
    [3, distinct],
  ]);
}

function measure(
  random: Random,
  name: string,
  {name: attribute}: AttributeKind,
  values: readonly number[],
): JsonObject {
  const value = random.pick(values);
  const operators = [
    'greater_or_equal',
    'greater_than',
    'less_than',
    'less_or_equal',
    'equals',
    'not_equals',
  ];
  const compare = random.branch<JsonObject>([
    [1, () => ({})],
    [6, () => ({compare: {operator: random.pick(operators), value}})],
    [1, () => ({compare: {operator: 'between', value: [value, value + 1]}})],
  ]);
  return {measure: {function: name, attribute}, ...compare};
}

function cartAbandonment(context: DefinitionContext): JsonObject {
  const {random, windows} = context;
  const until = random.branch<JsonObject>([
    [2, () => ({})],
    [1, () => ({until: random.some(['purchase', 'remove_from_cart', 'click', 'add_to_cart'])})],
    [1, () => ({until: ['any']})],
  ]);
  return {
    kind: 'cart_abandonment',
    wait: random.pick(windows.durations.slice(0, 5)),
    ...until,
    ...(random.chance(0.3) ? {where: [condition(context, ON_PRODUCTS)]} : {}),
    ...narrowed(context),
    ...narrowedInputs(context),
  };
}

/** Mostly short and bare, and of favourites only: chains are rare enough. */
function sequence(context: DefinitionContext): JsonObject {
  const {random, windows, topics} = context;
  const steps = Array.from({length: random.chance(0.75) ? 2 : 3}, (_, at) => {
    const json = random.chance(0.75)
      ? random.pick(topics.favourites).criterion
      : randomFilter(context, random.chance(0.4) ? 1 : 0).json;
    return at === 0 ? json : {...json, within: random.pick(windows.durations.slice(2))};
  });
  return {
    kind: 'sequence',
    steps,
    ...(random.chance(0.4) ? {when: when(context)} : {}),
    ...narrowed(context),
  };
}

function userAttribute(context: DefinitionContext): JsonObject {
  const {random, windows} = context;
  const {name, reading} = random.pick(USER_ATTRIBUTES);
  const test = randomTest(random, reading, windows);
  return {kind: 'user_attribute', attribute: name, ...test, ...narrowed(context)};
}

/** Of the workspaces it is narrowed to none may have it: then nobody meets it. */
function calculated(context: DefinitionContext): JsonObject {
  return calculatedCriterion(context, narrowed(context));
}

function nested({random, nestable}: DefinitionContext): JsonObject {
  const operator = random.chance(0.65) ? 'member' : 'not_member';
  return {kind: 'audience', audience: random.pick(nestable), operator};
}

function consent(context: DefinitionContext): JsonObject {
  const {random} = context;
  if (random.chance(0.4)) {
    const state = random.pick(['opted_out', 'not_opted_out']);
    return {kind: 'consent', regulation: 'ccpa', state, ...narrowed(context)};
  }
  return {
    kind: 'consent',
    regulation: 'gdpr',
    purpose: random.pick([...PURPOSES, 'ANALYTICS']),
    state: random.pick(['given', 'given', 'not_given']),
    ...narrowed(context),
  };
}

function device(context: DefinitionContext): JsonObject {
  const {random} = context;
  return random.branch<JsonObject>([
    [
      2,
      () => ({
        kind: 'device',
        field: 'platform',
        operator: random.pick(['exact_match', 'not_exact_match']),
        value: random.pick(['IOS', 'android']),
        ...narrowed(context),
      }),
    ],
    [
      2,
      () => ({
        kind: 'device',
        field: 'os_version',
        operator: random.pick(['greater_than', 'less_or_equal', 'equals']),
        value: random.pick(DEVICES.os_version),
        ...narrowed(context),
      }),
    ],
    [1, () => ({kind: 'device', field: 'country', operator: 'in', value: ['fr', 'ES']})],
    [
      1,
      () => ({kind: 'device', field: 'country', operator: random.pick(['exists', 'not_exists'])}),
    ],
  ]);
}

function location(context: DefinitionContext): JsonObject {
  const {random} = context;
  const place = random.branch<JsonObject>([
    [1, () => ({equals: {country: random.pick(['fr', 'US'])}})],
    [1, () => ({equals: {city: 'SPRINGFIELD', ...(random.chance(0.5) ? {state: 'il'} : {})}})],
    [
      2,
      () => ({
        within: {
          latitude: 48.8566,
          longitude: 2.3522,
          radius: random.pick([
            {value: 5, unit: 'km'},
            {value: 20, unit: 'km'},
            {value: 12, unit: 'mi'},
            {value: 900, unit: 'm'},
          ]),
        },
      }),
    ],
  ]);
  return {kind: 'location', ...place, ...narrowed(context)};
}

function identity(context: DefinitionContext): JsonObject {
  const {random} = context;
  const test = random.branch<JsonObject>([
    [2, () => ({operator: random.pick(['exists', 'not_exists'])})],
    [1, () => ({operator: random.pick(['ends_with', 'contains']), value: '@B.com'})],
    [1, () => ({operator: 'exact_match', value: 'x@b.com'})],
  ]);
  return {kind: 'identity', identity: random.pick(IDENTITY_TYPES), ...test, ...narrowed(context)};
}

function attribution(context: DefinitionContext): JsonObject {
  const {random} = context;
  return {
    kind: 'attribution',
    event: random.pick(['install', 'install', 'uninstall']),
    field: random.pick(['publisher', 'campaign']),
    operator: random.pick(['exact_match', 'not_exact_match', 'contains']),
    value: random.pick(['red', 'blue']),
    ...narrowed(context),
  };
}
