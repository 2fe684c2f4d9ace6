/**
 * Asks the journal of the sample what a poll left open: the events that met the criteria, put into the
 * histories of a shard that has nothing but these profiles, and judged there by the code that judges live ones.
 */
import type {Criterion} from '../engine/criteria/criteria-table.ts';
import {Examples} from '../engine/questions/examples.ts';
import {evaluate, FALSE, OPEN, TRUE} from '../engine/questions/formula.ts';
import type {Ballots} from '../engine/questions/poll.ts';
import {Shard} from '../engine/shard.ts';
import {entryAt, scanJournal, type WantedHistory} from './backfill-scan.ts';
import type {ShardStore} from './shard-store.ts';

export interface BallotBox {
  readonly ballots: Ballots;
  /** Of the poll. */
  readonly nowMs: number;
  readonly until: number;
  /** Up to here the whole journal has to be read; after it the sample will do. */
  readonly journalUntil: number;
  readonly eventRetentionMs: number;
}

/** In the order of the ballots' paths. */
export interface BallotCount {
  readonly asked: Float64Array;
  readonly held: Float64Array;
  readonly examples: readonly BigInt64Array[];
}

export function countBallots(store: Pick<ShardStore, 'entries'>, box: BallotBox): BallotCount {
  const {ballots, nowMs} = box;
  const shard = new Shard({
    eventRetentionMs: box.eventRetentionMs,
    profileRetentionMs: Infinity,
    startMs: nowMs,
  });
  const criteria = ballots.criteria.map(bound => {
    if (bound === undefined) return undefined;
    const {slot} = shard.graph.criterion(bound.key);
    shard.propagation.reserve();
    return shard.criteria.add(slot, bound, () => undefined);
  });
  for (let i = 0; i < ballots.hi.length; i++) {
    const ordinal = shard.addProfile(ballots.hi[i]!, ballots.lo[i]!, ballots.born[i]!);
    const data = shard.data(ordinal)!;
    for (const [at, scope] of ballots.scopes.entries()) {
      if (ballots.isKnown[i * ballots.scopes.length + at] === 1) data.add(scope);
    }
  }
  fillHistories(store, shard, box);
  return count(shard, criteria, box);
}

function fillHistories(store: Pick<ShardStore, 'entries'>, shard: Shard, box: BallotBox): void {
  const {nowMs, until, journalUntil} = box;
  const wanted: WantedHistory[] = [];
  for (const {id, spec} of shard.criteria.histories()) {
    if (spec !== undefined) wanted.push({id, spec});
  }
  const oldestMs = nowMs - box.eventRetentionMs;
  const scan = (table: 'journal' | 'sample', after: number, last: number): void => {
    if (after >= last) return;
    const entries = {entries: () => store.entries(table, after)};
    const range = {until: last, oldestMs, nowMs};
    for (const {watermark, found} of scanJournal(entries, wanted, range)) {
      for (let i = 0; i < found.history.length; i++) {
        const history = shard.criteria.history(found.history[i]!)!;
        shard.backfill(history, {hi: found.hi[i]!, lo: found.lo[i]!, watermark}, entryAt(found, i));
      }
    }
  };
  scan('journal', 0, Math.min(journalUntil, until));
  scan('sample', journalUntil, until);
}

function count(
  shard: Shard,
  criteria: readonly (Criterion | undefined)[],
  {ballots, nowMs}: BallotBox,
): BallotCount {
  const {formulas, paths, values, isGeneral} = ballots;
  const leaves = criteria.length;
  const asked = new Float64Array(formulas.length);
  const held = new Float64Array(formulas.length);
  const examples = paths.map(path => Examples.for(path));
  const before = new Uint8Array(leaves);
  const after = new Uint8Array(leaves);
  for (let i = 0; i < ballots.hi.length; i++) {
    const hi = ballots.hi[i]!;
    const lo = ballots.lo[i]!;
    const ordinal = shard.table.find(hi, lo);
    const data = shard.data(ordinal)!;
    shard.slab.open(ordinal);
    for (let number = 0; number < leaves; number++) {
      const value = values[i * leaves + number]!;
      before[number] = isGeneral[number] === 1 ? value : OPEN;
      after[number] = value;
      const criterion = criteria[number];
      if (criterion === undefined) continue;
      criterion.truth.evaluate(shard.slab, data, nowMs);
      after[number] = criterion.truth.holds ? TRUE : FALSE;
    }
    for (let part = 0; part < formulas.length; part++) {
      if (evaluate(formulas[part]!, before) !== OPEN) continue;
      asked[part]!++;
      if (evaluate(formulas[part]!, after) !== TRUE) continue;
      held[part]!++;
      examples[part]!.offer(hi, lo);
    }
  }
  return {asked, held, examples: examples.map(each => each.mpids())};
}
