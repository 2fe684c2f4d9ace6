/** Random criteria on what is known of a profile. */
import {narrowed, when} from './arbitraries-context.ts';
import type {DefinitionContext} from './arbitraries-context.ts';
import {
  DEVICES,
  IDENTITY_TYPES,
  PURPOSES,
  randomTest,
  USER_ATTRIBUTES,
  VERSION_DEVICES,
} from './arbitraries-world.ts';
import type {JsonObject} from './oracle-json.ts';

export function userAttribute(context: DefinitionContext): JsonObject {
  const {random, windows} = context;
  const {name, reading} = random.pick(USER_ATTRIBUTES);
  const test = randomTest(random, reading, windows);
  return {kind: 'user_attribute', attribute: name, ...test, ...narrowed(context)};
}

/** Everything else that a profile can be asked. */
export function profileCriterion(context: DefinitionContext): JsonObject {
  const {random} = context;
  const criterion = random.branch<JsonObject>([
    [1.5, () => consent(context)],
    [1.5, () => device(context)],
    [2, () => ({kind: random.pick(['first_seen', 'last_seen']), when: when(context)})],
    [1.5, () => location(context)],
    [1.5, () => identity(context)],
    [1.5, () => attribution(context)],
  ]);
  return {...criterion, ...narrowed(context)};
}

function consent({random}: DefinitionContext): JsonObject {
  if (random.chance(0.4)) {
    const state = random.pick(['opted_out', 'not_opted_out']);
    return {kind: 'consent', regulation: 'ccpa', state};
  }
  const purpose = random.pick([...PURPOSES, 'ANALYTICS', undefined]);
  return {
    kind: 'consent',
    regulation: 'gdpr',
    ...(purpose === undefined ? {} : {purpose}),
    state: random.pick(['given', 'given', 'not_given']),
  };
}

function device({random, windows}: DefinitionContext): JsonObject {
  const fields = Object.keys(DEVICES);
  const field = random.pick([...fields, 'platform', 'os_version', 'os_version', 'country']);
  const [said = ''] = random.some(DEVICES[field as keyof typeof DEVICES] as readonly string[]);
  const test = random.branch<JsonObject>([
    [1, () => ({operator: random.pick(['exact_match', 'not_exact_match']), value: said})],
    [1, () => randomTest(random, 'text', windows)],
    [1, () => ({operator: random.pick(['in', 'not_in']), value: [said.toUpperCase(), 'ES']})],
  ]);
  const {type: _, ...ofVersion} = randomTest(random, 'version', windows);
  return {kind: 'device', field, ...(VERSION_DEVICES.includes(field) ? ofVersion : test)};
}

function location({random}: DefinitionContext): JsonObject {
  const radius = random.pick([
    {value: 5, unit: 'km'},
    {value: 20, unit: 'km'},
    {value: 12, unit: 'mi'},
    {value: 900, unit: 'm'},
  ]);
  const place = random.branch<JsonObject>([
    [1, () => ({equals: {country: random.pick(['fr', 'US'])}})],
    [1, () => ({equals: {city: 'SPRINGFIELD', ...(random.chance(0.5) ? {state: 'il'} : {})}})],
    [1, () => ({equals: random.pick([{state: 'MA'}, {zip: '62701'}, {dma: '648'}])})],
    [2, () => ({within: {latitude: 48.8566, longitude: 2.3522, radius}})],
    [1, () => ({within: {city: random.pick(['Paris', 'PARIS']), radius}})],
  ]);
  return {kind: 'location', ...place};
}

function identity({random, windows}: DefinitionContext): JsonObject {
  const test = random.branch<JsonObject>([
    [2, () => ({operator: random.pick(['exists', 'not_exists'])})],
    [1, () => ({operator: random.pick(['ends_with', 'contains']), value: '@B.com'})],
    [1, () => ({operator: random.pick(['exact_match', 'not_exact_match']), value: 'x@b.com'})],
    [1, () => ({operator: random.pick(['pattern', 'not_pattern']), value: '?@b.*'})],
    [1, () => randomTest(random, 'text', {...windows, strays: false})],
  ]);
  return {kind: 'identity', identity: random.pick(IDENTITY_TYPES), ...test};
}

function attribution({random, windows}: DefinitionContext): JsonObject {
  return {
    kind: 'attribution',
    event: random.pick(['install', 'install', 'uninstall']),
    field: random.pick(['publisher', 'campaign']),
    ...randomTest(random, 'text', windows),
  };
}
