/** Criteria on what a profile is: attributes, audiences, consent, device, identities, attribution. */
import {canonicalIdentityType, IDENTITY_TYPES} from '../identity-types.ts';
import type {
  AttributionCriterion,
  AudienceCriterion,
  CalculatedAttributeCriterion,
  ConsentCriterion,
  DeviceCriterion,
  IdentityCriterion,
  SeenCriterion,
  UserAttributeCriterion,
} from './definition.ts';
import {didYouMean, fieldOf, found, quoted, refuseUnknownFields} from './faults.ts';
import type {Faults, JsonObject} from './faults.ts';
import {parseName} from './parse-attribute.ts';
import {isId, parseWorkspaces} from './parse-scope.ts';
import type {Parsing} from './parse-scope.ts';
import {parseTest, TEST_FIELDS} from './parse-test.ts';
import {parseWhen} from './parse-when.ts';
import {CRITERION_DEVICE_FIELDS, VERSION_FIELDS} from './vocabulary.ts';

const COMMON_FIELDS = ['kind', 'workspaces'];

/** How consent is remembered for ccpa, which has no purposes. */
const CCPA_PURPOSE = 'data_sale_opt_out';

export function parseUserAttribute(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): UserAttributeCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'attribute', ...TEST_FIELDS], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const attribute = parseName(fieldOf(object, 'attribute'), `${path}.attribute`, faults);
  const test = parseTest(object, path, faults);
  if (attribute === undefined || test === undefined) return undefined;
  return {kind: 'user_attribute', attribute, test, workspaces};
}

export function parseCalculatedAttribute(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): CalculatedAttributeCriterion | undefined {
  const {faults, context} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'name', ...TEST_FIELDS], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const name = parseName(fieldOf(object, 'name'), `${path}.name`, faults);
  const among = workspaces ?? context.workspaces;
  if (name !== undefined && context.hasCalculatedAttribute(name, among) === false) {
    faults.at(`${path}.name`, `there is no calculated attribute ${quoted(name)}`);
  }
  const test = parseTest(object, path, faults);
  if (name === undefined || test === undefined) return undefined;
  return {kind: 'calculated_attribute', name, test, workspaces};
}

export function parseAudience(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): AudienceCriterion | undefined {
  const {faults, context} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'audience', 'operator'], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const audience = fieldOf(object, 'audience');
  const operator = parseWord(fieldOf(object, 'operator'), `${path}.operator`, MEMBERSHIPS, faults);
  if (!isId(audience)) {
    return faults.at(`${path}.audience`, `must be the id of an audience, not ${found(audience)}`);
  }
  if (!context.hasAudience(audience)) {
    return faults.at(`${path}.audience`, `there is no audience ${audience}`);
  }
  return operator === undefined ? undefined : {kind: 'audience', audience, operator, workspaces};
}

const MEMBERSHIPS = ['member', 'not_member'] as const;

export function parseConsent(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): ConsentCriterion | undefined {
  const {faults} = parsing;
  const known = [...COMMON_FIELDS, 'regulation', 'purpose', 'state'];
  refuseUnknownFields(object, known, path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const regulation = parseWord(
    fieldOf(object, 'regulation'),
    `${path}.regulation`,
    ['gdpr', 'ccpa'] as const,
    faults,
  );
  const purpose = parsePurpose(regulation, fieldOf(object, 'purpose'), `${path}.purpose`, faults);
  const states = regulation === undefined ? ALL_STATES : CONSENT_STATES[regulation];
  const state = parseWord(fieldOf(object, 'state'), `${path}.state`, states, faults);
  if (regulation === undefined || purpose === undefined || state === undefined) return undefined;
  return {kind: 'consent', regulation, purpose, state, workspaces};
}

const CONSENT_STATES = {
  gdpr: ['given', 'not_given'],
  ccpa: ['opted_out', 'not_opted_out'],
} as const;
const ALL_STATES = [...CONSENT_STATES.gdpr, ...CONSENT_STATES.ccpa];

/** Without a purpose a gdpr criterion means any purpose, which is ''. */
function parsePurpose(
  regulation: 'gdpr' | 'ccpa' | undefined,
  json: unknown,
  path: string,
  faults: Faults,
): string | undefined {
  const purpose = json === undefined ? '' : parseName(json, path, faults)?.toLowerCase();
  if (regulation !== 'ccpa' || purpose === undefined) return purpose;
  if (purpose === '' || purpose === CCPA_PURPOSE) return CCPA_PURPOSE;
  return faults.at(path, 'ccpa has no purposes: remove it');
}

export function parseDevice(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): DeviceCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'field', ...TEST_FIELDS], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const named = fieldOf(object, 'field');
  const field = parseWord(named, `${path}.field`, CRITERION_DEVICE_FIELDS, faults);
  const versionField = field !== undefined && VERSION_FIELDS.includes(field);
  const test = parseTest(object, path, faults, {versionField});
  if (field === undefined || test === undefined) return undefined;
  return {kind: 'device', field, test, workspaces};
}

/** Profiles outlive events: these windows may reach back as far as they like. */
export function parseSeen(
  kind: SeenCriterion['kind'],
  object: JsonObject,
  path: string,
  parsing: Parsing,
): SeenCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'when'], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const json = fieldOf(object, 'when');
  const when = parseWhen(json, `${path}.when`, {longestMs: Infinity}, faults);
  return when === undefined ? undefined : {kind, when, workspaces};
}

export function parseIdentity(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): IdentityCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'identity', ...TEST_FIELDS], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const identity = parseIdentityType(fieldOf(object, 'identity'), `${path}.identity`, faults);
  const test = parseTest(object, path, faults, {types: ['string']});
  if (identity === undefined || test === undefined) return undefined;
  return {kind: 'identity', identity, test, workspaces};
}

/** In any spelling that clients use. Of other types no profile ever has an identity. */
function parseIdentityType(json: unknown, path: string, faults: Faults): string | undefined {
  const spelling = parseName(json, path, faults);
  if (spelling === undefined) return undefined;
  const hint = didYouMean(spelling, IDENTITY_TYPES);
  return (
    canonicalIdentityType(spelling) ??
    faults.at(path, `must be an identity type like "customer_id", not ${found(spelling)}${hint}`)
  );
}

export function parseAttribution(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): AttributionCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, [...COMMON_FIELDS, 'event', 'field', ...TEST_FIELDS], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const events = ['install', 'uninstall'] as const;
  const event = parseWord(fieldOf(object, 'event'), `${path}.event`, events, faults);
  const fields = ['publisher', 'campaign'] as const;
  const field = parseWord(fieldOf(object, 'field'), `${path}.field`, fields, faults);
  const test = parseTest(object, path, faults);
  if (event === undefined || field === undefined || test === undefined) return undefined;
  return {kind: 'attribution', event, field, test, workspaces};
}

/** One of a closed list of words. */
export function parseWord<Word extends string>(
  json: unknown,
  path: string,
  words: readonly Word[],
  faults: Faults,
): Word | undefined {
  const word = words.find(each => each === json);
  if (word !== undefined) return word;
  const hint = typeof json === 'string' ? didYouMean(json, words) : '';
  return faults.at(path, `must be one of ${words.join(', ')}, not ${found(json)}${hint}`);
}
