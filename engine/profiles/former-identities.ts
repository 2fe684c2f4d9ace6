/**
 * Identities that profiles no longer have. Whoever was told of them has to be told again, to drop them; the profile
 * itself cannot say them any more.
 */
import {IDENTITY} from '../facts/fact-names.ts';
import type {ScopeId} from '../ids.ts';
import type {ScopeData} from './profile-data.ts';

/**
 * Among the watched attributes this and an identity type stand for the identity. No reader can ask for an
 * attribute whose name begins so.
 */
export const IDENTITY_MARK = '\u0000';

export interface FormerIdentity {
  readonly scope: ScopeId;
  readonly type: string;
  readonly value: string;
}

export interface FormerOf {
  readonly hi: number;
  readonly lo: number;
  readonly identities: readonly FormerIdentity[];
  /** The profile is gone, and these are all that it had; else it goes on without them. */
  readonly isGone: boolean;
}

/** Those of watched types. */
export function watchedIdentities(
  scopes: readonly ScopeData[],
  watched: readonly string[],
): FormerIdentity[] {
  const found: FormerIdentity[] = [];
  if (watched.length === 0) return found;
  for (const data of scopes) {
    for (const {name: type, value} of data.facts(IDENTITY)) {
      if (typeof value !== 'string' || !watched.includes(IDENTITY_MARK + type)) continue;
      found.push({scope: data.scope, type, value});
    }
  }
  return found;
}
