/** The OpenAPI 3.1 description, from the routes themselves: its schemas are the ones that validate. */
import type {TSchema} from 'typebox';
import {Type} from 'typebox';
import {must} from '../../engine/assert.ts';
import {exampleOf} from './example-of.ts';
import type {RouteDescription} from './route.ts';
import {ErrorAnswer, MpidText} from './schemas.ts';

export interface OpenApiOptions {
  readonly version: string;
  readonly routes: readonly RouteDescription[];
}

type Json = Record<string, unknown>;

export function openApi({version, routes}: OpenApiOptions): Json {
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
    paths,
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
  const {method, pattern, tag, summary, query = [], body, isBodyOptional, answers, params} = route;
  const name = `${method} ${pattern}`;
  const pathParameters = [...pattern.matchAll(/:(\w+)/g)].map(([, parameter = '']) => {
    const schema = must(
      params?.[parameter] ?? PATH_PARAMETERS.get(parameter),
      `${name} is described`,
    );
    return {
      name: parameter,
      in: 'path',
      required: true,
      schema,
      example: exampleOf(schema, `${name} ${parameter}`),
    };
  });
  const queryParameters = query.map(each => {
    const schema = each.isRepeatable ? Type.Array(each.schema) : each.schema;
    return {
      name: each.name,
      in: 'query',
      description: each.description,
      ...(each.isRequired && {required: true}),
      schema,
      example: exampleOf(schema, `${name} ${each.name}`),
    };
  });
  return {
    operationId: operationId(method, pattern),
    tags: [tag],
    summary,
    ...accessOf(route),
    parameters: [...pathParameters, ...queryParameters],
    ...(body && {
      requestBody: {required: isBodyOptional !== true, content: jsonContent(body, components)},
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [
          status,
          response(Number(status), schema, components),
        ]),
      ),
      default: {description: 'Refused', content: jsonContent(ErrorAnswer, components)},
    },
    ...(route.messages && {
      'x-messages': {
        client: messages(route.messages.client, components),
        server: messages(route.messages.server, components),
      },
    }),
  };
}

/** What a name in a pattern stands for, where the route says nothing else. */
const PATH_PARAMETERS: ReadonlyMap<string, TSchema> = new Map<string, TSchema>([
  ...['id', 'input', 'version'].map(
    name => [name, Type.Integer({minimum: 1, examples: [1]})] as const,
  ),
  ['mpid', MpidText],
]);

function accessOf({access, description}: RouteDescription): Json {
  const words = description === undefined ? [] : [description];
  switch (access) {
    case 'public':
      return {security: [], ...(description && {description})};
    case 'input':
      return {security: [{input: []}], description: words.join(' ')};
    default:
      return {description: [`Role: ${access} or above.`, ...words].join(' ')};
  }
}

function messages(schemas: readonly TSchema[], components: Map<string, TSchema>): unknown[] {
  return schemas.map(schema => reference(schema, components));
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
  [101, 'The connection is a WebSocket from here on'],
  [200, 'Done'],
  [201, 'Made'],
  [202, 'Work goes on in the background'],
  [204, 'Gone'],
  [206, 'The part that was asked for'],
  [304, 'What you have is what there is'],
  [400, 'Nothing was taken'],
]);

function jsonContent(schema: TSchema, components: Map<string, TSchema>): Json {
  const example = exampleOf(schema, schemaName(schema));
  return {'application/json': {schema: reference(schema, components), example}};
}

function schemaName(schema: TSchema): string {
  return (schema as {title?: string}).title ?? 'a body';
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
