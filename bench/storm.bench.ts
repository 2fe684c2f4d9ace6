/**
 * A storm: one window ends for every profile within ten seconds, in random order, while events come in. How
 * late the deltas are on a socket, and how much longer an event takes meanwhile.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {LiveStage} from './support/live-stage.ts';
import {sendAtRate} from './support/load.ts';
import {endingBatches, windowEnds} from './support/window-ends.ts';
import {inHours} from './workload-records.ts';
import {eventName} from './workload.ts';

const HOUR_MS = 3_600_000;
/** Of the events that come in meanwhile. */
const EVENTS_PER_SECOND = 2000;
/** The commonest type: many audiences ask for it within the last hour. */
const STORM_TYPE = 0;

export async function benchStorm(options: BenchOptions): Promise<Figure[]> {
  const {profiles, roundSeconds, say, tiny} = options;
  const stage = await LiveStage.set(options, {encoding: 'json', windows: inHours});
  try {
    await stage.createAudience('The storm', {
      kind: 'event',
      name: eventName(STORM_TYPE),
      when: {within_last: '1h'},
    });
    // One event each takes a fraction of what the profiles with their attributes took.
    const loadingMs = stage.loadingMs * (tiny ? 2 : 0.6) + (tiny ? 1500 : 20_000);
    const startMs = Date.now() + loadingMs;
    const ends = windowEnds(
      {profiles, eventName: eventName(STORM_TYPE), windowMs: HOUR_MS},
      {startMs, spreadMs: roundSeconds * 1000},
    );
    await stage.load(stage.requestsOf(endingBatches(ends)));
    const spareMs = startMs - Date.now();
    if (spareMs < 0) throw new Error('the storm began before it was loaded');
    say(`the storm begins in ${Math.round(spareMs)} ms`);
    const {reader} = stage;
    const calm = await stage.sending(EVENTS_PER_SECOND * (tiny ? 0.2 : 3));
    await sleep(Math.max(0, startMs - Date.now() - (tiny ? 500 : 5000)));
    await sendAtRate(calm, {eventsPerSecond: EVENTS_PER_SECOND});
    await stage.drained();
    const before = percentiles(stage);
    const during = await stage.sending(EVENTS_PER_SECOND * roundSeconds);
    await sleep(Math.max(0, startMs - Date.now()));
    reader.lateness.clear();
    const deltas = reader.deltas;
    await sendAtRate(during, {eventsPerSecond: EVENTS_PER_SECOND});
    await stage.drained();
    const meanwhile = percentiles(stage);
    const drainedMs = await quiet(stage);
    const checksum = await stage.agreement();
    const name = `storm/${sizesName(options)}`;
    return [
      figure(`${name}/lateness-p50`, 'ms', [reader.lateness.percentile(0.5)], checksum),
      figure(`${name}/lateness-p99`, 'ms', [reader.lateness.percentile(0.99)]),
      figure(`${name}/lateness-max`, 'ms', [reader.lateness.maxMs]),
      figure(`${name}/deltas-by-time`, 'deltas', [reader.lateness.count]),
      figure(`${name}/deltas`, 'deltas', [reader.deltas - deltas]),
      figure(`${name}/over-after`, 'ms', [drainedMs - startMs - roundSeconds * 1000]),
      // None, when nothing came back in time to be told of.
      ...(before.count === 0
        ? []
        : [
            figure(`${name}/before/request-to-delta-p50`, 'ms', [before.p50]),
            figure(`${name}/before/request-to-delta-p99`, 'ms', [before.p99]),
          ]),
      figure(`${name}/meanwhile/request-to-delta-p50`, 'ms', [meanwhile.p50]),
      figure(`${name}/meanwhile/request-to-delta-p99`, 'ms', [meanwhile.p99]),
    ];
  } finally {
    await stage.clear();
  }
}

function percentiles({probeLatencies}: LiveStage): {count: number; p50: number; p99: number} {
  const {count} = probeLatencies;
  return {count, p50: probeLatencies.percentile(0.5), p99: probeLatencies.percentile(0.99)};
}

/** When the last delta came, once none has come for a second. */
async function quiet(stage: LiveStage): Promise<number> {
  while (performance.now() - stage.reader.lastMs < 1000) await sleep(50);
  return performance.timeOrigin + stage.reader.lastMs;
}
