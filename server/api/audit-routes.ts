import {Type} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Catalog} from '../catalog/catalog.ts';
import type {AuditEntry} from '../catalog/entities.ts';
import {ApiError} from './errors.ts';
import {visibleAudience} from './find-audience.ts';
import {pageAnswer, pageParameters, parseId, readPage} from './pages.ts';
import {route} from './route.ts';
import type {Answer, ApiRoute, Call, QueryParameter} from './route.ts';
import {AuditAnswer} from './schemas.ts';

/** Entries looked at for one page: a question that finds few answers a short page that leads on. */
const EXAMINED_MAX = 20_000;
const PIECE = 500;

const PERIOD_PARAMETERS: readonly QueryParameter[] = [
  {
    name: 'from_ms',
    description: 'Not before this moment.',
    schema: Type.Integer({minimum: 0, examples: [1_790_000_000_000]}),
  },
  {
    name: 'to_ms',
    description: 'Before this moment.',
    schema: Type.Integer({minimum: 0, examples: [1_790_086_400_000]}),
  },
  ...pageParameters('From the Link header of the page before; older ones follow.'),
];

export function auditRoutes({
  catalog,
  audiences,
}: {
  readonly catalog: Catalog;
  readonly audiences: AudienceBook;
}): ApiRoute[] {
  return [
    route({
      method: 'GET',
      pattern: '/v1/audit',
      access: 'admin',
      tag: 'Tokens and audit',
      summary: 'Who changed what, newest first',
      query: [
        {
          name: 'who',
          description: 'Only by this one.',
          schema: Type.String({examples: ['anna']}),
        },
        {
          name: 'action',
          description: 'Only this action, or all that begin with it up to a dot.',
          schema: Type.String({examples: ['audience']}),
        },
        {
          name: 'target',
          description: 'Only of this thing.',
          schema: Type.String({examples: ['audience/12']}),
        },
        ...PERIOD_PARAMETERS,
      ],
      answers: {200: Type.Array(AuditAnswer)},
      handle: call => {
        const {query} = call;
        const action = query.get('action');
        return auditAnswer(catalog, call, entry => {
          const isAction =
            action === null || entry.action === action || entry.action.startsWith(`${action}.`);
          return (
            isAction && isAsked(query, 'who', entry.who) && isAsked(query, 'target', entry.target)
          );
        });
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/audit',
      access: 'viewer',
      tag: 'Audiences',
      summary: 'Who changed what of an audience, newest first',
      query: PERIOD_PARAMETERS,
      answers: {200: Type.Array(AuditAnswer)},
      handle: call => {
        const target = `audience/${visibleAudience(audiences, call).id}`;
        return auditAnswer(catalog, call, entry => entry.target === target);
      },
    }),
  ];
}

function isAsked(query: URLSearchParams, name: string, value: string): boolean {
  const asked = query.get(name);
  return asked === null || asked === value;
}

function auditAnswer(
  catalog: Catalog,
  call: Call<undefined>,
  isWanted: (entry: AuditEntry) => boolean,
): Answer {
  const {limit, after} = readPage(call.query, parseId);
  const {fromMs, toMs} = readPeriod(call.query);
  const items: AuditEntry[] = [];
  let before = after;
  let examined = 0;
  for (;;) {
    const entries = catalog.auditEntries({before, limit: PIECE});
    for (const entry of entries) {
      // Entries are in the order of time, but for clocks that are set back.
      if (entry.atMs >= fromMs && entry.atMs < toMs && isWanted(entry)) items.push(entry);
      before = entry.id;
      if (items.length > limit) break;
    }
    examined += entries.length;
    if (items.length > limit) {
      const page = items.slice(0, limit);
      return pageAnswer(call, page.map(viewAudit), String(page.at(-1)?.id));
    }
    if (entries.length < PIECE) return pageAnswer(call, items.map(viewAudit), undefined);
    if (examined >= EXAMINED_MAX) return pageAnswer(call, items.map(viewAudit), String(before));
  }
}

function readPeriod(query: URLSearchParams): {fromMs: number; toMs: number} {
  const problems: Problem[] = [];
  const read = (name: string, otherwise: number): number => {
    const text = query.get(name);
    if (text === null) return otherwise;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    problems.push({path: name, message: 'must be Unix milliseconds'});
    return otherwise;
  };
  const period = {fromMs: read('from_ms', -Infinity), toMs: read('to_ms', Infinity)};
  if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
  return period;
}

function viewAudit({id, atMs, who, action, target, from, to}: AuditEntry): Record<string, unknown> {
  return {id, at_ms: atMs, who, action, target, from, to};
}
