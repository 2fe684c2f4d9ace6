/**
 * The names of facts (attributes, types of identities, …) as numbers, by kind. A name is known while any
 * profile has a fact of that name: what a client makes up goes with the profiles it was made up for.
 */

export const ATTRIBUTE = 0;
export const IDENTITY = 1;
/** `regulation:purpose`. */
export const CONSENT = 2;
export const DEVICE = 3;
/** `install.publisher`, `install.campaign`, `uninstall.publisher`, `uninstall.campaign`. */
export const ATTRIBUTION = 4;
export const PLACE = 5;
export type FactKind =
  | typeof ATTRIBUTE
  | typeof IDENTITY
  | typeof CONSENT
  | typeof DEVICE
  | typeof ATTRIBUTION
  | typeof PLACE;

const KINDS = 6;
/** Four million; a fact whose name would be one more is not taken. */
export const NAMES_MAX = 1 << 22;

export class FactNames {
  readonly #ids = Array.from({length: KINDS}, () => new Map<string, number>());
  readonly #names: string[] = [];
  readonly #kinds: FactKind[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** −1: no profile has it. */
  find(kind: FactKind, name: string): number {
    return this.#ids[kind]!.get(name) ?? -1;
  }

  /** One use more. −1: there are too many. */
  acquire(kind: FactKind, name: string): number {
    const ids = this.#ids[kind]!;
    let id = ids.get(name);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#names.length;
      if (id >= NAMES_MAX) return -1;
      const own = ownCopy(name);
      ids.set(own, id);
      this.#names[id] = own;
      this.#kinds[id] = kind;
      this.#uses[id] = 0;
    }
    this.#uses[id]!++;
    return id;
  }

  release(id: number): void {
    if (--this.#uses[id]! > 0) return;
    this.#ids[this.#kinds[id]!]!.delete(this.#names[id]!);
    this.#names[id] = '';
    this.#free.push(id);
  }

  kindOf(id: number): FactKind {
    return this.#kinds[id]!;
  }

  nameOf(id: number): string {
    return this.#names[id]!;
  }

  get count(): number {
    return this.#names.length - this.#free.length;
  }
}

/** A text cut out of a longer one keeps the longer one in memory, which may be somebody else's. */
export function ownCopy(text: string): string {
  return ` ${text}`.slice(1);
}
