import type {TSchema} from 'typebox';
import {afterAll, beforeAll, expect, test} from 'vitest';
import * as schemas from '../../server/api/schemas.ts';
import {validator} from '../../server/api/validate.ts';
import {ApiServer} from './api-server.ts';

let server: ApiServer;
let description: Description;
beforeAll(async () => {
  server = await ApiServer.start();
  description = (await server.get('/openapi.json')).body as Description;
});
afterAll(() => server.remove());

interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {readonly schemas: Record<string, TSchema>};
}
interface Operation {
  readonly operationId: string;
  readonly parameters: {name: string; in: string}[];
  readonly responses: Record<string, unknown>;
}

test('every route is described, once', () => {
  expect(description.openapi).toBe('3.1.0');
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  );
  const routes = server.routes.map(
    ({method, pattern}) => `${method} ${pattern.replaceAll(/:(\w+)/g, '{$1}')}`,
  );
  expect(described.sort()).toEqual(routes.sort());
  const ids = Object.values(description.paths)
    .flatMap(methods => Object.values(methods))
    .map(({operationId}) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every reference leads to a schema', () => {
  const references = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(30);
  for (const [, reference = ''] of references) {
    const name = reference.replace('#/components/schemas/', '');
    expect(Object.keys(description.components.schemas)).toContain(name);
  }
});

test('every example is valid by its own schema', () => {
  let examples = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('examples' in value && Array.isArray(value.examples)) {
      const validate = validator(value as TSchema);
      for (const example of value.examples) {
        expect([value, validate(example)]).toEqual([value, {value: example}]);
        examples++;
      }
    }
    for (const part of Object.values(value)) visit(part);
  };
  visit(schemas);
  visit(description.components);
  expect(examples).toBeGreaterThan(100);
});

test('what the server answers is what it says it answers', async () => {
  const check = (schema: TSchema, value: unknown) =>
    expect(validator(schema)(value)).toEqual({value});
  check(schemas.WorkspaceAnswer, await server.want(201, 'POST', '/v1/workspaces', {name: 'Shop'}));
  const input = {name: 'Web', type: 'platform'};
  check(schemas.InputWithSecret, await server.want(201, 'POST', '/v1/workspaces/1/inputs', input));
  const token = {name: 'crm', role: 'subscriber', audiences: [1]};
  check(schemas.TokenWithSecret, await server.want(201, 'POST', '/v1/tokens', token));
  const audience = {name: 'A', workspaces: [1], definition: {kind: 'install'}};
  check(schemas.AudienceAnswer, await server.want(201, 'POST', '/v1/audiences', audience));
  const versions = await server.want<unknown[]>(200, 'GET', '/v1/audiences/1/versions');
  check(schemas.VersionAnswer, versions[0]);
  const audit = await server.want<unknown[]>(200, 'GET', '/v1/audit');
  for (const entry of audit) check(schemas.AuditAnswer, entry);
  check(schemas.MembershipAnswer, await server.want(200, 'GET', '/v1/audiences/1/members/4'));
  check(schemas.ErrorAnswer, (await server.get('/v1/audiences/9')).body);
});
