import {setTimeout as sleep} from 'node:timers/promises';
import {definitionOf, type Windows} from '../workload-records.ts';
import {Workload} from '../workload.ts';
import {DeltaCounter} from './delta-counter.ts';
import type {BenchOptions} from './figures.ts';
import {HttpLane} from './http-lane.ts';
import {Latencies} from './latencies.ts';
import {type Encoding, LoadMaker, type LoadRequest, type Sending} from './load.ts';
import {MusterServer} from './muster-server.ts';

const LANES = 64;
const EVENTS_A_REQUEST = 50;
const PROBE_EVERY = 4;
const DRAIN_MS_MAX = 60_000;

interface Input {
  readonly workspace: number;
  readonly authorization: string;
  readonly encoding: Encoding;
}

export interface StageSettings {
  readonly encoding: Encoding;
  readonly windows: Windows;
  /** Whether the profiles are there from the beginning; they are unless this says not. */
  readonly population?: boolean;
}

/** A server with audiences and a population, the lanes to it, and the reader. */
export class LiveStage {
  readonly workload: Workload;
  readonly workspace: number;
  /** Of the population. */
  loadingMs = 0;
  server: MusterServer;
  readonly probeLatencies = new Latencies();
  readonly #maker: LoadMaker;
  #lanes: readonly HttpLane[] = [];
  readonly #sent = new Map<string, number>();
  #reader: DeltaCounter | undefined;

  private constructor(workload: Workload, server: MusterServer, input: Input) {
    this.workload = workload;
    this.server = server;
    this.workspace = input.workspace;
    this.#maker = new LoadMaker(workload, input.authorization, input.encoding);
  }

  static async set(
    options: BenchOptions,
    {encoding, windows, population = true}: StageSettings,
  ): Promise<LiveStage> {
    const workload = new Workload(options);
    const server = await MusterServer.start(await MusterServer.temporaryFolder());
    try {
      const {workspace, authorization} = await server.createInput();
      const stage = new LiveStage(workload, server, {workspace, authorization, encoding});
      for (const audience of workload.audiences) {
        const definition = definitionOf(audience, workload.predicates, windows);
        await stage.createAudience(`Audience ${audience.id}`, definition);
      }
      const probe = await stage.createAudience('Probes', {
        kind: 'user_attribute',
        attribute: 'probe',
        operator: 'equals',
        value: true,
        type: 'boolean',
      });
      await stage.#read(probe);
      if (!population) return stage;
      const startedMs = performance.now();
      await stage.load(stage.#maker.population());
      stage.loadingMs = performance.now() - startedMs;
      options.say(`${options.profiles} profiles are in`);
      return stage;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  createAudience(name: string, definition: object): Promise<number> {
    return this.server.createAudience(this.workspace, name, definition);
  }

  get reader(): DeltaCounter {
    return this.#reader!;
  }

  encode(batches: readonly object[]): Buffer {
    return this.#maker.encode(batches);
  }

  *requestsOf(requests: Iterable<readonly object[]>): Generator<Buffer> {
    for (const batches of requests) yield this.encode(batches);
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

  /** Starts the server again over the same folder; how long that took. The reader is gone. */
  async restarted(end: 'stop' | 'kill'): Promise<number> {
    this.#reader?.close();
    if (end === 'stop') await this.server.stop();
    else await this.server.kill();
    this.server = await MusterServer.start(this.server.folder);
    return performance.now() - this.server.startedMs;
  }

  /** The reader's sum of adds and deletes is the sum of the sizes: nothing is missing, nothing twice. */
  async agreement(): Promise<string> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const before = this.reader.members;
      const sizes = await this.sizes();
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

  /** Of all audiences together. */
  async sizes(): Promise<number> {
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

  /** Requests whose order does not matter, every one of them taken. */
  async load(requests: Iterable<Buffer>): Promise<void> {
    await this.#connect();
    const waiting: Promise<number>[] = [];
    let lane = 0;
    for (const request of requests) {
      waiting.push(this.#lanes[lane++ % LANES]!.sendAndWait(request));
      if (waiting.length < LANES * 2) continue;
      // The oldest is first to be answered, or nearly.
      expectTaken(await waiting.shift()!);
    }
    for (const status of await Promise.all(waiting)) expectTaken(status);
  }
}

function expectTaken(status: number): void {
  if (status !== 202) throw new Error(`a request was answered ${status}`);
}
