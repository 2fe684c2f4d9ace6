/** Whether a fix lies in a named place: whichever of its usual spellings either side uses. */
import type {Place} from '../definitions/definition.ts';
import type {LocationFix} from '../record.ts';
import {foldCase} from '../values/fold-case.ts';
import {countryCode} from './country-names.ts';
import {placeKey} from './place-key.ts';
import {regionsCalled} from './region-names.ts';

export type NamedPlace = Extract<Place, {kind: 'equals'}>;

/** What the place does not name may be anything; what the fix does not know meets nothing. */
export function compileNamedPlace(place: NamedPlace): (fix: LocationFix) => boolean {
  const tests: ((fix: LocationFix) => boolean)[] = [];
  const {city, state, zip, dma, country} = place;
  if (country !== undefined) {
    const wanted = countryKey(country);
    tests.push(fix => fix.country !== undefined && countryKey(fix.country) === wanted);
  }
  if (state !== undefined) {
    const wanted = placeKey(state);
    tests.push(fix => isState(wanted, fix));
  }
  if (city !== undefined) {
    const wanted = placeKey(city);
    tests.push(fix => fix.city !== undefined && placeKey(fix.city) === wanted);
  }
  if (zip !== undefined) {
    const wanted = codeKey(zip);
    tests.push(fix => fix.zip !== undefined && codeKey(fix.zip) === wanted);
  }
  if (dma !== undefined) {
    const wanted = codeKey(dma);
    tests.push(fix => fix.dma !== undefined && codeKey(fix.dma) === wanted);
  }
  return fix => tests.every(test => test(fix));
}

/** `US`, `USA` and `United States` are one. */
export function countryKey(country: string): string {
  return countryCode(country) ?? placeKey(country);
}

/** "SW1A 1AA" is "sw1a1aa". */
function codeKey(code: string): string {
  return foldCase(code).replace(/\s+/g, '');
}

/** By its code, by its name as the fix has it, or by another spelling of the same region. */
function isState(wanted: string, fix: LocationFix): boolean {
  const country = fix.country === undefined ? undefined : countryKey(fix.country);
  for (const spelling of [fix.state, fix.stateName]) {
    if (spelling === undefined) continue;
    const key = placeKey(spelling);
    if (key === wanted || (country !== undefined && `${country} ${key}` === wanted)) return true;
    const regions = regionsCalled(spelling).filter(
      region => country === undefined || region.country === country,
    );
    // WA is a state of two countries: without the country it is only what it says.
    if (regions.length === 1 && regionsCalled(wanted).includes(regions[0]!)) return true;
  }
  return false;
}
