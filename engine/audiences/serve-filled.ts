/**
 * The end of a pass: every row has the bits of the new nodes. They are counted, and one audience after the other
 * comes to be served, telling exactly the difference to what it served before. One look down the rows makes
 * the columns of several audiences, with pauses, in which events go on; columns take note of what these change.
 * All audiences at once, from rows, held up events for seconds where there were a thousand.
 */
import {must} from '../assert.ts';
import {type Bitmap, forEachDifference} from '../bitmaps/bitmap.ts';
import type {Ordinal} from '../ids.ts';
import type {ShardState} from '../shard-state.ts';
import type {Audience} from './audience-table.ts';
import type {FillPass} from './fill-pass.ts';

/** Made in one look down the rows, about: half a megabyte for each at a population of four million. */
export const COLUMNS_AT_ONCE = 32;

export interface Serving {
  /** Lives through all that is due at this moment; true when something was. */
  readonly settle: () => boolean;
  /** From now on its prepared definition is the one that is served. */
  readonly promote: (audience: Audience) => void;
  readonly tell: (ordinal: Ordinal, audience: Audience, member: boolean) => void;
}

/** One audience a slice at most. */
export function* serveFilled(
  state: ShardState,
  fill: FillPass,
  serving: Serving,
): Generator<undefined, void> {
  for (let from = 0; from < fill.audiences.length;) {
    const group = nextGroup(state, fill, from);
    yield* serveGroup(state, {fill, group}, serving);
    from += group.audiences.length;
  }
}

interface Group {
  readonly audiences: readonly Audience[];
  /** Of new nodes that nobody has counted yet. */
  readonly fresh: readonly number[];
  /** All that is looked at. */
  readonly slots: readonly number[];
}

function nextGroup({audiences, graph}: ShardState, fill: FillPass, from: number): Group {
  const slots = new Set<number>();
  let to = from;
  while (to < fill.audiences.length && (slots.size < COLUMNS_AT_ONCE || to === from)) {
    const audience = fill.audiences[to++]!;
    for (const slot of [...audiences.freshNodes(audience), ...rootsOf(audience)]) slots.add(slot);
  }
  const fresh = [...slots].filter(slot => graph.isFresh(slot));
  return {audiences: fill.audiences.slice(from, to), fresh, slots: [...slots]};
}

function* serveGroup(
  state: ShardState,
  {fill, group}: {fill: FillPass; group: Group},
  serving: Serving,
): Generator<undefined, void> {
  const {columns, graph, propagation} = state;
  const kept = new Set(columns.kept());
  const counted = yield* read(state, fill, group.slots);
  for (const [i, slot] of group.slots.entries()) {
    if (!graph.isFresh(slot)) continue;
    graph.settle(slot);
    propagation.setCount(slot, counted[i]!.size);
  }
  for (const audience of group.audiences) {
    const roots = rootsOf(audience);
    let bitmaps: readonly Bitmap[];
    // What time has changed is told with the old definition.
    do bitmaps = yield* read(state, fill, roots);
    while (serving.settle());
    const [to, from] = bitmaps;
    serving.promote(audience);
    forEachDifference({from, to: to!}, state.table.end, (ordinal, is) =>
      serving.tell(ordinal, audience, is),
    );
    yield;
  }
  // Of what nobody asked about before, nobody has to take note of every flip.
  for (const slot of group.slots) if (!kept.has(slot)) columns.drop(slot);
}

function* read(
  {columns}: ShardState,
  fill: FillPass,
  slots: readonly number[],
): Generator<undefined, readonly Bitmap[]> {
  const bitmaps = yield* columns.askFilled(slots, fill.sliceLooks);
  return must(bitmaps, 'no node goes while definitions stay as they are');
}

/** The prepared one, and the served one if there is one. */
function rootsOf({root, next}: Audience): number[] {
  const to = must(next, 'only a prepared definition comes to be served').root >> 1;
  return root < 0 ? [to] : [to, root >> 1];
}
