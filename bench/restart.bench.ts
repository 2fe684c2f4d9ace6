/**
 * Starting again over a full folder: from the start of the process to the line that says it takes events, after
 * a clean stop and after kill -9 under load. And while everybody is there: estimates and overlaps.
 */
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {LiveStage} from './support/live-stage.ts';
import {Random} from './support/random.ts';
import {typeRanks} from './workload-audiences.ts';
import {recombinedAudiences} from './workload-bulk.ts';
import {definitionOf, inHours, mpidOf} from './workload-records.ts';
import {eventName} from './workload.ts';

const EVENTS_A_PROFILE = 10;
const BATCHES_A_REQUEST = 100;
/** Profiles with new events between the last checkpoint and the kill, at most. */
const LATE_PROFILES = 20_000;

export async function benchRestart(options: BenchOptions): Promise<Figure[]> {
  const {profiles, rounds, say} = options;
  const stage = await LiveStage.set(options, {encoding: 'json', windows: inHours});
  try {
    const name = `restart/${sizesName(options)}`;
    const random = new Random(11);
    await stage.load(eventRequests(stage, {profiles, random}));
    say(`${profiles * EVENTS_A_PROFILE} events are in the journal`);
    const figures = await questionFigures(stage, options);
    const clean: number[] = [];
    const killed: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const sizes = await stage.sizes();
      clean.push(await stage.restarted('stop'));
      expectSame(sizes, await stage.sizes());
      await stage.load(eventRequests(stage, {profiles: Math.min(profiles, LATE_PROFILES), random}));
      const late = await stage.sizes();
      killed.push(await stage.restarted('kill'));
      expectSame(late, await stage.sizes());
      say(
        `round ${round + 1}: clean ${Math.round(clean.at(-1)!)} ms, killed ${Math.round(killed.at(-1)!)} ms`,
      );
    }
    const checksum = `${await stage.sizes()} members`;
    return [
      figure(`${name}/clean`, 'ms', clean, checksum),
      figure(`${name}/killed`, 'ms', killed, checksum),
      figure(`${name}/resident`, 'bytes', [await stage.server.residentBytes()]),
      figure(`${name}/resident-per-profile`, 'bytes', [
        (await stage.server.residentBytes()) / profiles,
      ]),
      ...figures,
    ];
  } finally {
    await stage.clear();
  }
}

async function questionFigures(stage: LiveStage, options: BenchOptions): Promise<Figure[]> {
  const {workload, workspace} = stage;
  const name = `questions/${sizesName(options)}`;
  const estimates: number[] = [];
  const overlaps: number[] = [];
  for (const [i, audience] of recombinedAudiences(workload, 5).entries()) {
    const definition = definitionOf(audience, workload.predicates, inHours);
    let startedMs = performance.now();
    await stage.server.api('POST', '/v1/estimates', {workspaces: [workspace], definition});
    estimates.push(performance.now() - startedMs);
    startedMs = performance.now();
    await stage.server.api('POST', '/v1/overlaps', {audiences: [i + 1, i + 2, i + 3]});
    overlaps.push(performance.now() - startedMs);
  }
  return [
    figure(`${name}/estimate`, 'ms', estimates),
    figure(`${name}/overlap-of-three`, 'ms', overlaps),
  ];
}

/** Windows of an hour and more: time that passes in a restart takes nobody out. */
function expectSame(before: number, after: number): void {
  if (before !== after) throw new Error(`${before} members before, ${after} after`);
}

function* eventRequests(
  stage: LiveStage,
  {profiles, random}: {profiles: number; random: Random},
): Generator<Buffer> {
  for (let first = 0; first < profiles; first += BATCHES_A_REQUEST) {
    const count = Math.min(BATCHES_A_REQUEST, profiles - first);
    yield stage.encode(
      Array.from({length: count}, (_, i) => ({
        mpid: String(mpidOf(first + i)),
        environment: 'production',
        events: Array.from({length: EVENTS_A_PROFILE}, () => ({
          event_type: 'custom_event',
          data: {
            event_name: eventName(typeRanks.at(random.next())),
            custom_event_type: 'other',
          },
        })),
      })),
    );
  }
}
