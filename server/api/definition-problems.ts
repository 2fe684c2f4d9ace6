/** What is wrong with the definition in a body whose shape is wrong elsewhere: all faults are told at once. */
import type {Problem} from '../../engine/definitions/definition.ts';
import {isObject, type JsonObject} from '../../engine/definitions/faults.ts';
import type {Environment} from '../../engine/ids.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Audience} from '../catalog/entities.ts';
import {mayUse} from './permissions.ts';
import type {Misshapen} from './route.ts';

/** In the workspaces and inputs that the body names, as far as they can be read; else in those of the audience. */
export function definitionProblems(
  audiences: AudienceBook,
  {body, principal}: Misshapen,
  audience?: Audience,
): readonly Problem[] {
  if (!isObject(body)) return [];
  const {definition} = body;
  if (definition === undefined || definition === null) return [];
  const workspaces = idsOf(body['workspaces']) ?? audience?.workspaces;
  const inputs = idsOf(body['inputs']) ?? audience?.inputs;
  return audiences.problemsIn(
    {definition, workspaces, inputs, environment: environmentOf(body, audience)},
    {audience, mayNest: other => mayUse(principal, other)},
  );
}

/** undefined when the body names one that there is not. */
function environmentOf(body: JsonObject, audience: Audience | undefined): Environment | undefined {
  const named = body['environment'] ?? audience?.environment ?? 'production';
  return named === 'production' || named === 'development' ? named : undefined;
}

function idsOf(json: unknown): number[] | undefined {
  if (!Array.isArray(json) || json.length === 0) return undefined;
  const ids = json.filter((each): each is number => Number.isSafeInteger(each) && each > 0);
  return ids.length === json.length ? ids : undefined;
}
