/** Where a profile is: in a named place, or within a radius of a point or a city. */
import {foldCase} from '../values/fold-case.ts';
import type {LocationCriterion, Place} from './definition.ts';
import {fieldOf, found, isObject, quoted, refuseUnknownFields} from './faults.ts';
import type {Faults, JsonObject} from './faults.ts';
import {parseName} from './parse-attribute.ts';
import {parseWorkspaces} from './parse-scope.ts';
import type {Parsing} from './parse-scope.ts';

const PLACE_FIELDS = ['city', 'state', 'zip', 'dma', 'country'] as const;

const METERS_OF_UNIT = new Map<unknown, number>([
  ['km', 1_000],
  ['mi', 1_609.344],
  ['m', 1],
]);

export function parseLocation(
  object: JsonObject,
  path: string,
  parsing: Parsing,
): LocationCriterion | undefined {
  const {faults} = parsing;
  refuseUnknownFields(object, ['kind', 'workspaces', 'equals', 'within'], path, faults);
  const workspaces = parseWorkspaces(object, path, parsing);
  const equals = fieldOf(object, 'equals');
  const within = fieldOf(object, 'within');
  if ((equals === undefined) === (within === undefined)) {
    faults.at(path, 'needs either "equals" or "within"');
  }
  const named = equals === undefined ? undefined : parsePlace(equals, `${path}.equals`, faults);
  const near = within === undefined ? undefined : parseWithin(within, `${path}.within`, parsing);
  const place = named ?? near;
  return place === undefined ? undefined : {kind: 'location', place, workspaces};
}

function parsePlace(json: unknown, path: string, faults: Faults): Place | undefined {
  if (!isObject(json)) {
    return faults.at(path, `must be an object like {"city":"Paris"}, not ${found(json)}`);
  }
  refuseUnknownFields(json, PLACE_FIELDS, path, faults);
  if (PLACE_FIELDS.every(field => fieldOf(json, field) === undefined)) {
    return faults.at(path, `needs at least one of ${PLACE_FIELDS.join(', ')}`);
  }
  const text = (field: (typeof PLACE_FIELDS)[number]) => {
    const value = fieldOf(json, field);
    if (value === undefined) return undefined;
    // Codes are often written as numbers.
    const isCode = (field === 'zip' || field === 'dma') && Number.isSafeInteger(value);
    const name = parseName(isCode ? String(value) : value, `${path}.${field}`, faults);
    return name === undefined ? undefined : foldCase(name);
  };
  return {
    kind: 'equals',
    city: text('city'),
    state: text('state'),
    zip: text('zip'),
    dma: text('dma'),
    country: text('country'),
  };
}

function parseWithin(json: unknown, path: string, parsing: Parsing): Place | undefined {
  const {faults} = parsing;
  if (!isObject(json)) {
    return faults.at(path, `must be an object with a place and a radius, not ${found(json)}`);
  }
  refuseUnknownFields(json, ['latitude', 'longitude', 'city', 'radius'], path, faults);
  const center = parseCenter(json, path, parsing);
  const radiusMeters = parseRadius(fieldOf(json, 'radius'), `${path}.radius`, faults);
  if (center === undefined || radiusMeters === undefined) return undefined;
  return {kind: 'within', ...center, radiusMeters};
}

interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

function parseCenter(
  object: JsonObject,
  path: string,
  {context, faults}: Parsing,
): Point | undefined {
  const city = fieldOf(object, 'city');
  const hasPoint =
    fieldOf(object, 'latitude') !== undefined || fieldOf(object, 'longitude') !== undefined;
  if ((city !== undefined) === hasPoint) {
    return faults.at(path, 'needs either latitude and longitude, or a city');
  }
  if (city === undefined) {
    const latitude = parseDegrees(object, 'latitude', 90, path, faults);
    const longitude = parseDegrees(object, 'longitude', 180, path, faults);
    return latitude === undefined || longitude === undefined ? undefined : {latitude, longitude};
  }
  const name = parseName(city, `${path}.city`, faults);
  if (name === undefined) return undefined;
  const cityFound = context.findCity(name);
  if (cityFound === undefined) {
    return faults.at(
      `${path}.city`,
      `the city ${quoted(name)} is not known here: give its latitude and longitude`,
    );
  }
  if ('candidates' in cityFound) {
    const candidates = cityFound.candidates.join(' or ');
    return faults.at(`${path}.city`, `the city ${quoted(name)} could be ${candidates}`);
  }
  return {latitude: cityFound.latitude, longitude: cityFound.longitude};
}

function parseDegrees(
  object: JsonObject,
  field: 'latitude' | 'longitude',
  limit: number,
  path: string,
  faults: Faults,
): number | undefined {
  const degrees = fieldOf(object, field);
  if (typeof degrees === 'number' && Math.abs(degrees) <= limit) return degrees;
  return faults.at(
    `${path}.${field}`,
    `must be a number from -${limit} to ${limit}, not ${found(degrees)}`,
  );
}

function parseRadius(json: unknown, path: string, faults: Faults): number | undefined {
  if (!isObject(json)) {
    return faults.at(path, `must be an object like {"value":10,"unit":"km"}, not ${found(json)}`);
  }
  refuseUnknownFields(json, ['value', 'unit'], path, faults);
  const value = fieldOf(json, 'value');
  const unit = fieldOf(json, 'unit');
  const meters = METERS_OF_UNIT.get(unit);
  if (meters === undefined) faults.at(`${path}.unit`, `must be km, mi or m, not ${found(unit)}`);
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
    return faults.at(`${path}.value`, `must be a number above 0, not ${found(value)}`);
  }
  return meters === undefined ? undefined : value * meters;
}
