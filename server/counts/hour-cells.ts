/**
 * Joins and leaves by audience and hour that are not on disk yet. Nearly all deltas are of the present
 * hour, so that hour is two columns by audience id; what comes late, or belongs to an hour that is over, is kept
 * in maps.
 */
export const HOUR_MS = 3_600_000;

/** `[audience, hour since 1970, joined, left]` */
export type HourCell = readonly [audience: number, hour: number, added: number, dropped: number];

export class HourCells {
  #hour = -1;
  #fromMs = 0;
  #toMs = 0;
  /** Joined and left in the present hour, by audience id. */
  #present = new Uint32Array(256);
  #touched: number[] = [];
  #others = new Map<number, Map<number, [added: number, dropped: number]>>();

  get isEmpty(): boolean {
    return this.#touched.length === 0 && this.#others.size === 0;
  }

  /** Hot: once for every delta. */
  count(audience: number, atMs: number, isAdd: boolean): void {
    if (atMs >= this.#toMs) this.#turn(atMs);
    const at = audience * 2;
    if (atMs < this.#fromMs || at >= this.#present.length) {
      this.#countSlowly(audience, atMs, isAdd);
      return;
    }
    if (this.#present[at] === 0 && this.#present[at + 1] === 0) this.#touched.push(audience);
    this.#present[isAdd ? at : at + 1]!++;
  }

  /** Everything that was counted since the last take. */
  take(): HourCell[] {
    const cells: HourCell[] = [];
    for (const audience of this.#touched) {
      const at = audience * 2;
      cells.push([audience, this.#hour, this.#present[at]!, this.#present[at + 1]!]);
      this.#present[at] = 0;
      this.#present[at + 1] = 0;
    }
    this.#touched = [];
    for (const [hour, audiences] of this.#others) {
      for (const [audience, [added, dropped]] of audiences) {
        cells.push([audience, hour, added, dropped]);
      }
    }
    this.#others = new Map();
    return cells;
  }

  /** What is counted of one audience and not taken. */
  of(audience: number): HourCell[] {
    const cells: HourCell[] = [];
    const at = audience * 2;
    const added = this.#present[at] ?? 0;
    const dropped = this.#present[at + 1] ?? 0;
    if (added + dropped > 0) cells.push([audience, this.#hour, added, dropped]);
    for (const [hour, audiences] of this.#others) {
      const cell = audiences.get(audience);
      if (cell !== undefined) cells.push([audience, hour, ...cell]);
    }
    return cells;
  }

  #turn(atMs: number): void {
    for (const [audience, hour, added, dropped] of this.take()) {
      const cell = this.#other(audience, hour);
      cell[0] += added;
      cell[1] += dropped;
    }
    this.#hour = Math.floor(atMs / HOUR_MS);
    this.#fromMs = this.#hour * HOUR_MS;
    this.#toMs = this.#fromMs + HOUR_MS;
  }

  #countSlowly(audience: number, atMs: number, isAdd: boolean): void {
    if (atMs >= this.#fromMs) {
      const grown = new Uint32Array(Math.max(this.#present.length * 2, audience * 2 + 2));
      grown.set(this.#present);
      this.#present = grown;
      this.count(audience, atMs, isAdd);
      return;
    }
    this.#other(audience, Math.floor(atMs / HOUR_MS))[isAdd ? 0 : 1]++;
  }

  #other(audience: number, hour: number): [added: number, dropped: number] {
    let audiences = this.#others.get(hour);
    if (audiences === undefined) this.#others.set(hour, (audiences = new Map()));
    let cell = audiences.get(audience);
    if (cell === undefined) audiences.set(audience, (cell = [0, 0]));
    return cell;
  }
}
