import {describe, expect, test} from 'vitest';
import {compileProfileTruth} from '../../engine/criteria/profile-truth.ts';
import {parseDefinition} from '../../engine/definitions/parse-definition.ts';
import {countryCode} from '../../engine/places/country-names.ts';
import {compileNamedPlace} from '../../engine/places/match-place.ts';
import {placeKey} from '../../engine/places/place-key.ts';
import {regionsCalled} from '../../engine/places/region-names.ts';
import {ProfileData} from '../../engine/profiles/profile-data.ts';
import type {LocationFix} from '../../engine/record.ts';
import {scopeOf} from '../../engine/ids.ts';
import {Gazetteer} from '../../server/location/gazetteer.ts';

type Named = Partial<Record<'city' | 'state' | 'zip' | 'dma' | 'country', string>>;

describe('a named place is met', () => {
  test.each<[wanted: Named, fix: Named & {stateName?: string}]>([
    [{country: 'US'}, {country: 'us'}],
    [{country: 'USA'}, {country: 'US'}],
    [{country: 'United States'}, {country: 'US'}],
    [{country: 'us'}, {country: 'United States of America'}],
    [{country: 'Czech Republic'}, {country: 'CZ'}],
    [{country: 'Middle-earth'}, {country: 'middle earth'}],
    [{state: 'IL'}, {state: 'IL', country: 'US'}],
    [{state: 'Illinois'}, {state: 'IL', country: 'US'}],
    [{state: 'illinois'}, {state: 'IL'}],
    [{state: 'IL'}, {state: 'Illinois', country: 'US'}],
    [{state: 'US-IL'}, {state: 'IL', country: 'US'}],
    [{state: 'IL'}, {state: 'US-IL', country: 'US'}],
    [{state: 'IL'}, {state: 'US-IL'}],
    [
      {state: 'Quebec', country: 'Canada'},
      {state: 'QC', country: 'CA'},
    ],
    [{state: 'Québec'}, {state: 'Quebec', country: 'CA'}],
    [{state: 'Bayern'}, {state: 'BY', stateName: 'Bavaria', country: 'DE'}],
    [{state: 'Western Australia'}, {state: 'WA', country: 'AU'}],
    [{state: 'WA'}, {state: 'WA', country: 'AU'}],
    [{state: 'Osaka Prefecture'}, {state: '27', stateName: 'Osaka Prefecture', country: 'JP'}],
    [{state: '27'}, {state: '27', stateName: 'Osaka Prefecture', country: 'JP'}],
    [{city: 'sao paulo'}, {city: 'São Paulo'}],
    [{city: 'St. Louis'}, {city: 'Saint Louis'}],
    [{city: "Coeur d'Alene"}, {city: 'Cœur d’Alene'}],
    [{zip: 'sw1a1aa'}, {zip: 'SW1A 1AA'}],
    [{dma: '602'}, {dma: '602'}],
    [
      {city: 'Springfield', state: 'Illinois'},
      {city: 'Springfield', state: 'IL', country: 'US'},
    ],
  ])('%j by %j', (wanted, fix) => {
    expect(meets(wanted, fix)).toBe(true);
  });

  test.each<[wanted: Named, fix: Named & {stateName?: string}]>([
    [{country: 'US'}, {}],
    [{country: 'US'}, {country: 'UM'}],
    [{country: 'Guinea'}, {country: 'GQ'}],
    [{state: 'Western Australia'}, {state: 'WA', country: 'US'}],
    [{state: 'Washington'}, {state: 'WA', country: 'AU'}],
    [{state: 'Western Australia'}, {state: 'WA'}],
    [{state: 'Illinois'}, {city: 'Illinois'}],
    [{state: 'California'}, {state: 'CA', country: 'ES'}],
    [{city: 'Spring'}, {city: 'Springfield'}],
    [{city: 'Springfield', state: 'IL'}, {city: 'Springfield'}],
    [
      {city: 'Springfield', state: 'IL'},
      {city: 'Springfield', state: 'MA', country: 'US'},
    ],
    [{zip: '62701'}, {zip: '6270'}],
  ])('%j, and not by %j', (wanted, fix) => {
    expect(meets(wanted, fix)).toBe(false);
  });
});

describe('a radius', () => {
  const METERS_OF_DEGREE = (6_371_008.8 * Math.PI) / 180;

  test('ends where it says, to the centimetre', () => {
    const within = (meters: number) => ({
      within: {latitude: 10, longitude: 20, radius: {value: meters, unit: 'm'}},
    });
    const north = {latitude: 11, longitude: 20};
    expect(holds(within(METERS_OF_DEGREE + 0.01), north)).toBe(true);
    expect(holds(within(METERS_OF_DEGREE - 0.01), north)).toBe(false);
  });

  test.each([
    ['km', METERS_OF_DEGREE / 1000],
    ['mi', METERS_OF_DEGREE / 1609.344],
    ['m', METERS_OF_DEGREE],
  ])('is measured in %s', (unit, value) => {
    const within = (factor: number) => ({
      within: {latitude: 0, longitude: 0, radius: {value: value * factor, unit}},
    });
    const east = {latitude: 0, longitude: 1};
    expect(holds(within(1.000_001), east)).toBe(true);
    expect(holds(within(0.999_999), east)).toBe(false);
  });

  test('reaches over the date line and the pole', () => {
    const near = (latitude: number, longitude: number) => ({
      within: {latitude, longitude, radius: {value: 30, unit: 'km'}},
    });
    expect(holds(near(0, 179.9), {latitude: 0, longitude: -179.9})).toBe(true);
    expect(holds(near(89.9, 0), {latitude: 89.9, longitude: 180})).toBe(true);
    expect(holds(near(0, 0), {latitude: 0, longitude: 180})).toBe(false);
  });

  test('is around a city by its name', () => {
    const within = (city: string, value: number) => ({
      within: {city, radius: {value, unit: 'km'}},
    });
    const versailles = {latitude: 48.8049, longitude: 2.1204};
    expect(holds(within('Paris', 20), versailles)).toBe(true);
    expect(holds(within('Paris', 15), versailles)).toBe(false);
    expect(holds(within('Paris, Texas', 20), versailles)).toBe(false);
  });

  test('is met by no fix without a point', () => {
    const around = {within: {city: 'Paris', radius: {value: 30_000, unit: 'km'}}};
    expect(holds(around, {city: 'Paris'})).toBe(false);
    expect(holds(around, {latitude: -48, longitude: -177})).toBe(true);
  });
});

test('a city that is not known or could be several is refused in a sentence', () => {
  const within = (city: string) => ({within: {city, radius: {value: 1, unit: 'km'}}});
  expect(parse(within('Qwertzuiop'))).toEqual({
    problems: [
      {
        path: 'definition.within.city',
        message: 'the city "Qwertzuiop" is not known here: give its latitude and longitude',
      },
    ],
  });
  expect(parse(within('Abalak'))).toEqual({
    problems: [
      {
        path: 'definition.within.city',
        message:
          'the city "Abalak" could be "Abalak, 06, NE" at 15.45, 6.28 or "Abalak, 78, RU" at 58.13, 68.59',
      },
    ],
  });
});

describe('the tables', () => {
  test.each([
    ['GB', 'gb'],
    ['uk', 'gb'],
    ['DEU', 'de'],
    ["Côte d'Ivoire", 'ci'],
    ['Cote d’Ivoire', 'ci'],
    ['Turkey', 'tr'],
    ['U.S.A.', 'us'],
    ['bosnia and herzegovina', 'ba'],
    ['Atlantis', undefined],
    ['', undefined],
  ])('%j is %s', (name, code) => {
    expect(countryCode(name)).toBe(code);
  });

  test('the names that the runtime has are known', () => {
    const names = new Intl.DisplayNames('en', {type: 'region', fallback: 'none'});
    const codes = ['de', 'us', 'gb', 'fr', 'jp', 'br', 'za', 'kr', 'mm', 'xk'];
    expect(codes.map(code => countryCode(names.of(code.toUpperCase()) ?? ''))).toEqual(codes);
  });

  test('a region is found by code, by name, and with its country', () => {
    const illinois = {country: 'us', code: 'IL', geonamesCode: 'IL', name: 'Illinois'};
    for (const text of ['IL', 'il', 'Illinois', 'US-IL']) {
      expect(regionsCalled(text)).toEqual([illinois]);
    }
    expect(regionsCalled('WA').map(({country}) => country)).toEqual(['us', 'au']);
    expect(regionsCalled('Nowhere')).toEqual([]);
  });

  test.each([
    'Saint-Étienne',
    'ŁÓDŹ',
    'Ho Chi Minh City',
    'Kraków',
    'Þórshöfn',
    '東京',
    'St. John’s',
  ])('the key of %s is its own key', name => {
    expect(placeKey(placeKey(name))).toBe(placeKey(name));
  });
});

const NOWHERE = {
  latitude: undefined,
  longitude: undefined,
  city: undefined,
  state: undefined,
  zip: undefined,
  dma: undefined,
  country: undefined,
  timeMs: 0,
};

function meets(wanted: Named, fix: Partial<LocationFix>): boolean {
  const {city, state, zip, dma, country} = wanted;
  return compileNamedPlace({kind: 'equals', city, state, zip, dma, country})({...NOWHERE, ...fix});
}

const gazetteer = new Gazetteer();

function parse(place: object): ReturnType<typeof parseDefinition> {
  return parseDefinition(
    {kind: 'location', ...place},
    {
      eventRetentionMs: 1,
      workspaces: [1],
      inputs: undefined,
      hasAudience: () => true,
      hasInput: () => true,
      hasCalculatedAttribute: () => undefined,
      findCity: name => gazetteer.findCity(name),
    },
  );
}

function holds(place: object, fix: Partial<LocationFix>): boolean {
  const parsed = parse(place);
  if (!('expression' in parsed) || parsed.expression.kind !== 'criterion') {
    throw new Error(JSON.stringify(parsed));
  }
  const {criterion} = parsed.expression;
  if (criterion.kind !== 'location') throw new Error(criterion.kind);
  const data = ProfileData.of().add(scopeOf(1, 'production'));
  data.setLocation({...NOWHERE, ...fix});
  return compileProfileTruth(criterion).holds(data, 0);
}
