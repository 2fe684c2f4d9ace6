/** A server on which every profile waits for its moment, and nothing else happens: what it costs to wait. */
import {setTimeout as sleep} from 'node:timers/promises';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {LiveStage} from './support/live-stage.ts';
import {endingBatches, windowEnds} from './support/window-ends.ts';
import {inHours} from './workload-records.ts';

const HOUR_MS = 3_600_000;
const EVENT_NAME = 'Waited for';
/** How often it is asked whether the server has come to rest, and for how long at most. */
const REST_MS = 2000;
const REST_MS_MAX = 120_000;
/** In a row: between writing behind and tidying up it may hold its breath. */
const QUIET_LOOKS = 8;
/** At rest: what it writes behind is written. */
const REST_SHARE = 0.05;

export async function benchIdle(options: BenchOptions): Promise<Figure[]> {
  const {profiles, roundSeconds, say, tiny} = options;
  const stage = await LiveStage.set(options, {
    encoding: 'msgpack',
    windows: inHours,
    population: false,
  });
  const {server} = stage;
  try {
    const audience = await stage.createAudience('Waiting', {
      kind: 'event',
      name: EVENT_NAME,
      when: {within_last: '12h'},
    });
    await server.calculated(audience);
    const about = {profiles, eventName: EVENT_NAME, windowMs: 12 * HOUR_MS};
    // From an hour from now on: nobody leaves while it is measured.
    const ends = windowEnds(about, {startMs: Date.now() + HOUR_MS, spreadMs: 8 * HOUR_MS});
    await stage.load(stage.requestsOf(endingBatches(ends)));
    const timers = await server.metric('muster_timers');
    if (timers < profiles) throw new Error(`${timers} timers for ${profiles} profiles`);
    say(`${timers} timers wait`);
    if (!tiny) say(`at rest after ${Math.round(await rest(stage))} ms`);
    const startedSeconds = await server.cpuSeconds();
    const startedMs = performance.now();
    await sleep(roundSeconds * 1000);
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const cpuSeconds = (await server.cpuSeconds()) - startedSeconds;
    const name = `idle/${sizesName(options)}`;
    return [
      figure(`${name}/cpu`, '% of a core', [(cpuSeconds / wallSeconds) * 100], `${timers} timers`),
      figure(`${name}/cpu-seconds`, 's', [cpuSeconds]),
      figure(`${name}/quiet`, 's', [wallSeconds]),
      figure(`${name}/resident`, 'bytes', [await server.residentBytes()]),
    ];
  } finally {
    await stage.clear();
  }
}

/** Until what it does after a load is done. */
async function rest({server}: LiveStage): Promise<number> {
  const startedMs = performance.now();
  let before = await server.cpuSeconds();
  let quiet = 0;
  for (;;) {
    await sleep(REST_MS);
    const now = await server.cpuSeconds();
    const tookMs = performance.now() - startedMs;
    quiet = (now - before) * 1000 < REST_MS * REST_SHARE ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) return tookMs;
    if (tookMs > REST_MS_MAX) throw new Error('the server does not come to rest');
    before = now;
  }
}
