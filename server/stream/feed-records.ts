import {DeltaReader, eraseDelta} from '../../engine/deltas.ts';
import type {Watermark} from '../../engine/ids.ts';
import type {Piece, Wire} from './wire.ts';

/** Entries longer than this are encoded anew for each lane: keeping a million pieces would cost more. */
const KEPT_DELTAS_MAX = 4096;
/** What an encoded delta takes in memory, next to its 32 bytes; counted whether or not it is encoded. */
const PIECE_BYTES = 160;

/** The deltas of one journal entry, with what was already encoded of them. */
export class FeedRecords {
  readonly watermark: Watermark;
  readonly deltas: DeltaReader;
  /** At most what it takes in memory. */
  readonly bytes: number;
  readonly #bytes: Uint8Array;
  readonly #pieces: Map<Wire, (Piece | undefined)[]> | undefined;

  constructor(watermark: Watermark, deltas: Uint8Array) {
    this.watermark = watermark;
    this.#bytes = deltas;
    this.deltas = new DeltaReader(deltas);
    const isKept = this.deltas.count <= KEPT_DELTAS_MAX;
    this.#pieces = isKept ? new Map() : undefined;
    this.bytes = deltas.length + (isKept ? this.deltas.count * PIECE_BYTES : 0);
  }

  /** Deltas of somebody who is erased, when this is the entry they are in. */
  eraseAt(watermark: Watermark, indexes: readonly number[]): void {
    if (watermark !== this.watermark) return;
    for (const index of indexes) eraseDelta(this.#bytes, index);
    this.#pieces?.clear();
  }

  /** The delta at `index` encoded: once for each wire, however many lanes want it. */
  piece(wire: Wire, index: number): Piece {
    if (this.#pieces === undefined) return wire.delta(this.deltas, index);
    let pieces = this.#pieces.get(wire);
    if (pieces === undefined) {
      pieces = [];
      this.#pieces.set(wire, pieces);
    }
    let piece = pieces[index];
    if (piece === undefined) {
      piece = wire.delta(this.deltas, index);
      pieces[index] = piece;
    }
    return piece;
  }
}
