import {createReadStream} from 'node:fs';

/** One batch ready to send. */
export interface ReplayBatch {
  /** JSON, with its source_request_id. */
  readonly text: string;
  /** Batches of one profile have the same; '' when nothing names a profile. */
  readonly profile: string;
  readonly eventCount: number;
  /** Where it came from, for messages. */
  readonly line: number;
}

/** What a source has met so far. */
export interface SourceTally {
  bytesRead: number;
  /** Rows that the mapping leaves out. */
  skippedRows: number;
  /** Lines or rows that could not be read. */
  unreadable: number;
  /** The first few of those, as sentences. */
  readonly complaints: string[];
}

export interface ReplaySource {
  readonly tally: SourceTally;
  /** The newest time in the file; undefined when there is none. Reads the whole file. */
  newestMs(): Promise<number | undefined>;
  /** In the order to send them. */
  batches(shiftMs: number): AsyncIterable<readonly ReplayBatch[]>;
}

/** The file or the mapping cannot be used at all: exit code 2, nothing was sent. */
export class SourceProblem extends Error {
  override readonly name = 'SourceProblem';
}

export const COMPLAINTS_MAX = 5;

export function complain(tally: SourceTally, sentence: string): void {
  tally.unreadable += 1;
  if (tally.complaints.length < COMPLAINTS_MAX) tally.complaints.push(sentence);
}

/** Opens FILE again for each pass; standard input can be passed over once. */
export type OpenText = (onBytes: (count: number) => void) => AsyncIterable<string>;

export function openFile(path: string): OpenText {
  return onBytes => decode(createReadStream(path, {highWaterMark: 65_536}), onBytes);
}

export async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<string> {
  // Takes off a byte order mark, and keeps a character that two chunks share whole.
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    onBytes(chunk.length);
    yield decoder.decode(chunk, {stream: true});
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** What orders batches: the mpid, else the strongest identity, as the server would look for it. */
export function profileOf(batch: Readonly<Record<string, unknown>>): string {
  const mpid = batch['mpid'];
  if (typeof mpid === 'string' || typeof mpid === 'number') return `mpid ${mpid}`;
  const identities = batch['user_identities'];
  if (typeof identities === 'object' && identities !== null) {
    const known = identities as Record<string, unknown>;
    for (const type of ['customer_id', 'customerid', 'email']) {
      if (typeof known[type] === 'string') return `${type.replace('_', '')} ${known[type]}`;
    }
    for (const type of Object.keys(known).sort()) {
      if (typeof known[type] === 'string') return `${type} ${known[type]}`;
    }
  }
  return typeof batch['mp_deviceid'] === 'string' ? `device ${batch['mp_deviceid']}` : '';
}
