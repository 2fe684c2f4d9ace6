/** Random definitions: valid contract JSON, weighted so that answers are neither always yes nor always no. */
import {calculatedCriterion} from './arbitraries-calculated.ts';
import {narrowed, narrowedInputs, when} from './arbitraries-context.ts';
import type {DefinitionContext} from './arbitraries-context.ts';
import {profileCriterion, userAttribute} from './arbitraries-profiles.ts';
import type {Random} from './arbitraries-random.ts';
import {ON_PRODUCTS, pickTopic} from './arbitraries-topics.ts';
import {EVENT_TYPES, randomTest} from './arbitraries-world.ts';
import type {AttributeKind} from './arbitraries-world.ts';
import {objectIn, objectsIn} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';

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

/** As people edit: something more is asked, one thing or all of it is turned round or left out. */
export function editedDefinition(before: JsonObject, context: DefinitionContext): JsonObject {
  const {random} = context;
  return random.branch<JsonObject>([
    [3, () => ({and: [before, randomCriterion(context)]})],
    [2, () => ({or: [randomCriterion(context), before]})],
    [2, () => ({and: [before, {exclude: randomCriterion(context)}]})],
    [
      1,
      () =>
        before['exclude'] === undefined
          ? {exclude: before}
          : objectIn(before['exclude'], 'exclude'),
    ],
    [2, () => withoutOne(before, random)],
  ]);
}

function withoutOne(before: JsonObject, random: Random): JsonObject {
  const of = objectsIn(before['and'] ?? before['or'], 'of');
  if (of.length < 2) return before;
  const left = of.filter((_, at) => at !== of.length - 1);
  return before['and'] === undefined ? {or: left} : {and: random.chance(0.5) ? left : of.slice(1)};
}

/** Exactly `criteria` leaves, or fewer where the depth runs out. */
function randomExpression(context: DefinitionContext, criteria: number, depth: number): JsonObject {
  const {random} = context;
  if (depth > 1 && random.chance(0.12)) {
    return {exclude: randomExpression(context, criteria, depth - 1)};
  }
  if (criteria === 1 || depth === 0) {
    const alone = randomCriterion(context);
    return depth > 1 && random.chance(0.04) ? {[random.pick(['and', 'or'])]: [alone]} : alone;
  }
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
  const {random, said} = context;
  if (said.length > 0 && random.chance(0.08)) return random.pick(said);
  const criterion = newCriterion(context);
  if (isSaidAnywhere(criterion)) said.push(criterion);
  return criterion;
}

/** Names no workspace, input, audience or calculated attribute that another audience may lack. */
function isSaidAnywhere(criterion: JsonObject): boolean {
  return !/"(workspaces|inputs|audience|calculated_attribute)"/.test(JSON.stringify(criterion));
}

function newCriterion(context: DefinitionContext): JsonObject {
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
    [9.5, () => profileCriterion(context)],
  ]);
}

const EVERY_INPUT = ['crash', 'install', 'uninstall', 'upgrade'];

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
  const {kind} = topic.criterion;
  const typed = kind === 'event' && random.chance(0.2);
  return {
    json: {
      ...topic.criterion,
      ...(typed ? {event_type: random.pick(EVENT_TYPES)} : {}),
      ...(where.length > 0 ? {where} : {}),
      ...narrowed(context),
      ...narrowedInputs(context, {everyInput: EVERY_INPUT.includes(String(kind))}),
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
    [2, () => compare(random.pick(['greater_or_equal', 'less_than', 'equals']), random.int(7, 9))],
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
    [
      1,
      () => ({
        until: random.some([
          'purchase',
          'remove_from_cart',
          'add_to_cart',
          'remove_from_wish_list',
        ]),
      }),
    ],
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
  const length = random.chance(0.75) ? 2 : random.int(3, 4);
  const steps = Array.from({length}, (_, at) => {
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
    ...narrowedInputs(context),
  };
}

/** Of the workspaces it is narrowed to none may have it: then nobody meets it. */
function calculated(context: DefinitionContext): JsonObject {
  return calculatedCriterion(context, narrowed(context));
}

/** It looks where the other looks: workspaces said here change nothing. */
function nested(context: DefinitionContext): JsonObject {
  const {random, nestable} = context;
  const operator = random.chance(0.65) ? 'member' : 'not_member';
  return {kind: 'audience', audience: random.pick(nestable), operator, ...narrowed(context)};
}
