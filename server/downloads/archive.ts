/**
 * Writes an archive: CSV files, then the manifest. A slice is asked for when the one before is compressed and
 * on its way to the disk, so memory holds a few slices whatever the size of the audience.
 */
import {createWriteStream} from 'node:fs';
import {open, rename, stat, type FileHandle} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {Readable, Transform} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {ShardSlice} from '../shards/protocol.ts';
import {type ArchivePlan, type ArchiveResult, DownloadFailedError} from './archive-plan.ts';
import {CSV_HEADER, csvRow} from './csv.ts';
import {type FileTotals, manifest, noTotals} from './manifest.ts';
import {indexBytes} from './member-index.ts';

/** Of yazl, which brings no types: as much as is used. */
interface ZipFile {
  readonly outputStream: Readable;
  on(event: 'error', listener: (error: Error) => void): void;
  addReadStreamLazy(
    name: string,
    options: {readonly mtime: Date; readonly mode: number},
    /** Called when its turn has come. */
    start: (give: (error: null, stream: Readable) => void) => void,
  ): void;
  end(): void;
}
const {ZipFile} = createRequire(import.meta.url)('yazl') as {ZipFile: new () => ZipFile};

/** undefined: the file has no more. */
export type NextSlice = (file: number) => Promise<ShardSlice | undefined>;

export async function writeArchive(plan: ArchivePlan, next: NextSlice): Promise<ArchiveResult> {
  const unfinished = `${plan.archivePath}.part`;
  const index = await open(plan.indexPath, 'wx', 0o600);
  const totals = plan.fileNames.map(fileName => noTotals(fileName, plan.identities));
  const zip = new ZipFile();
  zip.on('error', error => zip.outputStream.destroy(error));
  const add = (name: string, parts: () => AsyncIterable<Buffer>): void =>
    zip.addReadStreamLazy(name, {mtime: new Date(plan.startedMs), mode: 0o100600}, give => {
      const stream = Readable.from(parts(), {objectMode: false});
      // yazl pipes it on, and a pipe tells nobody of an error.
      stream.on('error', error => zip.outputStream.destroy(error));
      give(null, stream);
    });
  for (const [file, into] of totals.entries()) {
    add(into.fileName, () => csvParts(plan, {next: () => next(file), index, into}));
  }
  add('manifest.json', () => manifestPart(plan, totals));
  zip.end();
  try {
    const file = createWriteStream(unfinished, {flags: 'wx', mode: 0o600, flush: true});
    await pipeline(zip.outputStream, atMost(plan.bytesMax), file);
    await index.sync();
  } finally {
    await index.close();
  }
  await rename(unfinished, plan.archivePath);
  const {size} = await stat(plan.archivePath);
  return {sizeBytes: size, rows: totals.reduce((sum, {rows}) => sum + rows, 0)};
}

async function* csvParts(
  plan: ArchivePlan,
  {
    next,
    index,
    into,
  }: {next: () => Promise<ShardSlice | undefined>; index: FileHandle; into: FileTotals},
): AsyncIterable<Buffer> {
  yield Buffer.from(CSV_HEADER);
  for (let slice = await next(); slice !== undefined; slice = await next()) {
    await index.write(indexBytes(slice));
    const rows = csvRows(plan, slice, into);
    if (rows !== '') yield Buffer.from(rows);
  }
}

/** Counts what it writes. */
function csvRows({identities, csv}: ArchivePlan, slice: ShardSlice, into: FileTotals): string {
  let rows = '';
  let identity = 0;
  let at = 0;
  for (const [member, mpid] of slice.mpids.entries()) {
    const count = slice.identityCounts[member] ?? 0;
    for (let n = 0; n < count; n++, identity++) {
      const type = slice.types[identity] ?? 0;
      const value = slice.values.slice(at, (at += slice.lengths[identity] ?? 0));
      rows += csvRow(mpid, slice.atMs, {value, type: identities[type] ?? ''}, csv);
      into.rowsByIdentity[type] = (into.rowsByIdentity[type] ?? 0) + 1;
    }
    into.rows += count;
    if (count > 0) into.users++;
  }
  if (identity > 0) {
    into.minMs = Math.min(into.minMs ?? Infinity, slice.atMs);
    into.maxMs = Math.max(into.maxMs ?? -Infinity, slice.atMs);
  }
  return rows;
}

/** Made when its turn comes: after every file has been counted. */
async function* manifestPart(
  plan: ArchivePlan,
  totals: readonly FileTotals[],
): AsyncIterable<Buffer> {
  yield Buffer.from(manifest({...plan, generatedMs: Date.now()}, totals));
}

function atMost(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.byteLength;
      if (bytes <= bytesMax) return done(null, chunk);
      const left = `the ${bytesMax} bytes left for downloads`;
      done(new DownloadFailedError(`the file would take more than ${left}`));
    },
  });
}
