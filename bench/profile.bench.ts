/** Where the engine's time goes: a CPU profile of the canonical workload, read into shares per step. */
import {profiled, type Shares} from './support/cpu-profile.ts';
import {type EngineRun, JournalRun, MemoryRun} from './support/engine-run.ts';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {Latencies} from './support/latencies.ts';
import {Workload} from './workload.ts';

const GROUP_RECORDS = 1000;
const FUNCTIONS = 20;

/** The first that fits; sources are paths without their endings. */
const STEPS: readonly (readonly [step: string, sources: RegExp])[] = [
  ['collect garbage', /^garbage/],
  ['decode records', /^storage\/(record-codec|packed-values)/],
  ['write the journal', /^(storage\/|msgpackr|lmdb|native crc|node:|weak-lru)/],
  ['fetch ahead', /^engine\/profiles\/fetch-ahead/],
  ['find predicates', /^engine\/criteria\/(predicate|attribute-index|threshold)/],
  ['take facts and events in', /^engine\/(intake|facts|profiles\/profile-data)/],
  ['keep histories', /^engine\/histories\//],
  ['ask criteria', /^engine\/(evaluation|criteria\/|values\/)/],
  ['propagate', /^engine\/(expressions\/|profiles\/truth-rows)/],
  ['wait for moments', /^engine\/time\//],
  ['tell deltas', /^engine\/(deltas|profiles\/memberships)/],
  ['the way of a record', /^engine\//],
  ['native and other', /./],
];

export async function benchProfile(options: BenchOptions): Promise<Figure[]> {
  return [...(await profileOne('off', options)), ...(await profileOne('on', options))];
}

async function profileOne(journal: 'on' | 'off', options: BenchOptions): Promise<Figure[]> {
  const workload = new Workload(options);
  const run: EngineRun =
    journal === 'off'
      ? MemoryRun.start(workload)
      : await JournalRun.start(workload, {group: GROUP_RECORDS});
  await run.warmUp(options.warmUpEvents);
  // Once unseen: what is optimised late is not what is looked for.
  await run.measure(options.roundSeconds / 2, new Latencies());
  const {shard} = run;
  const before = {...shard.work, flips: shard.propagation.flips};
  let events = 0;
  const found = await profiled(async () => {
    ({events} = await run.measure(options.roundSeconds, new Latencies()));
  });
  const name = `profile/journal-${journal}/${sizesName(options)}`;
  const figures = [
    figure(`${name}/criteria-asked-per-event`, 'times', [
      (shard.work.criteria - before.criteria) / events,
    ]),
    figure(`${name}/flips-per-event`, 'times', [(shard.propagation.flips - before.flips) / events]),
    figure(`${name}/moments-per-event`, 'times', [(shard.work.settled - before.settled) / events]),
    ...stepFigures(name, found),
  ];
  await run.close();
  return figures;
}

function stepFigures(name: string, {bySource, byFunction}: Shares): Figure[] {
  const steps = new Map<string, number>();
  for (const [source, share] of bySource) {
    const [step = ''] = STEPS.find(([, sources]) => sources.test(source)) ?? [];
    steps.set(step, (steps.get(step) ?? 0) + share);
  }
  const sorted = [...steps].sort(([, a], [, b]) => b - a);
  return [
    ...sorted.map(([step, share]) => figure(`${name}/step/${step}`, '%', [share * 100])),
    ...[...byFunction]
      .slice(0, FUNCTIONS)
      .map(([each, share]) => figure(`${name}/function/${each}`, '%', [share * 100])),
  ];
}
