/**
 * The most frequent keys of an endless stream, in bounded memory (Metwally's space-saving): a new key takes the
 * place of the least frequent one and inherits its count as its possible error. Whatever makes up more than
 * 1/capacity of the stream is among them.
 */
export interface TopKey<T> {
  readonly key: string;
  count: number;
  /** The count may be too high by so much. */
  error: number;
  facts: T;
}

export class TopKeys<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, TopKey<T>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  [Symbol.iterator](): IterableIterator<TopKey<T>> {
    return this.#entries.values();
  }

  get(key: string): TopKey<T> | undefined {
    return this.#entries.get(key);
  }

  /** `makeFacts` for a key that was not among them. */
  count(key: string, weight: number, makeFacts: () => T): T {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += weight;
      return known.facts;
    }
    let error = 0;
    if (this.#entries.size >= this.#capacity) {
      const least = this.#least();
      this.#entries.delete(least.key);
      error = least.count;
    }
    const facts = makeFacts();
    this.#entries.set(key, {key, count: error + weight, error, facts});
    return facts;
  }

  /** One that was kept; beyond the capacity nothing is put. */
  put(entry: TopKey<T>): void {
    if (this.#entries.size < this.#capacity) this.#entries.set(entry.key, entry);
  }

  remove(key: string): void {
    this.#entries.delete(key);
  }

  #least(): TopKey<T> {
    let least: TopKey<T> | undefined;
    for (const entry of this.#entries.values()) {
      if (least === undefined || entry.count < least.count) least = entry;
    }
    return least!;
  }
}
