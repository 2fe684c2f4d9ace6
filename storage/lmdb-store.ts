/**
 * A ShardStore in one LMDB environment. One thread writes it; readers anywhere see a snapshot and
 * block nobody.
 *
 * `overlappingSync` is off: a commit is then LMDB's own protocol, data synced before the page that
 * points to it, and nothing is trusted because of a boot id. The promise of `transaction` resolves after that
 * sync; `test/storage/lmdb-durability.test.ts` guards it, because it is not documented.
 */
import {type Database, open, type RootDatabase} from 'lmdb';
import {committed} from './lmdb-commit.ts';
import {
  type Put,
  type ShardStore,
  type StoreKey,
  type StoredValue,
  type Table,
  TABLES,
} from './shard-store.ts';

/** What lmdb tells of a table and does not type. */
interface TableStats {
  readonly pageSize: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** Address space, not disk: the file grows as it must. */
const MAP_BYTES = 64 * 2 ** 30;

export class LmdbStore implements ShardStore {
  readonly #root: RootDatabase<Uint8Array, StoreKey>;
  readonly #tables = new Map<Table, Database<Uint8Array, StoreKey>>();

  private constructor(root: RootDatabase<Uint8Array, StoreKey>) {
    this.#root = root;
    for (const table of TABLES) {
      const isByMpid = table === 'rows' || table === 'farewells';
      const keyEncoding = isByMpid ? 'binary' : 'ordered-binary';
      this.#tables.set(
        table,
        root.openDB<Uint8Array, StoreKey>(table, {encoding: 'binary', keyEncoding}),
      );
    }
  }

  /** Creates the folder's environment when it is not there; a reader never does. */
  static open(path: string, {readOnly = false}: {readOnly?: boolean} = {}): LmdbStore {
    return new LmdbStore(
      open<Uint8Array, StoreKey>({
        path,
        maxDbs: 16,
        maxReaders: 512,
        mapSize: MAP_BYTES,
        overlappingSync: false,
        // With it a refused commit also rejects a promise that nobody holds.
        eventTurnBatching: false,
        encoding: 'binary',
        readOnly,
      }),
    );
  }

  async commit(puts: readonly Put[]): Promise<void> {
    const write = this.#root.transaction(() => {
      for (const {table, key, value} of puts) {
        const database = this.#table(table);
        if (value === undefined) database.removeSync(key);
        else database.putSync(key, value);
      }
    });
    await committed(write);
  }

  get(table: Table, key: StoreKey): Uint8Array | undefined {
    return this.#table(table).get(key);
  }

  *entries(table: Table, after: number): Iterable<StoredValue<number>> {
    for (const {key, value} of this.#table(table).getRange({start: after, exclusiveStart: true})) {
      yield {key: key as number, value};
    }
  }

  *rows(): Iterable<StoredValue<Uint8Array>> {
    for (const {key, value} of this.#table('rows').getRange({})) {
      yield {key: key as Uint8Array, value};
    }
  }

  bytes(table: Table): number {
    const {pageSize, treeLeafPageCount, overflowPages} = this.#table(
      table,
    ).getStats() as TableStats;
    return pageSize * (treeLeafPageCount + overflowPages);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #table(table: Table): Database<Uint8Array, StoreKey> {
    return this.#tables.get(table)!;
  }
}
