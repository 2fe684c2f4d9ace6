/** What a thread that writes an archive is told, and what it says. All of it survives structured cloning. */
import type {ShardSlice} from '../shards/protocol.ts';
import type {CsvMode} from './csv.ts';

/** `workerData` of the thread. */
export interface ArchivePlan {
  readonly id: string;
  readonly archiveName: string;
  /** Where the archive and its index of mpids go; neither is there yet. */
  readonly archivePath: string;
  readonly indexPath: string;
  readonly audienceIds: readonly number[];
  /** CSV files, in the order in which slices are asked for. */
  readonly fileNames: readonly string[];
  readonly identities: readonly string[];
  readonly csv: CsvMode;
  readonly startedMs: number;
  /** A larger archive is given up. */
  readonly bytesMax: number;
}

export interface ArchiveResult {
  readonly sizeBytes: number;
  readonly rows: number;
}

export type FromArchive =
  /** Ready for more of this file. */
  | {readonly kind: 'next'; readonly file: number}
  | {readonly kind: 'done'; readonly result: ArchiveResult}
  | {
      readonly kind: 'failed';
      /** For the one who asked; undefined: a defect of ours. */
      readonly reason: string | undefined;
      /** For the log; undefined: there is no more to say. */
      readonly detail: string | undefined;
    };

/** undefined: the file has no more. */
export interface ToArchive {
  readonly slice: ShardSlice | undefined;
}

/** Its message is for the one who asked for the download. */
export class DownloadFailedError extends Error {}
