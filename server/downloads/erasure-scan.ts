/** Runs one scan at a time; whoever asks while one runs shares the next. */
export class ErasureScan {
  readonly #scan: (mpids: ReadonlySet<bigint>) => Promise<void>;
  #current: Promise<unknown> | undefined;
  #next: {readonly mpids: Set<bigint>; readonly done: Promise<void>} | undefined;

  constructor(scan: (mpids: ReadonlySet<bigint>) => Promise<void>) {
    this.#scan = scan;
  }

  /** Resolves when a scan that began after this call is over. */
  run(mpid: bigint): Promise<void> {
    if (this.#next === undefined) {
      const mpids = new Set<bigint>();
      this.#next = {mpids, done: this.#afterCurrent(mpids)};
    }
    this.#next.mpids.add(mpid);
    return this.#next.done;
  }

  async #afterCurrent(mpids: Set<bigint>): Promise<void> {
    // Awaits even when there is nothing to wait for: `run` must have added its profile first.
    await this.#current?.catch(() => undefined);
    this.#next = undefined;
    const scanning = this.#scan(mpids);
    this.#current = scanning;
    return scanning;
  }
}
