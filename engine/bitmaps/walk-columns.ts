/** Down the columns of several nodes together, a piece that stays in the cache at a time, with pauses. */
import type {Ordinal} from '../ids.ts';
import type {ShardState} from '../shard-state.ts';
import {SLICE_LOOKS} from './columns.ts';

export const CHUNK_WORDS = 512;
/** What it takes to read a chunk of one column, in looks at bits. */
const CHUNK_LOOKS = CHUNK_WORDS / 2;

/**
 * Calls `visit` with the words of each slot from ordinal `from` on; it returns what it took in looks at bits.
 * False: the graph has changed, what was visited is of no use, and the slots have to be found again.
 */
export function* walkColumns(
  {columns, graph, table}: ShardState,
  slots: readonly number[],
  visit: (words: readonly Uint32Array[], from: Ordinal) => number,
  sliceLooks = SLICE_LOOKS,
): Generator<undefined, boolean> {
  const {generation} = graph;
  const words = slots.map(() => new Uint32Array(CHUNK_WORDS));
  let bitmaps = yield* columns.ask(slots, sliceLooks);
  let looks = 0;
  for (let from = 0; from < table.end; from += CHUNK_WORDS * 32) {
    if (looks >= sliceLooks) {
      looks = 0;
      yield;
      bitmaps = graph.generation === generation ? columns.read(slots) : undefined;
    }
    if (bitmaps === undefined) return false;
    for (const [i, bitmap] of bitmaps.entries()) bitmap.readWords(from, words[i]!);
    looks += slots.length * CHUNK_LOOKS + visit(words, from);
  }
  return bitmaps !== undefined;
}
