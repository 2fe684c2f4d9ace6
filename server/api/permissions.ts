/**
 * Who may do what, in one place.
 *
 * | role | may |
 * |---|---|
 * | admin | everything |
 * | editor | what a viewer may, and make audiences and change those that are its own or usable |
 * | viewer | read what it can see |
 * | subscriber | deltas only: no route of the API |
 *
 * An audience is `private` (seen by its owner and admins), `view_only` (seen by all) or `usable` (seen,
 * nested, connected and edited by all whose role allows it). A token with a list of audiences sees those
 * and its own, nothing else.
 */
import {unreachable} from '../../engine/assert.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {Audience} from '../catalog/entities.ts';

/** What a route asks of the one who calls it. */
export const ROUTE_ACCESS = ['public', 'viewer', 'editor', 'admin'] as const;
export type RouteAccess = (typeof ROUTE_ACCESS)[number];

export function mayCall({role}: Principal, access: RouteAccess): boolean {
  switch (access) {
    case 'public':
      return true;
    case 'viewer':
      return role === 'viewer' || role === 'editor' || role === 'admin';
    case 'editor':
      return role === 'editor' || role === 'admin';
    case 'admin':
      return role === 'admin';
    default:
      return unreachable(access);
  }
}

export type AudienceRights = Pick<Audience, 'id' | 'owner' | 'access'>;

/** Its definition, size and members; for a subscriber: its deltas. */
export function maySee(principal: Principal, {id, owner, access}: AudienceRights): boolean {
  if (principal.role === 'admin' || owner === principal.name) return true;
  // A grant by name is an administrator's word: it counts for a private audience too.
  if (principal.audiences !== undefined) return principal.audiences.has(id);
  return access !== 'private';
}

/** Nest it in another audience, connect it, download it. */
export function mayUse(principal: Principal, audience: AudienceRights): boolean {
  if (principal.role === 'admin' || audience.owner === principal.name) return true;
  return audience.access === 'usable' && maySee(principal, audience);
}

/** Change its definition and settings, activate, deactivate and delete it. */
export function mayEdit(principal: Principal, audience: AudienceRights): boolean {
  return mayCall(principal, 'editor') && mayUse(principal, audience);
}

/** Give it away, or change who may see and use it. */
export function mayShare(principal: Principal, {owner}: AudienceRights): boolean {
  return principal.role === 'admin' || (principal.role === 'editor' && owner === principal.name);
}

export function maySeeIdentity({identities}: Principal, type: string): boolean {
  return identities === undefined || identities.has(type);
}
