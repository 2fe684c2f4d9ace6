/** What estimates, changes and overlaps take and answer. */
import {Type} from 'typebox';
import {OVERLAP_AUDIENCES_MAX} from '../../engine/questions/overlap-counts.ts';
import {MpidText, nullable} from './schemas.ts';

const closed = {additionalProperties: false};
const Id = Type.Integer({minimum: 1, examples: [1]});
const Ids = Type.Array(Id, {minItems: 1, maxItems: 1_000, examples: [[1]]});
const Environment = Type.Unsafe<'production' | 'development'>({
  enum: ['production', 'development'],
  examples: ['production'],
});
const DEFINITION = {
  and: [
    {kind: 'commerce', action: 'add_to_cart', when: {within_last: '7d'}},
    {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'},
  ],
};
const Definition = Type.Unknown({
  description: 'As of an audience; it need not be one that is saved',
  examples: [DEFINITION],
});

export const NewEstimate = Type.Object(
  {
    workspaces: Ids,
    inputs: Type.Optional(nullable(Ids)),
    environment: Type.Optional(Environment),
    definition: Definition,
  },
  {
    ...closed,
    title: 'NewEstimate',
    examples: [{workspaces: [1], definition: DEFINITION}],
  },
);

const size = {
  size: nullable(
    Type.Integer({
      minimum: 0,
      description: 'null: the sample has too few (`reason`), or it could not be computed (`fault`)',
      examples: [12_800],
    }),
  ),
  exact: Type.Boolean({description: 'false: from one profile in 64', examples: [false]}),
  low: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'With `high`: 95 times in 100 the size is between them',
      examples: [11_143],
    }),
  ),
  high: Type.Optional(Type.Integer({minimum: 0, examples: [14_699]})),
  sampled: Type.Optional(
    Type.Integer({minimum: 0, description: 'Members in the sample', examples: [200]}),
  ),
  reason: Type.Optional(Type.String({examples: ['nobody whom this concerns is in the sample']})),
  fault: Type.Optional(Type.String({examples: ['the sample could not be read']})),
};

const Criteria = Type.Array(
  Type.Object({
    path: Type.String({description: 'Where it is', examples: ['definition.and[0]']}),
    ...size,
  }),
  {description: 'Of the profiles in the population, how many meet each criterion'},
);

const ESTIMATE = {size: 12_800, exact: false, low: 11_143, high: 14_699, sampled: 200};
const CRITERIA = [
  {path: 'definition.and[0]', ...ESTIMATE},
  {path: 'definition.and[1]', size: 40_312, exact: true},
];

export const EstimateAnswer = Type.Object(
  {...size, criteria: Criteria},
  {title: 'Estimate', examples: [{...ESTIMATE, criteria: CRITERIA}]},
);

export const NewChanges = Type.Object(
  {
    definition: Definition,
    workspaces: Type.Optional(Ids),
    inputs: Type.Optional(nullable(Ids)),
    environment: Type.Optional(Environment),
  },
  {...closed, title: 'NewChanges', examples: [{definition: DEFINITION}]},
);

const Change = Type.Object({
  ...size,
  mpids: Type.Array(MpidText, {description: 'Some of them, drawn by lot'}),
});

export const ChangesAnswer = Type.Object(
  {...size, added: Change, dropped: Change, criteria: Criteria},
  {
    title: 'Changes',
    description: 'The size after the change, who would come and who would go',
    examples: [
      {
        size: 350,
        exact: true,
        added: {size: 9, exact: true, mpids: ['-1327484737295091692']},
        dropped: {size: 1, exact: true, mpids: ['42']},
        criteria: [{path: 'definition', size: 350, exact: true}],
      },
    ],
  },
);

const AudienceIds = Type.Array(Id, {
  minItems: 1,
  maxItems: OVERLAP_AUDIENCES_MAX,
  examples: [[1, 2]],
});

export const NewOverlaps = Type.Object(
  {
    audiences: AudienceIds,
    intersections: Type.Optional(
      Type.Array(AudienceIds, {
        minItems: 1,
        maxItems: (1 << OVERLAP_AUDIENCES_MAX) - 1,
        description: 'Only these; without it all there are',
        examples: [[[1, 2]]],
      }),
    ),
  },
  {...closed, title: 'NewOverlaps', examples: [{audiences: [1, 2]}]},
);

export const OverlapsAnswer = Type.Object(
  {
    sizes: Type.Array(
      Type.Object({
        audiences: AudienceIds,
        size: Type.Integer({minimum: 0, description: 'In all of these', examples: [120]}),
        only: Type.Integer({
          minimum: 0,
          description: 'In all of these and in no other that was asked for',
          examples: [120],
        }),
      }),
    ),
  },
  {
    title: 'Overlaps',
    examples: [
      {
        sizes: [
          {audiences: [1], size: 342, only: 222},
          {audiences: [2], size: 150, only: 30},
          {audiences: [1, 2], size: 120, only: 120},
        ],
      },
    ],
  },
);
