/** What every ShardStore keeps, whatever it keeps it in. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {
  type Put,
  type ShardStore,
  type StoredValue,
  type StoreKey,
  type Table,
  TABLES,
} from '../../storage/shard-store.ts';
import {Random} from '../support/arbitraries-random.ts';

const BY_MPID: ReadonlySet<Table> = new Set<Table>(['rows', 'farewells']);
const NUMBERED = TABLES.filter(table => !BY_MPID.has(table) && table !== 'meta');

const STORES: readonly (readonly [name: string, open: (folder: string) => ShardStore])[] = [
  ['MemoryStore', () => new MemoryStore()],
  ['LmdbStore', folder => LmdbStore.open(join(folder, 'shard'))],
];

describe.each(STORES)('%s', (_, open) => {
  let folder: string;
  let store: ShardStore;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-store-'));
    store = open(folder);
  });

  afterEach(async () => {
    await store.close();
    rmSync(folder, {recursive: true});
  });

  test('what is not there is undefined, and a new store has nothing', () => {
    for (const table of NUMBERED) {
      expect(store.get(table, 1)).toBeUndefined();
      expect([...store.entries(table, -1)]).toEqual([]);
    }
    expect(store.get('meta', 'checkpoint')).toBeUndefined();
    expect(store.get('rows', rowKey(1))).toBeUndefined();
    expect([...store.rows()]).toEqual([]);
  });

  test('a committed value is read back, in its own table only', async () => {
    await store.commit([
      put('journal', 1, 'one'),
      put('meta', '1', 'name'),
      put('rows', rowKey(1), 'row'),
    ]);
    expect(textOf(store.get('journal', 1))).toBe('one');
    expect(textOf(store.get('meta', '1'))).toBe('name');
    expect(textOf(store.get('rows', rowKey(1)))).toBe('row');
    expect(store.get('feed', 1)).toBeUndefined();
    expect(store.get('journal', 2)).toBeUndefined();
  });

  test('a put replaces, an undefined value removes, and the last of a commit counts', async () => {
    await store.commit([put('feed', 1, 'a'), put('feed', 1, 'b'), put('feed', 2, 'c')]);
    expect(told(store.entries('feed', 0))).toEqual([
      [1, 'b'],
      [2, 'c'],
    ]);
    await store.commit([put('feed', 2, 'd'), put('feed', 2), put('feed', 1), put('feed', 1, 'e')]);
    expect(told(store.entries('feed', 0))).toEqual([[1, 'e']]);
    await store.commit([put('feed', 7)]);
    expect(told(store.entries('feed', 0))).toEqual([[1, 'e']]);
  });

  test('entries come after a key, ascending as numbers', async () => {
    const keys = [256, 1, 10, 2, 65_536, 9, 2 ** 40, 255, 100, 0];
    await store.commit(keys.map(key => put('journal', key, `of ${key}`)));
    const ascending = keys.toSorted((a, b) => a - b);
    expect(told(store.entries('journal', -1)).map(([key]) => key)).toEqual(ascending);
    for (const after of [0, 1, 9, 50, 255, 2 ** 40, 2 ** 41]) {
      expect(told(store.entries('journal', after)).map(([key]) => key)).toEqual(
        ascending.filter(key => key > after),
      );
    }
  });

  test('keys of rows are bytes of any kind', async () => {
    const keys = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x00ff00ffn].map(rowKey);
    await store.commit(keys.map((key, index) => put('rows', key, `row ${index}`)));
    const found = new Map(told(store.rows()).map(([key, text]) => [hex(key), text]));
    expect(found).toEqual(new Map(keys.map((key, index) => [hex(key), `row ${index}`])));
    for (const [index, key] of keys.entries())
      expect(textOf(store.get('rows', key))).toBe(`row ${index}`);
  });

  test('values are of any size and any bytes, and belong to whoever read them', async () => {
    const values = [1, 2, 100, 4096, 70_000, 5_000_000].map(size =>
      Uint8Array.from({length: size}, (_unused, index) => (index * 31 + size) & 255),
    );
    await store.commit(values.map((value, index) => ({table: 'journal', key: index, value})));
    const read = values.map((_unused, index) => store.get('journal', index)!);
    const listed = [...store.entries('journal', -1)].map(({value}) => value);
    // Later reads and writes leave earlier values as they are.
    await store.commit(values.map((_unused, index) => put('journal', index, 'gone')));
    for (let i = 0; i < 100; i++) store.get('journal', i % values.length);
    for (const [index, value] of values.entries()) {
      expect(Buffer.compare(read[index]!, value), `value ${index} as read`).toBe(0);
      expect(Buffer.compare(listed[index]!, value), `value ${index} as listed`).toBe(0);
    }
  });

  test('what was put may be changed by its owner after the commit', async () => {
    const value = Buffer.from('before');
    await store.commit([{table: 'meta', key: 'a', value}]);
    value.fill(0);
    expect(textOf(store.get('meta', 'a'))).toBe('before');
  });

  test('commits that were not waited for are in, in the order of calls', async () => {
    const commits = Array.from({length: 200}, (_unused, index) =>
      store.commit([put('meta', 'last', `${index}`), put('journal', index, `${index}`)]),
    );
    const settled: number[] = [];
    for (const [index, commit] of commits.entries()) void commit.then(() => settled.push(index));
    await commits[199];
    expect(settled).toEqual(settled.toSorted((a, b) => a - b));
    await Promise.all(commits);
    expect(textOf(store.get('meta', 'last'))).toBe('199');
    expect(told(store.entries('journal', -1))).toHaveLength(200);
  });

  test('entries are a stable view, also when commits come between two of them', async () => {
    const all = Array.from({length: 500}, (_unused, index) => index + 1);
    await store.commit(all.map(key => put('journal', key, `old ${key}`)));
    const seen: (readonly [StoreKey, string])[] = [];
    for (const {key, value} of store.entries('journal', 0)) {
      seen.push([key, textOf(value) ?? '']);
      if (key % 100 !== 0) continue;
      await store.commit([
        put('journal', key + 50),
        put('journal', key + 51, 'new'),
        put('journal', 1000, 'new'),
      ]);
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    expect(seen).toEqual(all.map(key => [key, `old ${key}`]));
    expect(textOf(store.get('journal', 1000))).toBe('new');
    expect(store.get('journal', 150)).toBeUndefined();
  });

  test('a view that is left halfway holds nothing up', async () => {
    await store.commit(Array.from({length: 50}, (_unused, key) => put('feed', key, 'x')));
    for (let round = 0; round < 300; round++) {
      for (const {key} of store.entries('feed', -1)) if (key === 10) break;
      for (const _row of store.rows()) break;
    }
    await store.commit([put('feed', 50, 'x')]);
    expect(told(store.entries('feed', -1))).toHaveLength(51);
  });

  test('any history of commits leaves what a plain map would have', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const model = new Map<string, string>();
      // Of the seed before.
      for (const table of TABLES) await store.commit(everything(store, table));
      for (let commit = 0; commit < 15; commit++) {
        const puts = Array.from({length: random.int(0, 8)}, () => randomPut(random));
        await store.commit(puts);
        for (const {table, key, value} of puts) {
          const name = `${table} ${key instanceof Uint8Array ? hex(key) : key}`;
          if (value === undefined) model.delete(name);
          else model.set(name, textOf(value) ?? '');
        }
      }
      const found = new Map<string, string>();
      for (const table of NUMBERED) {
        for (const [key, text] of told(store.entries(table, -1)))
          found.set(`${table} ${String(key)}`, text);
      }
      for (const [key, text] of told(store.rows())) found.set(`rows ${hex(key)}`, text);
      for (let mpid = 0n; mpid <= 9n; mpid++) {
        const value = store.get('farewells', rowKey(mpid));
        if (value !== undefined) {
          found.set(`farewells ${hex(rowKey(mpid))}`, textOf(value) ?? '');
        }
      }
      for (const name of NAMES) {
        const value = store.get('meta', name);
        if (value !== undefined) found.set(`meta ${name}`, textOf(value) ?? '');
      }
      expect([seed, found]).toEqual([seed, model]);
    }
  });
});

const NAMES = ['checkpoint', 'feedFloor', 'x'];

function randomPut(random: Random): Put {
  const table = random.pick(TABLES);
  const value = random.chance(0.3) ? undefined : Buffer.from(`${random.int(0, 1e9)}`);
  if (BY_MPID.has(table)) return {table, key: rowKey(BigInt(random.int(0, 9))), value};
  if (table === 'meta') return {table, key: random.pick(NAMES), value};
  return {table, key: random.int(0, 12), value};
}

function everything(store: ShardStore, table: Table): Put[] {
  if (table === 'meta') return NAMES.map(key => ({table, key, value: undefined}));
  if (table === 'farewells') {
    return Array.from({length: 10}, (_, mpid) => ({table, key: rowKey(mpid), value: undefined}));
  }
  const values: Iterable<StoredValue> = table === 'rows' ? store.rows() : store.entries(table, -1);
  return [...values].map(({key}) => ({table, key, value: undefined}));
}

function put(table: Table, key: StoreKey, text?: string): Put {
  return {table, key, value: text === undefined ? undefined : Buffer.from(text)};
}

function rowKey(mpid: bigint | number): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(BigInt(mpid));
  return key;
}

function hex(key: StoreKey): string {
  return Buffer.from(key as Uint8Array).toString('hex');
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}

function told(values: Iterable<StoredValue>): (readonly [StoreKey, string])[] {
  return [...values].map(({key, value}) => [key, textOf(value) ?? ''] as const);
}
