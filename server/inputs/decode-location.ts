/** Where the profile was, as the client says it. The `ip` of a batch is somebody else's business. */
import type {LocationFix} from '../../engine/record.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {readNumber, readObject, readText, type RawObject} from './decode-values.ts';

/** undefined: it names neither a point nor a place. A point off the globe is no point. */
export function readLocation(
  raw: unknown,
  timeMs: number,
  place: string,
  faults: Faults,
): LocationFix | undefined {
  const location = readObject(raw, place, faults);
  if (location === undefined) return undefined;
  const latitude = readNumber(location.latitude, memberPlace(place, 'latitude'), faults);
  const longitude = readNumber(location.longitude, memberPlace(place, 'longitude'), faults);
  const isPoint =
    latitude !== undefined &&
    longitude !== undefined &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 180;
  const fix: LocationFix = {
    latitude: isPoint ? latitude : undefined,
    longitude: isPoint ? longitude : undefined,
    city: readName(location, 'city_name', 'city', place, faults),
    state: readName(location, 'region_code', 'state', place, faults),
    zip: readName(location, 'postal_code', 'zip', place, faults),
    dma: readName(location, 'dma_code', 'dma', place, faults),
    country: readName(location, 'country_code', 'country', place, faults),
    timeMs,
  };
  const isPlace = fix.city ?? fix.state ?? fix.zip ?? fix.dma ?? fix.country;
  return isPoint || isPlace !== undefined ? fix : undefined;
}

/** Says more than `readLocation` reads: accuracy, the source, … */
export function hasMoreThanLocation(raw: unknown): boolean {
  if (typeof raw !== 'object' || raw === null) return false;
  for (const key in raw) if (!READ.has(key)) return true;
  return false;
}

const NAMES = ['city_name', 'region_code', 'postal_code', 'dma_code', 'country_code'];
const SHORT_NAMES = ['city', 'state', 'zip', 'dma', 'country'];
const READ: ReadonlySet<string> = new Set(['latitude', 'longitude', ...NAMES, ...SHORT_NAMES]);

function readName(
  location: RawObject,
  name: string,
  shortName: string,
  place: string,
  faults: Faults,
): string | undefined {
  let text = readText(location[name], memberPlace(place, name), faults);
  if (text === '') text = readText(location[shortName], memberPlace(place, shortName), faults);
  return text === '' ? undefined : text;
}
