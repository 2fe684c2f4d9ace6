/** Requests of the live workload and how they are sent: as fast as they are answered, or at a rate. */
import {setTimeout as sleep} from 'node:timers/promises';
import {Packr} from 'msgpackr';
import {eventBatch, mpidOf, populationBatch} from '../workload-records.ts';
import type {Workload} from '../workload.ts';
import {encodeRequest, type HttpLane} from './http-lane.ts';
import type {Latencies} from './latencies.ts';

export type Encoding = 'json' | 'msgpack';

export interface LoadRequest {
  readonly bytes: Buffer;
  readonly lane: number;
  readonly events: number;
  readonly probe: Probe | undefined;
}

/** A profile that joins the audience of the probes, or leaves it. */
export interface Probe {
  readonly mpid: string;
  readonly joins: boolean;
}

const packr = new Packr({useRecords: false, variableMapSize: true});
const POPULATION_BATCHES = 100;
/** Profiles that take turns: each is in the audience of the probes, or not, until its next turn. */
const PROBES_A_LANE = 16;

export class LoadMaker {
  readonly #workload: Workload;
  readonly #authorization: string;
  readonly #encoding: Encoding;
  #nextEvent = 0;
  /** Probes that are in their audience, as far as was sent. */
  readonly #joined = new Set<string>();

  constructor(workload: Workload, authorization: string, encoding: Encoding) {
    this.#workload = workload;
    this.#authorization = authorization;
    this.#encoding = encoding;
  }

  *population(): Generator<Buffer> {
    for (let first = 0; first < this.#workload.profiles; first += POPULATION_BATCHES) {
      const count = Math.min(POPULATION_BATCHES, this.#workload.profiles - first);
      yield this.encode(
        Array.from({length: count}, (_, i) => populationBatch(this.#workload, first + i)),
      );
    }
  }

  /** A profile keeps to one lane, so its events arrive in order. One request in `probeEvery` carries a probe. */
  requests(
    events: number,
    {lanes, perRequest, probeEvery}: {lanes: number; perRequest: number; probeEvery: number},
  ): LoadRequest[] {
    const block = this.#workload.events(this.#nextEvent, events);
    this.#nextEvent += events;
    const open: object[][] = Array.from({length: lanes}, () => []);
    const made: LoadRequest[] = [];
    const turns = new Array<number>(lanes).fill(0);
    const joined = new Set(this.#joined);
    const close = (lane: number): void => {
      const batches = open[lane]!;
      if (batches.length === 0) return;
      open[lane] = [];
      const events = batches.length;
      const turn = turns[lane]!++;
      let probe: Probe | undefined;
      if (turn % probeEvery === 0) {
        const number = lane * PROBES_A_LANE + ((turn / probeEvery) % PROBES_A_LANE);
        const mpid = String(mpidOf(this.#workload.profiles + number));
        probe = {mpid, joins: !joined.has(mpid)};
        note(joined, probe);
        batches.push({mpid, environment: 'production', user_attributes: {probe: probe.joins}});
      }
      made.push({bytes: this.encode(batches), lane, events, probe});
    };
    for (let i = 0; i < events; i++) {
      const lane = block.profile[i]! % lanes;
      open[lane]!.push(eventBatch(this.#workload, block, i));
      if (open[lane]!.length === perRequest) close(lane);
    }
    for (let lane = 0; lane < lanes; lane++) close(lane);
    return made;
  }

  /** What was made and never sent, or refused, happened to nobody. */
  probeTaken(probe: Probe): void {
    note(this.#joined, probe);
  }

  encode(batches: readonly object[]): Buffer {
    const isJson = this.#encoding === 'json';
    return encodeRequest('/v2/bulkevents', {
      authorization: this.#authorization,
      contentType: isJson ? 'application/json' : 'application/msgpack',
      body: isJson ? Buffer.from(JSON.stringify(batches)) : packr.pack(batches),
    });
  }
}

function note(joined: Set<string>, {mpid, joins}: Probe): void {
  if (joins) joined.add(mpid);
  else joined.delete(mpid);
}

export interface LoadResult {
  readonly events: number;
  readonly refused: number;
  readonly wallMs: number;
}

export interface Sending {
  readonly lanes: readonly HttpLane[];
  readonly requests: readonly LoadRequest[];
  readonly answers: Latencies;
  readonly onProbeSent: (probe: Probe, nowMs: number) => void;
  readonly onProbeAnswered: (probe: Probe, taken: boolean) => void;
}

/** Each lane sends when it was answered; ends after `seconds` or the last request. */
export async function sendAtFullSpeed(
  sending: Sending,
  {seconds}: {seconds: number},
): Promise<LoadResult> {
  const {lanes, requests, onProbeSent} = sending;
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  const tally = new Tally(sending);
  const queues: LoadRequest[][] = lanes.map(() => []);
  for (const request of requests) queues[request.lane]!.push(request);
  const runLane = async (lane: number): Promise<void> => {
    for (const request of queues[lane]!) {
      const sentMs = performance.now();
      if (sentMs >= untilMs) return;
      if (request.probe !== undefined) onProbeSent(request.probe, sentMs);
      tally.answered(request, await lanes[lane]!.sendAndWait(request.bytes), sentMs);
    }
  };
  await Promise.all(lanes.map((_, lane) => runLane(lane)));
  return {...tally.result, wallMs: performance.now() - startedMs};
}

/** Whether or not the server keeps up. */
export async function sendAtRate(
  sending: Sending,
  {eventsPerSecond}: {eventsPerSecond: number},
): Promise<LoadResult> {
  const {lanes, requests, onProbeSent} = sending;
  const startedMs = performance.now();
  const tally = new Tally(sending);
  let sent = 0;
  let open = 0;
  for (const request of requests) {
    while (sent > ((performance.now() - startedMs) * eventsPerSecond) / 1000) await sleep(1);
    sent += request.events;
    open++;
    const sentMs = performance.now();
    if (request.probe !== undefined) onProbeSent(request.probe, sentMs);
    lanes[request.lane]!.send(request.bytes, status => {
      open--;
      tally.answered(request, status, sentMs);
    });
  }
  while (open > 0) await sleep(1);
  return {...tally.result, wallMs: performance.now() - startedMs};
}

class Tally {
  readonly #sending: Sending;
  #events = 0;
  #refused = 0;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  get result(): {events: number; refused: number} {
    return {events: this.#events, refused: this.#refused};
  }

  answered(request: LoadRequest, status: number, sentMs: number): void {
    const {answers, onProbeAnswered} = this.#sending;
    answers.record(performance.now() - sentMs);
    if (request.probe !== undefined) onProbeAnswered(request.probe, status === 202);
    if (status === 202) this.#events += request.events;
    else this.#refused += request.events;
  }
}
