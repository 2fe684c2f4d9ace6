/**
 * What a shard keeps on disk, as a few ordered tables. Two implementations: `lmdb-store.ts`, and
 * `memory-store.ts`, which can crash on request. One conformance suite holds them equal.
 *
 * | table | key | value |
 * |---|---|---|
 * | journal | watermark | everything the shard ever learned, one entry per commit (journal-entry.ts) |
 * | feed | watermark | the deltas of that entry, when it has any (feed-entry.ts) |
 * | sample | watermark | of that entry the records of profiles in the sample, in the form of a journal entry |
 * | former | watermark | identities that profiles lost in that entry (former-identities.ts) |
 * | farewells | mpid, 8 bytes | the identities that a profile had when it was gone |
 * | seen | watermark | deduplication hashes of that entry, when it has any |
 * | rows | mpid, 8 bytes | a profile as of some watermark (row-codec.ts) |
 * | audiences | audience id | its newest definition |
 * | histories | history id | which history that is, and whether rows have all of it |
 * | meta | name | format, checkpoint |
 */
export const TABLES = [
  'journal',
  'feed',
  'sample',
  'seen',
  'former',
  'farewells',
  'rows',
  'audiences',
  'histories',
  'meta',
] as const;
export type Table = (typeof TABLES)[number];

/** Numbers, except bytes for `rows` and `farewells` and names for `meta`. */
export type StoreKey = number | string | Uint8Array;

export interface Put {
  readonly table: Table;
  readonly key: StoreKey;
  /** undefined removes. */
  readonly value: Uint8Array | undefined;
}

export interface StoredValue<K extends StoreKey = StoreKey> {
  readonly key: K;
  readonly value: Uint8Array;
}

export interface ShardStore {
  /**
   * Writes all or nothing, in the order of calls; resolves when durable. Rejects when it is not: the
   * caller then trusts nothing after the last commit that resolved.
   */
  commit(puts: readonly Put[]): Promise<void>;
  get(table: Table, key: StoreKey): Uint8Array | undefined;
  /** Of a numbered table: keys after `after`, ascending. A stable view of what is durable. */
  entries(table: Table, after: number): Iterable<StoredValue<number>>;
  /** About how much a table takes on disk. */
  bytes(table: Table): number;
  /** All rows, in no promised order. */
  rows(): Iterable<StoredValue<Uint8Array>>;
  close(): Promise<void>;
}
