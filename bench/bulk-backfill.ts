/** Filling an audience that asks for events nobody asked for before: how fast, and what live events pay for it. */
import type {WantedHistory} from '../storage/backfill-scan.ts';
import {scanJournal} from '../storage/backfill-scan.ts';
import {Shard} from '../engine/shard.ts';
import type {FilledJournal} from './support/filled-journal.ts';
import {type BenchOptions, type Figure, figure, sizeName, sizesName} from './support/figures.ts';
import {LiveStage} from './support/live-stage.ts';
import {sendAtFullSpeed, sendAtRate} from './support/load.ts';
import {
  daysAsSeconds,
  EVENT_RETENTION_MS,
  PROFILE_RETENTION_MS,
  specOfDefinition,
} from './workload-records.ts';
import {eventName} from './workload.ts';

/** Met by the profiles that have had the event so many times. */
function definition(type: number, atLeast = 2): object {
  return {
    kind: 'event',
    name: eventName(type),
    where: [{attribute: 'source', operator: 'starts_with', value: 'ben'}],
    when: {within_last: '30d'},
    compare: {operator: 'greater_or_equal', value: atLeast},
  };
}

/** What a thread of its own does on a server. */
export function scanFigures(
  journal: FilledJournal,
  {events, options}: {events: number; options: BenchOptions},
): Figure[] {
  const wanted = historiesOf(definition(7));
  const range = {until: journal.until, oldestMs: 0, nowMs: journal.nowMs};
  const perSecond: number[] = [];
  let found = 0;
  for (let round = 0; round < options.rounds; round++) {
    const startedMs = performance.now();
    found = 0;
    for (const each of scanJournal(journal.store, wanted, range))
      found += each.found.history.length;
    perSecond.push((events / (performance.now() - startedMs)) * 1000);
  }
  const name = `bulk/backfill/${sizeName(events)}-events`;
  return [figure(name, 'events/s', perSecond, `${found} entries`)];
}

function historiesOf(asked: object): WantedHistory[] {
  const shard = new Shard({
    eventRetentionMs: EVENT_RETENTION_MS,
    profileRetentionMs: PROFILE_RETENTION_MS,
    startMs: 0,
  });
  shard.define([specOfDefinition(1, asked)], [], 0);
  return [...shard.criteria.histories()].flatMap(({id, spec}) =>
    spec === undefined ? [] : {id, spec},
  );
}

/** Of the journal of the live server, so that a scan takes a while. */
const EVENTS_A_SECOND_FIRST = 40_000;
const HALF = 0.5;

/** As many backfills as there is time for, one after the other, while events come; beside the same without. */
export async function liveFigures(options: BenchOptions): Promise<Figure[]> {
  const {roundSeconds, rounds, say, tiny} = options;
  const stage = await LiveStage.set(options, {encoding: 'json', windows: daysAsSeconds});
  try {
    const speeds: Record<Way, number[]> = {without: [], with: [], frequent: []};
    const delays: Record<Way, number[]> = {without: [], with: [], frequent: []};
    let capacity = EVENTS_A_SECOND_FIRST;
    let filled = 0;
    const seconds = tiny ? roundSeconds : 5;
    // The first round warms up and fills the journal.
    for (let round = 0; round <= rounds; round++) {
      for (const way of round === 0 ? (['without'] as const) : WAYS) {
        const filling = way === 'without' ? undefined : fill(stage, FILLED[way]);
        const sending = await stage.sending(Math.ceil(seconds * capacity));
        const full = await sendAtFullSpeed(sending, {seconds});
        const drainMs = await stage.drained();
        const speed = (full.events / (full.wallMs + drainMs)) * 1000;
        capacity = speed * 1.5;
        if (round > 0) {
          speeds[way].push(speed);
          // Both ways at the same rate: half of what it can take undisturbed.
          const rate = Math.max(1, (speeds.without.at(-1) ?? speed) * HALF);
          const half = await stage.sending(Math.ceil(rate * seconds));
          await sendAtRate(half, {eventsPerSecond: rate});
          await stage.drained();
          delays[way].push(stage.probeLatencies.percentile(0.99));
        }
        filled += (await filling?.end()) ?? 0;
        say(`backfill, round ${round} ${way}: ${Math.round(speed)} events/s`);
      }
    }
    const name = `bulk/${sizesName(options)}/backfill-live`;
    return [
      figure(`${name}/events-without`, 'events/s', speeds.without),
      figure(`${name}/events-with`, 'events/s', speeds.with, `${filled} audiences were filled`),
      figure(
        `${name}/throughput-share`,
        'share',
        speeds.with.map((speed, i) => speed / speeds.without[i]!),
      ),
      figure(
        `${name}/throughput-share-frequent`,
        'share',
        speeds.frequent.map((speed, i) => speed / speeds.without[i]!),
      ),
      figure(`${name}/request-to-delta-p99-without`, 'ms', delays.without),
      figure(`${name}/request-to-delta-p99-with`, 'ms', delays.with),
      figure(`${name}/request-to-delta-p99-frequent`, 'ms', delays.frequent),
    ];
  } finally {
    await stage.clear();
  }
}

/**
 * With an event so rare that it is the reading that counts, as in a journal that takes a minute; and with the one that
 * comes most, of which there is as much to fill in as there is live, for an
 * audience without members: what the deltas of many members cost is another question.
 */
const FILLED = {with: {type: 40, atLeast: 2}, frequent: {type: 0, atLeast: 100_000}};
type Way = 'without' | keyof typeof FILLED;
const WAYS: readonly Way[] = ['without', 'with', 'frequent'];

/** New audiences, each when the one before is filled, until it is ended. */
function fill(
  stage: LiveStage,
  {type, atLeast}: {type: number; atLeast: number},
): {end: () => Promise<number>} {
  let isOver = false;
  let count = 0;
  const run = async (): Promise<void> => {
    while (!isOver) {
      const asked = {
        ...definition(type, atLeast),
        when: {within_last: `${20 * 86_400 - fills++}s`},
      };
      const id = await stage.createAudience('Filling', asked);
      for (;;) {
        const view = await stage.server.api<{is_calculated: boolean}>('GET', `/v1/audiences/${id}`);
        if (view.is_calculated || isOver) break;
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      count++;
      await stage.server.api('DELETE', `/v1/audiences/${id}`);
    }
  };
  const running = run();
  return {
    end: async () => {
      isOver = true;
      await running;
      return count;
    },
  };
}

let fills = 0;
