/**
 * The whole way: batches in over HTTP, each durable before its 202, deltas out over a WebSocket. The server is
 * a process of its own with default settings; the load and the reader are this process, on the same machine.
 *
 * The live twin of the workload: time is the machine's own, so a day of a window is a second, and windows
 * run out while it runs. What is measured from request to delta are probes: profiles that join or leave an
 * audience of their own, one in each few requests.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {DeltaCounter} from './support/delta-counter.ts';
import {type BenchOptions, type Figure, figure, sizesName} from './support/figures.ts';
import {HttpLane} from './support/http-lane.ts';
import {Latencies} from './support/latencies.ts';
import {
  type Encoding,
  LoadMaker,
  type LoadRequest,
  type LoadResult,
  sendAtFullSpeed,
  sendAtRate,
  type Sending,
} from './support/load.ts';
import {MusterServer} from './support/muster-server.ts';
import {daysAsSeconds, definitionOf} from './workload-records.ts';
import {Workload} from './workload.ts';

const LANES = 32;
const EVENTS_A_REQUEST = 50;
const PROBE_EVERY = 4;
const DRAIN_MS_MAX = 60_000;
/** Requests are made before the clock starts: as many as this for the warm-up, then for twice what it took before. */
const EVENTS_PER_SECOND_FIRST = 40_000;
const LOADS = [0.25, 0.5, 0.75, 0.9, 1.1];

export async function benchGateway(options: BenchOptions): Promise<Figure[]> {
  return [...(await benchEncoding('json', options)), ...(await benchEncoding('msgpack', options))];
}

async function benchEncoding(encoding: Encoding, options: BenchOptions): Promise<Figure[]> {
  const stage = await Stage.set(encoding, options);
  try {
    const {figures, eventsPerSecond} = await fullSpeed(stage, options);
    figures.push(...(await atRates(stage, options, eventsPerSecond)));
    const name = `gateway/${encoding}/${sizesName(options)}`;
    figures.push(figure(`${name}/resident`, 'bytes', [await stage.server.residentBytes()]));
    return figures;
  } finally {
    await stage.clear();
  }
}

async function fullSpeed(
  stage: Stage,
  options: BenchOptions,
): Promise<{figures: Figure[]; eventsPerSecond: number}> {
  const {roundSeconds, rounds, say, tiny} = options;
  const name = `gateway/${stage.encoding}/${sizesName(options)}/full`;
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
    say(`${stage.encoding}, round ${round}: ${Math.round(perSecond.at(-1)!)} events/s`);
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
  stage: Stage,
  options: BenchOptions,
  eventsPerSecond: number,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of options.tiny ? [0.5] : LOADS) {
    const name = `gateway/${stage.encoding}/${sizesName(options)}/load-${Math.round(load * 100)}`;
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
    options.say(`${stage.encoding}, ${load} of that: p99 to the delta ${figures.at(-4)!.value} ms`);
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

/** A server with audiences and a population, the lanes to it, and the reader. */
class Stage {
  readonly encoding: Encoding;
  readonly server: MusterServer;
  readonly probeLatencies = new Latencies();
  readonly #maker: LoadMaker;
  #lanes: readonly HttpLane[] = [];
  readonly #sent = new Map<string, number>();
  #reader: DeltaCounter | undefined;

  private constructor(encoding: Encoding, server: MusterServer, maker: LoadMaker) {
    this.encoding = encoding;
    this.server = server;
    this.#maker = maker;
  }

  static async set(encoding: Encoding, options: BenchOptions): Promise<Stage> {
    const workload = new Workload(options);
    const server = await MusterServer.start(await MusterServer.temporaryFolder());
    try {
      const {workspace, authorization} = await server.createInput();
      const maker = new LoadMaker(workload, authorization, encoding);
      const stage = new Stage(encoding, server, maker);
      for (const audience of workload.audiences) {
        const definition = definitionOf(audience, workload.predicates, daysAsSeconds);
        await server.createAudience(workspace, `Audience ${audience.id}`, definition);
      }
      const probe = await server.createAudience(workspace, 'Probes', {
        kind: 'user_attribute',
        attribute: 'probe',
        operator: 'equals',
        value: true,
        type: 'boolean',
      });
      await stage.#read(probe);
      await stage.#connect();
      await stage.#populate();
      options.say(`${encoding}: ${options.profiles} profiles are in`);
      return stage;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get reader(): DeltaCounter {
    return this.#reader!;
  }

  /** Made before it is sent, and forgotten after. */
  async sending(events: number): Promise<Sending> {
    this.probeLatencies.clear();
    this.#sent.clear();
    const requests: LoadRequest[] = this.#maker.requests(events, {
      lanes: LANES,
      perRequest: EVENTS_A_REQUEST,
      probeEvery: PROBE_EVERY,
    });
    await this.#connect();
    return {
      lanes: this.#lanes,
      requests,
      answers: new Latencies(),
      onProbeSent: ({mpid}, nowMs) => this.#sent.set(mpid, nowMs),
      onProbeAnswered: (probe, taken) => {
        if (taken) this.#maker.probeTaken(probe);
        else this.#sent.delete(probe.mpid);
      },
    };
  }

  /** Until every probe that was sent has its delta; how long that took. */
  async drained(): Promise<number> {
    const startedMs = performance.now();
    while (this.#sent.size > 0) {
      if (performance.now() - startedMs > DRAIN_MS_MAX) {
        throw new Error(`${this.#sent.size} probes never had their deltas`);
      }
      await sleep(1);
    }
    return performance.now() - startedMs;
  }

  /** The reader's sum of adds and deletes is the sum of the sizes: nothing is missing, nothing twice. */
  async agreement(): Promise<string> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const before = this.reader.members;
      const sizes = await this.#sizes();
      if (before === this.reader.members && sizes === before) return `${sizes} members agree`;
      await sleep(500);
    }
    throw new Error('the members that the reader arrived at are not those of the server');
  }

  async clear(): Promise<void> {
    this.#reader?.close();
    for (const lane of this.#lanes) lane.close();
    await this.server.remove();
  }

  async #sizes(): Promise<number> {
    let sum = 0;
    let path: string | undefined = '/v1/audiences?limit=1000';
    while (path !== undefined) {
      const answer: Response = await fetch(this.server.url + path, {
        headers: this.server.tokenHeader,
      });
      for (const {size} of (await answer.json()) as {size: number}[]) sum += size;
      const next = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
      path =
        next === undefined
          ? undefined
          : new URL(next, this.server.url).href.slice(this.server.url.length);
    }
    return sum;
  }

  /** When there is something to send: the server closes connections that are idle. */
  async #connect(): Promise<void> {
    for (const lane of this.#lanes) lane.close();
    const {url} = this.server;
    this.#lanes = await Promise.all(Array.from({length: LANES}, () => HttpLane.open(url)));
  }

  async #read(probe: number): Promise<void> {
    this.#reader = await DeltaCounter.open(this.server.url, this.server.tokenHeader, {
      probe: () => probe,
      onProbe: (mpid, nowMs) => {
        const sentMs = this.#sent.get(mpid);
        if (sentMs === undefined) return;
        this.#sent.delete(mpid);
        this.probeLatencies.record(nowMs - sentMs);
      },
    });
  }

  async #populate(): Promise<void> {
    const waiting: Promise<number>[] = [];
    let lane = 0;
    for (const request of this.#maker.population()) {
      waiting.push(this.#lanes[lane++ % LANES]!.sendAndWait(request));
      if (waiting.length < LANES) continue;
      for (const status of await Promise.all(waiting.splice(0))) expectTaken(status);
    }
    for (const status of await Promise.all(waiting)) expectTaken(status);
  }
}

function expectTaken(status: number): void {
  if (status !== 202) throw new Error(`a batch of the population was answered ${status}`);
}
