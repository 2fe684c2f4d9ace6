import {gzipSync} from 'node:zlib';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {ApiServer, PURCHASE, errorsOf} from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await ApiServer.start();
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.remove();
});

const PATH = '/v1/workspaces';

test.each([
  ['not JSON', '{"name"'],
  ['nothing', ''],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
])('400 for a body that is %s', async (_what, body) => {
  const reply = await server.send('POST', PATH, body);
  expect(reply.status).toBe(400);
  expect(errorsOf(reply)[0]?.code).toBe('BAD_REQUEST');
});

test.each([['[]'], ['null'], ['3'], ['"x"']])('422 for %s where an object is due', async body => {
  const reply = await server.send('POST', PATH, body);
  expect(reply.status).toBe(422);
  expect(errorsOf(reply)).toEqual([
    {code: 'UNPROCESSABLE', path: '', message: 'must be of type object'},
  ]);
});

test('413 past the limit, as it is sent or once it is inflated', async () => {
  const big = JSON.stringify({name: 'x'.repeat(3 * 1024 * 1024)});
  expect((await server.send('POST', PATH, big)).status).toBe(413);
  const headers = {'content-encoding': 'gzip'};
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  expect((await server.send('POST', PATH, bomb, {headers})).status).toBe(413);
});

test('gzip is read; other encodings, other types and other alphabets are 415', async () => {
  const body = gzipSync(JSON.stringify({name: 'Zipped'}));
  const zipped = await server.send('POST', PATH, body, {headers: {'content-encoding': 'gzip'}});
  expect(zipped.status).toBe(201);
  const broken = {headers: {'content-encoding': 'gzip'}};
  expect((await server.send('POST', PATH, '{"name":"x"}', broken)).status).toBe(400);
  for (const headers of [
    {'content-encoding': 'br'},
    {'content-type': 'text/xml'},
    {'content-type': 'multipart/form-data; boundary=x'},
    {'content-type': 'application/json; charset=utf-16'},
  ]) {
    expect((await server.send('POST', PATH, '{"name":"x"}', {headers})).status).toBe(415);
  }
  for (const type of [
    'application/json',
    'application/json; charset=UTF-8',
    'application/merge-patch+json',
    'application/x-www-form-urlencoded',
  ]) {
    const headers = {'content-type': type};
    expect((await server.send('POST', PATH, '{"name":"x"}', {headers})).status).toBe(201);
  }
});

test('names that mean something to JavaScript are unknown fields like any other', async () => {
  const reply = await server.send(
    'POST',
    PATH,
    '{"name":"x","__proto__":{"polluted":1},"constructor":2}',
  );
  expect(reply.status).toBe(422);
  expect(new Set(errorsOf(reply).map(({path}) => path))).toEqual(
    new Set(['__proto__', 'constructor']),
  );
  expect(({} as {polluted?: number}).polluted).toBeUndefined();
});

test('a definition of a hundred thousand levels is refused, not followed', async () => {
  const depth = 100_000;
  const definition = '{"exclude":'.repeat(depth) + JSON.stringify(PURCHASE) + '}'.repeat(depth);
  const body = `{"name":"deep","workspaces":[1],"definition":${definition}}`;
  const reply = await server.send('POST', '/v1/audiences', body);
  expect(reply.status).toBe(422);
});

test('many faults are told, not only the first eight', async () => {
  const workspaces = Array.from({length: 30}, () => 0);
  const reply = await server.send('POST', '/v1/audiences', {name: 'x', workspaces});
  expect(errorsOf(reply)).toHaveLength(30);
});

test('a path that no route has is 404, a method that it has not is 405', async () => {
  const reply = await server.get('/v1/nothing');
  expect(reply.status).toBe(404);
  expect(errorsOf(reply)[0]?.code).toBe('NOT_FOUND');
  expect((await server.send('PUT', PATH, {})).status).toBe(405);
  for (const id of ['0', '-1', '1.5', 'abc', '1e3', '99999999999999999999', '%31x']) {
    expect((await server.get(`/v1/audiences/${id}`)).status).toBe(404);
  }
});
