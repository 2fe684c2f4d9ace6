import type {StreamParts} from './stream-parts.ts';

const RETRY_MS = 2_000;

/**
 * The acknowledged cursor of every name. What is acknowledged counts at once here, and is written at
 * most once in `everyMs` for each name: a crash in between costs a few deltas sent twice, never one
 * that is not sent.
 */
export class NamedCursors {
  readonly #store: StreamParts['cursors'];
  readonly #everyMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<string, PendingCursor>();

  constructor({
    store,
    everyMs,
    onError,
  }: {
    store: StreamParts['cursors'];
    everyMs: number;
    onError: (error: unknown) => void;
  }) {
    this.#store = store;
    this.#everyMs = everyMs;
    this.#onError = onError;
  }

  get(tokenId: number, name: string): string | undefined {
    return this.#pending.get(keyOf(tokenId, name))?.cursor ?? this.#store.get(tokenId, name);
  }

  set(tokenId: number, name: string, cursor: string): void {
    const key = keyOf(tokenId, name);
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.cursor = cursor;
      pending.isWritten = false;
      return;
    }
    const entry = new PendingCursor(cursor);
    this.#pending.set(key, entry);
    entry.writing = this.#write(tokenId, name, entry);
  }

  /** Resolves when everything set before is durable, or was refused by the disk. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) {
      const entries = [...this.#pending.values()];
      for (const entry of entries) entry.hurry();
      await Promise.all(entries.map(entry => entry.writing));
    }
  }

  /** Writes, and as long as newer cursors came meanwhile, waits and writes again. */
  async #write(tokenId: number, name: string, entry: PendingCursor): Promise<void> {
    while (!entry.isWritten) {
      entry.isWritten = true;
      let restMs = this.#everyMs;
      try {
        await this.#store.set(tokenId, name, entry.cursor);
      } catch (error) {
        this.#onError(error);
        // Tried again later, unless the server is stopping: then what was refused is sent once more.
        entry.isWritten = entry.isHurried;
        restMs = RETRY_MS;
      }
      await entry.rest(restMs);
    }
    this.#pending.delete(keyOf(tokenId, name));
  }
}

class PendingCursor {
  cursor: string;
  isWritten = false;
  writing: Promise<void> = Promise.resolve();
  isHurried = false;
  #wake: (() => void) | undefined;

  constructor(cursor: string) {
    this.cursor = cursor;
  }

  async rest(restMs: number): Promise<void> {
    if (this.isHurried) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, restMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  hurry(): void {
    this.isHurried = true;
    this.#wake?.();
  }
}

function keyOf(tokenId: number, name: string): string {
  return `${tokenId}/${name}`;
}
