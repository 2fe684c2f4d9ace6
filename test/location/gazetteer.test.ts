import {describe, expect, test} from 'vitest';
import {countryCode} from '../../engine/places/country-names.ts';
import {CITY_NAMES} from '../../server/location/city-names.ts';
import {Gazetteer} from '../../server/location/gazetteer.ts';

const gazetteer = new Gazetteer();

/** Whole degrees: enough to tell the cities apart. */
function degrees(name: string): [latitude: number, longitude: number] | undefined {
  const found = gazetteer.findCity(name);
  if (found === undefined) return undefined;
  if ('candidates' in found) throw new Error(found.candidates.join(' or '));
  return [Math.round(found.latitude) + 0, Math.round(found.longitude) + 0];
}

describe('a city', () => {
  test.each([
    ['Paris', 49, 2],
    ['  pARIS ', 49, 2],
    ['Paris, FR', 49, 2],
    ['Paris, France', 49, 2],
    ['Paris, fra', 49, 2],
    ['Paris, Île-de-France', 49, 2],
    ['Paris, TX', 34, -96],
    ['Paris, Texas', 34, -96],
    ['paris,tx,us', 34, -96],
    ['Paris, US-TX', 34, -96],
    ['Paris, Ontario', 43, -80],
    ['Paris, CA', 43, -80],
    ['Springfield', 37, -93],
    ['Springfield, IL, US', 40, -90],
    ['Springfield, Illinois, United States', 40, -90],
    ['Springfield, MA', 42, -73],
    ['London', 52, 0],
    ['London, ON, Canada', 43, -81],
    ['Perth', -32, 116],
    ['Perth, Scotland', 56, -3],
    ['New York', 41, -74],
    ['New York, NY', 41, -74],
    ['Washington', 39, -77],
    ['Washington, D.C.', 39, -77],
    ['Washington, GB', 55, -2],
    ['St. Louis', 39, -90],
    ['Saint Louis, MO', 39, -90],
    ['SAO PAULO', -24, -47],
    ['São Paulo', -24, -47],
    ['Montreal', 46, -74],
    ['Cologne', 51, 7],
    ['Köln, Germany', 51, 7],
    ['Bombay', 19, 73],
    ['Ho Chi Minh', 11, 107],
  ])('%s is near %i, %i', (name, latitude, longitude) => {
    expect(degrees(name)).toEqual([latitude, longitude]);
  });

  test.each([
    'Qwertzuiop',
    'Paris, DE',
    'Paris, Nowhere',
    '',
    ',',
    'Paris,',
    ', FR',
    'x'.repeat(999),
  ])('%j is not known', name => {
    expect(gazetteer.findCity(name)).toBeUndefined();
  });

  test('that could be two of the same size is told apart by nobody', () => {
    expect(gazetteer.findCity('Abalak')).toEqual({
      candidates: ['"Abalak, 06, NE" at 15.45, 6.28', '"Abalak, 78, RU" at 58.13, 68.59'],
    });
    expect(degrees('Abalak, 06, NE')).toEqual([15, 6]);
    expect(degrees('Abalak, Russia')).toEqual([58, 69]);
  });

  test.each(CITY_NAMES.trim().split('\n'))('is found by every other name: %s', line => {
    const country = line.slice(0, 2);
    const [name = '', others = ''] = line.slice(3).split(': ');
    expect(countryCode(country)).toBe(country.toLowerCase());
    const city = degrees(name.includes(',') ? name : `${name}, ${country}`);
    expect(city).toBeDefined();
    for (const other of others.split('|')) expect(degrees(other)).toEqual(city);
  });
});

test('thousands of cities take no time', () => {
  const startMs = performance.now();
  for (let i = 0; i < 2_000; i++) gazetteer.findCity(i % 2 === 0 ? 'Paris, Texas' : `Nowhere ${i}`);
  expect(performance.now() - startMs).toBeLessThan(20_000);
});
