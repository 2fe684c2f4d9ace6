import {Type} from 'typebox';
import type {IdentityType} from '../../engine/identity-types.ts';
import {environmentOf, workspaceOf} from '../../engine/ids.ts';
import type {Environment} from '../../engine/ids.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {Actor} from '../catalog/catalog.ts';
import {ENVIRONMENTS} from '../catalog/entities.ts';
import type {ProfileScopeView, ProfileView, Shards} from '../shards/protocol.ts';
import {ApiError, notFound} from './errors.ts';
import {readIdentityType} from './identity-types.ts';
import {parseMpid} from './mpid.ts';
import {maySee, maySeeIdentity} from './permissions.ts';
import {route} from './route.ts';
import type {Answer, ApiRoute} from './route.ts';
import {ProfileAnswer} from './schemas.ts';

export interface ProfileRouteParts {
  readonly audiences: AudienceBook;
  readonly shards: Shards;
  /** The profile an identity leads to in an environment: they live apart. */
  readonly findProfile: (key: {
    readonly environment: Environment;
    readonly type: IdentityType;
    readonly value: string;
  }) => Promise<bigint | undefined> | bigint | undefined;
  /** Erases it everywhere, and writes that down; false: there was none. */
  readonly eraseProfile: (mpid: bigint, actor: Actor) => Promise<boolean>;
}

const TAG = 'Profiles';

export function profileRoutes(parts: ProfileRouteParts): ApiRoute[] {
  const answerProfile = async (mpid: bigint | undefined, principal: Principal): Promise<Answer> => {
    if (mpid === undefined) throw notFound();
    const profile = await parts.shards.call(parts.shards.shardOf(mpid), 'profile', {mpid});
    if (profile === undefined) throw notFound();
    return {status: 200, body: viewProfile(profile, parts.audiences, principal)};
  };
  return [
    route({
      method: 'GET',
      pattern: '/v1/profiles/:mpid',
      access: 'viewer',
      tag: TAG,
      summary: 'Everything known of a profile',
      answers: {200: ProfileAnswer},
      handle: ({params, principal}) =>
        answerProfile(parseMpid(params.get('mpid') ?? ''), principal),
    }),
    route({
      method: 'GET',
      pattern: '/v1/profiles',
      access: 'viewer',
      tag: TAG,
      summary: 'The profile that an identity leads to',
      query: [
        {
          name: 'identity',
          description: 'Identity type.',
          schema: Type.String({examples: ['email']}),
          isRequired: true,
        },
        {
          name: 'value',
          description: 'Its value.',
          schema: Type.String({examples: ['h.jekyll@example.com']}),
          isRequired: true,
        },
        {
          name: 'environment',
          description: 'Only in this environment. Without it: production, else development.',
          schema: Type.Enum([...ENVIRONMENTS], {examples: ['production']}),
        },
      ],
      answers: {200: ProfileAnswer},
      handle: async ({query, principal}) => {
        const spelling = query.get('identity') ?? '';
        const value = query.get('value') ?? '';
        const problems = Object.entries({identity: spelling, value})
          .filter(([, text]) => text === '')
          .map(([path]) => ({path, message: 'is required'}));
        const type = spelling === '' ? undefined : readIdentityType(spelling, 'identity', problems);
        const asked = query.get('environment');
        const environments = ENVIRONMENTS.filter(known => asked === null || asked === known);
        if (environments.length === 0) {
          problems.push({
            path: 'environment',
            message: `must be one of ${ENVIRONMENTS.join(', ')}`,
          });
        }
        if (type === undefined || problems.length > 0) {
          throw new ApiError('UNPROCESSABLE', problems);
        }
        if (!maySeeIdentity(principal, type)) throw notFound();
        for (const environment of environments) {
          const mpid = await parts.findProfile({environment, type, value});
          if (mpid !== undefined) return answerProfile(mpid, principal);
        }
        throw notFound();
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/profiles/:mpid',
      access: 'admin',
      tag: TAG,
      summary: 'Erase a profile everywhere; its drops are streamed',
      answers: {204: undefined},
      handle: async ({params, principal, nowMs}) => {
        const mpid = parseMpid(params.get('mpid') ?? '');
        const actor = {name: principal.name, nowMs};
        if (mpid === undefined || !(await parts.eraseProfile(mpid, actor))) throw notFound();
        return {status: 204};
      },
    }),
  ];
}

export function viewProfile(
  profile: ProfileView,
  audiences: AudienceBook,
  principal: Principal,
): Record<string, unknown> {
  return {
    mpid: String(profile.mpid),
    first_seen_ms: profile.firstSeenMs,
    last_seen_ms: profile.lastSeenMs,
    workspaces: profile.scopes.map(scope => viewScope(scope, principal)),
    audiences: profile.audiences.flatMap(({audience: id, sinceMs}) => {
      const audience = audiences.get(id);
      if (audience === undefined || !maySee(principal, audience)) return [];
      return {id, name: audience.name, since_ms: sinceMs};
    }),
  };
}

/** `fromEntries` makes own properties, so a name like `__proto__` is only a name. */
function viewScope(view: ProfileScopeView, principal: Principal): Record<string, unknown> {
  const {location} = view;
  return {
    workspace: workspaceOf(view.scope),
    environment: environmentOf(view.scope),
    first_seen_ms: view.firstSeenMs,
    last_seen_ms: view.lastSeenMs,
    user_attributes: Object.fromEntries(view.attributes),
    identities: Object.fromEntries(
      view.identities.filter(([type]) => maySeeIdentity(principal, type)),
    ),
    consent: view.consent.map(({regulation, purpose, consented, timeMs}) => ({
      regulation,
      purpose,
      consented,
      at_ms: timeMs,
    })),
    device: Object.fromEntries(view.device),
    location: location === undefined ? null : viewLocation(location),
    ...(view.calculated && {
      calculated_attributes: Object.fromEntries(
        view.calculated.map(([name, value]) => [name, value ?? null]),
      ),
    }),
  };
}

function viewLocation(
  location: NonNullable<ProfileScopeView['location']>,
): Record<string, unknown> {
  const {latitude, longitude, city, state, zip, dma, country, timeMs} = location;
  return {
    latitude: latitude ?? null,
    longitude: longitude ?? null,
    city: city ?? null,
    state: state ?? null,
    zip: zip ?? null,
    dma: dma ?? null,
    country: country ?? null,
    at_ms: timeMs,
  };
}
