/**
 * The whole way: batches in over HTTP, each durable before its 202, deltas out over a WebSocket. The server is
 * a process of its own with default settings; the load and the reader are this process, on the same machine.
 *
 * The load is that of forwarders: 64 connections that stay open, on each one request after the other, 50 batches
 * of one event in a request (and one in four requests with a probe), each body made before the clock starts.
 *
 * The live twin of the workload: time is the machine's own, so a day of a window is a second, and windows
 * run out while it runs. What is measured from request to delta are probes: profiles that join or leave an
 * audience of their own, one in each few requests.
 */
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import type {Latencies} from './support/latencies.ts';
import {LiveStage} from './support/live-stage.ts';
import {type Encoding, type LoadResult, sendAtFullSpeed, sendAtRate} from './support/load.ts';
import {daysAsSeconds} from './workload-records.ts';

/** Requests are made before the clock starts: as many as this for the warm-up, then for twice what it took before. */
const EVENTS_PER_SECOND_FIRST = 40_000;
const LOADS = [0.25, 0.5, 0.75, 0.9, 1.1];

export async function benchGateway(options: BenchOptions): Promise<Figure[]> {
  return [...(await benchEncoding('json', options)), ...(await benchEncoding('msgpack', options))];
}

async function benchEncoding(encoding: Encoding, options: BenchOptions): Promise<Figure[]> {
  const stage = await LiveStage.set(options, {encoding, windows: daysAsSeconds});
  try {
    const {figures, eventsPerSecond} = await fullSpeed(stage, {encoding, options});
    figures.push(...(await atRates(stage, {encoding, options, eventsPerSecond})));
    const name = `gateway/${encoding}/${sizesName(options)}`;
    figures.push(figure(`${name}/resident`, 'bytes', [await stage.server.residentBytes()]));
    return figures;
  } finally {
    await stage.clear();
  }
}

async function fullSpeed(
  stage: LiveStage,
  {encoding, options}: {encoding: Encoding; options: BenchOptions},
): Promise<{figures: Figure[]; eventsPerSecond: number}> {
  const {roundSeconds, rounds, say, tiny} = options;
  const name = `gateway/${encoding}/${sizesName(options)}/full`;
  const perSecond: number[] = [];
  const perCpu: number[] = [];
  const deltasPerEvent: number[] = [];
  const drains: number[] = [];
  const probes: number[][] = [];
  let capacity = EVENTS_PER_SECOND_FIRST;
  // The first round warms up: windows fill, code is optimised.
  for (let round = tiny ? 1 : 0; round <= rounds; round++) {
    const seconds = round === 0 ? Math.max(roundSeconds, 10) : roundSeconds;
    const sending = await stage.sending(Math.ceil(seconds * capacity));
    const deltas = stage.reader.deltas;
    const cpu = await stage.server.cpuSeconds();
    const result = await sendAtFullSpeed(sending, {seconds});
    const drainMs = await stage.drained();
    if (result.events === 0) throw new Error('no event was taken');
    capacity = (result.events / result.wallMs) * 2000;
    if (round === 0) continue;
    const used = (await stage.server.cpuSeconds()) - cpu;
    // Not before its deltas are out is an event done.
    perSecond.push((result.events / (result.wallMs + drainMs)) * 1000);
    perCpu.push(result.events / used);
    deltasPerEvent.push((stage.reader.deltas - deltas) / result.events);
    drains.push(drainMs);
    probes.push(percentiles(stage.probeLatencies));
    say(`${encoding}, round ${round}: ${Math.round(perSecond.at(-1)!)} events/s`);
  }
  const checksum = await stage.agreement();
  const figures = [
    figure(`${name}/events`, 'events/s', perSecond, checksum),
    figure(`${name}/events-per-cpu-second`, 'events/s', perCpu),
    figure(`${name}/deltas-per-event`, 'deltas', deltasPerEvent),
    figure(`${name}/drain`, 'ms', drains),
    ...percentileFigures(`${name}/request-to-delta`, probes),
  ];
  return {figures, eventsPerSecond: figures[0]!.value};
}

async function atRates(
  stage: LiveStage,
  {
    encoding,
    options,
    eventsPerSecond,
  }: {encoding: Encoding; options: BenchOptions; eventsPerSecond: number},
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of options.tiny ? [0.5] : LOADS) {
    const name = `gateway/${encoding}/${sizesName(options)}/load-${Math.round(load * 100)}`;
    const rate = Math.max(1, eventsPerSecond * load);
    const deltas: number[][] = [];
    const answers: number[][] = [];
    const achieved: number[] = [];
    const refused: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const sending = await stage.sending(Math.ceil(rate * options.roundSeconds));
      const result: LoadResult = await sendAtRate(sending, {eventsPerSecond: rate});
      await stage.drained();
      deltas.push(percentiles(stage.probeLatencies));
      answers.push(percentiles(sending.answers));
      achieved.push((result.events / result.wallMs) * 1000);
      refused.push(result.refused / Math.max(1, result.events + result.refused));
    }
    figures.push(
      figure(`${name}/events`, 'events/s', achieved),
      figure(`${name}/refused`, 'share', refused),
      ...percentileFigures(`${name}/request-to-delta`, deltas),
      ...percentileFigures(`${name}/request-to-202`, answers),
    );
    options.say(`${encoding}, ${load} of that: p99 to the delta ${figures.at(-4)!.value} ms`);
  }
  return figures;
}

const SHARES = [0.5, 0.99, 0.999];

function percentiles(latencies: Latencies): number[] {
  return SHARES.map(share => latencies.percentile(share));
}

function percentileFigures(name: string, rounds: readonly number[][]): Figure[] {
  return SHARES.map((share, i) =>
    figure(
      `${name}-p${share * 100}`,
      'ms',
      rounds.map(round => round[i]!),
    ),
  );
}
