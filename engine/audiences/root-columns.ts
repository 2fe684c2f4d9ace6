/**
 * Who serves the members of a root, by its slot, in columns: at ten thousand audiences the objects would be
 * a cache miss each, for every one of seventy memberships that an event moves.
 */
import type {Audience} from './audience-table.ts';

const NOBODY = 0;
const SEVERAL = -1;

export class RootColumns {
  /** Two words for each slot: the audience's id, and its version. */
  #served = new Int32Array(2 * 256);
  readonly #several = new Map<number, readonly Audience[]>();

  set(slot: number, audiences: readonly Audience[]): void {
    if (slot * 2 >= this.#served.length) {
      const grown = new Int32Array(Math.max(this.#served.length * 2, slot * 2 + 2));
      grown.set(this.#served);
      this.#served = grown;
    }
    if (audiences.length > 1) this.#several.set(slot, audiences);
    else this.#several.delete(slot);
    const [first = {id: NOBODY, version: 0}] = audiences;
    this.#served[slot * 2] = audiences.length > 1 ? SEVERAL : first.id;
    this.#served[slot * 2 + 1] = first.version;
  }

  /** 0: it is not one audience; ask for the list. */
  audience(slot: number): number {
    const id = this.#served[slot * 2]!;
    return id === SEVERAL ? NOBODY : id;
  }

  /** Of the one audience. */
  version(slot: number): number {
    return this.#served[slot * 2 + 1]!;
  }

  list(slot: number): readonly Audience[] {
    return this.#several.get(slot) ?? NO_AUDIENCES;
  }
}

const NO_AUDIENCES: readonly Audience[] = [];
