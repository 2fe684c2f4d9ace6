/** What the WebSocket says of itself: its messages as `client-message.ts` reads and `wire.ts` writes them. */
import {Type} from 'typebox';
import {ACTIONS, CAUSES} from '../../engine/deltas.ts';
import {
  IDENTITIES_MAX,
  NAME_LENGTH_MAX,
  STREAM_ERROR_CODES,
  VARIANTS_MAX,
  WORD_LENGTH_MAX,
} from './client-message.ts';
import {STREAM_BOUNDS} from './stream-parts.ts';

const Id = Type.Integer({minimum: 1, examples: [1]});
const Ms = Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]});
const Cursor = Type.String({
  description: 'Opaque; survives restarts',
  examples: ['AbOYQ1uU'],
});
const Mpid = Type.String({
  description: 'A signed 64-bit integer in decimal',
  pattern: '^-?[0-9]+$',
  examples: ['-1327484737295091692'],
});
const Words = (limit: number, description: string, examples: readonly string[]) =>
  Type.Array(Type.String({minLength: 1, maxLength: WORD_LENGTH_MAX}), {
    maxItems: limit,
    description,
    examples: [[...examples]],
  });
const type = <const T extends string>(name: T) => Type.Literal(name, {examples: [name]});

export const Subscribe = Type.Object(
  {
    type: type('subscribe'),
    audiences: Type.Unsafe<'all' | number[]>({
      anyOf: [
        Type.Literal('all', {description: 'All that the token may see, those made later included'}),
        Type.Array(Id, {minItems: 1, maxItems: STREAM_BOUNDS.audiencesPerSubscribeMax}),
      ],
      examples: ['all', [1, 2]],
    }),
    from: Type.Optional(
      Type.String({
        minLength: 1,
        description: '`now`, `snapshot` or a cursor; may be left out with a name',
        examples: ['snapshot', 'now'],
      }),
    ),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: NAME_LENGTH_MAX,
        description: 'The server keeps the acknowledged cursor under it and goes on there',
        examples: ['crm'],
      }),
    ),
    identities: Type.Optional(
      Words(
        IDENTITIES_MAX,
        'Types to send along, of those granted, in any spelling of the Events API, IDSync or Firehose; ' +
          'when a member gets, changes or loses one it is an attribute_update',
        ['email'],
      ),
    ),
    attributes: Type.Optional(
      Words(
        STREAM_BOUNDS.attributesPerSubscribeMax,
        'User attributes to send along; a change of one is an attribute_update',
        ['tier'],
      ),
    ),
    variants: Type.Optional(Words(VARIANTS_MAX, 'Only members in these variants', ['Control'])),
  },
  {
    title: 'Subscribe',
    examples: [
      {type: 'subscribe', audiences: 'all', from: 'snapshot'},
      {
        type: 'subscribe',
        audiences: [1, 2],
        from: 'now',
        name: 'crm',
        identities: ['email'],
        attributes: ['tier'],
      },
    ],
  },
);
export const Ack = Type.Object(
  {type: type('ack'), cursor: Cursor},
  {title: 'Ack', description: 'Everything up to this cursor is dealt with'},
);
export const Unsubscribe = Type.Object({type: type('unsubscribe')}, {title: 'Unsubscribe'});

export const Subscribed = Type.Object(
  {
    type: type('subscribed'),
    cursor: Cursor,
    audiences: Type.Array(Id, {description: 'Those of now', examples: [[1, 2]]}),
  },
  {title: 'Subscribed'},
);
const fields = {
  identities_removed: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        'Only of an attribute_update: what the member had before, changed or gone to another profile',
      examples: [{email: 'jekyll@old.example'}],
    }),
  ),
  identities: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        'By the spelling of the Events API. As they are when this is sent; of a delete those by which ' +
        'the member was known, also when the profile was erased or has expired',
      examples: [{email: 'h.jekyll@example.com'}],
    }),
  ),
  attributes: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {examples: [{tier: 'gold'}]}),
  ),
  omitted: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Identities and attributes too long for a frame',
      examples: [['biography']],
    }),
  ),
};
export const Snapshot = Type.Object(
  {
    type: type('snapshot'),
    audience: Id,
    members: Type.Array(Type.Object({mpid: Mpid, ...fields})),
    last: Type.Boolean({description: 'The last of this audience', examples: [true]}),
  },
  {title: 'Snapshot'},
);
export const Deltas = Type.Object(
  {
    type: type('deltas'),
    cursor: Cursor,
    deltas: Type.Array(
      Type.Object({
        audience: Id,
        mpid: Mpid,
        action: Type.Unsafe<string>({enum: [...ACTIONS], examples: ['add']}),
        at_ms: Ms,
        cause: Type.Unsafe<string>({enum: [...CAUSES], examples: ['event']}),
        version: Type.Integer({minimum: 0, description: 'Of the definition', examples: [3]}),
        ...fields,
      }),
      {description: 'Those of one profile in the order in which they happened'},
    ),
  },
  {title: 'Deltas'},
);
export const Reset = Type.Object(
  {
    type: type('reset'),
    reason: Type.String({examples: ['the cursor is older than the deltas that are kept']}),
  },
  {title: 'Reset', description: 'The cursor cannot be resumed; a snapshot follows'},
);
export const StreamError = Type.Object(
  {
    type: type('error'),
    code: Type.Unsafe<string>({enum: [...STREAM_ERROR_CODES], examples: ['bad_message']}),
    message: Type.String({examples: ['a message is an object with a type']}),
  },
  {title: 'StreamError', description: 'The connection lives on'},
);

export const DELTAS_DESCRIPTION = {
  method: 'GET',
  pattern: '/v1/deltas',
  access: 'subscriber',
  tag: 'Deltas',
  summary: 'Membership deltas over a WebSocket',
  description:
    'An upgrade with the subprotocol `muster.json` or `muster.msgpack`, which carry the same messages: ' +
    '`x-messages` lists those that the client sends and those that the server sends. Pings come every ' +
    `${STREAM_BOUNDS.pingEveryMs / 1000} s.`,
  query: [
    {
      name: 'token',
      description: 'The bearer token, for browsers, which cannot send a header.',
      schema: Type.String({examples: ['mst_0123456789']}),
    },
  ],
  answers: {101: undefined},
  messages: {
    client: [Subscribe, Ack, Unsubscribe],
    server: [Subscribed, Snapshot, Deltas, Reset, StreamError],
  },
} as const;
