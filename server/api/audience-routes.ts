import {Type} from 'typebox';
import type {Static} from 'typebox';
import type {AudienceActor, AudienceBook, AudienceFields} from '../catalog/audience-book.ts';
import type {Catalog} from '../catalog/catalog.ts';
import type {Audience} from '../catalog/entities.ts';
import type {AudienceCounts} from '../counts/audience-counts.ts';
import {LIST_PARAMETERS, selectAudiences} from './audience-list.ts';
import {ORDER_PARAMETER, pageInOrder, readOrder} from './audience-order.ts';
import type {AudienceStates} from './audience-states.ts';
import {viewAudience, viewVersion} from './audience-view.ts';
import type {AudienceExtras} from './audience-view.ts';
import {definitionProblems} from './definition-problems.ts';
import {ApiError, forbidden, notFound} from './errors.ts';
import {editableAudience, visibleAudience} from './find-audience.ts';
import {pageAnswer, pageById, pageParameters, parseId, readPage} from './pages.ts';
import {mayShare, mayUse} from './permissions.ts';
import {bodyRoute, route} from './route.ts';
import type {ApiRoute, Call} from './route.ts';
import {AudienceAnswer, AudienceChanges, NewAudience, NewClone, VersionAnswer} from './schemas.ts';

export interface AudienceRouteParts {
  readonly catalog: Catalog;
  readonly audiences: AudienceBook;
  readonly states: AudienceStates;
  readonly counts: Pick<AudienceCounts, 'lastDay'>;
  readonly extras: (audience: number) => AudienceExtras;
}

const TAG = 'Audiences';
const NAME_CHARACTERS_MAX = 100;

export function audienceRoutes(parts: AudienceRouteParts): ApiRoute[] {
  const {audiences} = parts;
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/audiences',
      access: 'editor',
      tag: TAG,
      summary: 'Make an audience, as a draft',
      body: NewAudience,
      answers: {201: AudienceAnswer},
      alsoWrong: call => definitionProblems(audiences, call),
      handle: async call => {
        const made = await audiences.create(newFields(call), actorOf(call));
        return {status: 201, body: await view(parts, made, call.nowMs)};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences',
      access: 'viewer',
      tag: TAG,
      summary: 'The audiences that the token may see',
      description:
        'X-Total-Count says how many there are on all pages: `status=active` counts those in use.',
      query: [
        ...LIST_PARAMETERS,
        ORDER_PARAMETER,
        ...pageParameters('From the Link header of the page before; by id: its last id.'),
      ],
      answers: {200: Type.Array(AudienceAnswer)},
      handle: async call => {
        const selected = selectAudiences(audiences.list(), call.query, call.principal);
        const order = readOrder(call.query);
        if (order !== undefined) {
          const views = await viewAll(parts, selected, call.nowMs);
          const {items, next} = pageInOrder(call, views, order);
          return pageAnswer(call, items, next, selected.length);
        }
        const {items, next} = pageById(call, selected);
        const views = await viewAll(parts, items, call.nowMs);
        return pageAnswer(call, views, next, selected.length);
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id',
      access: 'viewer',
      tag: TAG,
      summary: 'One audience',
      answers: {200: AudienceAnswer},
      handle: async call => {
        const audience = visibleAudience(audiences, call);
        return {status: 200, body: await view(parts, audience, call.nowMs)};
      },
    }),
    bodyRoute({
      method: 'PATCH',
      pattern: '/v1/audiences/:id',
      access: 'editor',
      tag: TAG,
      summary: 'Change what is given, leave the rest; a new definition is a new version',
      body: AudienceChanges,
      answers: {200: AudienceAnswer},
      alsoWrong: call => definitionProblems(audiences, call, editableAudience(audiences, call)),
      handle: async call => {
        const audience = editableAudience(audiences, call);
        const changes = changedFields(parts, audience, call);
        const made = await audiences.update(audience, changes, actorOf(call));
        return {status: 200, body: await view(parts, made, call.nowMs)};
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/audiences/:id',
      access: 'editor',
      tag: TAG,
      summary: 'Delete an audience that no other one nests',
      answers: {204: undefined},
      handle: async call => {
        await audiences.remove(editableAudience(audiences, call), actorOf(call));
        return {status: 204};
      },
    }),
    route({
      method: 'POST',
      pattern: '/v1/audiences/:id/activate',
      access: 'editor',
      tag: TAG,
      summary: 'Start calculating; it fills in the background',
      answers: {202: AudienceAnswer},
      handle: async call => {
        const made = await audiences.activate(editableAudience(audiences, call), actorOf(call));
        return {status: 202, body: await view(parts, made, call.nowMs)};
      },
    }),
    route({
      method: 'POST',
      pattern: '/v1/audiences/:id/deactivate',
      access: 'editor',
      tag: TAG,
      summary: 'Stop calculating',
      answers: {200: AudienceAnswer},
      handle: async call => {
        const made = await audiences.deactivate(editableAudience(audiences, call), actorOf(call));
        return {status: 200, body: await view(parts, made, call.nowMs)};
      },
    }),
    bodyRoute({
      method: 'POST',
      pattern: '/v1/audiences/:id/clone',
      access: 'editor',
      tag: TAG,
      summary: 'A draft with the same definition, settings and tags',
      body: NewClone,
      isBodyOptional: true,
      answers: {201: AudienceAnswer},
      handle: async call => {
        const source = visibleAudience(audiences, call);
        const name = call.body.name ?? `Copy of ${source.name}`.slice(0, NAME_CHARACTERS_MAX);
        const fields = {...fieldsOf(source), name, owner: call.principal.name};
        const made = await audiences.create(fields, actorOf(call));
        return {status: 201, body: await view(parts, made, call.nowMs)};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/versions',
      access: 'viewer',
      tag: TAG,
      summary: 'Every saved definition, newest first',
      query: pageParameters('Last version of the page before; older ones follow.'),
      answers: {200: Type.Array(VersionAnswer)},
      handle: call => {
        const {id} = visibleAudience(audiences, call);
        const {limit, after} = readPage(call.query, parseId);
        const versions = audiences.versions(id, {before: after, limit: limit + 1});
        const items = versions.slice(0, limit);
        const next = versions.length > limit ? String(items.at(-1)?.version) : undefined;
        return pageAnswer(call, items.map(viewVersion), next);
      },
    }),
    route({
      method: 'POST',
      pattern: '/v1/audiences/:id/versions/:version/restore',
      access: 'editor',
      tag: TAG,
      summary: 'Save the definition and scope of an old version as a new one',
      answers: {200: AudienceAnswer},
      handle: async call => {
        const audience = editableAudience(audiences, call);
        const number = parseId(call.params.get('version') ?? '') ?? 0;
        const version = audiences.version(audience.id, number);
        if (version === undefined) throw notFound();
        const made = await audiences.restore(audience, version, actorOf(call));
        return {status: 200, body: await view(parts, made, call.nowMs)};
      },
    }),
  ];
}

async function view(
  parts: AudienceRouteParts,
  audience: Audience,
  nowMs: number,
): Promise<unknown> {
  const [viewed] = await viewAll(parts, [audience], nowMs);
  return viewed;
}

async function viewAll(
  {states, counts, extras}: AudienceRouteParts,
  audiences: readonly Audience[],
  nowMs: number,
): Promise<Record<string, unknown>[]> {
  const calculated = audiences.filter(({status}) => status === 'active').map(({id}) => id);
  const known = calculated.length > 0 ? await states.read(calculated) : undefined;
  return audiences.map(audience =>
    viewAudience(audience, {
      state: known?.get(audience.id),
      counts,
      extras: extras(audience.id),
      nowMs,
    }),
  );
}

function actorOf({principal, nowMs}: Call<unknown>): AudienceActor {
  return {name: principal.name, nowMs, mayNest: other => mayUse(principal, other)};
}

function newFields({body, principal}: Call<Static<typeof NewAudience>>): AudienceFields {
  return {
    name: body.name,
    externalName: body.external_name ?? undefined,
    description: body.description ?? '',
    tags: distinct(body.tags ?? []),
    environment: body.environment ?? 'production',
    workspaces: distinct(body.workspaces),
    inputs: body.inputs ? distinct(body.inputs) : undefined,
    definition: body.definition ?? undefined,
    access: body.access ?? 'usable',
    owner: principal.name,
  };
}

function fieldsOf(audience: Audience): AudienceFields {
  const {name, externalName, description, tags, environment} = audience;
  const {workspaces, inputs, definition, access, owner} = audience;
  return {
    name,
    externalName,
    description,
    tags,
    environment,
    workspaces,
    inputs,
    definition,
    access,
    owner,
  };
}

/** A field that is given as null is there and undefined: emptied. */
function changedFields(
  {catalog}: AudienceRouteParts,
  audience: Audience,
  {body, principal}: Call<Static<typeof AudienceChanges>>,
): Partial<AudienceFields> {
  const sharing = body.access !== undefined || body.owner !== undefined;
  if (sharing && !mayShare(principal, audience)) throw forbidden();
  if (body.owner !== undefined && !isTokenName(catalog, body.owner)) {
    throw new ApiError('UNPROCESSABLE', [
      {path: 'owner', message: 'nobody has a token of this name'},
    ]);
  }
  return {
    ...(body.name !== undefined && {name: body.name}),
    ...(body.external_name !== undefined && {externalName: body.external_name ?? undefined}),
    ...(body.description !== undefined && {description: body.description ?? ''}),
    ...(body.tags !== undefined && {tags: distinct(body.tags)}),
    ...(body.environment !== undefined && {environment: body.environment}),
    ...(body.workspaces !== undefined && {workspaces: distinct(body.workspaces)}),
    ...(body.inputs !== undefined && {inputs: body.inputs ? distinct(body.inputs) : undefined}),
    ...(body.definition !== undefined && {definition: body.definition ?? undefined}),
    ...(body.access !== undefined && {access: body.access}),
    ...(body.owner !== undefined && {owner: body.owner}),
  };
}

function isTokenName(catalog: Catalog, name: string): boolean {
  return name === 'admin' || [...catalog.tokens.values()].some(token => token.name === name);
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
