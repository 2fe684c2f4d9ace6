/**
 * Questions to and changes of a whole population: a thousand new audiences whose criteria are known
 * (preparing them, in slices, to the last delta), reading members, and the same memberships computed by
 * DuckDB from scratch, which is what one would do without an engine. And what a person waits for: one audience
 * switched on or filled from the journal, estimates, overlaps, the list of audiences.
 */
import {liveFigures, scanFigures} from './bulk-backfill.ts';
import {listFigures} from './bulk-list.ts';
import {activationFigures, estimateFigures, overlapFigures} from './bulk-questions.ts';
import {membersPage} from '../engine/audiences/members-page.ts';
import type {Shard} from '../engine/shard.ts';
import {DuckDbRecompute, missingDuckDb} from './peers/duckdb.ts';
import {populationChecksum} from './support/checksum.ts';
import {MemoryRun} from './support/engine-run.ts';
import {FilledJournal} from './support/filled-journal.ts';
import {type BenchOptions, type Figure, figure, median, sizesName} from './support/figures.ts';
import {specOf} from './workload-records.ts';
import {recombinedAudiences} from './workload-bulk.ts';
import {Workload} from './workload.ts';

/** What a shard thread does between two looks at its queue. */
const SLICE_PROFILES = 2000;
/** In the journal that is scanned, by the size of the population. */
const EVENTS_A_PROFILE = 10;
/** A population with which a server is measured too. */
const LIVE_PROFILES_MAX = 100_000;

export async function benchBulk(options: BenchOptions): Promise<Figure[]> {
  const {audiences, profiles, rounds, warmUpEvents, say} = options;
  const workload = new Workload(options);
  const run = MemoryRun.start(workload);
  await run.warmUp(warmUpEvents);
  say(`${profiles} profiles are in`);
  const created = recombinedAudiences(workload, audiences);
  const specs = created.map(audience => specOf(audience, workload));
  const nowMs = workload.timeOf(warmUpEvents - 1);
  const {shard} = run;
  const prepared: number[] = [];
  const slices: number[] = [];
  let own = '';
  for (let round = 0; round < rounds; round++) {
    const before = run.reader.memberships.slice();
    const startedMs = performance.now();
    shard.define(specs, [], nowMs);
    slices.push(prepareAll(run));
    prepared.push(performance.now() - startedMs);
    own = populationChecksum(run.reader.memberships.map((count, i) => count - before[i]!));
    say(`round ${round + 1}: ${audiences} new audiences in ${Math.round(prepared.at(-1)!)} ms`);
    if (round === rounds - 1) break;
    shard.define(
      [],
      created.map(({id}) => id),
      nowMs,
    );
    run.reader.take(shard.deltas.take());
  }
  const name = `bulk/${sizesName(options)}`;
  const figures = [
    figure(`${name}/activate-known`, 'ms', prepared, own),
    figure(`${name}/activate-known-slice-max`, 'ms', slices),
    ...membersFigures(shard, name, audiences),
    ...(await personFigures(shard, {workload, options, nowMs})),
  ];
  const missing = missingDuckDb();
  if (missing !== undefined) {
    say(`no comparison: ${missing}`);
    return figures;
  }
  const duckdb = await DuckDbRecompute.load(workload, warmUpEvents);
  const recomputed: number[] = [];
  let theirs = '';
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const memberships = await duckdb.memberships(created, nowMs);
    recomputed.push(performance.now() - startedMs);
    theirs = populationChecksum(memberships);
    say(`round ${round + 1}: DuckDB ${Math.round(recomputed.at(-1)!)} ms`);
  }
  duckdb.close();
  figures.push(figure(`${name}/duckdb-recompute`, 'ms', recomputed, theirs));
  if (own !== theirs) throw new Error(`we came to ${own}, DuckDB to ${theirs}`);
  figures.push({
    ...figure(
      `ratio/duckdb/${sizesName(options)}/activate-known`,
      'times',
      recomputed.map((theirMs, i) => theirMs / prepared[i]!),
      own,
    ),
    value: median(recomputed) / median(prepared),
  });
  return figures;
}

async function personFigures(
  shard: Shard,
  {workload, options, nowMs}: {workload: Workload; options: BenchOptions; nowMs: number},
): Promise<Figure[]> {
  const {profiles, say} = options;
  const figures = [
    ...activationFigures(shard, workload, {options, nowMs}),
    ...overlapFigures(shard, options),
  ];
  const events = profiles * EVENTS_A_PROFILE;
  const journal = await FilledJournal.fill(workload, events);
  try {
    say(`${events} events are in a journal`);
    figures.push(...estimateFigures(shard, {workload, journal, options, nowMs}));
    figures.push(...scanFigures(journal, {events, options}));
  } finally {
    await journal.remove();
  }
  if (profiles > LIVE_PROFILES_MAX) return figures;
  return [...figures, ...(await listFigures(options)), ...(await liveFigures(options))];
}

/** Returns how long the longest slice took: no event waits longer than that for it. */
function prepareAll({shard, reader}: MemoryRun): number {
  let longestMs = 0;
  for (let more = true; more;) {
    const startedMs = performance.now();
    more = shard.prepare(SLICE_PROFILES);
    longestMs = Math.max(longestMs, performance.now() - startedMs);
    // As a server does: one entry of the journal has those of one audience.
    reader.take(shard.deltas.take());
  }
  return longestMs;
}

function membersFigures(shard: Shard, name: string, audiences: number): Figure[] {
  const pages: number[] = [];
  const everybody: number[] = [];
  for (let audience = 1; audience <= Math.min(audiences, 20); audience++) {
    const startedMs = performance.now();
    const {mpids} = membersPage(shard, {audience, after: undefined, limit: 1000});
    pages.push(performance.now() - startedMs);
    const againMs = performance.now();
    membersPage(shard, {audience, after: mpids.at(-1), limit: Infinity});
    everybody.push(performance.now() - againMs);
  }
  return [
    figure(`${name}/members-page`, 'ms', pages),
    figure(`${name}/members-rest`, 'ms', everybody),
  ];
}
