import type {Shards} from '../shards/protocol.ts';
import type {StreamParts} from './stream-parts.ts';

/**
 * The user attributes whose changes become attribute_update deltas: those that somebody ever asked for.
 * The list only grows, because deltas in the feed name attributes by their index in it.
 */
export class WatchedAttributes {
  readonly #list: StreamParts['watchedAttributes'];
  readonly #shards: Shards;
  readonly #limit: number;
  /** How much of the list every shard knows. */
  #toldCount = 0;
  /** One change after another, so that every shard sees the list grow in the same order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(list: StreamParts['watchedAttributes'], shards: Shards, limit: number) {
    this.#list = list;
    this.#shards = shards;
    this.#limit = limit;
  }

  /** Tells the shards what is watched already. */
  async start(): Promise<void> {
    await this.#tell();
  }

  /**
   * The indexes of these attributes, once their changes are streamed by every shard; undefined when the
   * list has no room for them.
   */
  indexesOf(names: readonly string[]): Promise<ReadonlySet<number> | undefined> {
    const indexes = this.#last.then(() => this.#watch(names));
    this.#last = indexes.catch(() => undefined);
    return indexes;
  }

  async #watch(names: readonly string[]): Promise<ReadonlySet<number> | undefined> {
    const known = this.#list.list();
    const missing = names.filter(name => !known.includes(name));
    if (known.length + missing.length > this.#limit) return undefined;
    if (missing.length > 0) await this.#list.add(missing);
    await this.#tell();
    const all = this.#list.list();
    return new Set(names.map(name => all.indexOf(name)));
  }

  async #tell(): Promise<void> {
    const attributes = [...this.#list.list()];
    if (attributes.length === this.#toldCount) return;
    await this.#shards.callAll('watch', {attributes});
    this.#toldCount = attributes.length;
  }
}
