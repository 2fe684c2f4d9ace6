import {ATTRIBUTE_UPDATE, type DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';
import {foldedVariantName} from '../catalog/variant-name.ts';
import type {StreamPrincipal} from './stream-parts.ts';

export interface SelectionOptions {
  readonly principal: StreamPrincipal;
  /** 'all': every audience that the principal may see, those made later included. */
  readonly audiences: 'all' | readonly number[];
  /** Indexes of the watched attributes whose updates are wanted. */
  readonly attributes: ReadonlySet<number>;
  /** Folded names: only profiles of these variants; undefined: everybody. */
  readonly variants: ReadonlySet<string> | undefined;
  readonly variantOf: ((audience: number, mpid: bigint) => string | undefined) | undefined;
}

/** Which deltas are a subscriber's business. */
export class Selection {
  readonly #options: SelectionOptions;
  readonly #wanted: ReadonlySet<number> | undefined;
  /** What `mayStream` said; forgotten when audiences or grants change. */
  readonly #admitted = new Map<number, boolean>();

  constructor(options: SelectionOptions) {
    this.#options = options;
    this.#wanted = options.audiences === 'all' ? undefined : new Set(options.audiences);
  }

  /** Equal for selections that pass the same deltas; undefined when that cannot be told. */
  get key(): string | undefined {
    const {principal, audiences, attributes, variants} = this.#options;
    if (attributes.size > 0 || variants !== undefined) return undefined;
    const ids = audiences === 'all' ? 'all' : [...new Set(audiences)].toSorted((a, b) => a - b);
    return `${principal.tokenId}/${ids.toString()}`;
  }

  forget(): void {
    this.#admitted.clear();
  }

  /**
   * Of an audience that is gone too: its last deletes still have to reach those who follow it.
   */
  admits(audience: number): boolean {
    let admitted = this.#admitted.get(audience);
    if (admitted === undefined) {
      admitted =
        this.#wanted?.has(audience) !== false && this.#options.principal.mayStream(audience);
      this.#admitted.set(audience, admitted);
    }
    return admitted;
  }

  passes(deltas: DeltaReader, index: number): boolean {
    if (deltas.isErased(index)) return false;
    const audience = deltas.audience(index);
    if (!this.admits(audience)) return false;
    const isUpdate = deltas.action(index) === ATTRIBUTE_UPDATE;
    if (isUpdate && !this.#options.attributes.has(deltas.attribute(index))) return false;
    if (this.#options.variants === undefined) return true;
    return this.includes(audience, mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index)));
  }

  /** The profile's variant is among those asked for. */
  includes(audience: number, mpid: bigint): boolean {
    const {variants, variantOf} = this.#options;
    if (variants === undefined) return true;
    const variant = variantOf?.(audience, mpid);
    return variant !== undefined && variants.has(foldedVariantName(variant));
  }
}
