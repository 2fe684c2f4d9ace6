/** What a person waits for while building an audience: switching it on, estimates, overlaps. */
import {must} from '../engine/assert.ts';
import {overlapCounts} from '../engine/questions/overlap-counts.ts';
import {poll} from '../engine/questions/poll.ts';
import type {Shard} from '../engine/shard.ts';
import {countBallots} from '../storage/count-ballots.ts';
import type {FilledJournal} from './support/filled-journal.ts';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {recombinedAudiences} from './workload-bulk.ts';
import {EVENT_RETENTION_MS, specOf, specOfDefinition} from './workload-records.ts';
import {EVENT_TYPES} from './workload-audiences.ts';
import {eventName, type Workload} from './workload.ts';

/** What a shard thread does between two looks at its queue. */
const SLICE_PROFILES = 2000;
const SLICE_LOOKS = 500_000;
const FACTS_MAX = 250_000;
const TIMES = 20;
const OVERLAP_AUDIENCES = 8;

/** One new audience over known criteria, to the last delta. It is gone afterwards. The first is told apart. */
export function activationFigures(
  shard: Shard,
  workload: Workload,
  {options, nowMs}: {options: BenchOptions; nowMs: number},
): Figure[] {
  const took: number[] = [];
  const slices: number[] = [];
  let longestMs = 0;
  let isNew = 0;
  for (const audience of recombinedAudiences(workload, TIMES + 1, options.audiences)) {
    const startedMs = performance.now();
    shard.define([specOf(audience, workload)], [], nowMs);
    for (let more = true; more;) {
      const sliceMs = performance.now();
      more = shard.prepare(SLICE_PROFILES);
      longestMs = Math.max(longestMs, performance.now() - sliceMs);
    }
    if (shard.deltas.take().length > 0) isNew++;
    took.push(performance.now() - startedMs);
    slices.push(longestMs);
    longestMs = 0;
    shard.define([], [audience.id], nowMs);
    shard.deltas.take();
  }
  const [first, ...others] = took;
  const name = `bulk/${sizesName(options)}/activate-one-known`;
  return [
    figure(`${name}-first`, 'ms', [first!]),
    figure(name, 'ms', others, `${isNew} of ${took.length} have members`),
    figure(`${name}-slice-max`, 'ms', slices),
  ];
}

export function overlapFigures(shard: Shard, options: BenchOptions): Figure[] {
  const took: number[] = [];
  const slices: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const audiences = Array.from(
      {length: OVERLAP_AUDIENCES},
      (_, i) => 1 + ((time * OVERLAP_AUDIENCES + i) % options.audiences),
    );
    const run = timed(overlapCounts(shard, audiences));
    took.push(run.wallMs);
    slices.push(run.longestMs);
  }
  const name = `bulk/${sizesName(options)}/overlap-of-${OVERLAP_AUDIENCES}`;
  return [figure(name, 'ms', took), figure(`${name}-slice-max`, 'ms', slices)];
}

/** Of known criteria in new expressions, exact; and with events that nobody asked for, which the sample has to say. */
export function estimateFigures(
  shard: Shard,
  {
    workload,
    journal,
    options,
    nowMs,
  }: {workload: Workload; journal: FilledJournal; options: BenchOptions; nowMs: number},
): Figure[] {
  const known: number[] = [];
  const sampled: number[] = [];
  for (const audience of recombinedAudiences(workload, TIMES)) {
    const spec = specOf(audience, workload);
    known.push(timed(poll(shard, {spec, instead: undefined}, pollOptions(nowMs))).wallMs);
    const asked = specOfDefinition(audience.id, {
      kind: 'event',
      name: eventName(audience.id % EVENT_TYPES),
      where: [{attribute: 'position', operator: 'greater_than', value: audience.id % 3}],
      when: {within_last: '20d'},
      compare: {operator: 'greater_or_equal', value: 2},
    });
    const startedMs = performance.now();
    const {value} = timed(
      poll(shard, {spec: asked, instead: undefined}, pollOptions(journal.nowMs)),
    );
    countBallots(journal.store, {
      ballots: must(value.ballots, 'only the journal knows'),
      nowMs: journal.nowMs,
      until: journal.until,
      journalUntil: 0,
      eventRetentionMs: EVENT_RETENTION_MS,
    });
    sampled.push(performance.now() - startedMs);
  }
  const name = `bulk/${sizesName(options)}/estimate`;
  return [figure(`${name}-known`, 'ms', known), figure(`${name}-from-sample`, 'ms', sampled)];
}

function pollOptions(nowMs: number): Parameters<typeof poll>[2] {
  return {nowMs, everybody: false, factsMax: FACTS_MAX, sliceLooks: SLICE_LOOKS};
}

function timed<T>(slices: Generator<undefined, T>): {
  value: T;
  wallMs: number;
  longestMs: number;
} {
  const startedMs = performance.now();
  let longestMs = 0;
  for (;;) {
    const sliceMs = performance.now();
    const slice = slices.next();
    longestMs = Math.max(longestMs, performance.now() - sliceMs);
    if (slice.done === true) {
      return {value: slice.value, wallMs: performance.now() - startedMs, longestMs};
    }
  }
}
