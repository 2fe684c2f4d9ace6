/**
 * What a record of a MaxMind-format file says of a place. Two layouts are read: that of MaxMind (GeoIP2,
 * GeoLite2, DB-IP), and flat ones whose columns are country_code, state1, city, postcode, latitude, longitude.
 */
import {regionsCalled} from '../../engine/places/region-names.ts';
import {countryKey} from '../../engine/places/match-place.ts';
import type {LocationFix} from '../../engine/record.ts';

export type IpPlace = Omit<LocationFix, 'timeMs'>;

/** undefined: it names no place. */
export function placeOfRecord(record: unknown): IpPlace | undefined {
  if (!isObject(record)) return undefined;
  const place = typeof record['country_code'] === 'string' ? flat(record) : nested(record);
  const {country, state, city, zip, latitude} = place;
  if ((country ?? state ?? city ?? zip ?? latitude) === undefined) return undefined;
  return place;
}

function nested(record: JsonObject): IpPlace {
  const {subdivisions} = record;
  // The largest first: a state or region, then its counties.
  const region: unknown = Array.isArray(subdivisions) ? subdivisions[0] : undefined;
  const location = objectIn(record, 'location');
  return place({
    country: textIn(objectIn(record, 'country'), 'iso_code'),
    stateCode: isObject(region) ? textIn(region, 'iso_code') : undefined,
    stateName: isObject(region) ? nameIn(region) : undefined,
    city: nameIn(objectIn(record, 'city')),
    zip: textIn(objectIn(record, 'postal'), 'code'),
    dma: textIn(location, 'metro_code'),
    latitude: degreesIn(location, 'latitude', 90),
    longitude: degreesIn(location, 'longitude', 180),
  });
}

function flat(record: JsonObject): IpPlace {
  return place({
    country: textIn(record, 'country_code'),
    stateCode: undefined,
    stateName: textIn(record, 'state1'),
    city: textIn(record, 'city'),
    zip: textIn(record, 'postcode'),
    dma: undefined,
    latitude: degreesIn(record, 'latitude', 90),
    longitude: degreesIn(record, 'longitude', 180),
  });
}

interface Parts {
  readonly country: string | undefined;
  readonly stateCode: string | undefined;
  readonly stateName: string | undefined;
  readonly city: string | undefined;
  readonly zip: string | undefined;
  readonly dma: string | undefined;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
}

function place({stateCode, stateName, latitude, longitude, ...named}: Parts): IpPlace {
  const {country, city, zip} = named;
  const state = stateCode ?? codeOf(country, stateName) ?? stateName;
  // Of an address that is known by its country alone, files give the middle of the country: a field in
  // Kansas, where a tenth of all addresses would seem to live. That is no point to measure from.
  const isPoint =
    (city ?? state ?? zip) !== undefined && latitude !== undefined && longitude !== undefined;
  return {
    latitude: isPoint ? latitude : undefined,
    longitude: isPoint ? longitude : undefined,
    ...named,
    state,
    ...(stateName === undefined || stateName === state ? undefined : {stateName}),
  };
}

/** Free files name regions without their codes. */
function codeOf(country: string | undefined, stateName: string | undefined): string | undefined {
  if (country === undefined || stateName === undefined) return undefined;
  const key = countryKey(country);
  return regionsCalled(stateName).find(region => region.country === key)?.code;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

function objectIn(object: JsonObject | undefined, field: string): JsonObject | undefined {
  const value = object?.[field];
  return isObject(value) ? value : undefined;
}

function textIn(object: JsonObject | undefined, field: string): string | undefined {
  const value = object?.[field];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The English name, as definitions are written; else the first there is. */
function nameIn(object: JsonObject | undefined): string | undefined {
  const names = objectIn(object, 'names');
  if (names === undefined) return undefined;
  return textIn(names, 'en') ?? textIn(names, Object.keys(names)[0] ?? '');
}

/** Some files keep numbers as text. */
function degreesIn(
  object: JsonObject | undefined,
  field: string,
  limit: number,
): number | undefined {
  const value = textIn(object, field);
  const degrees = value === undefined ? Number.NaN : Number(value);
  return Math.abs(degrees) <= limit ? degrees : undefined;
}
