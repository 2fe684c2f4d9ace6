/** Knowing before doing: how many a definition would have, whom a change would add and drop, who is in several audiences. */
import {OVERLAP_AUDIENCES_MAX} from '../../engine/questions/overlap-counts.ts';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {DefinitionCheck} from '../catalog/definition-check.ts';
import type {Audience, AudienceScope} from '../catalog/entities.ts';
import type {ShardAudience} from '../shards/protocol.ts';
import type {PartEstimate, Questions} from '../shards/questions.ts';
import {definitionProblems} from './definition-problems.ts';
import {ApiError} from './errors.ts';
import {
  ChangesAnswer,
  EstimateAnswer,
  NewChanges,
  NewEstimate,
  NewOverlaps,
  OverlapsAnswer,
} from './estimate-schemas.ts';
import {visibleAudience} from './find-audience.ts';
import {maySee, mayUse} from './permissions.ts';
import {bodyRoute} from './route.ts';
import type {ApiRoute} from './route.ts';

export interface EstimateRouteParts {
  readonly audiences: AudienceBook;
  readonly check: DefinitionCheck;
  readonly questions: Questions;
}

const TAG = 'Estimates';

export function estimateRoutes(parts: EstimateRouteParts): ApiRoute[] {
  const {audiences, questions} = parts;
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/estimates',
      access: 'viewer',
      tag: TAG,
      summary: 'How many a definition would have now, and each of its criteria; nothing is saved',
      body: NewEstimate,
      answers: {200: EstimateAnswer},
      alsoWrong: call => definitionProblems(audiences, call),
      handle: async ({body, principal}) => {
        const scope: AudienceScope = {
          workspaces: distinct(body.workspaces),
          inputs: body.inputs ? distinct(body.inputs) : undefined,
          environment: body.environment ?? 'production',
        };
        const spec = specOf(parts, {definition: body.definition, scope, principal});
        const estimates = await questions.estimates({spec, instead: undefined});
        return {status: 200, body: {...wholeOf(estimates), criteria: criteriaOf(estimates)}};
      },
    }),
    bodyRoute({
      method: 'POST',
      pattern: '/v1/audiences/:id/changes',
      access: 'viewer',
      tag: TAG,
      summary: 'Whom another definition of an audience would add and drop; nothing is saved',
      body: NewChanges,
      answers: {200: ChangesAnswer},
      alsoWrong: call => definitionProblems(audiences, call, visibleAudience(audiences, call)),
      handle: async call => {
        const {body, principal} = call;
        const audience = visibleAudience(audiences, call);
        const scope: AudienceScope = {
          workspaces: body.workspaces ? distinct(body.workspaces) : audience.workspaces,
          inputs:
            body.inputs === undefined
              ? audience.inputs
              : body.inputs === null
                ? undefined
                : distinct(body.inputs),
          environment: body.environment ?? audience.environment,
        };
        const spec = specOf(parts, {definition: body.definition, scope, principal, audience});
        const estimates = await questions.estimates({spec, instead: audience.id});
        return {
          status: 200,
          body: {
            ...wholeOf(estimates),
            added: changeOf(estimates, 'added'),
            dropped: changeOf(estimates, 'dropped'),
            criteria: criteriaOf(estimates),
          },
        };
      },
    }),
    bodyRoute({
      method: 'POST',
      pattern: '/v1/overlaps',
      access: 'viewer',
      tag: TAG,
      summary: 'Sizes of intersections of audiences: of those asked for, or of all there are',
      body: NewOverlaps,
      answers: {200: OverlapsAnswer},
      handle: async ({body, principal}) => {
        const ids = distinct(body.audiences);
        const problems = ids.flatMap((id, index) => overlapProblem(parts, id, index, principal));
        const sets = body.intersections
          ? body.intersections.map((each, index) => setOf(each, index, {ids, problems}))
          : allSets(ids.length);
        if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
        const {sizes, only} = await questions.overlaps(ids);
        const answers = [...new Set(sets)].map(set => ({
          audiences: ids.filter((_, position) => (set & (1 << position)) !== 0),
          size: sizes[set]!,
          only: only[set]!,
        }));
        return {status: 200, body: {sizes: answers}};
      },
    }),
  ];
}

/** What is asked of the shards, or every fault of it. */
function specOf(
  {check}: EstimateRouteParts,
  {
    definition,
    scope,
    principal,
    audience,
  }: {definition: unknown; scope: AudienceScope; principal: Principal; audience?: Audience},
): ShardAudience {
  const problems: Problem[] = check.scopeProblems(scope);
  const mayNest = (other: Audience): boolean => mayUse(principal, other);
  const {environment} = scope;
  const checked = check.check({definition, scope, environment, audience, mayNest});
  if ('problems' in checked) problems.push(...checked.problems);
  if (problems.length > 0 || 'problems' in checked) throw new ApiError('UNPROCESSABLE', problems);
  const {expression, calculated} = checked;
  return {id: audience?.id ?? 0, version: 0, active: true, expression, ...scope, calculated};
}

function wholeOf(estimates: readonly PartEstimate[]): Record<string, unknown> {
  return viewEstimate(estimates[0]);
}

function criteriaOf(estimates: readonly PartEstimate[]): Record<string, unknown>[] {
  return estimates
    .filter(({path}) => path.startsWith('definition'))
    .map(each => ({path: each.path, ...viewEstimate(each)}));
}

function changeOf(
  estimates: readonly PartEstimate[],
  path: 'added' | 'dropped',
): Record<string, unknown> {
  const part = estimates.find(each => each.path === path);
  // What failed failed as a whole.
  if (part === undefined) return {...wholeOf(estimates), mpids: []};
  return {...viewEstimate(part), mpids: part.examples.map(String)};
}

function viewEstimate(part: PartEstimate | undefined): Record<string, unknown> {
  const estimate = part?.estimate ?? {kind: 'failed', reason: 'no shard has answered'};
  switch (estimate.kind) {
    case 'exact':
      return {size: estimate.size, exact: true};
    case 'estimated': {
      const {size, low, high, sampled} = estimate;
      return {size, exact: false, low, high, sampled};
    }
    case 'unknown':
      return {size: null, exact: false, sampled: estimate.sampled, reason: estimate.reason};
    case 'failed':
      return {size: null, exact: false, fault: estimate.reason};
  }
}

/** One that may not be seen is answered like one that is not there. */
function overlapProblem(
  {audiences}: EstimateRouteParts,
  id: number,
  index: number,
  principal: Principal,
): Problem[] {
  const audience = audiences.get(id);
  const path = `audiences[${index}]`;
  if (audience === undefined || !maySee(principal, audience)) {
    return [{path, message: `there is no audience ${id}`}];
  }
  if (audience.status === 'active') return [];
  return [{path, message: `audience ${id} is not active: it has no members to count`}];
}

/** As bits, by position among the audiences asked for. */
function setOf(
  wanted: readonly number[],
  index: number,
  {ids, problems}: {ids: readonly number[]; problems: Problem[]},
): number {
  let set = 0;
  for (const [place, id] of wanted.entries()) {
    const position = ids.indexOf(id);
    if (position >= 0) set |= 1 << position;
    else {
      const message = `audience ${id} is not one of the audiences asked for`;
      problems.push({path: `intersections[${index}][${place}]`, message});
    }
  }
  return set;
}

/** Few audiences before many, in the order in which they were given. */
function allSets(count: number): number[] {
  const sets = Array.from({length: (1 << count) - 1}, (_, index) => index + 1);
  return sets.sort((a, b) => bitsOf(a) - bitsOf(b) || reversed(b) - reversed(a));
}

function bitsOf(set: number): number {
  return set.toString(2).replaceAll('0', '').length;
}

function reversed(set: number): number {
  let result = 0;
  for (let bit = 0; bit < OVERLAP_AUDIENCES_MAX; bit++) result = result * 2 + ((set >> bit) & 1);
  return result;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
