/** Which audiences a list shows: `?workspace= &tag= &status= &view= &q=`. */
import {Type} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {Principal} from '../catalog/authenticator.ts';
import {ACCESS_LEVELS, AUDIENCE_STATUSES} from '../catalog/entities.ts';
import type {Audience} from '../catalog/entities.ts';
import {ApiError} from './errors.ts';
import {parseId} from './pages.ts';
import {maySee} from './permissions.ts';
import type {QueryParameter} from './route.ts';

const ENVIRONMENTS = ['production', 'development'] as const;
const VIEWS = ['single', 'multi', 'shared'] as const;

export const LIST_PARAMETERS: readonly QueryParameter[] = [
  {
    name: 'workspace',
    description: 'Audiences of this workspace.',
    schema: Type.Integer({minimum: 1, examples: [1]}),
  },
  {
    name: 'tag',
    description: 'Repeatable: audiences with all of the tags.',
    schema: Type.String({examples: ['Retargeting']}),
    isRepeatable: true,
  },
  {
    name: 'status',
    description: 'Only this status.',
    schema: Type.Enum([...AUDIENCE_STATUSES], {examples: ['active']}),
  },
  {
    name: 'owner',
    description: 'Only those of this owner.',
    schema: Type.String({examples: ['anna']}),
  },
  {
    name: 'environment',
    description: 'Only of this environment.',
    schema: Type.Enum([...ENVIRONMENTS], {examples: ['production']}),
  },
  {
    name: 'access',
    description: 'Only with this access.',
    schema: Type.Enum([...ACCESS_LEVELS], {examples: ['usable']}),
  },
  {
    name: 'view',
    description: 'Of one workspace, of several, or made by others and shared.',
    schema: Type.Enum([...VIEWS], {examples: ['single']}),
  },
  {
    name: 'q',
    description: 'Text in the name or the external name, in any case.',
    schema: Type.String({examples: ['cart']}),
  },
];

export function selectAudiences(
  audiences: readonly Audience[],
  query: URLSearchParams,
  principal: Principal,
): Audience[] {
  const problems: Problem[] = [];
  const workspaceText = query.get('workspace');
  const workspace = workspaceText === null ? undefined : parseId(workspaceText);
  if (workspaceText !== null && workspace === undefined) {
    problems.push({path: 'workspace', message: 'must be the id of a workspace'});
  }
  const status = oneOf(query, 'status', AUDIENCE_STATUSES, problems);
  const view = oneOf(query, 'view', VIEWS, problems);
  const environment = oneOf(query, 'environment', ENVIRONMENTS, problems);
  const access = oneOf(query, 'access', ACCESS_LEVELS, problems);
  if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
  const tags = query.getAll('tag');
  const owner = query.get('owner');
  const text = query.get('q')?.toLowerCase() ?? '';
  return audiences.filter(
    audience =>
      maySee(principal, audience) &&
      (workspace === undefined || audience.workspaces.includes(workspace)) &&
      (status === undefined || audience.status === status) &&
      (environment === undefined || audience.environment === environment) &&
      (access === undefined || audience.access === access) &&
      (owner === null || audience.owner === owner) &&
      tags.every(tag => audience.tags.includes(tag)) &&
      isInView(audience, view, principal) &&
      hasText(audience, text),
  );
}

function isInView(
  {workspaces, owner, access}: Audience,
  view: (typeof VIEWS)[number] | undefined,
  principal: Principal,
): boolean {
  if (view === undefined) return true;
  if (view === 'shared') return owner !== principal.name && access !== 'private';
  return view === 'single' ? workspaces.length === 1 : workspaces.length > 1;
}

function hasText({name, externalName}: Audience, text: string): boolean {
  if (name.toLowerCase().includes(text)) return true;
  return externalName !== undefined && externalName.toLowerCase().includes(text);
}

function oneOf<const V extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly V[],
  problems: Problem[],
): V | undefined {
  const text = query.get(name);
  const value = values.find(each => each === text);
  if (text !== null && value === undefined) {
    problems.push({path: name, message: `must be one of ${values.join(', ')}`});
  }
  return value;
}
