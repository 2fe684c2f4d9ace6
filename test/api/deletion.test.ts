/** What can be deleted, what stands in the way, and what is said of it. */
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import type {CalculatedAttribute} from '../../server/catalog/entities.ts';
import {ApiServer, errorsOf, PURCHASE} from './api-server.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
  await server.workspace();
});
afterEach(() => server.remove());

interface MadeInput {
  readonly id: number;
  readonly key: string;
  readonly secret: string;
}

function input(): Promise<MadeInput> {
  return server.want<MadeInput>(201, 'POST', '/v1/workspaces/1/inputs', {
    name: 'Web',
    type: 'platform',
    platform: 'web',
  });
}

async function refused(path: string): Promise<string> {
  const reply = await server.send('DELETE', path);
  expect(reply.status).toBe(409);
  expect(errorsOf(reply)[0]?.code).toBe('CONFLICT');
  return errorsOf(reply)[0]?.message ?? '';
}

async function newestAudit(): Promise<unknown> {
  return (await server.want<unknown[]>(200, 'GET', '/v1/audit'))[0];
}

describe('a workspace', () => {
  test('is deleted when it is empty, and written down', async () => {
    await server.want(204, 'DELETE', '/v1/workspaces/1');
    await server.want(404, 'GET', '/v1/workspaces/1');
    await server.want(404, 'DELETE', '/v1/workspaces/1');
    expect(await newestAudit()).toMatchObject({
      action: 'workspace.delete',
      target: 'workspace/1',
      from: {name: 'Shop'},
      to: null,
    });
  });

  test('stays while it has audiences or inputs, which are named', async () => {
    await input();
    const audience = await server.audience({name: 'Buyers'});
    expect(await refused('/v1/workspaces/1')).toBe(
      'workspace 1 cannot be deleted while it has audience 1 (Buyers), input 1 (Web)',
    );
    await server.want(204, 'DELETE', `/v1/audiences/${audience}`);
    expect(await refused('/v1/workspaces/1')).toContain('input 1 (Web)');
    await server.want(204, 'DELETE', '/v1/workspaces/1/inputs/1');
    await server.want(204, 'DELETE', '/v1/workspaces/1');
  });

  test('of many things says how many more there are', async () => {
    for (let i = 0; i < 22; i++) await server.audience();
    expect(await refused('/v1/workspaces/1')).toMatch(/audience 20 \(Buyers\) and 2 more$/);
  });

  test('does not give its id to another', async () => {
    await server.want(204, 'DELETE', '/v1/workspaces/1');
    expect(await server.workspace('Other')).toBe(2);
    server = await server.restart();
    await server.want(404, 'GET', '/v1/workspaces/1');
  });
});

describe('an input', () => {
  test('is deleted: its credentials stop at once', async () => {
    const {key, secret} = await input();
    const header = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
    const request = {
      header: (name: string) => (name === 'authorization' ? header : ''),
    } as Parameters<typeof server.authenticator.authenticateInput>[0];
    expect(server.authenticator.authenticateInput(request)).toMatchObject({inputId: 1});
    await server.want(204, 'DELETE', '/v1/workspaces/1/inputs/1');
    expect(server.authenticator.authenticateInput(request)).toBe('wrong');
    expect(await server.want(200, 'GET', '/v1/workspaces/1/inputs')).toEqual([]);
    const entry = await newestAudit();
    expect(entry).toMatchObject({action: 'input.delete', target: 'input/1', from: {name: 'Web'}});
    expect(JSON.stringify(entry)).not.toContain(secret);
    await server.want(404, 'DELETE', '/v1/workspaces/1/inputs/1');
  });

  test.each([
    ['the audience', {inputs: [1]}],
    ['a criterion', {definition: {...PURCHASE, inputs: [1]}}],
    ['a criterion deep inside', {definition: {exclude: {or: [{...PURCHASE, inputs: [1]}]}}}],
  ])('stays while it is named by %s', async (_what, fields) => {
    await input();
    const audience = await server.audience(fields);
    expect(await refused('/v1/workspaces/1/inputs/1')).toBe(
      'input 1 cannot be deleted while it is named by audience 1 (Buyers)',
    );
    await server.want(204, 'DELETE', `/v1/audiences/${audience}`);
    await server.want(204, 'DELETE', '/v1/workspaces/1/inputs/1');
  });

  test('is deleted while audiences take every input', async () => {
    await input();
    await server.audience();
    await server.want(204, 'DELETE', '/v1/workspaces/1/inputs/1');
  });

  test('of another workspace is not there', async () => {
    await input();
    await server.workspace('Other');
    await server.want(404, 'DELETE', '/v1/workspaces/2/inputs/1');
  });
});

test('a calculated attribute holds its workspace and the inputs that its event names', async () => {
  await input();
  const attribute: CalculatedAttribute = {
    id: 1,
    workspace: 1,
    name: 'spent',
    calculation: 'sum',
    event: {kind: 'commerce', action: 'purchase', inputs: [1]},
    attribute: '$total_amount',
    when: undefined,
    version: 1,
    createdBy: 'admin',
    createdMs: 0,
    lastModifiedBy: 'admin',
    lastModifiedMs: 0,
  };
  await server.catalog.change('other', write => write.put('calculatedAttributes', 1, attribute));
  expect(await refused('/v1/workspaces/1/inputs/1')).toContain('calculated attribute 1 (spent)');
  expect(await refused('/v1/workspaces/1')).toContain('calculated attribute 1 (spent)');
  await server.catalog.change('other', write => write.remove('calculatedAttributes', 1));
  await server.want(204, 'DELETE', '/v1/workspaces/1/inputs/1');
  await server.want(204, 'DELETE', '/v1/workspaces/1');
});

test('only administrators delete workspaces, inputs, tokens and profiles', async () => {
  await input();
  const editor = await server.token('editor');
  for (const path of [
    '/v1/workspaces/1',
    '/v1/workspaces/1/inputs/1',
    '/v1/tokens/1',
    '/v1/profiles/1',
  ]) {
    await server.want(403, 'DELETE', path, undefined, editor);
  }
});
