/**
 * Membership deltas of one journal entry, as fixed 32-byte records in one buffer: what the engine
 * writes, the feed keeps and the gateway reads, with no decoding in between.
 *
 * | bytes | field |
 * |---|---|
 * | 0–3 | audience id, u32 |
 * | 4–7 | mpid high half, i32 |
 * | 8–11 | mpid low half, u32 |
 * | 12–15 | definition version, u32 |
 * | 16 | action: index into ACTIONS |
 * | 17 | cause: index into CAUSES |
 * | 18–19 | attribute_update: index of the watched attribute, u16 |
 * | 20 | 1: of somebody who is erased; no reader is told of it |
 * | 24–31 | at_ms, f64 |
 */
export const ACTIONS = ['add', 'delete', 'attribute_update'] as const;
export const CAUSES = ['event', 'time', 'definition', 'profile'] as const;
export type DeltaAction = (typeof ACTIONS)[number];
export type DeltaCause = (typeof CAUSES)[number];

export const ADD = 0;
export const DELETE = 1;
export const ATTRIBUTE_UPDATE = 2;
export const CAUSE_EVENT = 0;
export const CAUSE_TIME = 1;
export const CAUSE_DEFINITION = 2;
export const CAUSE_PROFILE = 3;

export const DELTA_BYTES = 32;
const KEPT_BYTES_MAX = 8 * 2 ** 20;

/** Grows by doubling; `take` hands the bytes over and starts anew. */
export class DeltaWriter {
  #bytes = new Uint8Array(DELTA_BYTES * 256);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  get count(): number {
    return this.#used / DELTA_BYTES;
  }

  push(
    audience: number,
    mpidHi: number,
    mpidLo: number,
    version: number,
    action: number,
    cause: number,
    attribute: number,
    atMs: number,
  ): void {
    if (this.#used + DELTA_BYTES > this.#bytes.length) this.#resize(this.#bytes.length * 2);
    const view = this.#view;
    const at = this.#used;
    view.setUint32(at, audience, true);
    view.setInt32(at + 4, mpidHi, true);
    view.setUint32(at + 8, mpidLo, true);
    view.setUint32(at + 12, version, true);
    view.setUint8(at + 16, action);
    view.setUint8(at + 17, cause);
    view.setUint16(at + 18, attribute, true);
    view.setFloat64(at + 24, atMs, true);
    this.#used = at + DELTA_BYTES;
  }

  /**
   * A copy of what was pushed since the last take; empty when nothing was. In its memory so many bytes before it are
   * free, for who stores it: at ten thousand audiences a second copy was mostly work for the collector.
   */
  take(freeBefore = 0): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(freeBefore + this.#used).subarray(freeBefore);
    taken.set(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    // What one large definition needed is not kept for ever.
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#resize(DELTA_BYTES * 256);
    return taken;
  }

  #resize(bytes: number): void {
    const resized = new Uint8Array(bytes);
    resized.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = resized;
    this.#view = new DataView(resized.buffer);
  }
}

/** Takes the person out of the record at `index`, which keeps its place, and what it counts for its audience. */
export function eraseDelta(bytes: Uint8Array, index: number): void {
  const at = index * DELTA_BYTES;
  // The mpid, and which definition and attribute it was.
  bytes.fill(0, at + 4, at + 16);
  bytes.fill(0, at + 18, at + 20);
  bytes[at + 20] = 1;
}

/** Reads the fields of the record at `index` straight from the buffer; no object per delta. */
export class DeltaReader {
  readonly count: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = bytes.byteLength / DELTA_BYTES;
  }

  audience(index: number): number {
    return this.#view.getUint32(index * DELTA_BYTES, true);
  }
  mpidHi(index: number): number {
    return this.#view.getInt32(index * DELTA_BYTES + 4, true);
  }
  mpidLo(index: number): number {
    return this.#view.getUint32(index * DELTA_BYTES + 8, true);
  }
  version(index: number): number {
    return this.#view.getUint32(index * DELTA_BYTES + 12, true);
  }
  action(index: number): number {
    return this.#view.getUint8(index * DELTA_BYTES + 16);
  }
  cause(index: number): number {
    return this.#view.getUint8(index * DELTA_BYTES + 17);
  }
  /** Whose it was is not known any more. */
  isErased(index: number): boolean {
    return this.#view.getUint8(index * DELTA_BYTES + 20) === 1;
  }
  attribute(index: number): number {
    return this.#view.getUint16(index * DELTA_BYTES + 18, true);
  }
  atMs(index: number): number {
    return this.#view.getFloat64(index * DELTA_BYTES + 24, true);
  }
}
