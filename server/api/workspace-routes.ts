import {Type} from 'typebox';
import type {Catalog} from '../catalog/catalog.ts';
import type {Input, Workspace} from '../catalog/entities.ts';
import {notFound} from './errors.ts';
import {pageAnswer, pageById, pageParameters, parseId} from './pages.ts';
import {bodyRoute, route} from './route.ts';
import type {ApiRoute, Call} from './route.ts';
import {InputAnswer, InputWithSecret, NewInput, NewWorkspace, WorkspaceAnswer} from './schemas.ts';

const TAG = 'Workspaces and inputs';

export function workspaceRoutes(catalog: Catalog): ApiRoute[] {
  const workspaceOf = ({params}: Pick<Call<unknown>, 'params'>): Workspace => {
    const workspace = catalog.workspaces.get(parseId(params.get('id') ?? '') ?? 0);
    if (workspace === undefined) throw notFound();
    return workspace;
  };
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/workspaces',
      access: 'admin',
      tag: TAG,
      summary: 'Make a workspace',
      body: NewWorkspace,
      answers: {201: WorkspaceAnswer},
      handle: async ({body, principal, nowMs}) => {
        const made = await catalog.createWorkspace(body, {name: principal.name, nowMs});
        return {status: 201, body: viewWorkspace(made)};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/workspaces',
      access: 'viewer',
      tag: TAG,
      summary: 'All workspaces',
      query: pageParameters('Id of the last workspace of the page before.'),
      answers: {200: Type.Array(WorkspaceAnswer)},
      handle: call => {
        const {items, next} = pageById(call, [...catalog.workspaces.values()]);
        return pageAnswer(call, items.map(viewWorkspace), next);
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/workspaces/:id',
      access: 'viewer',
      tag: TAG,
      summary: 'One workspace',
      answers: {200: WorkspaceAnswer},
      handle: call => ({status: 200, body: viewWorkspace(workspaceOf(call))}),
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/workspaces/:id',
      access: 'admin',
      tag: TAG,
      summary: 'Delete a workspace that has neither audiences nor inputs',
      answers: {204: undefined},
      handle: async call => {
        const actor = {name: call.principal.name, nowMs: call.nowMs};
        await catalog.removeWorkspace(workspaceOf(call), actor);
        return {status: 204};
      },
    }),
    bodyRoute({
      method: 'POST',
      pattern: '/v1/workspaces/:id/inputs',
      access: 'admin',
      tag: TAG,
      summary: 'Make an input; its secret is shown this once',
      body: NewInput,
      answers: {201: InputWithSecret},
      handle: async call => {
        const {name, type, platform} = call.body;
        const workspace = workspaceOf(call).id;
        const {input, secret} = await catalog.createInput(
          {workspace, name, type, platform: platform ?? undefined},
          {name: call.principal.name, nowMs: call.nowMs},
        );
        return {status: 201, body: {...viewInput(input), secret}};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/workspaces/:id/inputs',
      access: 'viewer',
      tag: TAG,
      summary: 'The inputs of a workspace, without their secrets',
      query: pageParameters('Id of the last input of the page before.'),
      answers: {200: Type.Array(InputAnswer)},
      handle: call => {
        const {id} = workspaceOf(call);
        const inputs = [...catalog.inputs.values()].filter(({workspace}) => workspace === id);
        const {items, next} = pageById(call, inputs);
        return pageAnswer(call, items.map(viewInput), next);
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/workspaces/:id/inputs/:input',
      access: 'admin',
      tag: TAG,
      summary: 'Delete an input that no audience names; its key is refused from this moment on',
      answers: {204: undefined},
      handle: async call => {
        const input = catalog.inputs.get(parseId(call.params.get('input') ?? '') ?? 0);
        if (input === undefined || input.workspace !== workspaceOf(call).id) throw notFound();
        await catalog.removeInput(input, {name: call.principal.name, nowMs: call.nowMs});
        return {status: 204};
      },
    }),
  ];
}

function viewWorkspace({id, name, createdBy, createdMs}: Workspace): Record<string, unknown> {
  return {id, name, created_by: createdBy, created_ms: createdMs};
}

function viewInput(input: Input): Record<string, unknown> {
  return {
    id: input.id,
    workspace: input.workspace,
    name: input.name,
    type: input.type,
    platform: input.platform ?? null,
    key: input.key,
    created_by: input.createdBy,
    created_ms: input.createdMs,
  };
}
