/**
 * The engine alone, on one thread in virtual time: events/s with the journal off (decoded records in,
 * deltas out) and on (bytes in, each group durable before it counts), and bytes per profile.
 */
import {JournalRun, MemoryRun, type EngineRun} from './support/engine-run.ts';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {Latencies} from './support/latencies.ts';
import {memoryInUse, Stopwatch} from './support/usage.ts';
import {Workload} from './workload.ts';

/** Records of one group commit when a shard is busy. */
const GROUP_RECORDS = 1000;

export async function benchEngine(options: BenchOptions): Promise<Figure[]> {
  const memory = await measureOne('off', options);
  globalThis.gc?.();
  const journal = await measureOne('on', options);
  if (memory.checksum !== journal.checksum) {
    throw new Error(`journal on came to ${journal.checksum}, off to ${memory.checksum}`);
  }
  return [...memory.figures, ...journal.figures];
}

async function measureOne(
  journal: 'on' | 'off',
  options: BenchOptions,
): Promise<{figures: Figure[]; checksum: string}> {
  const {say} = options;
  const workload = new Workload(options);
  const before = memoryInUse();
  const loading = new Stopwatch();
  const run: EngineRun =
    journal === 'off'
      ? MemoryRun.start(workload)
      : await JournalRun.start(workload, {group: GROUP_RECORDS});
  try {
    say(
      `journal ${journal}: ${options.profiles} profiles loaded in ${Math.round(loading.lap().wallMs)} ms`,
    );
    await run.warmUp(options.warmUpEvents);
    // Groups share a moment, so it is the state after them that must agree, not each event.
    const population = run.populationChecksum();
    const checksum = journal === 'off' ? run.rolling.noted : `${run.next}:${population}`;
    const after = memoryInUse();
    const figures = [
      ...(await measureRounds(run, {journal, options, checksum})),
      ...(journal === 'off' ? memoryFigures(before, after, options) : []),
    ];
    return {figures, checksum: population};
  } finally {
    await run.close();
  }
}

async function measureRounds(
  run: EngineRun,
  {journal, options, checksum}: {journal: string; options: BenchOptions; checksum: string},
): Promise<Figure[]> {
  const name = `engine/journal-${journal}/${sizesName(options)}`;
  const perSecond: number[] = [];
  const perCpuSecond: number[] = [];
  const flips: number[] = [];
  const byTime: number[] = [];
  const latencies = new Latencies();
  const percentiles: {p50: number[]; p99: number[]; p999: number[]} = {p50: [], p99: [], p999: []};
  for (let round = 0; round < options.rounds; round++) {
    const deltas = run.reader.deltas;
    const timed = run.reader.deltasByTime;
    latencies.clear();
    const {events, wallMs, cpuSeconds} = await timeRound(run, options.roundSeconds, latencies);
    perSecond.push((events / wallMs) * 1000);
    perCpuSecond.push(events / cpuSeconds);
    flips.push((run.reader.deltas - deltas) / events);
    byTime.push((run.reader.deltasByTime - timed) / Math.max(1, run.reader.deltas - deltas));
    percentiles.p50.push(latencies.percentile(0.5) * 1000);
    percentiles.p99.push(latencies.percentile(0.99) * 1000);
    percentiles.p999.push(latencies.percentile(0.999) * 1000);
    options.say(
      `journal ${journal}, round ${round + 1}: ${Math.round(perSecond.at(-1)!)} events/s`,
    );
  }
  const of = journal === 'on' ? 'commit' : 'event';
  return [
    figure(`${name}/events`, 'events/s', perSecond, checksum),
    figure(`${name}/events-per-cpu-second`, 'events/s', perCpuSecond),
    figure(`${name}/${of}-p50`, 'us', percentiles.p50),
    figure(`${name}/${of}-p99`, 'us', percentiles.p99),
    figure(`${name}/${of}-p99.9`, 'us', percentiles.p999),
    figure(`${name}/deltas-per-event`, 'deltas', flips),
    figure(`${name}/deltas-by-time`, 'share', byTime),
  ];
}

/** CPU time of making the records is in it too; wall time is not. */
async function timeRound(
  run: EngineRun,
  seconds: number,
  latencies: Latencies,
): Promise<{events: number; wallMs: number; cpuSeconds: number}> {
  const watch = new Stopwatch();
  const {events, wallMs} = await run.measure(seconds, latencies);
  const lap = watch.lap();
  return {events, wallMs, cpuSeconds: lap.cpuSeconds * (wallMs / lap.wallMs)};
}

function memoryFigures(
  before: ReturnType<typeof memoryInUse>,
  after: ReturnType<typeof memoryInUse>,
  options: BenchOptions,
): Figure[] {
  const name = `memory/${sizesName(options)}`;
  const {profiles} = options;
  const heap = (after.heapBytes - before.heapBytes) / profiles;
  const buffers = (after.bufferBytes - before.bufferBytes) / profiles;
  return [
    figure(`${name}/bytes-per-profile`, 'bytes', [heap + buffers]),
    figure(`${name}/heap-per-profile`, 'bytes', [heap]),
    figure(`${name}/buffers-per-profile`, 'bytes', [buffers]),
    figure(`${name}/resident-per-profile`, 'bytes', [
      (after.rssBytes - before.rssBytes) / profiles,
    ]),
  ];
}
