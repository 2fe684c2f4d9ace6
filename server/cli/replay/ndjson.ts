import type {OpenText, ReplayBatch, ReplaySource, SourceTally} from './source.ts';
import {complain, profileOf} from './source.ts';
import {requestId} from './request-id.ts';

/** The server takes no larger body, so a longer line cannot be a batch. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/**
 * Lines are sent as the text they are, never parsed and printed again: an mpid written as a number has
 * more digits than a JavaScript number keeps. Times are moved inside the text for the same reason.
 */
export class NdjsonSource implements ReplaySource {
  readonly tally: SourceTally = {bytesRead: 0, skippedRows: 0, unreadable: 0, complaints: []};
  readonly #open: OpenText;
  readonly #run: string;

  constructor(open: OpenText, run: string) {
    this.#open = open;
    this.#run = run;
  }

  async newestMs(): Promise<number | undefined> {
    let newestMs: number | undefined;
    for await (const lines of textLines(this.#open(() => {}))) {
      for (const {text} of lines) {
        for (const [, digits] of text.matchAll(/"timestamp_unixtime_ms"\s*:\s*(\d+)/g)) {
          newestMs = Math.max(newestMs ?? 0, Number(digits));
        }
      }
    }
    return newestMs;
  }

  async *batches(shiftMs: number): AsyncGenerator<readonly ReplayBatch[]> {
    const {tally} = this;
    for await (const lines of textLines(this.#open(count => (tally.bytesRead += count)))) {
      const batches: ReplayBatch[] = [];
      for (const {text, line} of lines) {
        const batch = this.#read(text, line, shiftMs);
        if (batch !== undefined) batches.push(batch);
      }
      if (batches.length > 0) yield batches;
    }
  }

  #read(text: string, line: number, shiftMs: number): ReplayBatch | undefined {
    let parsed: unknown;
    try {
      if (text.length > LINE_CHARACTERS_MAX) throw new SyntaxError('longer than 8 MiB');
      parsed = JSON.parse(text);
    } catch (error) {
      complain(
        this.tally,
        `line ${line}: not JSON: ${error instanceof Error ? error.message : ''}`,
      );
      return undefined;
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      complain(this.tally, `line ${line}: a batch is one JSON object, not ${describe(parsed)}`);
      return undefined;
    }
    const batch = parsed as Record<string, unknown>;
    const events = batch['events'];
    return {
      text: withRequestId(shiftTimes(text, shiftMs), batch, this.#idOf(text, line, batch)),
      profile: profileOf(batch),
      eventCount: Array.isArray(events) ? events.length : 0,
      line,
    };
  }

  /** A batch that has an id of its own keeps it, unless this run is to count as another one. */
  #idOf(text: string, line: number, batch: Readonly<Record<string, unknown>>): string | undefined {
    const own = batch['source_request_id'];
    if (typeof own !== 'string' || own === '') return requestId(this.#run, String(line), text);
    return this.#run === '' ? undefined : requestId(this.#run, own);
  }
}

/** Moves every field whose name ends in `_unixtime_ms`, wherever it stands. */
function shiftTimes(text: string, shiftMs: number): string {
  if (shiftMs === 0) return text;
  return text.replace(
    /("[a-z_]*_unixtime_ms"\s*:\s*)(\d+)/g,
    (_, name: string, digits: string) => `${name}${Number(digits) + shiftMs}`,
  );
}

/** Put last, where it also wins over a `null` that the batch may carry. */
function withRequestId(
  text: string,
  batch: Readonly<Record<string, unknown>>,
  id: string | undefined,
): string {
  if (id === undefined) return text;
  const close = text.lastIndexOf('}');
  const comma = Object.keys(batch).length === 0 ? '' : ',';
  return `${text.slice(0, close)}${comma}"source_request_id":"${id}"}`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return value === null ? 'null' : `a ${typeof value}`;
}

interface Line {
  readonly text: string;
  readonly line: number;
}

/** Lines that are not blank, in groups of one chunk. */
async function* textLines(chunks: AsyncIterable<string>): AsyncGenerator<Line[]> {
  let rest = '';
  let line = 0;
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    const lines: Line[] = [];
    for (const text of parts) {
      line += 1;
      if (text.trim() !== '') lines.push({text, line});
    }
    if (lines.length > 0) yield lines;
    // A file without line ends must not fill the memory; what it is cut into will not parse.
    if (rest.length > 2 * LINE_CHARACTERS_MAX) {
      yield [{text: rest, line: line + 1}];
      rest = '';
    }
  }
  if (rest.trim() !== '') yield [{text: rest, line: line + 1}];
}
