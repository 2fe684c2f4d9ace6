/** Identity types as requests name them: in any spelling that clients use. */
import {didYouMean, quoted} from '../../engine/definitions/faults.ts';
import type {Problem} from '../../engine/definitions/definition.ts';
import {
  canonicalIdentityType,
  IDENTITY_TYPES,
  type IdentityType,
} from '../../engine/identity-types.ts';

/** undefined, and a problem at `path`, for what is no type. */
export function readIdentityType(
  spelling: string,
  path: string,
  problems: Problem[],
): IdentityType | undefined {
  const type = canonicalIdentityType(spelling);
  if (type === undefined) {
    const hint = didYouMean(spelling, IDENTITY_TYPES);
    const message = `${quoted(spelling)} is not an identity type${hint}; known are ${IDENTITY_TYPES.join(', ')}`;
    problems.push({path, message});
  }
  return type;
}

/** Each once; a problem for each that is no type, or there twice. */
export function readIdentityTypes(
  spellings: readonly string[],
  path: string,
  problems: Problem[],
): IdentityType[] {
  const types = new Set<IdentityType>();
  for (const [index, spelling] of spellings.entries()) {
    const type = readIdentityType(spelling, `${path}[${index}]`, problems);
    if (type === undefined) continue;
    if (types.has(type)) problems.push({path: `${path}[${index}]`, message: 'is named twice'});
    types.add(type);
  }
  return [...types];
}
