/**
 * Columns of truth: for a node of the graph the bitmap of the profiles for which it holds. Rows are the truth
 * and serve events; columns are made from them for questions about populations, when first asked, and
 * kept up to date until nobody has asked for long enough. A slot that comes to mean something else loses
 * its column in the same moment, so a column is never wrong.
 */
import {assert} from '../assert.ts';
import type {ExpressionGraph} from '../expressions/expression-graph.ts';
import type {Propagation} from '../expressions/propagation.ts';
import type {Ordinal} from '../ids.ts';
import type {ProfileTable} from '../profiles/profile-table.ts';
import type {TruthRows} from '../profiles/truth-rows.ts';
import {Bitmap} from './bitmap.ts';
import {Column} from './column.ts';

/** A share of the population: bringing in as many notes takes as long as a scan. */
const NOTES_SHARE = 1 / 64;
const NOTES_MIN = 1024;
/** Looks at bits between two pauses: about a millisecond. */
export const SLICE_LOOKS = 500_000;
/** Rows that stay in the cache while one column after the other is made of them. */
const CACHED_ROWS = 256;
/** What a row costs before anything of it is looked at. */
const ROW_LOOKS = 2;

interface ColumnsOf {
  readonly graph: ExpressionGraph;
  readonly rows: TruthRows;
  readonly table: ProfileTable;
  readonly propagation: Propagation;
  /** Beyond it those that were not asked for longest go. What one question needs is kept while it is asked. */
  readonly bytesMax: number;
}

export class Columns {
  readonly #of: ColumnsOf;
  /** By slot. */
  #columns: (Column | undefined)[] = [];
  #scan: Scan | undefined;
  #questions = 0;

  constructor(of: ColumnsOf) {
    this.#of = of;
  }

  get bytes(): number {
    let bytes = 0;
    for (const column of this.#columns) bytes += column?.bytes ?? 0;
    return bytes;
  }

  /** Whether columns for so many nodes are within the bound, whatever they hold. */
  fits(count: number): boolean {
    return (count * this.#of.table.end) / 8 <= this.#of.bytesMax;
  }

  /**
   * Makes what is not there yet, with pauses. The columns, in the order of `slots`, are good until the next
   * pause; `read` gives them again. undefined: a slot may have come to mean something else meanwhile.
   */
  *ask(
    slots: readonly number[],
    sliceLooks = SLICE_LOOKS,
  ): Generator<undefined, readonly Bitmap[] | undefined> {
    const {graph} = this.#of;
    for (const slot of slots) assert(!graph.isFresh(slot), 'rows know what is asked for');
    return yield* this.askFilled(slots, sliceLooks);
  }

  /** Also of nodes that count as new, of which the caller knows that every row has been filled. */
  *askFilled(
    slots: readonly number[],
    sliceLooks: number,
  ): Generator<undefined, readonly Bitmap[] | undefined> {
    const {graph} = this.#of;
    const {generation} = graph;
    for (;;) {
      const bitmaps = this.read(slots);
      if (bitmaps !== undefined) {
        this.#evict();
        return bitmaps;
      }
      this.#scan ??= this.#startScan(slots);
      if (this.#scan.step(this.#of, sliceLooks)) this.#scan = undefined;
      else {
        yield;
        if (graph.generation !== generation) return undefined;
      }
    }
  }

  /** The same without a pause. */
  askAtOnce(slots: readonly number[]): readonly Bitmap[] {
    const slices = this.ask(slots, Infinity);
    for (;;) {
      const slice = slices.next();
      if (slice.done !== true) continue;
      assert(slice.value !== undefined, 'nothing changes where nothing pauses');
      return slice.value;
    }
  }

  /** undefined: one of them is not there, and has to be asked for. */
  read(slots: readonly number[]): readonly Bitmap[] | undefined {
    this.#questions++;
    const bitmaps: Bitmap[] = [];
    for (const slot of slots) {
      const column = this.#columns[slot];
      if (column?.isOverrun === true) this.drop(slot);
      else if (column?.isMade === true) {
        column.usedAt = this.#questions;
        bitmaps.push(column.read());
      }
    }
    return bitmaps.length === slots.length ? bitmaps : undefined;
  }

  /** The slot is about to mean something else, or the column is not worth its memory. */
  drop(slot: number): void {
    const column = this.#columns[slot];
    if (column === undefined) return;
    this.#columns[slot] = undefined;
    this.#of.propagation.unfollow(slot);
    column.dispose();
  }

  /** Slots with a column, the least recently asked for first. */
  kept(): number[] {
    return this.#columns
      .filter(column => column?.isMade === true && !column.isOverrun)
      .sort((a, b) => a!.usedAt - b!.usedAt)
      .map(column => column!.slot);
  }

  #startScan(slots: readonly number[]): Scan {
    const notesMax = Math.max(NOTES_MIN, this.#of.table.end * NOTES_SHARE);
    const columns: Column[] = [];
    for (const slot of slots) {
      if (this.#columns[slot] !== undefined) continue;
      const column = new Column(slot, notesMax);
      this.#columns[slot] = column;
      this.#of.propagation.follow(slot, column);
      columns.push(column);
    }
    return new Scan(columns, column => this.#columns[column.slot] === column);
  }

  #evict(): void {
    const bytesOf = (slot: number): number => this.#columns[slot]?.bytes ?? 0;
    const kept = this.kept();
    let bytes = kept.reduce((sum, slot) => sum + bytesOf(slot), 0);
    for (const slot of kept) {
      if (bytes <= this.#of.bytesMax || this.#columns[slot]!.usedAt === this.#questions) return;
      bytes -= bytesOf(slot);
      this.drop(slot);
    }
  }
}

/** One pass down the rows, for all columns that are made together. */
class Scan {
  readonly #columns: readonly Column[];
  readonly #isWanted: (column: Column) => boolean;
  #words: Uint32Array<ArrayBuffer>[] = [];
  #from: Ordinal = 0;

  constructor(columns: readonly Column[], isWanted: (column: Column) => boolean) {
    this.#columns = columns;
    this.#isWanted = isWanted;
  }

  /** True when it is through. */
  step({rows, table}: ColumnsOf, looks: number): boolean {
    const count = Math.max(1, Math.floor(looks / (ROW_LOOKS + this.#columns.length)));
    const end = Math.min(table.end, this.#from + count);
    this.#reserve(table.end);
    rows.forEachBlock(this.#from, end, (bits, at, stride, first, rowCount) => {
      for (let row = 0; row < rowCount; row += CACHED_ROWS) {
        const rowCountHere = Math.min(CACHED_ROWS, rowCount - row);
        const from = at + row * stride;
        for (let i = 0; i < this.#columns.length; i++) {
          const {slot} = this.#columns[i]!;
          const place = from + (slot >>> 5);
          gather(this.#words[i]!, first + row, rowCountHere, bits, place, stride, slot & 31);
        }
      }
    });
    this.#from = end;
    for (const column of this.#columns) column.readTo(end);
    if (end < table.end) return false;
    for (const [i, column] of this.#columns.entries()) {
      if (this.#isWanted(column)) column.made(Bitmap.fromWords(this.#words[i]!, end));
    }
    return true;
  }

  #reserve(end: Ordinal): void {
    const length = (end + 31) >>> 5;
    for (let i = 0; i < this.#columns.length; i++) {
      const before = this.#words[i];
      if (before !== undefined && before.length >= length) continue;
      const words = new Uint32Array(length);
      if (before !== undefined) words.set(before);
      this.#words[i] = words;
    }
  }
}

/** One bit of each row, from `at` every `stride` words, into the bits of `words` from `first` on. Hot. */
function gather(
  words: Uint32Array,
  first: Ordinal,
  count: number,
  bits: Uint32Array,
  at: number,
  stride: number,
  shift: number,
): void {
  let gathered = 0;
  for (let i = 0, from = at; i < count; i++, from += stride) {
    const place = (first + i) & 31;
    gathered |= ((bits[from]! >>> shift) & 1) << place;
    if (place !== 31) continue;
    words[(first + i) >>> 5]! |= gathered;
    gathered = 0;
  }
  if (gathered !== 0) words[(first + count - 1) >>> 5]! |= gathered;
}
