/** Criteria on what is known of a profile: true if true in one of the workspaces that know it. */
import type {EventRecord, LocationFix, ProfileRecord, Value} from '../../engine/record.ts';
import {fieldOf, scopesOf} from './oracle-events.ts';
import type {Asker, Sight} from './oracle-events.ts';
import {numberIn, objectIn, textIn} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';
import {whenHolds} from './oracle-time.ts';
import {meets} from './oracle-values.ts';

/** The value of a calculated attribute of one profile in one scope; undefined: it has none. */
export type Calculation = (name: string, scope: number, sight: Sight) => Value | undefined;

/** What the definitions refer to and do not say themselves. */
export interface References {
  /** Without it there are no calculated attributes. */
  readonly calculate?: Calculation | undefined;
  /** Whether the scope's workspace has the calculated attribute; without it every one has. */
  readonly isCalculated?: ((name: string, scope: number) => boolean) | undefined;
  /** Without it cities can only be asked for by their coordinates. */
  readonly findCity?: ((name: string) => Point | undefined) | undefined;
}

export interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

export function userCriterionHolds(
  criterion: JsonObject,
  asker: Asker,
  sight: Sight,
  references: References,
): boolean {
  return scopesOf(criterion, asker).some(scope => {
    const records = sight.records.filter(record => record.scope === scope);
    if (records.length === 0) return false;
    const name = criterion['name'];
    if (criterion['kind'] === 'calculated_attribute') {
      if (references.isCalculated?.(textIn(name, 'name'), scope) === false) return false;
      const value = references.calculate?.(textIn(name, 'name'), scope, sight);
      return meets(value, criterion, sight.nowMs);
    }
    if (criterion['kind'] === 'identity') {
      const value = identity(sight.records, scope, textIn(criterion['identity'], 'identity'));
      return meets(value, criterion, sight.nowMs);
    }
    return holdsInScope(criterion, {...sight, records}, references);
  });
}

/** Takes identities away, in every workspace of an environment: no sign of life, and no data of any workspace. */
export function isLoss(record: ProfileRecord): boolean {
  return record.scope < 0;
}

function holdsInScope(criterion: JsonObject, sight: Sight, references: References): boolean {
  const {records, nowMs} = sight;
  const name = (field: string): string => textIn(criterion[field], field);
  switch (criterion['kind']) {
    case 'user_attribute':
      return meets(userAttribute(records, name('attribute')), criterion, nowMs);
    case 'consent':
      return consentHolds(criterion, records);
    case 'device':
      return meets(deviceField(records, name('field')), criterion, nowMs);
    case 'first_seen':
      return whenHolds(objectIn(criterion['when'], 'when'), firstSeenMs(sight), nowMs);
    case 'last_seen':
      return whenHolds(objectIn(criterion['when'], 'when'), lastSeenMs(sight), nowMs);
    case 'location':
      return locationHolds(criterion, records, references);
    case 'attribution':
      return meets(attribution(sight, name('event'), name('field')), criterion, nowMs);
    default:
      throw new Error(`unknown kind in ${JSON.stringify(criterion)}`);
  }
}

/** The greatest by `order`; of equals the one that came last. */
function latest<T>(all: readonly T[], order: (one: T) => number): T | undefined {
  let found: T | undefined;
  for (const one of all) if (found === undefined || order(one) >= order(found)) found = one;
  return found;
}

export function userAttribute(records: readonly ProfileRecord[], name: string): Value | undefined {
  const changes = records.flatMap(record => record.attributes);
  const ofName = changes.filter(change => change.name === name);
  return latest(ofName, change => change.timeMs)?.value;
}

/** gdpr without a purpose: consent to whatever purpose. */
function consentHolds(criterion: JsonObject, records: readonly ProfileRecord[]): boolean {
  const regulation = criterion['regulation'];
  const asked = regulation === 'ccpa' ? 'data_sale_opt_out' : criterion['purpose'];
  const changes = records
    .flatMap(record => record.consent)
    .filter(each => each.regulation === regulation);
  const purposes =
    asked === undefined
      ? [...new Set(changes.map(each => each.purpose.toLowerCase()))]
      : [textIn(asked, 'purpose').toLowerCase()];
  const consented = purposes.some(purpose => {
    const ofPurpose = changes.filter(each => each.purpose.toLowerCase() === purpose);
    return latest(ofPurpose, change => change.timeMs)?.consented === true;
  });
  switch (criterion['state']) {
    case 'given':
    case 'opted_out':
      return consented;
    case 'not_given':
    case 'not_opted_out':
      return !consented;
    default:
      throw new Error(`unknown state in ${JSON.stringify(criterion)}`);
  }
}

/** Each field by the time of the batch that said it last; a batch that is silent leaves it alone. */
function deviceField(records: readonly ProfileRecord[], field: string): Value | undefined {
  const saying = records.filter(record => fieldOf(record.device, field) !== undefined);
  const last = latest(saying, record => record.batchMs);
  return last === undefined ? undefined : fieldOf(last.device, field);
}

function eventsReached({records, nowMs}: Sight): EventRecord[] {
  return records.flatMap(record => record.events).filter(event => event.timeMs <= nowMs);
}

/** Older than the event retention or not: what was first never moves later. */
function firstSeenMs(sight: Sight): number {
  const arrivals = sight.records.map(record => record.arrivalMs);
  return Math.min(...arrivals, ...eventsReached(sight).map(event => event.timeMs));
}

function lastSeenMs(sight: Sight): number {
  const arrivals = sight.records.map(record => record.arrivalMs);
  return Math.max(...arrivals, ...eventsReached(sight).map(event => event.timeMs));
}

/** As the records came: a loss takes only what is there when it comes. */
function identity(
  records: readonly ProfileRecord[],
  scope: number,
  type: string,
): string | undefined {
  let value: string | undefined;
  let sequence = -Infinity;
  for (const record of records) {
    const loses = isLoss(record) && (record.scope & 1) === (scope & 1);
    if (!loses && record.scope !== scope) continue;
    for (const change of record.identities) {
      if (change.type !== type || change.sequence < sequence) continue;
      if (loses && change.value !== value) continue;
      value = loses ? undefined : change.value;
      ({sequence} = change);
    }
  }
  return value;
}

function attribution(sight: Sight, event: string, field: string): Value | undefined {
  const events = eventsReached(sight).filter(each =>
    event === 'uninstall'
      ? each.kind === 'uninstall'
      : each.kind === 'custom' &&
        each.type === 'attribution' &&
        each.name.toLowerCase() === 'attribution',
  );
  const last = latest(events, each => each.timeMs);
  return last === undefined ? undefined : fieldOf(last.fields, field);
}

const PLACE_FIELDS = ['city', 'state', 'zip', 'dma', 'country'] as const;

function locationHolds(
  criterion: JsonObject,
  records: readonly ProfileRecord[],
  {findCity}: References,
): boolean {
  const fix = latest(
    records.flatMap(record => record.location ?? []),
    each => each.timeMs,
  );
  if (fix === undefined) return false;
  if (criterion['equals'] !== undefined) {
    const wanted = objectIn(criterion['equals'], 'equals');
    return PLACE_FIELDS.every(
      field =>
        wanted[field] === undefined ||
        fix[field]?.toLowerCase() === textIn(wanted[field], field).toLowerCase(),
    );
  }
  const within = objectIn(criterion['within'], 'within');
  const center = typeof within['city'] === 'string' ? findCity?.(within['city']) : pointIn(within);
  if (center === undefined) throw new Error(`unknown city in ${JSON.stringify(within)}`);
  return isWithin(fix, center, objectIn(within['radius'], 'radius'));
}

function pointIn(within: JsonObject): Point {
  return {
    latitude: numberIn(within['latitude'], 'latitude'),
    longitude: numberIn(within['longitude'], 'longitude'),
  };
}

const METERS = new Map<Json | undefined, number>([
  ['m', 1],
  ['km', 1_000],
  ['mi', 1_609.344],
]);

function isWithin(fix: LocationFix, center: Point, radius: JsonObject): boolean {
  const {latitude, longitude} = fix;
  if (latitude === undefined || longitude === undefined) return false;
  const meters = METERS.get(radius['unit']);
  if (meters === undefined) throw new Error(`unknown unit in ${JSON.stringify(radius)}`);
  const distance = haversineMeters({latitude, longitude}, center);
  return distance <= numberIn(radius['value'], 'radius') * meters;
}

const EARTH_RADIUS_METERS = 6_371_008.8;

export function haversineMeters(a: Point, b: Point): number {
  const radians = Math.PI / 180;
  const southNorth = Math.sin(((b.latitude - a.latitude) * radians) / 2);
  const westEast = Math.sin(((b.longitude - a.longitude) * radians) / 2);
  const chord =
    southNorth ** 2 +
    Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * westEast ** 2;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(chord)));
}
