import {Type} from 'typebox';
import type {AudienceBook} from '../catalog/audience-book.ts';
import {VARIANTS_MAX} from '../catalog/audience-tests.ts';
import type {AudienceTests} from '../catalog/audience-tests.ts';
import type {AudienceTest} from '../catalog/entities.ts';
import {notFound} from './errors.ts';
import {editableAudience, visibleAudience} from './find-audience.ts';
import {bodyRoute, route} from './route.ts';
import type {ApiRoute} from './route.ts';

export interface TestRouteParts {
  readonly audiences: AudienceBook;
  readonly tests: AudienceTests;
  /** Of an audience and of its variants. */
  readonly connectedOutputs: (audience: number) => number;
}

const TAG = 'A/B tests';
const closed = {additionalProperties: false};
const EXAMPLE = [
  {name: 'Platform A', percentage: 40},
  {name: 'Platform B', percentage: 40},
];

const Variant = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '\\S',
      description: 'No two alike, in any case. Control is the rest and may be left out.',
      examples: ['Platform A'],
    }),
    percentage: Type.Number({
      minimum: 0,
      maximum: 100,
      description: 'With at most two decimals',
      examples: [40, 33.33],
    }),
  },
  closed,
);

export const NewTest = Type.Object(
  {
    variants: Type.Array(Variant, {
      minItems: 1,
      maxItems: VARIANTS_MAX,
      description: `At most ${VARIANTS_MAX} with Control, which is the rest to 100`,
      examples: [EXAMPLE],
    }),
  },
  {...closed, title: 'NewTest', examples: [{variants: EXAMPLE}]},
);

const TEST_EXAMPLE = {
  audience: 12,
  variants: [...EXAMPLE, {name: 'Control', percentage: 20}],
  created_by: 'anna',
  created_ms: 1_790_000_000_000,
};
export const TestAnswer = Type.Object(
  {
    audience: Type.Integer({minimum: 1, examples: [12]}),
    variants: Type.Array(Variant, {description: 'Control last'}),
    created_by: Type.String({examples: ['anna']}),
    created_ms: Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]}),
  },
  {title: 'Test', examples: [TEST_EXAMPLE]},
);

export function testRoutes({audiences, tests, connectedOutputs}: TestRouteParts): ApiRoute[] {
  return [
    bodyRoute({
      method: 'PUT',
      pattern: '/v1/audiences/:id/test',
      access: 'editor',
      tag: TAG,
      summary:
        'Split the members. The percentages of a test stay: given again they may only be renamed',
      body: NewTest,
      answers: {200: TestAnswer},
      handle: async call => {
        const audience = editableAudience(audiences, call);
        const actor = {name: call.principal.name, nowMs: call.nowMs};
        const isConnected = connectedOutputs(audience.id) > 0;
        const made = await tests.set(audience, call.body.variants, actor, {isConnected});
        return {status: 200, body: viewTest(audience.id, made)};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/test',
      access: 'viewer',
      tag: TAG,
      summary: 'The test of an audience',
      answers: {200: TestAnswer},
      handle: call => {
        const {id, test} = visibleAudience(audiences, call);
        if (test === undefined) throw notFound();
        return {status: 200, body: viewTest(id, test)};
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/audiences/:id/test',
      access: 'editor',
      tag: TAG,
      summary: 'End the test: its variants are gone, the audience stays',
      answers: {204: undefined},
      handle: async call => {
        const audience = editableAudience(audiences, call);
        const actor = {name: call.principal.name, nowMs: call.nowMs};
        if (!(await tests.remove(audience, actor))) throw notFound();
        return {status: 204};
      },
    }),
  ];
}

function viewTest(
  audience: number,
  {variants, createdBy, createdMs}: AudienceTest,
): Record<string, unknown> {
  return {audience, variants, created_by: createdBy, created_ms: createdMs};
}
