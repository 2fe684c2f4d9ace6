/** One criterion: its kind decides who reads the rest. */
import type {Criterion} from './definition.ts';
import {didYouMean, fieldOf, found} from './faults.ts';
import type {JsonObject} from './faults.ts';
import {
  EVENT_CRITERION_KINDS,
  parseCartAbandonment,
  parseEventCriterion,
  parseSequence,
} from './parse-event-criterion.ts';
import {parseLocation} from './parse-location.ts';
import {
  parseAttribution,
  parseAudience,
  parseCalculatedAttribute,
  parseConsent,
  parseDevice,
  parseIdentity,
  parseSeen,
  parseUserAttribute,
} from './parse-profile-criterion.ts';
import type {Parsing} from './parse-scope.ts';

type Parser = (object: JsonObject, path: string, parsing: Parsing) => Criterion | undefined;

/** A Map, so that a kind called `constructor` is merely unknown. */
const PARSERS = new Map<unknown, Parser>([
  ...EVENT_CRITERION_KINDS.map((kind): [string, Parser] => [
    kind,
    (object, path, parsing) => parseEventCriterion(kind, object, path, parsing),
  ]),
  ['cart_abandonment', parseCartAbandonment],
  ['sequence', parseSequence],
  ['user_attribute', parseUserAttribute],
  ['calculated_attribute', parseCalculatedAttribute],
  ['audience', parseAudience],
  ['consent', parseConsent],
  ['device', parseDevice],
  ['first_seen', (object, path, parsing) => parseSeen('first_seen', object, path, parsing)],
  ['last_seen', (object, path, parsing) => parseSeen('last_seen', object, path, parsing)],
  ['location', parseLocation],
  ['identity', parseIdentity],
  ['attribution', parseAttribution],
]);

const KINDS = [...PARSERS.keys()].map(String);

export function parseCriterion(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): Criterion | undefined {
  const kind = fieldOf(object, 'kind');
  const parser = PARSERS.get(kind);
  if (parser !== undefined) return parser(object, path, parsing);
  const hint = typeof kind === 'string' ? didYouMean(kind, KINDS) : '';
  return parsing.faults.at(
    `${path}.kind`,
    `unknown kind ${found(kind)}${hint}; known are ${KINDS.join(', ')}`,
  );
}
