import {Type} from 'typebox';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {MembersPage, Shards} from '../shards/protocol.ts';
import {ApiError, notFound} from './errors.ts';
import {MembershipAnswer} from './explanation-schemas.ts';
import {viewExplanation} from './explanation-view.ts';
import {visibleAudience} from './find-audience.ts';
import {parseMpid} from './mpid.ts';
import {pageAnswer, pageParameters, readPage} from './pages.ts';
import {route} from './route.ts';
import type {ApiRoute, Call} from './route.ts';
import {MemberAnswer} from './schemas.ts';

export interface MemberRouteParts {
  readonly audiences: AudienceBook;
  readonly shards: Shards;
  /** Whether the profile is in this variant of the audience; undefined: there is no such variant. */
  readonly variantTest: (
    audience: number,
    variant: string,
  ) => ((mpid: bigint) => boolean) | undefined;
}

const TAG = 'Members';

export function memberRoutes(parts: MemberRouteParts): ApiRoute[] {
  const {audiences, shards} = parts;
  return [
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/members',
      access: 'viewer',
      tag: TAG,
      summary: 'The members, by ascending mpid',
      query: [
        ...pageParameters('mpid of the last member of the page before.'),
        {
          name: 'variant',
          description: 'Only the members in this variant of the test.',
          schema: Type.String({examples: ['Control']}),
        },
      ],
      answers: {200: Type.Array(MemberAnswer)},
      handle: async call => {
        const {id, status} = visibleAudience(audiences, call);
        const {limit, after} = readPage(call.query, parseMpid);
        const isIn = variantOf(parts, id, call);
        const wanted = {audience: id, after, limit: limit + 1};
        const found = status === 'active' ? await members(shards, wanted, isIn) : [];
        const items = found.slice(0, limit);
        const next = found.length > limit ? String(items.at(-1)?.mpid) : undefined;
        return pageAnswer(
          call,
          items.map(({mpid, sinceMs}) => ({mpid: String(mpid), since_ms: sinceMs})),
          next,
        );
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/members/:mpid',
      access: 'viewer',
      tag: TAG,
      summary: 'Whether a profile is a member, and why: each criterion, since when, until when',
      answers: {200: MembershipAnswer},
      handle: async call => {
        const {id} = visibleAudience(audiences, call);
        const mpid = parseMpid(call.params.get('mpid') ?? '');
        if (mpid === undefined) throw notFound();
        const explained = await shards.call(shards.shardOf(mpid), 'explain', {audience: id, mpid});
        const why = viewExplanation(explained, {audiences, principal: call.principal});
        return {status: 200, body: {mpid: String(mpid), ...why}};
      },
    }),
  ];
}

function variantOf(
  parts: MemberRouteParts,
  audience: number,
  {query}: Pick<Call<unknown>, 'query'>,
): ((mpid: bigint) => boolean) | undefined {
  const variant = query.get('variant');
  if (variant === null) return undefined;
  const isIn = parts.variantTest(audience, variant);
  if (isIn !== undefined) return isIn;
  const problem = {path: 'variant', message: 'the audience has no variant of this name'};
  throw new ApiError('UNPROCESSABLE', [problem]);
}

interface Member {
  readonly mpid: bigint;
  readonly sinceMs: number;
}

/** The first `limit` of all shards together that pass; asks on while a filter leaves too few. */
async function members(
  shards: Shards,
  {audience, after, limit}: {audience: number; after: bigint | undefined; limit: number},
  isIn: ((mpid: bigint) => boolean) | undefined,
): Promise<Member[]> {
  const found: Member[] = [];
  for (let from = after; ;) {
    const pages = await shards.callAll('members', {audience, after: from, limit});
    const page = firstOf(pages, limit);
    for (const member of page) {
      if (isIn === undefined || isIn(member.mpid)) found.push(member);
      if (found.length === limit) return found;
    }
    if (page.length < limit) return found;
    from = page.at(-1)?.mpid;
  }
}

/** Every page holds the first `limit` of its shard, so the first `limit` of all are among them. */
function firstOf(pages: readonly MembersPage[], limit: number): Member[] {
  const all: Member[] = [];
  for (const {mpids, sinceMs} of pages) {
    for (const [index, mpid] of mpids.entries()) all.push({mpid, sinceMs: sinceMs[index] ?? 0});
  }
  all.sort((a, b) => (a.mpid < b.mpid ? -1 : a.mpid > b.mpid ? 1 : 0));
  return all.slice(0, limit);
}
