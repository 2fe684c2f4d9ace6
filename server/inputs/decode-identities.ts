/** What a batch says about who the profile is, in canonical types; the pipeline numbers the claims. */
import type {IdentityChange} from '../../engine/record.ts';
import {withMember} from './decode-extra.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {IDENTITIES_MAX} from './decode-limits.ts';
import {isRawObject, readList, readObject, readText} from './decode-values.ts';
import {
  canonicalIdentityType,
  isDeviceIdentity,
  type IdentityType,
} from '../../engine/identity-types.ts';

/** `value` undefined: the profile gives the identity up. */
export interface IdentityClaim extends Omit<IdentityChange, 'sequence'> {
  /** The identity of this type that it gives up: it leads to the profile no more. */
  readonly released?: string | undefined;
}

/**
 * user_identities: an object by type, or the list of `{identity_type, identity}` that outputs send.
 * Returns what has no known type, as members for the extra text.
 */
export function readUserIdentities(raw: unknown, into: IdentityClaim[], faults: Faults): string {
  const place = 'user_identities';
  if (Array.isArray(raw)) return readIdentityList(raw, place, into, faults);
  const identities = readObject(raw, place, faults);
  let unknown = '';
  if (identities === undefined) return unknown;
  for (const name in identities) {
    const type = canonicalIdentityType(name);
    if (type === undefined) unknown = withMember(unknown, name, identities[name], place, faults);
    else readClaim(type, identities[name], place, name, into, faults);
  }
  return unknown;
}

/** A claim, unless the value is absent: `null` and '' claim nothing and remove nothing. */
export function readClaim(
  type: IdentityType,
  raw: unknown,
  place: string,
  name: string,
  into: IdentityClaim[],
  faults: Faults,
): void {
  const value = readIdentity(raw, place, name, faults);
  if (value !== '' && !(isDeviceIdentity(type) && isBlankDeviceId(value))) into.push({type, value});
}

/** user_identity_change: `new` claims, or removes when it has no identity; a type that only `old` names is removed. */
export function readIdentityChange(
  newer: unknown,
  older: unknown,
  into: IdentityClaim[],
  faults: Faults,
): void {
  const to = readObject(newer, 'data.new', faults);
  const from = readObject(older, 'data.old', faults);
  const toType = typeOf(to?.identity_type, 'data.new', faults);
  const fromType = typeOf(from?.identity_type, 'data.old', faults);
  const value = to === undefined ? '' : readIdentity(to.identity, 'data.new', 'identity', faults);
  const old = from === undefined ? '' : readIdentity(from.identity, 'data.old', 'identity', faults);
  const released = old === '' || old === value ? undefined : old;
  if (fromType !== undefined && fromType !== toType) {
    into.push({type: fromType, value: undefined, released});
  }
  if (toType === undefined) return;
  const given = fromType === toType ? released : undefined;
  if (value === '') into.push({type: toType, value: undefined, released: given});
  else if (!isDeviceIdentity(toType) || !isBlankDeviceId(value)) {
    into.push({type: toType, value, released: given});
  }
}

function readIdentityList(
  raw: readonly unknown[],
  place: string,
  into: IdentityClaim[],
  faults: Faults,
): string {
  let unknown = '';
  const list = readList(raw, place, IDENTITIES_MAX, faults) ?? [];
  for (let index = 0; index < list.length; index++) {
    const entry = list[index];
    const entryPlace = `${place}[${index}]`;
    if (entry === null) continue;
    if (!isRawObject(entry)) {
      faults.add(entryPlace, 'is not an object.');
      continue;
    }
    const type = typeOf(entry.identity_type, entryPlace, faults);
    if (type === undefined) unknown = withMember(unknown, String(index), entry, place, faults);
    else readClaim(type, entry.identity, entryPlace, 'identity', into, faults);
  }
  return unknown;
}

function typeOf(raw: unknown, place: string, faults: Faults): IdentityType | undefined {
  return canonicalIdentityType(readText(raw, memberPlace(place, 'identity_type'), faults));
}

function readIdentity(raw: unknown, place: string, name: string, faults: Faults): string {
  if (typeof raw === 'string' && raw.length <= 256) return raw;
  if (typeof raw === 'boolean') {
    faults.add(memberPlace(place, name), 'is not text.');
    return '';
  }
  return raw === null || raw === undefined ? '' : readText(raw, memberPlace(place, name), faults);
}

/** Devices that limit tracking all answer zeros: as an identity it would make one profile of them. */
function isBlankDeviceId(value: string): boolean {
  return /^[0-]+$/.test(value);
}
