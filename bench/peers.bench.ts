/**
 * Side by side, in one run: every peer does the same work on the same events in rounds of alternating order.
 * A ratio is of medians, and counts only when both came to the same memberships after every event.
 */
import {MUSTER, PEERS, REFERENCE} from './peers/peer-list.ts';
import type {NamedPeer} from './peers/peer.ts';
import {type PeerAnswer, PeerProcess} from './peers/peer-process.ts';
import type {RoundResult} from './peers/peer-run.ts';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';

interface Contest {
  readonly named: NamedPeer;
  readonly process: PeerProcess;
  readonly rounds: RoundResult[];
}

export async function benchPeers(options: BenchOptions): Promise<Figure[]> {
  const {say, only} = options;
  const wanted = PEERS.filter(
    ({name}) => name === MUSTER || name === REFERENCE || (only?.includes(name) ?? true),
  );
  const contests: Contest[] = [];
  try {
    for (const named of wanted) {
      const missing = named.missing?.();
      if (missing !== undefined) {
        say(`left out: ${missing}`);
        continue;
      }
      const contest = await startContest(named, options);
      if (contest !== undefined) contests.push(contest);
    }
    for (let round = 0; round < options.rounds; round++) {
      const order = round % 2 === 0 ? contests : [...contests].reverse();
      for (const contest of order) {
        const result = await contest.process.round(options.roundSeconds);
        contest.rounds.push(result);
        say(`round ${round + 1}: ${contest.named.name} ${Math.round(perSecond(result))} events/s`);
      }
    }
    const answers: PeerAnswer[] = [];
    for (const {process} of contests) answers.push(await process.finish());
    return figuresOf(contests, answers, options);
  } finally {
    for (const {process} of contests) process.kill();
  }
}

/** One that cannot start is left out; the others run. */
async function startContest(named: NamedPeer, options: BenchOptions): Promise<Contest | undefined> {
  const {audiences, profiles, calm, warmUpEvents, roundSeconds, say} = options;
  try {
    const process = await PeerProcess.start({
      peer: named.name,
      workload: {audiences, profiles, calm},
      warmUpEvents,
    });
    // Code is optimised before anything counts.
    await process.round(roundSeconds);
    say(`${named.name} is ready`);
    return {named, process, rounds: []};
  } catch (error) {
    if (named.name === MUSTER || named.name === REFERENCE) throw error;
    say(`${named.name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function figuresOf(
  contests: readonly Contest[],
  answers: readonly PeerAnswer[],
  options: BenchOptions,
): Figure[] {
  const sizes = sizesName(options);
  const figures: Figure[] = [];
  const own = contests.findIndex(({named}) => named.name === MUSTER);
  const reference = contests.findIndex(({named}) => named.name === REFERENCE);
  for (const [at, {named, rounds}] of contests.entries()) {
    const {name} = named;
    const events = rounds.map(perSecond);
    const perCpu = rounds.map(({events: count, cpuSeconds}) => count / cpuSeconds);
    figures.push(
      figure(`peer/${name}/${sizes}/events`, 'events/s', events, answers[at]!.checksum),
      figure(`peer/${name}/${sizes}/events-per-cpu-second`, 'events/s', perCpu),
    );
    if (at === own) continue;
    const compared = agreement(
      answers[at]!.kept,
      answers[at === reference ? own : reference]!.kept,
    );
    const withOwn = agreement(answers[at]!.kept, answers[own]!.kept);
    if (compared.differs || withOwn.differs) {
      options.say(
        `${name} does not count: it differs at event ${compared.differs ? compared.at : withOwn.at}`,
      );
      continue;
    }
    const ownMedian = figure('', '', contests[own]!.rounds.map(perSecond)).value;
    const median = figure('', '', events).value;
    const ratios = rounds.map(
      (round, i) => perSecond(contests[own]!.rounds[i]!) / perSecond(round),
    );
    figures.push({
      name: `ratio/${name}/${sizes}${named.movesByTime ? '' : '/moves-nobody-by-time'}`,
      value: ownMedian / median,
      unit: 'times',
      min: Math.min(...ratios),
      max: Math.max(...ratios),
      checksum: `${withOwn.at} events agree`,
    });
  }
  return figures;
}

function perSecond({events, wallMs}: RoundResult): number {
  return (events / wallMs) * 1000;
}

/** Over the events that both got to: where they first differ, or how many agree. */
function agreement(a: Uint16Array, b: Uint16Array): {differs: boolean; at: number} {
  const both = Math.min(a.length, b.length);
  for (let at = 0; at < both; at++) if (a[at] !== b[at]) return {differs: true, at};
  return {differs: both === 0, at: both};
}
