/** What an explanation looks like. */
import {Type} from 'typebox';
import {MpidText, nullable} from './schemas.ts';

const Id = Type.Integer({minimum: 1, examples: [1]});
const Version = Type.Integer({minimum: 1, examples: [3]});

function ms(description: string) {
  return nullable(Type.Integer({description, examples: [1_790_000_000_000]}));
}

const Part = Type.Object({}, {description: 'A part like this one', additionalProperties: true});

const SawValue = Type.Object({
  workspace: Id,
  exists: Type.Boolean({description: 'false: the profile does not have it there'}),
  value: Type.Unknown({description: 'null when it does not exist, and of a tag'}),
  said_ms: ms('When it was last said; of what is calculated: the time of the last event'),
});

/** By the kind of the criterion. */
const saw = {
  measured: Type.Optional(
    nullable(Type.Number({description: 'Events: what was compared', examples: [2]})),
  ),
  or_more: Type.Optional(
    Type.Boolean({description: 'Events: only the latest are kept, there may be more of them'}),
  ),
  count: Type.Optional(
    Type.Integer({description: 'Events, or values of them, inside the window', examples: [2]}),
  ),
  first_ms: Type.Optional(ms('The first of them')),
  latest_ms: Type.Optional(ms('Events: the latest at all, inside the window or not')),
  last_ms: Type.Optional(ms('The last of them; sequence: the latest end of a whole one')),
  added_ms: Type.Optional(ms('Cart: the latest add to cart')),
  ended_ms: Type.Optional(ms('Cart: what ended it')),
  steps: Type.Optional(Type.Integer({description: 'Sequence: how many', examples: [3]})),
  reached: Type.Optional(
    Type.Integer({description: 'Sequence: steps done, in order and in time', examples: [2]}),
  ),
  values: Type.Optional(
    Type.Array(SawValue, {description: 'Of each workspace that knows the profile'}),
  ),
  member: Type.Optional(nullable(Type.Boolean({description: 'Of the other audience'}))),
};

const nested = {
  id: Id,
  name: Type.String({examples: ['Keen']}),
  member: nullable(Type.Boolean()),
  in_population: Type.Boolean(),
  version: Version,
  is_calculated: Type.Boolean(),
  why: Part,
};

/** One part of a definition; which of `and`, `or`, `exclude` and `criterion` it has says what it is. */
const part = {
  path: Type.String({
    description: 'Where in the definition',
    examples: ['definition.and[1].exclude'],
  }),
  holds: nullable(Type.Boolean({description: 'null: nobody has calculated it'})),
  since_ms: ms(
    'From when on it has been so, by the times of events and of what was said; null: longer than can be told',
  ),
  or_earlier: Type.Boolean({
    description: 'It may have been so before since_ms: what was then is not kept',
  }),
  until_ms: ms('When it changes if nothing more happens; null: never, or nobody can tell'),
  and: Type.Optional(Type.Array(Part)),
  or: Type.Optional(Type.Array(Part)),
  exclude: Type.Optional(Part),
  criterion: Type.Optional(
    Type.Unknown({
      description: 'As it was saved',
      examples: [{kind: 'commerce', action: 'purchase', when: {within_last: '7d'}}],
    }),
  ),
  means: Type.Optional(Type.String({examples: ['purchase in the last 7d']})),
  saw: Type.Optional(
    nullable(Type.Object(saw, {description: 'What it looked at, by the kind of criterion'})),
  ),
  audience: Type.Optional(
    nullable(
      Type.Object(nested, {
        description:
          'The audience that is asked for, where it is first named; null: you may not see it',
      }),
    ),
  ),
};

const EXAMPLE = {
  mpid: '-1327484737295091692',
  member: true,
  since_ms: 1_790_000_000_000,
  until_ms: 1_790_259_200_001,
  is_known: true,
  at_ms: 1_790_086_400_000,
  forgotten_ms: 1_792_592_000_001,
  in_population: true,
  version: 3,
  is_calculated: true,
  why: {
    path: 'definition',
    holds: true,
    since_ms: 1_790_000_000_000,
    or_earlier: false,
    until_ms: 1_790_259_200_001,
    and: [
      {
        path: 'definition.and[0]',
        holds: true,
        since_ms: 1_790_000_000_000,
        or_earlier: false,
        until_ms: 1_790_259_200_001,
        criterion: {kind: 'commerce', action: 'add_to_cart', when: {within_last: '3d'}},
        means: 'add_to_cart in the last 3 d',
        saw: {
          measured: 1,
          or_more: false,
          count: 1,
          first_ms: 1_790_000_000_000,
          last_ms: 1_790_000_000_000,
          latest_ms: 1_790_000_000_000,
        },
      },
      {
        path: 'definition.and[1]',
        holds: true,
        since_ms: 1_789_900_000_000,
        or_earlier: true,
        until_ms: null,
        criterion: {
          kind: 'user_attribute',
          attribute: 'tier',
          operator: 'exact_match',
          value: 'gold',
        },
        means: 'tier is "gold"',
        saw: {
          values: [{workspace: 1, exists: true, value: 'Gold', said_ms: 1_789_900_000_000}],
        },
      },
    ],
  },
};

export const MembershipAnswer = Type.Object(
  {
    mpid: MpidText,
    member: Type.Boolean(),
    since_ms: ms('When it became one; null: it is none'),
    until_ms: ms('When that changes if nothing more happens; null: never, or nobody can tell'),
    is_known: Type.Boolean({description: 'false: there is no such profile'}),
    at_ms: ms('The moment that is explained'),
    forgotten_ms: ms('When the profile is forgotten if nothing more happens'),
    in_population: Type.Boolean({
      description: 'A workspace of the audience knows the profile: nobody else can be a member',
    }),
    version: nullable(Version),
    is_calculated: Type.Boolean({
      description: 'false: this definition is not, or not yet, the one whose members are served',
    }),
    why: nullable(Type.Object(part, {description: 'null: no such profile, or no definition'})),
  },
  {title: 'Membership', examples: [EXAMPLE]},
);
