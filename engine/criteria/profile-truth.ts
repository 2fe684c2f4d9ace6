/**
 * Criteria on what is known of a profile, compiled: one workspace's knowledge and now in, truth and the
 * moment of the next change by time alone out.
 */
import {unreachable} from '../assert.ts';
import type {Place, When} from '../definitions/definition.ts';
import {CONSENT} from '../facts/fact-names.ts';
import {compileNamedPlace} from '../places/match-place.ts';
import type {ScopeData} from '../profiles/profile-data.ts';
import type {LocationFix, Value} from '../record.ts';
import {compileTest} from '../values/compile-test.ts';
import {windowChangesAtMs, windowHolds} from '../values/window.ts';
import type {ProfileCriterion} from './bound-criterion.ts';

export interface ProfileTruth {
  holds(data: ScopeData, nowMs: number): boolean;
  changesAtMs(data: ScopeData, nowMs: number): number;
  /** What the criterion looks at. */
  value(data: ScopeData): Value | undefined;
  readonly timed: boolean;
  /** Which changes of a profile can change the truth. */
  readonly topic: string;
}

export function compileProfileTruth(criterion: ProfileCriterion): ProfileTruth {
  switch (criterion.kind) {
    case 'user_attribute': {
      const {attribute} = criterion;
      return ofValue(`attribute ${attribute}`, criterion.test, data => data.attribute(attribute));
    }
    case 'device': {
      const {field} = criterion;
      return ofValue(`device ${field}`, criterion.test, data => data.device(field));
    }
    case 'identity': {
      const {identity} = criterion;
      return ofValue(`identity ${identity}`, criterion.test, data => data.identity(identity));
    }
    case 'attribution': {
      const {event, field} = criterion;
      return ofValue('attribution', criterion.test, data => data.attribution(event, field));
    }
    case 'consent': {
      const {regulation, purpose} = criterion;
      const wanted = criterion.state === 'given' || criterion.state === 'opted_out';
      const given = (data: ScopeData): boolean | undefined =>
        purpose === '' ? anyConsent(data, regulation) : data.consent(regulation, purpose);
      return {
        holds: data => (given(data) === true) === wanted,
        changesAtMs: never,
        value: given,
        timed: false,
        topic: 'consent',
      };
    }
    case 'first_seen':
      return ofInstant(criterion.when, data => data.firstMs);
    case 'last_seen':
      return ofInstant(criterion.when, data => data.lastMs);
    case 'location': {
      const isAt = compilePlace(criterion.place);
      return {
        holds: data => {
          const {location} = data;
          return location !== undefined && isAt(location);
        },
        changesAtMs: never,
        value: ({location}) => location && describe(location),
        timed: false,
        topic: 'location',
      };
    }
    default:
      return unreachable(criterion);
  }
}

function anyConsent(data: ScopeData, regulation: string): boolean {
  return data
    .facts(CONSENT)
    .some(({name, value}) => value === true && name.startsWith(`${regulation}:`));
}

function never(): number {
  return Infinity;
}

function ofValue(
  topic: string,
  test: Parameters<typeof compileTest>[0],
  value: (data: ScopeData) => Value | undefined,
): ProfileTruth {
  const compiled = compileTest(test);
  return {
    holds: (data, nowMs) => compiled.holds(value(data), nowMs),
    changesAtMs: (data, nowMs) => compiled.changesAtMs(value(data), nowMs),
    value,
    timed: compiled.timed,
    topic,
  };
}

function ofInstant(when: When, instantMs: (data: ScopeData) => number): ProfileTruth {
  const known = (data: ScopeData): boolean => Number.isFinite(instantMs(data));
  return {
    holds: (data, nowMs) => known(data) && windowHolds(when, instantMs(data), nowMs),
    changesAtMs: (data, nowMs) =>
      known(data) ? windowChangesAtMs(when, instantMs(data), nowMs) : Infinity,
    value: data => (known(data) ? instantMs(data) : undefined),
    timed: when.kind === 'sliding',
    topic: 'seen',
  };
}

const EARTH_RADIUS_METERS = 6_371_008.8;

function compilePlace(place: Place): (fix: LocationFix) => boolean {
  if (place.kind === 'equals') return compileNamedPlace(place);
  return ({latitude, longitude}) =>
    latitude !== undefined &&
    longitude !== undefined &&
    metersBetween(place.latitude, place.longitude, latitude, longitude) <= place.radiusMeters;
}

/** Haversine on a sphere of the Earth's mean radius. */
function metersBetween(latA: number, lonA: number, latB: number, lonB: number): number {
  const radians = Math.PI / 180;
  const sinLat = Math.sin(((latB - latA) * radians) / 2);
  const sinLon = Math.sin(((lonB - lonA) * radians) / 2);
  const h = sinLat ** 2 + Math.cos(latA * radians) * Math.cos(latB * radians) * sinLon ** 2;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(h)));
}

function describe(fix: LocationFix): string {
  const place = [fix.city, fix.state, fix.zip, fix.country].filter(part => part !== undefined);
  if (place.length > 0) return place.join(', ');
  return `${fix.latitude}, ${fix.longitude}`;
}
