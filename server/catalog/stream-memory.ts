/** What the delta stream keeps in the catalogue: acknowledged cursors and the attributes it watches. */
import {CATALOG_BOUNDS, CatalogFullError} from './catalog.ts';
import type {Catalog} from './catalog.ts';

export class NamedCursorStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  get(tokenId: number, name: string): string | undefined {
    return this.#catalog.store.get('cursors', `${tokenId}/${name}`);
  }

  /** Resolves when durable. Not audited: it is the work of a program, many times a minute. */
  async set(tokenId: number, name: string, cursor: string): Promise<void> {
    const {store} = this.#catalog;
    const key = `${tokenId}/${name}`;
    if (store.get('cursors', key) === undefined) this.#refuseMore(tokenId);
    await store.change(write => write.put('cursors', key, cursor));
  }

  #refuseMore(tokenId: number): void {
    const max = CATALOG_BOUNDS.cursorsPerTokenMax;
    let names = 0;
    for (const key of this.#catalog.store.all('cursors').keys()) {
      if (String(key).startsWith(`${tokenId}/`)) names++;
    }
    if (names >= max) throw new CatalogFullError('names of cursors of one token', max);
  }
}

/** Append-only: the place of an attribute is its index in deltas, for ever. */
export class WatchedAttributeStore {
  readonly #catalog: Catalog;
  #names: string[];

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#names = this.#read();
  }

  list(): readonly string[] {
    return this.#names;
  }

  /** Those that are not there yet. Resolves when durable. */
  async add(names: readonly string[]): Promise<void> {
    await this.#catalog.store.change(write => {
      const known = new Set(this.#read());
      for (const name of names) {
        if (known.has(name)) continue;
        write.put('watchedAttributes', known.size, name);
        known.add(name);
      }
    });
    this.#names = this.#read();
  }

  #read(): string[] {
    return [...this.#catalog.store.all('watchedAttributes')]
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, name]) => name);
  }
}
