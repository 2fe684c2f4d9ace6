import {Type} from 'typebox';
import {CALCULATIONS} from '../../engine/definitions/calculated-attribute.ts';
import {nullable} from './schemas.ts';

const closed = {additionalProperties: false};

const Id = Type.Integer({minimum: 1, examples: [1]});
const Ms = Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]});
const Name = Type.String({minLength: 1, maxLength: 100, pattern: '\\S', examples: ['spent_30d']});
const CalculationName = Type.Unsafe<(typeof CALCULATIONS)[number]>({
  enum: [...CALCULATIONS],
  examples: ['sum'],
});
const Event = Type.Unknown({
  description:
    'Which events, as an event criterion says it: kind, name or action, event_type, where, inputs',
  examples: [{kind: 'commerce', action: 'purchase'}],
});
const Attribute = Type.String({
  description:
    'Attribute, `$` field of the event or `$product` field whose values count; none for count and timestamps',
  examples: ['$total_amount'],
});
const Period = Type.Unknown({
  description:
    '{"within":"30d"} slides with the clock, {"since":"2026-09-07"} stays; without it as long as events are kept',
  examples: [{within: '30d'}],
});

const meaning = {
  attribute: Type.Optional(nullable(Attribute)),
  when: Type.Optional(Period),
};

export const NewCalculatedAttribute = Type.Object(
  {name: Name, workspace: Id, calculation: CalculationName, event: Event, ...meaning},
  {
    ...closed,
    title: 'NewCalculatedAttribute',
    examples: [
      {
        name: 'spent_30d',
        workspace: 1,
        calculation: 'sum',
        event: {kind: 'commerce', action: 'purchase'},
        attribute: '$total_amount',
        when: {within: '30d'},
      },
    ],
  },
);

export const CalculatedAttributeChanges = Type.Object(
  {
    name: Type.Optional(Name),
    calculation: Type.Optional(CalculationName),
    event: Type.Optional(Event),
    ...meaning,
  },
  {...closed, title: 'CalculatedAttributeChanges'},
);

export const CalculatedAttributeAnswer = Type.Object(
  {
    id: Id,
    name: Name,
    workspace: Id,
    calculation: CalculationName,
    event: Event,
    attribute: nullable(Attribute),
    when: Period,
    is_calculated: Type.Boolean({description: 'Every profile has the value of this meaning'}),
    progress: Type.Number({minimum: 0, maximum: 1, examples: [1]}),
    used_by: Type.Array(Id, {description: 'Audiences that ask for it', examples: [[12]]}),
    created_by: Type.String({examples: ['anna']}),
    created_ms: Ms,
    last_modified_by: Type.String({examples: ['anna']}),
    last_modified_ms: Ms,
  },
  {title: 'CalculatedAttribute'},
);
