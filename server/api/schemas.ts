/** What the API takes and answers: validation, static types and the OpenAPI description from one place. */
import {Type} from 'typebox';
import type {TSchema} from 'typebox';
import {ACCESS_LEVELS, AUDIENCE_STATUSES, ROLES} from '../catalog/entities.ts';

const ENVIRONMENTS = ['production', 'development'] as const;
const NAME_CHARACTERS_MAX = 100;
const TAG_CHARACTERS_MAX = 18;

const closed = {additionalProperties: false};

export function nullable<S extends TSchema>(schema: S) {
  // One `type` with null in it, so that a fault is one fault and not one for each branch.
  const {type} = schema as {type?: string};
  return Type.Unsafe<Type.Static<S> | null>({...schema, type: [type, 'null']});
}

/** Without a `type`, so that a number in its place is one fault and not two. */
function oneOf<const V extends readonly string[]>(values: V, options: object = {}) {
  return Type.Unsafe<V[number]>({enum: [...values], ...options});
}

const Id = Type.Integer({minimum: 1, examples: [1]});
const Ms = Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]});
const named = (example: string) =>
  Type.String({
    minLength: 1,
    maxLength: NAME_CHARACTERS_MAX,
    pattern: '\\S',
    examples: [example],
  });
const Name = named('Checkout left');
const Who = Type.String({examples: ['anna']});
export const MpidText = Type.String({
  description: 'A signed 64-bit integer in decimal',
  pattern: '^-?[0-9]+$',
  examples: ['-1327484737295091692'],
});
const Environment = oneOf(ENVIRONMENTS, {examples: ['production']});
const Ids = (description: string) => Type.Array(Id, {description, examples: [[1, 2]]});
const Tags = Type.Array(Type.String({minLength: 1, maxLength: TAG_CHARACTERS_MAX}), {
  maxItems: 1_000,
  examples: [['Retargeting']],
});
const Definition = Type.Unknown({
  description:
    'An expression: {"and":[…]}, {"or":[…]}, {"exclude":…} or one criterion, an object with `kind`',
  examples: [{kind: 'event', name: 'Add To Cart', when: {within_last: '7d'}}],
});

export const ErrorAnswer = Type.Object(
  {
    errors: Type.Array(
      Type.Object({
        code: Type.String({examples: ['UNPROCESSABLE']}),
        message: Type.String({examples: ['is required']}),
        path: Type.Optional(Type.String({examples: ['definition.and[1].when']})),
      }),
    ),
  },
  {title: 'Errors'},
);

const WorkspaceName = named('Shop');
export const NewWorkspace = Type.Object({name: WorkspaceName}, {...closed, title: 'NewWorkspace'});
export const WorkspaceAnswer = Type.Object(
  {id: Id, name: WorkspaceName, created_by: Who, created_ms: Ms},
  {title: 'Workspace'},
);

const inputFields = {
  name: named('Web'),
  type: oneOf(['platform', 'feed'], {examples: ['platform']}),
};
const Platform = Type.String({minLength: 1, maxLength: NAME_CHARACTERS_MAX, examples: ['web']});
export const NewInput = Type.Object(
  {...inputFields, platform: Type.Optional(nullable(Platform))},
  {...closed, title: 'NewInput'},
);
const inputAnswer = {
  id: Id,
  workspace: Id,
  ...inputFields,
  platform: nullable(Platform),
  key: Type.String({description: 'User name of Basic authentication', examples: ['mik_7d0f5c']}),
  created_by: Who,
  created_ms: Ms,
};
export const InputAnswer = Type.Object(inputAnswer, {title: 'Input'});
export const InputWithSecret = Type.Object(
  {
    ...inputAnswer,
    secret: Type.String({description: 'Password; shown this once', examples: ['mis_1b8e02']}),
  },
  {title: 'InputWithSecret'},
);

const TokenAudiences = Type.Array(Id, {
  description: 'Only these. Null or left out: every one that is not private. Empty: none.',
  maxItems: 10_000,
  examples: [[1, 2]],
});
const TokenIdentities = Type.Array(Type.String({minLength: 1, maxLength: 64}), {
  description: 'Only these types. Null or left out: every type. Empty: none.',
  maxItems: 100,
  examples: [['email']],
});
const TokenName = named('crm');
export const NewToken = Type.Object(
  {
    name: TokenName,
    role: oneOf(ROLES, {examples: ['subscriber']}),
    audiences: Type.Optional(nullable(TokenAudiences)),
    identities: Type.Optional(nullable(TokenIdentities)),
  },
  {
    ...closed,
    title: 'NewToken',
    examples: [
      {name: 'crm', role: 'subscriber', audiences: [1, 2], identities: ['email']},
      {name: 'anna', role: 'editor'},
    ],
  },
);
const tokenAnswer = {
  id: Id,
  name: TokenName,
  role: oneOf(ROLES, {examples: ['subscriber']}),
  audiences: nullable(TokenAudiences),
  identities: nullable(TokenIdentities),
  created_by: Who,
  created_ms: Ms,
};
export const TokenAnswer = Type.Object(tokenAnswer, {title: 'Token'});
export const TokenWithSecret = Type.Object(
  {
    ...tokenAnswer,
    token: Type.String({
      description: 'The bearer token; shown this once',
      examples: ['mst_01b8e0'],
    }),
  },
  {title: 'TokenWithSecret'},
);

const ScopeInputs = Type.Array(Id, {
  minItems: 1,
  description: 'null: every input of the workspaces',
  examples: [[1]],
});
const audienceSettings = {
  external_name: Type.Optional(nullable(Name)),
  description: Type.Optional(
    nullable(Type.String({maxLength: 10_000, examples: ['Left something in the cart']})),
  ),
  tags: Type.Optional(Tags),
  environment: Type.Optional(Environment),
  access: Type.Optional(oneOf(ACCESS_LEVELS, {examples: ['usable']})),
  inputs: Type.Optional(nullable(ScopeInputs)),
  definition: Type.Optional(Definition),
};
const Workspaces = Type.Array(Id, {minItems: 1, maxItems: 1_000, examples: [[1]]});
export const NewAudience = Type.Object(
  {name: Name, workspaces: Workspaces, ...audienceSettings},
  {...closed, title: 'NewAudience'},
);
export const AudienceChanges = Type.Object(
  {
    name: Type.Optional(Name),
    workspaces: Type.Optional(Workspaces),
    owner: Type.Optional(Type.String({minLength: 1, examples: ['anna']})),
    ...audienceSettings,
  },
  {...closed, title: 'AudienceChanges'},
);
export const NewClone = Type.Object({name: Type.Optional(Name)}, {...closed, title: 'NewClone'});

const Count = Type.Integer({minimum: 0, examples: [342]});
export const AudienceAnswer = Type.Object(
  {
    id: Id,
    name: Name,
    external_name: nullable(Name),
    description: Type.String({examples: ['Left something in the cart']}),
    environment: Environment,
    workspaces: Ids('Workspaces of its population'),
    inputs: nullable(Ids('null: every input of the workspaces')),
    definition: Definition,
    version: Type.Integer({minimum: 0, description: '0: no definition', examples: [3]}),
    status: oneOf(AUDIENCE_STATUSES, {examples: ['active']}),
    is_calculated: Type.Boolean(),
    progress: Type.Number({minimum: 0, maximum: 1, examples: [1]}),
    size: Count,
    added_last_24_hours: Count,
    dropped_last_24_hours: Count,
    volatility: nullable(Type.Number({examples: [0.05]})),
    connected_outputs: Count,
    tags: Tags,
    access: oneOf(ACCESS_LEVELS, {examples: ['usable']}),
    owner: Type.String({examples: ['anna']}),
    created_by: Type.String({examples: ['anna']}),
    created_ms: Ms,
    last_modified_by: Type.String({examples: ['anna']}),
    last_modified_ms: Ms,
    faults: Type.Array(
      Type.Object({
        connection: nullable(Id),
        path: nullable(
          Type.String({
            description: 'Place in the definition of a fault of the audience itself',
            examples: ['definition.when.within_last'],
          }),
        ),
        message: Type.String({examples: ['Too Many Requests']}),
      }),
    ),
    variants: Type.Array(
      Type.Object({
        name: Type.String({examples: ['Control']}),
        percentage: Type.Number({examples: [20]}),
      }),
    ),
  },
  {title: 'Audience'},
);

export const VersionAnswer = Type.Object(
  {
    audience: Id,
    version: Id,
    definition: Definition,
    workspaces: Ids('As saved'),
    inputs: nullable(Ids('As saved; null: every input of the workspaces')),
    environment: Environment,
    saved_by: Type.String({examples: ['anna']}),
    saved_ms: Ms,
  },
  {title: 'AudienceVersion'},
);

export const MemberAnswer = Type.Object({mpid: MpidText, since_ms: Ms}, {title: 'Member'});

const AttributeValues = Type.Record(Type.String(), Type.Unknown(), {
  examples: [{tier: 'gold', newsletter: null}],
});
const Location = Type.Object({
  latitude: nullable(Type.Number({examples: [48.8566]})),
  longitude: nullable(Type.Number({examples: [2.3522]})),
  city: nullable(Type.String({examples: ['Paris']})),
  state: nullable(Type.String({examples: ['IDF']})),
  zip: nullable(Type.String({examples: ['75001']})),
  dma: nullable(Type.String({examples: ['501']})),
  country: nullable(Type.String({examples: ['FR']})),
  at_ms: Ms,
});
const DeviceValues = Type.Record(Type.String(), Type.Unknown(), {
  examples: [{platform: 'iOS', os_version: '17.1'}],
});
export const ProfileAnswer = Type.Object(
  {
    mpid: MpidText,
    first_seen_ms: Ms,
    last_seen_ms: Ms,
    workspaces: Type.Array(
      Type.Object({
        workspace: Id,
        environment: Environment,
        first_seen_ms: Ms,
        last_seen_ms: Ms,
        user_attributes: AttributeValues,
        identities: Type.Record(Type.String(), Type.String(), {
          examples: [{email: 'h.jekyll@example.com'}],
        }),
        consent: Type.Array(
          Type.Object({
            regulation: Type.String({examples: ['gdpr']}),
            purpose: Type.String({examples: ['marketing']}),
            consented: Type.Boolean(),
            at_ms: Ms,
          }),
        ),
        device: DeviceValues,
        location: Type.Union([Location, Type.Null()]),
        calculated_attributes: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), {
            description: 'As of now; null: no event gives it a value',
            examples: [{spent_30d: 129.5, last_purchase: null}],
          }),
        ),
      }),
    ),
    audiences: Type.Array(Type.Object({id: Id, name: Name, since_ms: Ms})),
  },
  {title: 'Profile'},
);

export const AuditAnswer = Type.Object(
  {
    id: Id,
    at_ms: Ms,
    who: Type.String({examples: ['anna']}),
    action: Type.String({examples: ['audience.update']}),
    target: Type.String({examples: ['audience/12']}),
    from: Type.Unknown({examples: [{name: 'Cart left'}]}),
    to: Type.Unknown({examples: [{name: 'Checkout left'}]}),
  },
  {title: 'AuditEntry'},
);

export const HealthAnswer = Type.Object(
  {status: Type.String({examples: ['ok']})},
  {title: 'Health'},
);
