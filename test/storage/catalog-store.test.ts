import {execFile, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {open} from 'lmdb';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {CatalogStore, NewerFormatError} from '../../storage/catalog-store.ts';

interface Resident {
  audiences: {readonly name: string};
  cursors: string;
}
interface Archived {
  versions: {readonly version: number};
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-catalog-'));
});
afterEach(() => {
  rmSync(folder, {recursive: true});
});

function openStore(): Promise<CatalogStore<Resident, Archived>> {
  return CatalogStore.open(folder, {resident: ['audiences', 'cursors'], archived: ['versions']});
}

test('what was changed is there after a restart, in the order it was made', async () => {
  const store = await openStore();
  for (let i = 0; i < 300; i++) {
    const name = `audience ${i}`;
    await store.change(write => {
      const id = write.nextId('audiences');
      write.put('audiences', id, {name});
      write.archive('versions', [id, 1], {version: 1});
    });
  }
  await store.change(write => write.put('cursors', 'crm/main', 'abc'));
  await store.change(write => write.remove('audiences', 7));
  const before = [...store.all('audiences')];
  await store.close();

  const reopened = await openStore();
  expect([...reopened.all('audiences')]).toEqual(before);
  expect(before).toHaveLength(299);
  expect(reopened.get('cursors', 'crm/main')).toBe('abc');
  expect(reopened.archived('versions', [300, 1])).toEqual({version: 1});
  await reopened.close();
});

test('an id is never given twice, not even after the last one is removed and the program restarted', async () => {
  const store = await openStore();
  const make = (from: typeof store) =>
    from.change(write => {
      const id = write.nextId('audiences');
      write.put('audiences', id, {name: 'x'});
      return id;
    });
  expect(await make(store)).toBe(1);
  expect(await make(store)).toBe(2);
  await store.change(write => write.remove('audiences', 2));
  await store.close();
  const reopened = await openStore();
  expect(await make(reopened)).toBe(3);
  await reopened.close();
});

test('two ids of one change differ', async () => {
  const store = await openStore();
  expect(
    await store.change(write => [write.nextId('a'), write.nextId('a'), write.nextId('b')]),
  ).toEqual([1, 2, 1]);
  await store.close();
});

test('a change is seen by the next one at once, before either is on disk', async () => {
  const store = await openStore();
  const first = store.change(write => write.put('audiences', 1, {name: 'one'}));
  expect(store.get('audiences', 1)).toEqual({name: 'one'});
  const second = store.change(write => write.put('audiences', 1, {name: 'two'}));
  expect(store.get('audiences', 1)).toEqual({name: 'two'});
  await Promise.all([first, second]);
  await store.close();
});

test('a change that is refused while it is collected leaves nothing behind', async () => {
  const store = await openStore();
  expect(() =>
    store.change(write => {
      write.put('audiences', write.nextId('audiences'), {name: 'half'});
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(store.all('audiences').size).toBe(0);
  expect(await store.change(write => write.nextId('audiences'))).toBe(1);
  await store.close();
});

test('archived entries are read newest first, page by page, and removed together', async () => {
  const store = await openStore();
  await store.change(write => {
    for (let version = 1; version <= 25; version++) {
      write.archive('versions', [3, version], {version});
      write.archive('versions', [4, version], {version});
    }
  });
  const newest = store.newest('versions', {prefix: [3], before: undefined, limit: 10});
  expect(newest.map(entry => entry.version)).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
  const older = store.newest('versions', {prefix: [3], before: 16, limit: 100});
  expect(older.map(entry => entry.version)[0]).toBe(15);
  expect(older).toHaveLength(15);
  await store.change(write => write.removeArchived('versions', [3]));
  expect(store.newest('versions', {prefix: [3], before: undefined, limit: 10})).toEqual([]);
  expect(store.newest('versions', {prefix: [4], before: undefined, limit: 99})).toHaveLength(25);
  await store.close();
});

test('names that mean something to JavaScript are only text', async () => {
  const store = await openStore();
  const name = JSON.parse('{"__proto__":{"x":1},"name":"constructor"}') as {name: string};
  await store.change(write => {
    write.put('audiences', '__proto__', name);
    write.put('audiences', 'constructor', {name: 'toString'});
  });
  await store.close();
  const reopened = await openStore();
  expect(JSON.stringify(reopened.get('audiences', '__proto__'))).toBe(
    '{"__proto__":{"x":1},"name":"constructor"}',
  );
  expect(reopened.get('audiences', 'toString')).toBeUndefined();
  expect(({} as {x?: number}).x).toBeUndefined();
  await reopened.close();
});

test('when the disk refuses a commit its changes are undone, and once there is room changes go on', async () => {
  const child = fileURLToPath(new URL('fill-catalog.ts', import.meta.url));
  const command = `ulimit -S -f 200; exec "${process.execPath}" --import tsx "${child}" "${folder}"`;
  const {stdout} = await promisify(execFile)('bash', ['-c', command]);
  const seen = JSON.parse(stdout) as Record<string, unknown>;
  expect(seen).toMatchObject({wrongErrors: 0, residentAfterRefusal: seen['kept']});
  expect(seen['refused']).toBeGreaterThan(0);

  const reopened = await CatalogStore.open<{rows: string}, Record<string, never>>(folder, {
    resident: ['rows'],
    archived: [],
  });
  expect([...reopened.all('rows').keys()]).toEqual([...(seen['kept'] as number[]), 1_000]);
  await reopened.close();
}, 30_000);

test('what was promised durable survives a kill of the process the next instant', async () => {
  const child = fileURLToPath(new URL('write-catalog.ts', import.meta.url));
  let promised: number[] = [];
  for (let round = 0; round < 3; round++) {
    const running = spawn(process.execPath, ['--import', 'tsx', child, folder]);
    let text = '';
    await new Promise<void>(resolve => {
      running.on('exit', () => resolve());
      running.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.length > 500 * (round + 1)) running.kill('SIGKILL');
      });
    });
    promised = [...promised, ...text.split('\n').slice(0, -1).map(Number)];
    const reopened = await CatalogStore.open<{rows: number}, Record<string, never>>(folder, {
      resident: ['rows'],
      archived: [],
    });
    const kept = reopened.all('rows');
    expect(promised.filter(id => kept.get(id) !== id)).toEqual([]);
    await reopened.close();
  }
  expect(new Set(promised).size).toBe(promised.length);
  expect(promised.length).toBeGreaterThan(300);
}, 30_000);

test('a newer format is refused in a sentence', async () => {
  const store = await openStore();
  await store.change(write => write.put('audiences', 1, {name: 'kept'}));
  await store.close();
  const raw = open<Buffer, string[]>({path: folder, encoding: 'binary', overlappingSync: false});
  // [version][crc-32][JSON]: format 9 and its checksum.
  await raw.put(['#meta', 'format'], Buffer.from([1, 0x85, 0x67, 0x07, 0x8d, 0x39]));
  await raw.close();
  await expect(openStore()).rejects.toThrow(NewerFormatError);
  await expect(openStore()).rejects.toThrow(/has format 9; this version reads up to 1/);
});

test('a damaged value is noticed instead of served', async () => {
  const store = await openStore();
  await store.change(write => write.put('audiences', 1, {name: 'kept'}));
  await store.close();
  const raw = open<Buffer, (string | number)[]>({
    path: folder,
    encoding: 'binary',
    overlappingSync: false,
  });
  const bytes = Buffer.from(raw.get(['audiences', 1]) ?? '');
  bytes[8] = (bytes[8] ?? 0) ^ 4;
  await raw.put(['audiences', 1], bytes);
  await raw.close();
  await expect(openStore()).rejects.toThrow('a value of audiences in the catalogue is damaged');
});
