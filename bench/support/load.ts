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
  /** mpid of the profile whose probe is in it. */
  readonly probe: string | undefined;
}

const packr = new Packr({useRecords: false, variableMapSize: true});
const POPULATION_BATCHES = 100;
/** Profiles that take turns: each is in the audience of the probes, or not, until its next turn. */
const PROBES = 512;

export class LoadMaker {
  readonly #workload: Workload;
  readonly #authorization: string;
  readonly #encoding: Encoding;
  #nextEvent = 0;
  #nextProbe = 0;

  constructor(workload: Workload, authorization: string, encoding: Encoding) {
    this.#workload = workload;
    this.#authorization = authorization;
    this.#encoding = encoding;
  }

  *population(): Generator<Buffer> {
    for (let first = 0; first < this.#workload.profiles; first += POPULATION_BATCHES) {
      const count = Math.min(POPULATION_BATCHES, this.#workload.profiles - first);
      yield this.#encode(
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
    const close = (lane: number): void => {
      const batches = open[lane]!;
      if (batches.length === 0) return;
      open[lane] = [];
      const events = batches.length;
      const probe = made.length % probeEvery === 0 ? this.#probe() : undefined;
      if (probe !== undefined) batches.push(probe.batch);
      made.push({bytes: this.#encode(batches), lane, events, probe: probe?.mpid});
    };
    for (let i = 0; i < events; i++) {
      const lane = block.profile[i]! % lanes;
      open[lane]!.push(eventBatch(this.#workload, block, i));
      if (open[lane]!.length === perRequest) close(lane);
    }
    for (let lane = 0; lane < lanes; lane++) close(lane);
    return made;
  }

  #probe(): {mpid: string; batch: object} {
    const number = this.#nextProbe++;
    const mpid = String(mpidOf(this.#workload.profiles + (number % PROBES)));
    const probe = Math.floor(number / PROBES) % 2 === 0;
    return {mpid, batch: {mpid, environment: 'production', user_attributes: {probe}}};
  }

  #encode(batches: readonly object[]): Buffer {
    const isJson = this.#encoding === 'json';
    return encodeRequest('/v2/bulkevents', {
      authorization: this.#authorization,
      contentType: isJson ? 'application/json' : 'application/msgpack',
      body: isJson ? Buffer.from(JSON.stringify(batches)) : packr.pack(batches),
    });
  }
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
  readonly onProbeSent: (mpid: string, nowMs: number) => void;
}

/** Each lane sends when it was answered; ends after `seconds` or the last request. */
export async function sendAtFullSpeed(
  {lanes, requests, answers, onProbeSent}: Sending,
  {seconds}: {seconds: number},
): Promise<LoadResult> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  const tally = new Tally(answers);
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
  {lanes, requests, answers, onProbeSent}: Sending,
  {eventsPerSecond}: {eventsPerSecond: number},
): Promise<LoadResult> {
  const startedMs = performance.now();
  const tally = new Tally(answers);
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
  readonly #answers: Latencies;
  #events = 0;
  #refused = 0;

  constructor(answers: Latencies) {
    this.#answers = answers;
  }

  get result(): {events: number; refused: number} {
    return {events: this.#events, refused: this.#refused};
  }

  answered(request: LoadRequest, status: number, sentMs: number): void {
    this.#answers.record(performance.now() - sentMs);
    if (status === 202) this.#events += request.events;
    else this.#refused += request.events;
  }
}
