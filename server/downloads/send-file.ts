/** A file over HTTP, whole or in part, so that a client that was cut off goes on where it was. */
import {open} from 'node:fs/promises';
import type {TransportResponse} from '../http/transport.ts';
import {readByteRange} from './byte-range.ts';

export interface SentFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** In ASCII, without quotes. */
  readonly fileName: string;
  /** Quoted; the same for the same bytes only. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** Of the request; '' when absent. */
export interface Conditions {
  readonly isHead: boolean;
  readonly range: string;
  readonly ifRange: string;
  readonly ifNoneMatch: string;
}

const PIECE_BYTES = 64 * 1024;

/** `isThere` is asked before every piece: once it says no the client is cut off. */
export async function sendFile(
  response: TransportResponse,
  file: SentFile,
  conditions: Conditions,
  isThere: () => boolean,
): Promise<void> {
  const {sizeBytes, etag} = file;
  const headers = {
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${file.fileName}"`,
    'accept-ranges': 'bytes',
    'last-modified': new Date(file.modifiedMs).toUTCString(),
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
    etag,
  };
  if (isAmong(conditions.ifNoneMatch, etag)) return response.send(304, headers, '');
  const range = askedRange(file, conditions);
  if (range === 'unsatisfiable') {
    const contentRange = {'content-range': `bytes */${sizeBytes}`};
    return response.send(416, {...contentRange, 'content-type': 'application/json'}, UNSATISFIABLE);
  }
  const {start, end} = range === 'whole' ? {start: 0, end: sizeBytes - 1} : range;
  const status = range === 'whole' ? 200 : 206;
  const partHeaders =
    range === 'whole'
      ? headers
      : {...headers, 'content-range': `bytes ${start}-${end}/${sizeBytes}`};
  if (conditions.isHead) return response.stream(status, partHeaders, end - start + 1).end();
  await sendBytes(response, {file, start, end, status, headers: partHeaders}, isThere);
}

async function sendBytes(
  response: TransportResponse,
  {
    file,
    start,
    end,
    status,
    headers,
  }: {file: SentFile; start: number; end: number; status: number; headers: Record<string, string>},
  isThere: () => boolean,
): Promise<void> {
  const handle = await open(file.path, 'r');
  try {
    const stream = response.stream(status, headers, end - start + 1);
    for (let at = start; at <= end && !response.aborted && isThere();) {
      // A new one each time: the transport keeps it until it is sent.
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end + 1 - at));
      const {bytesRead} = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      if (!stream.write(piece.subarray(0, bytesRead))) await stream.drained();
    }
    stream.end();
  } finally {
    await handle.close();
  }
}

/** A part is sent only of the file that the client has the rest of. A HEAD is about the whole. */
function askedRange(
  {sizeBytes, etag}: SentFile,
  {range, ifRange, isHead}: Conditions,
): ReturnType<typeof readByteRange> {
  if (range === '' || isHead || (ifRange !== '' && ifRange !== etag)) return 'whole';
  return readByteRange(range, sizeBytes);
}

function isAmong(header: string, etag: string): boolean {
  return header
    .split(',')
    .map(each => each.trim().replace(/^W\//, ''))
    .some(each => each === etag || each === '*');
}

const UNSATISFIABLE = JSON.stringify({
  errors: [{code: 'RANGE_NOT_SATISFIABLE', message: 'the file is shorter than that'}],
});
