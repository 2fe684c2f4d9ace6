/**
 * What administrators and editors made (workspaces, inputs, tokens, audiences, …) in one small LMDB
 * environment. Knows tables and keys, not their meaning.
 *
 * Laws: a change is judged and applied to memory in one synchronous step, so no other change can come
 * between the look and the leap; its promise resolves when it is on disk; changes made while a commit runs
 * join the next. When a commit is refused, every change that is not on disk is rejected and memory is read
 * from disk again, so nothing is ever built on what was lost.
 *
 * *Resident* tables are held in memory and read from there. *Archived* tables only grow (versions, audit) and
 * stay on disk.
 */
import {crc32} from 'node:zlib';
import {open} from 'lmdb';
import type {RootDatabase} from 'lmdb';
import {assert} from '../engine/assert.ts';

/** Raised with every change of layout that an older program cannot read. */
export const CATALOG_FORMAT = 1;

export type ResidentKey = number | string;
export type ArchiveKey = readonly number[];
type StoredKey = (number | string)[];

/** The catalogue on disk was written by a newer program; nothing was changed. */
export class NewerFormatError extends Error {
  constructor(folder: string, found: number) {
    super(
      `the catalogue in ${folder} has format ${found}; this version reads up to ${CATALOG_FORMAT}`,
    );
    this.name = 'NewerFormatError';
  }
}

/** The change is not on disk and not in memory. */
export class CatalogWriteError extends Error {
  constructor(cause: unknown) {
    super('the catalogue could not be written', {cause});
    this.name = 'CatalogWriteError';
  }
}

export interface CatalogTables<R, A> {
  readonly resident: readonly (keyof R & string)[];
  readonly archived: readonly (keyof A & string)[];
}

/** Collects one atomic change. Reads made meanwhile still see the state before it. */
export interface CatalogWrite<R, A> {
  /** The next of a sequence that starts at 1 and never repeats, not even after a removal. */
  nextId(sequence: string): number;
  put<T extends keyof R & string>(table: T, key: ResidentKey, value: R[T]): void;
  remove(table: keyof R & string, key: ResidentKey): void;
  archive<T extends keyof A & string>(table: T, key: ArchiveKey, value: A[T]): void;
  /** Every archived entry of the table whose key starts with `prefix`. */
  removeArchived(table: keyof A & string, prefix: ArchiveKey): void;
}

interface Operation {
  readonly table: string;
  readonly key: StoredKey;
  /** undefined removes. */
  readonly value: unknown;
  readonly resident: boolean;
}

interface Pending {
  readonly operations: readonly {readonly key: StoredKey; readonly bytes: Buffer | undefined}[];
  readonly resolve: () => void;
  readonly reject: (error: CatalogWriteError) => void;
}

const COUNTERS = '#counters';
const META = '#meta';
/** LMDB takes 1,978 bytes; a character is at most three of them. */
const KEY_CHARACTERS_MAX = 500;

export class CatalogStore<R, A> {
  readonly #db: RootDatabase<Buffer, StoredKey>;
  readonly #residentTables: readonly string[];
  #tables = new Map<string, Map<ResidentKey, unknown>>();
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;

  private constructor(db: RootDatabase<Buffer, StoredKey>, residentTables: readonly string[]) {
    this.#db = db;
    this.#residentTables = residentTables;
    this.#load();
  }

  /** `folder` is made when it is missing; the caller makes sure that no other process holds it. */
  static async open<R, A>(
    folder: string,
    tables: CatalogTables<R, A>,
  ): Promise<CatalogStore<R, A>> {
    const db = open<Buffer, StoredKey>({
      path: folder,
      noSubdir: false,
      encoding: 'binary',
      overlappingSync: false,
      // Our own groups are the batches. With lmdb's, a refused commit also rejects a promise that is
      // handed to nobody, which ends the process.
      eventTurnBatching: false,
      maxReaders: 32,
    });
    try {
      await acceptFormat(db, folder);
      return new CatalogStore<R, A>(db, [...tables.resident, COUNTERS]);
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  get<T extends keyof R & string>(table: T, key: ResidentKey): R[T] | undefined {
    return this.all(table).get(key);
  }

  /** In ascending order of the keys as long as ids are only ever added. Valid until the next change. */
  all<T extends keyof R & string>(table: T): ReadonlyMap<ResidentKey, R[T]> {
    return this.#table(table) as ReadonlyMap<ResidentKey, R[T]>;
  }

  archived<T extends keyof A & string>(table: T, key: ArchiveKey): A[T] | undefined {
    const bytes = this.#db.get([table, ...key]);
    return bytes === undefined ? undefined : (decode(bytes, table) as A[T]);
  }

  /** Newest (highest key) first, below `before`, at most `limit`. */
  newest<T extends keyof A & string>(
    table: T,
    options: {
      readonly prefix: ArchiveKey;
      readonly before: number | undefined;
      readonly limit: number;
    },
  ): A[T][] {
    const {prefix, before, limit} = options;
    const start = [table, ...prefix, before === undefined ? Number.MAX_SAFE_INTEGER : before - 1];
    const found: A[T][] = [];
    for (const {key, value} of this.#db.getRange({start, reverse: true, limit})) {
      if (!startsWith(key, [table, ...prefix])) break;
      found.push(decode(value, table) as A[T]);
    }
    return found;
  }

  /**
   * `collect` judges and collects synchronously; when it throws nothing happens. Memory is changed before
   * this returns; the promise resolves once the change is on disk.
   */
  change<T>(collect: (write: CatalogWrite<R, A>) => T): Promise<T> {
    const collector = new Collector<R, A>(sequence => this.#counter(sequence), this.#db);
    const result = collect(collector);
    const operations = collector.operations.map(({key, value}) => ({key, bytes: encode(value)}));
    if (operations.length === 0) return Promise.resolve(result);
    for (const operation of collector.operations) this.#applyToMemory(operation);
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({operations, resolve: () => resolve(result), reject});
      this.#flushing ??= this.#flush();
    });
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#db.close();
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      try {
        // Queued and committed as one transaction; resolves when it is on disk.
        await this.#db.batch(() => {
          for (const {operations} of group) {
            for (const {key, bytes} of operations) {
              if (bytes === undefined) void this.#db.remove(key);
              else void this.#db.put(key, bytes);
            }
          }
        });
      } catch (cause) {
        silenceCommitError(cause);
        this.#rejectAll([...group, ...this.#pending], new CatalogWriteError(cause));
        continue;
      }
      for (const {resolve} of group) resolve();
    }
    this.#flushing = undefined;
  }

  #rejectAll(lost: readonly Pending[], error: CatalogWriteError): void {
    this.#pending = [];
    this.#load();
    for (const {reject} of lost) reject(error);
  }

  #load(): void {
    const tables = new Map<string, Map<ResidentKey, unknown>>();
    for (const table of this.#residentTables) {
      const entries = new Map<ResidentKey, unknown>();
      for (const {key, value} of this.#db.getRange({start: [table]})) {
        if (!startsWith(key, [table])) break;
        entries.set(residentKey(key), decode(value, table));
      }
      tables.set(table, entries);
    }
    this.#tables = tables;
  }

  #applyToMemory({table, key, value, resident}: Operation): void {
    if (!resident) return;
    if (value === undefined) this.#table(table).delete(residentKey(key));
    else this.#table(table).set(residentKey(key), value);
  }

  #table(table: string): Map<ResidentKey, unknown> {
    const found = this.#tables.get(table);
    assert(found !== undefined, `${table} is not a resident table`);
    return found;
  }

  #counter(sequence: string): number {
    const last = this.#table(COUNTERS).get(sequence);
    return typeof last === 'number' ? last : 0;
  }
}

class Collector<R, A> implements CatalogWrite<R, A> {
  readonly operations: Operation[] = [];
  readonly #counters = new Map<string, number>();
  readonly #lastId: (sequence: string) => number;
  readonly #db: RootDatabase<Buffer, StoredKey>;

  constructor(lastId: (sequence: string) => number, db: RootDatabase<Buffer, StoredKey>) {
    this.#lastId = lastId;
    this.#db = db;
  }

  nextId(sequence: string): number {
    const id = (this.#counters.get(sequence) ?? this.#lastId(sequence)) + 1;
    this.#counters.set(sequence, id);
    this.operations.push({table: COUNTERS, key: [COUNTERS, sequence], value: id, resident: true});
    return id;
  }

  put(table: string, key: ResidentKey, value: unknown): void {
    assert(String(key).length <= KEY_CHARACTERS_MAX, 'a key is too long');
    assert(value !== undefined, 'put needs a value');
    this.operations.push({table, key: [table, key], value, resident: true});
  }

  remove(table: string, key: ResidentKey): void {
    this.operations.push({table, key: [table, key], value: undefined, resident: true});
  }

  archive(table: string, key: ArchiveKey, value: unknown): void {
    assert(value !== undefined, 'archive needs a value');
    this.operations.push({table, key: [table, ...key], value, resident: false});
  }

  /** Sees what is on disk: entries of the same change, or of one on its way, stay. */
  removeArchived(table: string, prefix: ArchiveKey): void {
    for (const key of this.#db.getKeys({start: [table, ...prefix]})) {
      if (!startsWith(key, [table, ...prefix])) break;
      this.operations.push({table, key, value: undefined, resident: false});
    }
  }
}

/** lmdb rejects a second promise, with the disk's own words, that hangs on the error of the first. */
function silenceCommitError(cause: unknown): void {
  if (!(cause instanceof Error) || !('commitError' in cause)) return;
  if (cause.commitError instanceof Promise) cause.commitError.catch(() => undefined);
}

async function acceptFormat(db: RootDatabase<Buffer, StoredKey>, folder: string): Promise<void> {
  const bytes = db.get([META, 'format']);
  if (bytes === undefined) {
    const format = encode(CATALOG_FORMAT);
    if (format !== undefined) await db.put([META, 'format'], format);
    return;
  }
  const found = decode(bytes, META);
  if (typeof found === 'number' && found > CATALOG_FORMAT)
    throw new NewerFormatError(folder, found);
}

const VALUE_VERSION = 1;
const HEADER_BYTES = 5;

/** `[version u8][crc-32 u32 LE][JSON]`. JSON keeps definitions to the letter, `__proto__` and all. */
function encode(value: unknown): Buffer | undefined {
  if (value === undefined) return undefined;
  const text = Buffer.from(JSON.stringify(value));
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + text.length);
  bytes.writeUInt8(VALUE_VERSION, 0);
  bytes.writeUInt32LE(crc32(text), 1);
  text.copy(bytes, HEADER_BYTES);
  return bytes;
}

function decode(bytes: Buffer, table: string): unknown {
  const text = bytes.subarray(HEADER_BYTES);
  if (
    bytes[0] !== VALUE_VERSION ||
    bytes.length < HEADER_BYTES ||
    bytes.readUInt32LE(1) !== crc32(text)
  ) {
    throw new Error(`a value of ${table} in the catalogue is damaged`);
  }
  return JSON.parse(text.toString());
}

function startsWith(key: StoredKey, prefix: StoredKey): boolean {
  return prefix.every((part, index) => key[index] === part);
}

function residentKey(key: StoredKey): ResidentKey {
  const last = key[1];
  assert(last !== undefined, 'a resident key has two parts');
  return last;
}
