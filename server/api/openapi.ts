/** The OpenAPI 3.1 description, from the routes themselves: its schemas are the ones that validate. */
import type {TSchema} from 'typebox';
import type {RouteDescription} from './route.ts';
import {ErrorAnswer} from './schemas.ts';

export interface OpenApiOptions {
  readonly version: string;
  readonly routes: readonly RouteDescription[];
  /** Path items of what is not a route of the API, such as the taking of events. */
  readonly morePaths?: Readonly<Record<string, unknown>> | undefined;
}

type Json = Record<string, unknown>;

export function openApi({version, routes, morePaths = {}}: OpenApiOptions): Json {
  const components = new Map<string, TSchema>();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.pattern.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = {...paths[path], [route.method.toLowerCase()]: operation(route, components)};
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster',
      version,
      description: 'Real-time audiences: events in, membership deltas out.',
      license: {name: 'Apache-2.0', identifier: 'Apache-2.0'},
    },
    security: [{token: []}],
    paths: {...paths, ...morePaths},
    components: {
      schemas: Object.fromEntries(components),
      securitySchemes: {
        token: {type: 'http', scheme: 'bearer'},
        input: {type: 'http', scheme: 'basic', description: 'Key and secret of an input'},
      },
    },
  };
}

function operation(route: RouteDescription, components: Map<string, TSchema>): Json {
  const {method, pattern, access, tag, summary, query = [], body, answers} = route;
  const pathParameters = [...pattern.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: {type: 'string'},
  }));
  const queryParameters = query.map(({name, description, schema, isRepeatable}) => ({
    name,
    in: 'query',
    description,
    schema: isRepeatable ? {type: 'array', items: schema} : schema,
  }));
  return {
    operationId: operationId(method, pattern),
    tags: [tag],
    summary,
    ...(access === 'public' ? {security: []} : {description: `Role: ${access} or above.`}),
    parameters: [...pathParameters, ...queryParameters],
    ...(body && {requestBody: {content: jsonContent(body, components)}}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [
          status,
          response(Number(status), schema, components),
        ]),
      ),
      default: {description: 'Refused', content: jsonContent(ErrorAnswer, components)},
    },
  };
}

function response(
  status: number,
  schema: TSchema | string | undefined,
  components: Map<string, TSchema>,
): Json {
  const description = DESCRIPTIONS.get(status) ?? 'Done';
  if (schema === undefined) return {description};
  if (typeof schema === 'string') return {description, content: {[schema]: {}}};
  return {description, content: jsonContent(schema, components)};
}

const DESCRIPTIONS: ReadonlyMap<number, string> = new Map([
  [200, 'Done'],
  [201, 'Made'],
  [202, 'Work goes on in the background'],
  [204, 'Gone'],
]);

function jsonContent(schema: TSchema, components: Map<string, TSchema>): Json {
  return {'application/json': {schema: reference(schema, components)}};
}

/** A schema with a title is described once, and a list of it refers to it. */
function reference(schema: TSchema, components: Map<string, TSchema>): unknown {
  const {title, type, items} = schema as {title?: string; type?: string; items?: TSchema};
  if (title !== undefined) {
    components.set(title, schema);
    return {$ref: `#/components/schemas/${title}`};
  }
  if (type === 'array' && items !== undefined) {
    return {...schema, items: reference(items, components)};
  }
  return schema;
}

/** `GET /v1/audiences/:id/members` → `get_v1_audiences_id_members` */
function operationId(method: string, pattern: string): string {
  return `${method}${pattern}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
}
