/** Members at a glance: a few of them with their profiles, and who lives on the audience. */
import {Type} from 'typebox';
import {Examples} from '../../engine/questions/examples.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Catalog} from '../catalog/catalog.ts';
import type {DefinitionCheck} from '../catalog/definition-check.ts';
import {AUDIENCE_STATUSES} from '../catalog/entities.ts';
import type {Audience} from '../catalog/entities.ts';
import type {ProfileView, Shards} from '../shards/protocol.ts';
import {ApiError} from './errors.ts';
import {visibleAudience} from './find-audience.ts';
import {parseId} from './pages.ts';
import {maySee} from './permissions.ts';
import {viewProfile} from './profile-routes.ts';
import {route} from './route.ts';
import type {ApiRoute} from './route.ts';
import {MpidText, ProfileAnswer} from './schemas.ts';

/** A connection that an audience feeds. */
export interface FedConnection {
  readonly id: number;
  readonly output: number;
  readonly name: string;
  readonly status: string;
}

export interface SampleRouteParts {
  readonly catalog: Catalog;
  readonly audiences: AudienceBook;
  readonly check: DefinitionCheck;
  readonly shards: Shards;
  readonly connections: (audience: number) => readonly FedConnection[];
}

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

export const SampleMemberAnswer = Type.Object(
  {
    mpid: MpidText,
    since_ms: Type.Integer({examples: [1_790_000_000_000]}),
    profile: ProfileAnswer,
  },
  {title: 'SampleMember'},
);

const Id = Type.Integer({minimum: 1, examples: [12]});
const Status = Type.Unsafe<string>({enum: [...AUDIENCE_STATUSES], examples: ['active']});
export const ConsumersAnswer = Type.Object(
  {
    nested_by: Type.Array(
      Type.Object({
        id: Id,
        name: Type.String({examples: ['Loyal buyers']}),
        status: Status,
        direct: Type.Boolean({description: 'false: by way of another one'}),
      }),
    ),
    hidden: Type.Integer({
      minimum: 0,
      description: 'Audiences that nest it and that the token may not see',
      examples: [0],
    }),
    connections: Type.Array(
      Type.Object({
        id: Id,
        output: Id,
        name: Type.String({examples: ['CRM']}),
        status: Type.String({examples: ['active']}),
      }),
    ),
    subscribers: Type.Array(Type.Object({id: Id, name: Type.String({examples: ['crm']})}), {
      description: 'Tokens that may stream it because it was granted to them; for administrators',
    }),
  },
  {
    title: 'Consumers',
    examples: [
      {
        nested_by: [{id: 12, name: 'Loyal buyers', status: 'active', direct: true}],
        hidden: 0,
        connections: [{id: 3, output: 1, name: 'CRM', status: 'active'}],
        subscribers: [],
      },
    ],
  },
);

export function sampleRoutes(parts: SampleRouteParts): ApiRoute[] {
  const {audiences, catalog} = parts;
  return [
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/sample',
      access: 'viewer',
      tag: 'Members',
      summary: 'A few members as if drawn by lot, with their profiles; the same ones each time',
      query: [
        {
          name: 'limit',
          description: `How many, ${LIMIT_DEFAULT} when it is not given.`,
          schema: Type.Integer({minimum: 1, maximum: LIMIT_MAX, examples: [10]}),
        },
      ],
      answers: {200: Type.Array(SampleMemberAnswer)},
      handle: async call => {
        const {id, status} = visibleAudience(audiences, call);
        const limit = readLimit(call.query);
        const members = status === 'active' ? await sample(parts.shards, id, limit) : [];
        return {
          status: 200,
          body: members.map(({profile, sinceMs}) => ({
            mpid: String(profile.mpid),
            since_ms: sinceMs,
            profile: viewProfile(profile, audiences, call.principal),
          })),
        };
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/consumers',
      access: 'viewer',
      tag: 'Audiences',
      summary: 'Who nests the audience, and what it feeds',
      answers: {200: ConsumersAnswer},
      handle: call => {
        const {id} = visibleAudience(audiences, call);
        const nesting = allNesting(parts.check, id);
        const seen = nesting.filter(({audience}) => maySee(call.principal, audience));
        const granted = [...catalog.tokens.values()].filter(
          ({role, audiences: own}) => role === 'subscriber' && own?.includes(id) === true,
        );
        return {
          status: 200,
          body: {
            nested_by: seen.map(({audience, direct}) => ({
              id: audience.id,
              name: audience.name,
              status: audience.status,
              direct,
            })),
            hidden: nesting.length - seen.length,
            connections: parts.connections(id),
            subscribers:
              call.principal.role === 'admin'
                ? granted.map(token => ({id: token.id, name: token.name}))
                : [],
          },
        };
      },
    }),
  ];
}

interface SampleMember {
  readonly profile: ProfileView;
  readonly sinceMs: number;
}

async function sample(shards: Shards, audience: number, limit: number): Promise<SampleMember[]> {
  const pages = await shards.callAll('memberSample', {audience, limit});
  const drawn = new Examples(limit);
  const since = new Map<bigint, number>();
  for (const {mpids, sinceMs} of pages) {
    for (const [index, mpid] of mpids.entries()) {
      drawn.offer(mpidHi(mpid), mpidLo(mpid));
      since.set(mpid, sinceMs[index]!);
    }
  }
  const profiles = await Promise.all(
    Array.from(drawn.mpids(), mpid => shards.call(shards.shardOf(mpid), 'profile', {mpid})),
  );
  // One that was erased meanwhile is nobody.
  return profiles.flatMap(profile =>
    profile === undefined ? [] : {profile, sinceMs: since.get(profile.mpid)!},
  );
}

/** At any depth, nearest first. */
function allNesting(
  check: DefinitionCheck,
  id: number,
): {readonly audience: Audience; readonly direct: boolean}[] {
  const found = new Map<number, {audience: Audience; direct: boolean}>();
  const queue = [id];
  for (const at of queue) {
    for (const audience of check.nesting(at)) {
      if (found.has(audience.id)) continue;
      found.set(audience.id, {audience, direct: at === id});
      queue.push(audience.id);
    }
  }
  return [...found.values()];
}

function readLimit(query: URLSearchParams): number {
  const limit = parseId(query.get('limit') ?? String(LIMIT_DEFAULT));
  if (limit !== undefined && limit <= LIMIT_MAX) return limit;
  const message = `must be an integer from 1 to ${LIMIT_MAX}`;
  throw new ApiError('UNPROCESSABLE', [{path: 'limit', message}]);
}
