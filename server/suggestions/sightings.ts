/** Who was seen with something, as hashes: the first few, so that it can be told from what only one person has. */
export type Sightings = number[];

/** More than make a value told, so that one who is erased does not take it from the others. */
const SIGHTINGS_MAX = 6;

export function noteSighting(sightings: Sightings, profile: number): void {
  if (sightings.length < SIGHTINGS_MAX && !sightings.includes(profile)) sightings.push(profile);
}

/** False: it was not among them. */
export function forgetSighting(sightings: Sightings, profile: number): boolean {
  const at = sightings.indexOf(profile);
  if (at < 0) return false;
  sightings.splice(at, 1);
  return true;
}

export function sightingOf(mpidHi: number, mpidLo: number): number {
  return (mpidHi ^ mpidLo) | 0;
}
