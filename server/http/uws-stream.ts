import type {TransportStream} from './transport.ts';
import type {UwsResponse} from './uws-types.ts';

/** With head and chunk framing this stays within the 16 KiB of uWebSockets' cork buffer. */
const PIECE_BYTES = 12 * 1024;
/** Queued past this, `write` says the client is behind. */
const QUEUED_BYTES_HIGH = 64 * 1024;

/**
 * An answer sent piece by piece. uWebSockets 20.30 loses a chunk that overflows the cork buffer
 * while the kernel's is full, and handlers run corked; so chunks wait in a queue of ours and leave
 * from `setImmediate` or `onWritable`, where nothing is corked, in pieces that each fit. With a known
 * length `tryEnd` says what it took and cannot lose any.
 */
export class UwsStream implements TransportStream {
  readonly #native: UwsResponse;
  readonly #writeHead: () => void;
  readonly #lengthBytes: number | undefined;
  readonly #isHead: boolean;
  /** The answer is complete and `#native` no longer valid. */
  readonly #finished: () => void;

  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writtenBytes = 0;
  #started = false;
  #ended = false;
  #over = false;
  /** The kernel takes no more until `onWritable`. */
  #blocked = false;
  #scheduled = false;
  #waiting: {readonly promise: Promise<void>; readonly resolve: () => void} | undefined;

  constructor(options: {
    readonly native: UwsResponse;
    readonly writeHead: () => void;
    readonly lengthBytes: number | undefined;
    readonly isHead: boolean;
    readonly finished: () => void;
  }) {
    this.#native = options.native;
    this.#writeHead = options.writeHead;
    this.#lengthBytes = options.lengthBytes;
    this.#isHead = options.isHead;
    this.#finished = options.finished;
    options.native.onWritable(() => this.#writable());
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#ended) return false;
    this.#writtenBytes += chunk.byteLength;
    if (this.#lengthBytes !== undefined && this.#writtenBytes > this.#lengthBytes) {
      throw new RangeError(`${this.#writtenBytes} bytes written of ${this.#lengthBytes} declared`);
    }
    if (chunk.byteLength > 0 && !this.#isHead) {
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.byteLength;
      this.#schedule();
    }
    return !this.#isBehind();
  }

  drained(): Promise<void> {
    if (this.#over || !this.#isBehind()) return Promise.resolve();
    if (this.#waiting === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>(done => (resolve = done));
      this.#waiting = {promise, resolve};
    }
    return this.#waiting.promise;
  }

  end(): void {
    if (this.#over || this.#ended) return;
    this.#ended = true;
    this.#schedule();
  }

  /** The connection is gone. */
  abort(): void {
    this.#over = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#wake();
  }

  #isBehind(): boolean {
    return this.#blocked || this.#queuedBytes >= QUEUED_BYTES_HIGH;
  }

  #schedule(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #writable(): boolean {
    this.#blocked = false;
    // Once a handler is registered uWebSockets no longer flushes its own buffer here; a cork does.
    this.#native.cork(() => undefined);
    this.#pump();
    return !this.#blocked;
  }

  #pump(): void {
    while (!this.#over && !this.#blocked) {
      const chunk = this.#queue[0];
      if (chunk === undefined) break;
      const takenBytes =
        this.#lengthBytes === undefined ? this.#writePiece(chunk) : this.#tryPiece(chunk);
      this.#queuedBytes -= takenBytes;
      if (takenBytes === chunk.byteLength) this.#queue.shift();
      else this.#queue[0] = chunk.subarray(takenBytes);
    }
    if (this.#over || this.#blocked) return;
    if (this.#ended) this.#complete();
    else this.#wake();
  }

  #writePiece(chunk: Uint8Array): number {
    const piece = chunk.subarray(0, PIECE_BYTES);
    this.#native.cork(() => {
      this.#start();
      this.#blocked = !this.#native.write(piece);
    });
    return piece.byteLength;
  }

  #tryPiece(chunk: Uint8Array): number {
    const before = this.#native.getWriteOffset();
    let taken = false;
    this.#native.cork(() => {
      this.#start();
      const [ok, complete] = this.#native.tryEnd(chunk, this.#lengthBytes ?? 0);
      taken = ok;
      if (complete) this.#finish();
    });
    if (this.#over || taken) return chunk.byteLength;
    this.#blocked = true;
    return this.#native.getWriteOffset() - before;
  }

  #complete(): void {
    if (
      this.#lengthBytes !== undefined &&
      this.#writtenBytes < this.#lengthBytes &&
      !this.#isHead
    ) {
      this.#native.close();
      return;
    }
    this.#native.cork(() => {
      this.#start();
      // Asked to close the connection here, uWebSockets 20.30 writes a header into the body.
      if (!this.#isHead) this.#native.end('');
      else if (this.#lengthBytes === undefined) this.#native.endWithoutBody();
      else this.#native.endWithoutBody(this.#lengthBytes);
    });
    this.#finish();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#writeHead();
  }

  #finish(): void {
    this.#over = true;
    this.#wake();
    this.#finished();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}
