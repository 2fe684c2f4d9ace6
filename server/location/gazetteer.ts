/**
 * Cities of the world by name, from GeoNames: "Paris", "Paris, FR", "Springfield, IL, US". Nothing is
 * read until somebody asks; then it takes some 10 MB.
 */
import type {CityFound} from '../../engine/definitions/parse-definition.ts';
import {countryCode} from '../../engine/places/country-names.ts';
import {placeKey} from '../../engine/places/place-key.ts';
import {regionsCalled} from '../../engine/places/region-names.ts';
import {type CityFacts, readCitiesFile, readCity} from './cities-file.ts';
import {CityIndex} from './city-index.ts';
import {otherNames} from './city-names.ts';

export class Gazetteer {
  #index: CityIndex | undefined;

  /** Of several the largest; where the largest are equally large, what each would be called. */
  findCity(text: string): CityFound | undefined {
    const [name = '', ...qualifiers] = text.split(',').map(part => part.trim());
    if (name === '' || qualifiers.includes('')) return undefined;
    const [best, ...others] = this.#called(name)
      .filter(city => qualifiers.every(qualifier => isIn(city, qualifier)))
      .sort((a, b) => rank(a) - rank(b) || b.population - a.population || seat(a) - seat(b));
    if (best === undefined) return undefined;
    const equals = others.filter(
      other =>
        rank(other) === rank(best) && other.population === best.population && isFar(best, other),
    );
    if (equals.length > 0) return {candidates: [best, ...equals].slice(0, 5).map(describe)};
    return {latitude: best.latitude, longitude: best.longitude};
  }

  #called(name: string): City[] {
    this.#index ??= new CityIndex(readCitiesFile());
    const key = placeKey(name);
    const cities = this.#citiesOf(key);
    for (const other of otherNames(key)) {
      const meant = this.#citiesOf(placeKey(other.name));
      cities.push(...meant.filter(city => city.country === other.country));
    }
    // "New York" is New York City.
    return cities.length > 0 ? cities : this.#citiesOf(`${key} city`);
  }

  #citiesOf(key: string): City[] {
    const index = this.#index!;
    return index.find(key).map(({start, latitude, longitude}) => ({
      ...readCity(index.file, start),
      latitude,
      longitude,
    }));
  }
}

interface City extends CityFacts {
  readonly latitude: number;
  readonly longitude: number;
}

/** A country or a state, by code or by name. */
function isIn({country, adminCode}: City, qualifier: string): boolean {
  const cc = country.toLowerCase();
  if (countryCode(qualifier) === cc || placeKey(adminCode) === placeKey(qualifier)) return true;
  return regionsCalled(qualifier).some(
    region => region.country === cc && region.geonamesCode === adminCode,
  );
}

/** Parts of towns, and towns that are no more, give way to towns. */
function rank({featureCode}: City): number {
  return featureCode === 'PPLX' || /^PPL[HQW]/.test(featureCode) || featureCode === 'PPLCH' ? 1 : 0;
}

/** Capitals first, then seats of governments from the highest down. */
function seat({featureCode}: City): number {
  const order = ['PPLC', 'PPLA', 'PPLA2', 'PPLA3', 'PPLA4', 'PPLA5'].indexOf(featureCode);
  return order === -1 ? 6 : order;
}

/** GeoNames has some towns twice: within about 50 km it is the same one. */
function isFar(a: City, b: City): boolean {
  const north = Math.abs(a.latitude - b.latitude);
  const turn = Math.abs(a.longitude - b.longitude);
  const east = Math.min(turn, 360 - turn) * Math.cos((a.latitude * Math.PI) / 180);
  return Math.hypot(north, east) > 0.45;
}

function describe({name, adminCode, country, latitude, longitude}: City): string {
  const parts = [name, adminCode, country].filter(part => part !== '');
  return `"${parts.join(', ')}" at ${latitude.toFixed(2)}, ${longitude.toFixed(2)}`;
}
