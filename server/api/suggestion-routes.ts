import {Type} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {Catalog} from '../catalog/catalog.ts';
import {FIELD_TYPES} from '../suggestions/learned-field.ts';
import type {SuggestionQuery, Suggestions} from '../suggestions/suggestions.ts';
import {ApiError} from './errors.ts';
import {parseId} from './pages.ts';
import {route} from './route.ts';
import type {ApiRoute} from './route.ts';

export interface SuggestionRouteParts {
  readonly catalog: Catalog;
  readonly suggestions: Suggestions;
  /** Somebody builds a definition: estimates will be asked for. */
  readonly onAsked: () => void;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

/** Kinds of criteria, and what the data calls their events. */
const EVENT_KINDS: Readonly<Record<string, readonly string[]>> = {
  event: ['custom'],
  attribution_event: ['custom'],
  commerce: ['commerce'],
  screen_view: ['screen_view'],
  session: ['session_start', 'session_end'],
  crash: ['crash'],
  install: ['install'],
  uninstall: ['uninstall'],
  upgrade: ['upgrade'],
};
/** Kinds of criteria on profiles, and the topics of what they look at. */
const PROFILE_KINDS: Readonly<Record<string, string>> = {
  user_attribute: 'user',
  device: 'device',
  identity: 'identity',
  consent: 'consent',
  location: 'location',
};
const KINDS = [...Object.keys(EVENT_KINDS), ...Object.keys(PROFILE_KINDS)];
const KIND_OF_EVENT = new Map(
  Object.entries(EVENT_KINDS)
    .reverse()
    .flatMap(([kind, own]) => own.map(each => [each, kind] as const)),
);

export const SuggestionsAnswer = Type.Object(
  {
    names: Type.Array(
      Type.Object({
        kind: Type.String({description: 'Of a criterion', examples: ['event']}),
        name: Type.String({examples: ['Add To Cart']}),
        event_types: Type.Array(Type.String({examples: ['navigation']})),
        count: Type.Integer({minimum: 0, description: 'About how often', examples: [1200]}),
      }),
      {description: 'Of events, most frequent first'},
    ),
    attributes: Type.Array(
      Type.Object({
        attribute: Type.String({examples: ['color']}),
        types: Type.Array(Type.Unsafe<string>({enum: [...FIELD_TYPES], examples: ['string']})),
        values: Type.Array(Type.String({examples: ['blue']}), {
          description: 'Frequent ones, each of at least three profiles',
        }),
        count: Type.Integer({minimum: 0, description: 'About how often', examples: [900]}),
      }),
      {description: 'Of the events or of the profiles, most frequent first'},
    ),
  },
  {
    title: 'Suggestions',
    examples: [
      {
        names: [{kind: 'event', name: 'Add To Cart', event_types: ['transaction'], count: 1200}],
        attributes: [{attribute: 'color', types: ['string'], values: ['blue', 'red'], count: 900}],
      },
    ],
  },
);

export function suggestionRoutes({
  catalog,
  suggestions,
  onAsked,
}: SuggestionRouteParts): ApiRoute[] {
  return [
    route({
      method: 'GET',
      pattern: '/v1/suggestions',
      access: 'viewer',
      tag: 'Suggestions',
      summary: 'What the builder can offer: event names, attributes, types and frequent values',
      query: [
        {
          name: 'workspace',
          description: 'Whose data.',
          schema: Type.Integer({minimum: 1, examples: [1]}),
          isRequired: true,
        },
        {
          name: 'input',
          description: 'Repeatable: only what came by these inputs.',
          schema: Type.Integer({minimum: 1, examples: [1]}),
          isRepeatable: true,
        },
        {
          name: 'environment',
          description: 'production when it is not given.',
          schema: Type.Enum(['production', 'development'], {examples: ['production']}),
        },
        {
          name: 'kind',
          description:
            'Of the criterion that is being built; all events and user attributes without it.',
          schema: Type.Enum(KINDS, {examples: ['event']}),
        },
        {
          name: 'name',
          description: 'Name, action or screen of the event whose attributes are wanted.',
          schema: Type.String({examples: ['Add To Cart']}),
        },
        {
          name: 'q',
          description: 'Text in the name or the attribute, in any case.',
          schema: Type.String({examples: ['cart']}),
        },
        {
          name: 'limit',
          description: `Names, and attributes, at most; ${LIMIT_DEFAULT} when it is not given.`,
          schema: Type.Integer({minimum: 1, maximum: LIMIT_MAX, examples: [20]}),
        },
      ],
      answers: {200: SuggestionsAnswer},
      handle: ({query}) => {
        onAsked();
        const {asked, kind, name, text, limit} = readQuery(query, catalog);
        const has = (each: string): boolean => each.toLowerCase().includes(text);
        const events = kind === undefined ? [...KIND_OF_EVENT.keys()] : (EVENT_KINDS[kind] ?? []);
        const topic = kind === undefined ? 'user' : PROFILE_KINDS[kind];
        const names = suggestions
          .names(asked, events)
          .filter(each => has(each.name) && isOfKind(kind, each.eventTypes))
          .slice(0, limit);
        const attributes = suggestions
          .fields(asked, ([first = '', second = '']) =>
            topic === undefined
              ? events.includes(first) && (name === undefined || name === second)
              : first === topic,
          )
          .filter(({attribute}) => has(attribute))
          .slice(0, limit);
        return {
          status: 200,
          body: {
            names: names.map(each => ({
              kind: kind ?? KIND_OF_EVENT.get(each.kind),
              name: each.name,
              event_types: each.eventTypes,
              count: each.count,
            })),
            attributes,
          },
        };
      },
    }),
  ];
}

/** An attribution event is a custom event of that type. */
function isOfKind(kind: string | undefined, eventTypes: readonly string[]): boolean {
  return kind !== 'attribution_event' || eventTypes.includes('attribution');
}

function readQuery(
  query: URLSearchParams,
  catalog: Catalog,
): {
  asked: SuggestionQuery;
  kind: string | undefined;
  name: string | undefined;
  text: string;
  limit: number;
} {
  const problems: Problem[] = [];
  const workspace = parseId(query.get('workspace') ?? '');
  if (workspace === undefined) {
    problems.push({path: 'workspace', message: 'must be the id of a workspace'});
  } else if (!catalog.workspaces.has(workspace)) {
    problems.push({path: 'workspace', message: `there is no workspace ${workspace}`});
  }
  const inputs = query.getAll('input').map(parseId);
  if (inputs.includes(undefined)) {
    problems.push({path: 'input', message: 'must be the id of an input'});
  }
  const environment = query.get('environment') ?? 'production';
  if (environment !== 'production' && environment !== 'development') {
    problems.push({path: 'environment', message: 'must be one of production, development'});
  }
  const kind = query.get('kind') ?? undefined;
  if (kind !== undefined && !KINDS.includes(kind)) {
    problems.push({path: 'kind', message: `must be one of ${KINDS.join(', ')}`});
  }
  const limit = parseId(query.get('limit') ?? String(LIMIT_DEFAULT));
  if (limit === undefined || limit > LIMIT_MAX) {
    problems.push({path: 'limit', message: `must be an integer from 1 to ${LIMIT_MAX}`});
  }
  if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
  return {
    asked: {
      workspace: workspace!,
      environment: environment === 'development' ? 'development' : 'production',
      inputs: inputs.length > 0 ? inputs.filter(each => each !== undefined) : undefined,
    },
    kind,
    name: query.get('name') ?? undefined,
    text: query.get('q')?.toLowerCase() ?? '',
    limit: limit!,
  };
}
