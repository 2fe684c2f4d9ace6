/**
 * One window ends for every profile within the same minute, in random order, while events come in. Every
 * delta has to carry the exact millisecond; how late it is on a socket, and how much longer an event takes.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {LiveStage} from './support/live-stage.ts';
import {sendAtRate} from './support/load.ts';
import {MomentReader} from './support/moment-reader.ts';
import {endingBatches, windowEnds, type WindowEnds} from './support/window-ends.ts';
import {inHours, mpidOf} from './workload-records.ts';

const HOUR_MS = 3_600_000;
/** Of the events that come in meanwhile. */
const EVENTS_PER_SECOND = 2000;
const EVENT_NAME = 'Of the minute';

export async function benchMinute(options: BenchOptions): Promise<Figure[]> {
  const {profiles, roundSeconds, say, tiny} = options;
  const stage = await LiveStage.set(options, {encoding: 'json', windows: inHours});
  let reader: MomentReader | undefined;
  try {
    const audience = await stage.createAudience('The minute', {
      kind: 'event',
      name: EVENT_NAME,
      when: {within_last: '1h'},
    });
    await stage.server.calculated(audience);
    const calmSeconds = tiny ? 0.2 : 5;
    const startMs = Date.now() + stage.loadingMs * 2 + (tiny ? 1500 : 15_000 + calmSeconds * 1000);
    const ends = windowEnds(
      {profiles, eventName: EVENT_NAME, windowMs: HOUR_MS},
      {startMs, spreadMs: roundSeconds * 1000},
    );
    await stage.load(stage.requestsOf(endingBatches(ends)));
    reader = await MomentReader.open(stage.server.url, {
      headers: stage.server.tokenHeader,
      audience,
    });
    const before = await sending(stage, {seconds: calmSeconds, fromMs: 0});
    const spareMs = startMs - Date.now();
    if (spareMs < 0) throw new Error('the minute began before it was loaded');
    say(`the minute begins in ${Math.round(spareMs)} ms`);
    await sleep(Math.max(0, spareMs - (tiny ? 500 : 5000)));
    const meanwhile = await sending(stage, {seconds: roundSeconds, fromMs: startMs});
    await everybodyLeft(reader, profiles);
    const checksum = `${exactMoments(reader, ends)} at their exact moments`;
    await stage.agreement();
    const name = `minute/${sizesName(options)}`;
    const {lateness} = reader;
    return [
      figure(`${name}/lateness-p50`, 'ms', [lateness.percentile(0.5)], checksum),
      figure(`${name}/lateness-p99`, 'ms', [lateness.percentile(0.99)]),
      figure(`${name}/lateness-max`, 'ms', [lateness.maxMs]),
      figure(`${name}/before/request-to-delta-p50`, 'ms', [before.p50]),
      figure(`${name}/before/request-to-delta-p99`, 'ms', [before.p99]),
      figure(`${name}/meanwhile/request-to-delta-p50`, 'ms', [meanwhile.p50]),
      figure(`${name}/meanwhile/request-to-delta-p99`, 'ms', [meanwhile.p99]),
    ];
  } finally {
    reader?.close();
    await stage.clear();
  }
}

/** Request to delta of events at an even rate from a moment on; every one of them taken. */
async function sending(
  stage: LiveStage,
  {seconds, fromMs}: {seconds: number; fromMs: number},
): Promise<{p50: number; p99: number}> {
  const asked = Math.round(EVENTS_PER_SECOND * seconds);
  const made = await stage.sending(asked);
  await sleep(Math.max(0, fromMs - Date.now()));
  const {events} = await sendAtRate(made, {eventsPerSecond: EVENTS_PER_SECOND});
  if (events !== asked) throw new Error(`${events} of ${asked} events were taken`);
  await stage.drained();
  const {probeLatencies} = stage;
  return {p50: probeLatencies.percentile(0.5), p99: probeLatencies.percentile(0.99)};
}

async function everybodyLeft({leftMs}: MomentReader, profiles: number): Promise<void> {
  const giveUpMs = Date.now() + 30_000;
  while (leftMs.size < profiles) {
    if (Date.now() > giveUpMs) throw new Error(`${leftMs.size} of ${profiles} have left`);
    await sleep(20);
  }
}

/** A member counts in the last millisecond of its window: it leaves one later. */
function exactMoments({leftMs, unexpected}: MomentReader, {lastMs}: WindowEnds): number {
  if (unexpected.length > 0) {
    throw new Error(`${unexpected.length} unexpected, like ${JSON.stringify(unexpected[0])}`);
  }
  for (const [index, expectedMs] of lastMs.entries()) {
    const foundMs = leftMs.get(String(mpidOf(index)));
    if (foundMs === expectedMs + 1) continue;
    throw new Error(`profile ${index} left at ${foundMs}, not at ${expectedMs + 1}`);
  }
  return lastMs.length;
}
