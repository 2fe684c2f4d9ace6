/** What the download calls take and answer. */
import {Type} from 'typebox';
import {VARIANTS_MAX} from '../catalog/audience-tests.ts';
import {nullable} from './schemas.ts';

const AUDIENCES_MAX = 100;
const IDENTITIES_MAX = 100;
const closed = {additionalProperties: false};
const STATUSES = ['queued', 'running', 'ready', 'failed', 'expired'];
const ID = '9dd9b6dc-f0ec-4acf-8b18-f3a357afe1c3';

const Id = Type.Integer({minimum: 1, examples: [1]});
export const DownloadId = Type.String({examples: [ID]});
const Ms = Type.Integer({description: 'Unix milliseconds', examples: [1_790_000_000_000]});
const Identities = Type.Array(Type.String({minLength: 1, maxLength: 64}), {
  minItems: 1,
  maxItems: IDENTITIES_MAX,
  description: 'Identity types: a row is written for each identity of these types',
  examples: [['customer_id', 'email']],
});
const Sample = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  description: 'Of the members, as a fraction: the same members every time. null: all of them.',
  examples: [0.01],
});
const Csv = Type.Unsafe<'safe' | 'raw'>({
  enum: ['safe', 'raw'],
  description:
    'safe: a value that a spreadsheet would run as a formula gets an apostrophe in front. ' +
    'raw: every value as it is, for programs.',
  examples: ['safe'],
});
const Variants = Type.Array(Type.String({minLength: 1, maxLength: 100}), {
  minItems: 1,
  maxItems: VARIANTS_MAX,
  description: 'A file for each of these variants of the test. Absent or null: one file for all.',
  examples: [['Platform A', 'Control']],
});

export const NewDownload = Type.Object(
  {
    audiences: Type.Array(
      Type.Object({id: Id, variants: Type.Optional(nullable(Variants))}, closed),
      {
        minItems: 1,
        maxItems: AUDIENCES_MAX,
        examples: [[{id: 1}]],
      },
    ),
    identities: Identities,
    sample: Type.Optional(nullable(Sample)),
    csv: Type.Optional(Csv),
  },
  {
    ...closed,
    title: 'NewDownload',
    examples: [
      {audiences: [{id: 1}], identities: ['customer_id', 'email']},
      {
        audiences: [{id: 1, variants: ['Platform A', 'Control']}, {id: 2}],
        identities: ['email'],
        sample: 0.01,
        csv: 'raw',
      },
    ],
  },
);

const Rows = Type.Integer({minimum: 0, description: 'Of all files', examples: [18]});
export const DownloadAnswer = Type.Object(
  {
    id: DownloadId,
    status: Type.Unsafe<string>({enum: STATUSES, examples: ['ready']}),
    progress: Type.Number({minimum: 0, maximum: 1, examples: [1]}),
    reason: nullable(
      Type.String({
        description: 'Why it failed, or why it expired before its time',
        examples: ['somebody in it was erased'],
      }),
    ),
    audiences: Type.Array(
      Type.Object({
        id: Id,
        name: Type.String({
          description: 'When it was asked for',
          examples: ['Potential Parisians'],
        }),
        variants: nullable(Type.Array(Type.String(), {examples: [['Platform A', 'Control']]})),
      }),
    ),
    identities: Identities,
    sample: nullable(Sample),
    csv: Csv,
    file_name: Type.String({examples: ['musterAudiences_204223Jan022019_9dd9.zip']}),
    size_bytes: nullable(Type.Integer({minimum: 0, examples: [1_024]})),
    total_rows: nullable(Rows),
    created_by: Type.String({examples: ['anna']}),
    created_ms: Ms,
    ready_ms: nullable(Ms),
    expires_ms: nullable(Ms),
  },
  {title: 'Download'},
);
