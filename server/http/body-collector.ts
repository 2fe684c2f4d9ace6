/**
 * Of a body that nobody wants, read before a connection that the client wants closed is closed: a client
 * that is still writing then would get a broken pipe in place of the answer. Beyond it the answer is lost.
 */
export const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

/** Puts a body together from chunks, up to a limit. */
export class BodyCollector {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** False, and forgets everything, when the limit is passed. Keeps `chunk` itself. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#limitBytes) {
      this.#chunks = [];
      return false;
    }
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
    return true;
  }

  take(): Buffer {
    const [only] = this.#chunks;
    if (only !== undefined && this.#chunks.length === 1) return only;
    return Buffer.concat(this.#chunks, this.#bytes);
  }
}
