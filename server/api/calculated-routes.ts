/** Calculated attributes: values of profiles worked out of their events, for criteria to ask for. */
import {Type} from 'typebox';
import {keeperId} from '../../engine/audiences/keeper.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {CalculatedBook} from '../catalog/calculated-book.ts';
import {ENVIRONMENTS} from '../catalog/entities.ts';
import type {CalculatedAttribute} from '../catalog/entities.ts';
import type {AudienceStates, SummedState} from './audience-states.ts';
import {
  CalculatedAttributeAnswer,
  CalculatedAttributeChanges,
  NewCalculatedAttribute,
} from './calculated-schemas.ts';
import {ApiError, notFound} from './errors.ts';
import {pageAnswer, pageById, pageParameters, parseId} from './pages.ts';
import {maySee} from './permissions.ts';
import {bodyRoute, route} from './route.ts';
import type {ApiRoute, Call} from './route.ts';

export interface CalculatedRouteParts {
  readonly book: CalculatedBook;
  readonly states: AudienceStates;
}

const TAG = 'Calculated attributes';

export function calculatedRoutes(parts: CalculatedRouteParts): ApiRoute[] {
  const {book} = parts;
  const attributeOf = ({params}: Pick<Call<unknown>, 'params'>): CalculatedAttribute => {
    const attribute = book.attributes.get(parseId(params.get('id') ?? '') ?? 0);
    if (attribute === undefined) throw notFound();
    return attribute;
  };
  const viewOne = async (
    attribute: CalculatedAttribute,
    principal: Principal,
  ): Promise<unknown> => {
    const [viewed] = await viewAll(parts, [attribute], principal);
    return viewed;
  };
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/calculated_attributes',
      access: 'editor',
      tag: TAG,
      summary: 'Make a calculated attribute; profiles get their values in the background',
      body: NewCalculatedAttribute,
      answers: {201: CalculatedAttributeAnswer},
      handle: async ({body, principal, nowMs}) => {
        const {name, workspace, calculation, event} = body;
        const attribute = body.attribute ?? undefined;
        const when = body.when ?? undefined;
        const fields = {name, workspace, calculation, event, attribute, when};
        const made = await book.create(fields, {name: principal.name, nowMs});
        return {status: 201, body: await viewOne(made, principal)};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/calculated_attributes',
      access: 'viewer',
      tag: TAG,
      summary: 'All calculated attributes',
      query: [
        {
          name: 'workspace',
          description: 'Only those of this workspace.',
          schema: Type.Integer({minimum: 1, examples: [1]}),
        },
        {
          name: 'name',
          description: 'Only those of exactly this name.',
          schema: Type.String({examples: ['spent_30d']}),
        },
        ...pageParameters('Id of the last calculated attribute of the page before.'),
      ],
      answers: {200: Type.Array(CalculatedAttributeAnswer)},
      handle: async call => {
        const {items, next} = pageById(call, selected(book, call));
        return pageAnswer(call, await viewAll(parts, items, call.principal), next);
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/calculated_attributes/:id',
      access: 'viewer',
      tag: TAG,
      summary: 'One calculated attribute',
      answers: {200: CalculatedAttributeAnswer},
      handle: async call => ({
        status: 200,
        body: await viewOne(attributeOf(call), call.principal),
      }),
    }),
    bodyRoute({
      method: 'PATCH',
      pattern: '/v1/calculated_attributes/:id',
      access: 'editor',
      tag: TAG,
      summary: 'Change what is given, leave the rest; profiles and audiences are calculated anew',
      body: CalculatedAttributeChanges,
      answers: {200: CalculatedAttributeAnswer},
      handle: async call => {
        const {body, principal, nowMs} = call;
        const changes = {
          ...(body.name !== undefined && {name: body.name}),
          ...(body.calculation !== undefined && {calculation: body.calculation}),
          ...(body.event !== undefined && {event: body.event}),
          ...(body.attribute !== undefined && {attribute: body.attribute ?? undefined}),
          ...(body.when !== undefined && {when: body.when ?? undefined}),
        };
        const made = await book.update(attributeOf(call), changes, {name: principal.name, nowMs});
        return {status: 200, body: await viewOne(made, principal)};
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/calculated_attributes/:id',
      access: 'editor',
      tag: TAG,
      summary: 'Delete a calculated attribute that no audience uses',
      answers: {204: undefined},
      handle: async call => {
        const {principal, nowMs} = call;
        await book.remove(attributeOf(call), {name: principal.name, nowMs});
        return {status: 204};
      },
    }),
  ];
}

function selected(
  book: CalculatedBook,
  {query}: Pick<Call<unknown>, 'query'>,
): CalculatedAttribute[] {
  const workspaceText = query.get('workspace');
  const workspace = workspaceText === null ? undefined : parseId(workspaceText);
  if (workspaceText !== null && workspace === undefined) {
    throw new ApiError('UNPROCESSABLE', [
      {path: 'workspace', message: 'must be the id of a workspace'},
    ]);
  }
  const name = query.get('name');
  return book.attributes
    .list()
    .filter(each => workspace === undefined || each.workspace === workspace)
    .filter(each => name === null || each.name === name);
}

async function viewAll(
  {book, states}: CalculatedRouteParts,
  attributes: readonly CalculatedAttribute[],
  principal: Principal,
): Promise<Record<string, unknown>[]> {
  if (attributes.length === 0) return [];
  const known = await states.read();
  return attributes.map(attribute => ({
    id: attribute.id,
    name: attribute.name,
    workspace: attribute.workspace,
    calculation: attribute.calculation,
    event: attribute.event,
    attribute: attribute.attribute ?? null,
    when: attribute.when ?? null,
    ...stateOf(attribute, known),
    used_by: book
      .users(attribute)
      .filter(audience => maySee(principal, audience))
      .map(({id}) => id),
    created_by: attribute.createdBy,
    created_ms: attribute.createdMs,
    last_modified_by: attribute.lastModifiedBy,
    last_modified_ms: attribute.lastModifiedMs,
  }));
}

/** Calculated when both environments are, everywhere. */
function stateOf(
  {id, version}: CalculatedAttribute,
  known: ReadonlyMap<number, SummedState>,
): {is_calculated: boolean; progress: number} {
  const states = ENVIRONMENTS.map(environment => known.get(keeperId(id, environment)));
  const isCalculated = states.every(state => state?.version === version && state.progress === 1);
  if (isCalculated) return {is_calculated: true, progress: 1};
  const progress = states.reduce((sum, state) => sum + (state?.progress ?? 0), 0) / states.length;
  return {is_calculated: false, progress: Math.min(progress, 0.99)};
}
