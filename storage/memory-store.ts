/** A ShardStore in memory, for simulations: it can lose what was not yet durable, as a crash does. */
import {
  type Put,
  type ShardStore,
  type StoreKey,
  type StoredValue,
  type Table,
  TABLES,
} from './shard-store.ts';

export class MemoryStore implements ShardStore {
  #tables = new Map<Table, Map<string, StoredValue>>(TABLES.map(table => [table, new Map()]));
  #pending: {puts: readonly Put[]; done: () => void; failed: (error: Error) => void}[] = [];
  /** Commits wait for `flush` instead of becoming durable at once. */
  held = false;

  commit(puts: readonly Put[]): Promise<void> {
    return new Promise((done, failed) => {
      this.#pending.push({puts, done, failed});
      if (!this.held) this.flush();
    });
  }

  /** Makes the first `count` waiting commits durable. */
  flush(count = Infinity): void {
    for (const {puts, done} of this.#pending.splice(0, count)) {
      for (const put of puts) this.#put(put);
      done();
    }
  }

  /** Everything that was not durable is gone. */
  crash(): void {
    for (const {failed} of this.#pending.splice(0)) failed(new Error('crashed'));
  }

  get(table: Table, key: StoreKey): Uint8Array | undefined {
    return this.#tables.get(table)!.get(nameOf(key))?.value;
  }

  *entries(table: Table, after: number): Iterable<StoredValue<number>> {
    const found = [...this.#tables.get(table)!.values()] as StoredValue<number>[];
    yield* found.filter(entry => entry.key > after).sort((a, b) => a.key - b.key);
  }

  *rows(): Iterable<StoredValue<Uint8Array>> {
    yield* [...this.#tables.get('rows')!.values()] as StoredValue<Uint8Array>[];
  }

  bytes(table: Table): number {
    let bytes = 0;
    for (const {value} of this.#tables.get(table)!.values()) bytes += value.byteLength;
    return bytes;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #put({table, key, value}: Put): void {
    const entries = this.#tables.get(table)!;
    if (value === undefined) entries.delete(nameOf(key));
    // `slice` of a Buffer would be the same memory.
    else entries.set(nameOf(key), {key, value: new Uint8Array(value)});
  }
}

function nameOf(key: StoreKey): string {
  return key instanceof Uint8Array ? Buffer.from(key).toString('hex') : String(key);
}
