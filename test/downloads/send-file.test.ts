import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {sendFile} from '../../server/downloads/send-file.ts';
import {listenNode} from '../../server/http/transport-node.ts';

const BYTES = 64 * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'muster-send-'));
afterAll(() => rmSync(folder, {recursive: true}));

test('a file that is taken away while it is read ends in the middle, and is not taken for whole', async () => {
  const path = join(folder, 'file.zip');
  writeFileSync(path, Buffer.alloc(BYTES));
  let pieces = 0;
  const file = {path, sizeBytes: BYTES, fileName: 'a.zip', etag: '"1"', modifiedMs: 0};
  const conditions = {isHead: false, range: '', ifRange: '', ifNoneMatch: ''};
  const errors: unknown[] = [];
  const transport = await listenNode({
    host: '127.0.0.1',
    port: 0,
    routes: [
      {
        method: 'GET',
        pattern: '/file',
        handler: (_request, response) => sendFile(response, file, conditions, () => ++pieces <= 20),
      },
    ],
    sockets: [],
    notFound: (_request, response) => response.send(404, {}, ''),
    onError: error => errors.push(error),
  });
  const response = await fetch(`http://127.0.0.1:${transport.port}/file`);
  expect(response.status).toBe(200);
  await expect(response.arrayBuffer()).rejects.toThrow();
  expect(pieces).toBe(21);
  expect(errors).toEqual([]);
  await transport.close(100);
});
