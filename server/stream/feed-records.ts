import {DeltaReader, eraseDelta} from '../../engine/deltas.ts';
import type {Watermark} from '../../engine/ids.ts';
import {EncodedDeltas} from './encoded-deltas.ts';
import type {Piece, Wire} from './wire.ts';

const CHUNK_DELTAS = 1024;
/** Of longer entries only the last chunk is kept. */
const KEPT_DELTAS_MAX = 4096;
/** What an encoded delta takes in memory, next to its 32 bytes; counted whether or not it is encoded. */
const ENCODED_BYTES = 160;

/** The deltas of one journal entry, with what was already encoded of them. */
export class FeedRecords {
  readonly watermark: Watermark;
  readonly deltas: DeltaReader;
  /** At most what it takes in memory. */
  readonly bytes: number;
  readonly #bytes: Uint8Array;
  readonly #encoded = new Map<Wire, EncodedDeltas[]>();

  constructor(watermark: Watermark, deltas: Uint8Array) {
    this.watermark = watermark;
    this.#bytes = deltas;
    this.deltas = new DeltaReader(deltas);
    this.bytes = deltas.length + Math.min(this.deltas.count, KEPT_DELTAS_MAX) * ENCODED_BYTES;
  }

  /** Deltas of somebody who is erased, when this is the entry they are in. */
  eraseAt(watermark: Watermark, indexes: readonly number[]): void {
    if (watermark !== this.watermark) return;
    for (const index of indexes) eraseDelta(this.#bytes, index);
    this.#encoded.clear();
  }

  /** What there is of the delta at `index`: encoded once for each wire, however many lanes want it. */
  encoded(wire: Wire, index: number): EncodedDeltas {
    let chunks = this.#encoded.get(wire);
    if (chunks === undefined) this.#encoded.set(wire, (chunks = []));
    const chunk = Math.floor(index / CHUNK_DELTAS);
    let encoded = chunks[chunk];
    if (encoded === undefined) {
      const {count} = this.deltas;
      // Read once more by whoever comes later: keeping all of it would cost more.
      if (count > KEPT_DELTAS_MAX) chunks.length = 0;
      const first = chunk * CHUNK_DELTAS;
      const range = {first, count: Math.min(CHUNK_DELTAS, count - first)};
      chunks[chunk] = encoded = new EncodedDeltas(wire, this.deltas, range);
    }
    return encoded;
  }

  /** The delta at `index`, for a message of one reader alone. */
  piece(wire: Wire, index: number): Piece {
    return wire.delta(this.deltas, index);
  }
}
