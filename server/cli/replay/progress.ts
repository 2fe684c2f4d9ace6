import type {TextOutput} from '../io.ts';
import type {SourceTally} from './source.ts';
import type {ReplayTally} from './tally.ts';
import {count, duration, milliseconds, things} from '../format.ts';

const EVERY_MS_WATCHED = 200;
const EVERY_MS_LOGGED = 5000;

/** One line on stderr: rewritten in a terminal, repeated now and then in a log. */
export class ReplayProgress {
  readonly #output: TextOutput;
  readonly #tally: ReplayTally;
  readonly #source: SourceTally;
  readonly #fileBytes: number | undefined;
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #lastEvents = 0;
  #ratePerSecond = 0;

  constructor(options: {
    output: TextOutput;
    tally: ReplayTally;
    source: SourceTally;
    /** undefined when it is not known, as of standard input. */
    fileBytes: number | undefined;
  }) {
    this.#output = options.output;
    this.#tally = options.tally;
    this.#source = options.source;
    this.#fileBytes = options.fileBytes;
    const everyMs = options.output.columns === undefined ? EVERY_MS_LOGGED : EVERY_MS_WATCHED;
    this.#timer = setInterval(() => this.#show(), everyMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#output.columns !== undefined) this.#output.write('\r\u001b[K');
  }

  #show(): void {
    this.#measure();
    const {acceptedEvents, rejectedEvents, waits} = this.#tally;
    const parts = [
      ...(this.#fileBytes === undefined
        ? []
        : [
            `${Math.min(100, Math.floor((this.#source.bytesRead / this.#fileBytes) * 100))} % read`,
          ]),
      `${count(acceptedEvents)} events accepted`,
      `${count(Math.round(this.#ratePerSecond))}/s`,
      ...(rejectedEvents > 0 ? [`${count(rejectedEvents)} rejected`] : []),
      ...(waits > 0 ? [`asked to wait ${count(waits)} times`] : []),
      `p99 ${milliseconds(this.#tally.latencyMs(99))}`,
      duration(this.#tally.elapsedMs),
    ];
    const line = parts.join('  ');
    const {columns} = this.#output;
    if (columns === undefined) this.#output.write(`${line}\n`);
    else this.#output.write(`\r${line.slice(0, columns - 1)}\u001b[K`);
  }

  /** The rate since the last look, smoothed enough to be read. */
  #measure(): void {
    const nowMs = performance.now();
    const events = this.#tally.acceptedEvents;
    const rate = ((events - this.#lastEvents) * 1000) / Math.max(1, nowMs - this.#lastMs);
    this.#ratePerSecond = this.#ratePerSecond === 0 ? rate : this.#ratePerSecond * 0.7 + rate * 0.3;
    this.#lastMs = nowMs;
    this.#lastEvents = events;
  }
}

/** What the run came to, for standard output. */
export function replaySummary(
  tally: ReplayTally,
  source: SourceTally,
  ending: {readonly interrupted: boolean; readonly failure: string | undefined},
): string {
  const seconds = tally.elapsedMs / 1000;
  const rate = Math.round(tally.acceptedEvents / Math.max(seconds, 0.001));
  const both = (events: number, batches: number): string =>
    `${things(events, 'event')} in ${things(batches, 'batch', 'batches')}`;
  const lines = [
    `sent        ${both(tally.sentEvents, tally.sentBatches)}`,
    `accepted    ${both(tally.acceptedEvents, tally.acceptedBatches)}`,
    `rejected    ${both(tally.rejectedEvents, tally.rejectedBatches)}`,
    `rate        ${count(rate)} events/s over ${duration(tally.elapsedMs)}`,
    `latency     p50 ${milliseconds(tally.latencyMs(50))}  p99 ${milliseconds(tally.latencyMs(99))}  p99.9 ${milliseconds(tally.latencyMs(99.9))}  (${things(tally.requestCount, 'request')})`,
  ];
  if (tally.retries > 0) {
    lines.push(`retries     ${count(tally.retries)}, ${count(tally.waits)} of them asked for`);
  }
  if (source.skippedRows > 0) {
    lines.push(`left out    ${things(source.skippedRows, 'row')}, as the mapping says`);
  }
  if (source.unreadable > 0) lines.push(`unreadable  ${things(source.unreadable, 'line')}`);
  for (const sentence of [...source.complaints, ...tally.complaints]) lines.push(`  ${sentence}`);
  if (ending.interrupted) {
    lines.push('Stopped early. Run it again to go on: what was taken is not counted twice.');
  }
  if (ending.failure !== undefined) lines.push(`Stopped: ${ending.failure}.`);
  return `${lines.join('\n')}\n`;
}
