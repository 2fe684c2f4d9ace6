import type {DeltaReader} from '../../engine/deltas.ts';
import type {Wire} from './wire.ts';

const BYTES_MIN = 1024;
/** What most take. Who asks for the first is likely to want all of them. */
const DELTA_BYTES = 136;

const NOTHING = Buffer.alloc(0);

/**
 * What a wire makes of some deltas of an entry, one after the other in one buffer in the order in which
 * they were first asked for: for who reads all of them, their own order.
 */
export class EncodedDeltas {
  readonly #wire: Wire;
  readonly #deltas: DeltaReader;
  readonly #first: number;
  /** Where each one begins and ends; an end of 0: not encoded yet. */
  readonly #begins: Uint32Array;
  readonly #ends: Uint32Array;
  #bytes: Buffer = NOTHING;
  #used = 0;

  /** Of the deltas from `first` on, `count` of them. */
  constructor(
    wire: Wire,
    deltas: DeltaReader,
    {first, count}: {readonly first: number; readonly count: number},
  ) {
    this.#wire = wire;
    this.#deltas = deltas;
    this.#first = first;
    this.#begins = new Uint32Array(count);
    this.#ends = new Uint32Array(count);
  }

  /** Hot: once for each delta and lane. Encodes it when nobody asked for it before. */
  begin(index: number): number {
    const at = index - this.#first;
    if (this.#ends[at] === 0) this.#encode(index, at);
    return this.#begins[at]!;
  }

  /** After `begin`. */
  end(index: number): number {
    return this.#ends[index - this.#first]!;
  }

  /** Shares memory. */
  stretch(begin: number, end: number): Uint8Array {
    return this.#bytes.subarray(begin, end);
  }

  #encode(index: number, at: number): void {
    const {separator, deltaBytesMax} = this.#wire;
    if (this.#used + deltaBytesMax >= this.#bytes.length) {
      const all = at === 0 && this.#used === 0 ? this.#ends.length * DELTA_BYTES : 0;
      const bytes = Math.max(BYTES_MIN, this.#bytes.length * 2, all);
      const grown = Buffer.allocUnsafeSlow(bytes);
      this.#bytes.copy(grown, 0, 0, this.#used);
      this.#bytes = grown;
    }
    const to = this.#bytes;
    if (separator !== undefined && this.#used > 0) to[this.#used++] = separator;
    this.#begins[at] = this.#used;
    this.#used = this.#wire.writeDelta(this.#deltas, index, {to, at: this.#used});
    this.#ends[at] = this.#used;
  }
}
