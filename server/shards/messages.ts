/** Messages between the main thread and one shard thread. */
import type {MessagePort} from 'node:worker_threads';
import type {WantedHistory} from '../../storage/backfill-scan.ts';
import type {ScanRange} from '../../storage/backfill-scan.ts';
import type {ShardCalls} from './protocol.ts';

/** `workerData` of a shard thread. */
export interface ShardSetup {
  readonly shard: number;
  /** Folder of its LMDB environment. */
  readonly path: string;
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  readonly deltaRetentionMs: number;
  readonly checkpointEveryMs: number;
  readonly groupBytesMax: number;
  readonly columnBytesMax: number;
  /** As the call `watch` has it: known before the shard tells anything, which it does before it is called. */
  readonly watched: readonly string[];
  /** The disk refused a commit of the thread before: nothing is written until it takes something. */
  readonly isSuspended: boolean;
}

export type ToShard =
  | {readonly kind: 'ingest'; readonly id: number; readonly records: Uint8Array}
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: keyof ShardCalls;
      readonly args: unknown;
    };

export type FromShard =
  | {
      readonly kind: 'ready';
      readonly watermark: number;
      readonly feedFloor: number;
      /** Deduplication hashes within the retention: time, hash, hash, …, one array for each entry. */
      readonly seen: readonly Float64Array[];
    }
  | {readonly kind: 'writable'}
  | {
      readonly kind: 'committed';
      readonly watermark: number;
      readonly feedFloor: number;
      readonly deltas: Uint8Array;
      readonly ingests: readonly number[];
    }
  | {readonly kind: 'result'; readonly id: number; readonly value: unknown}
  | {readonly kind: 'refused'; readonly id: number}
  | {readonly kind: 'backfill'; readonly task: BackfillTask}
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly why: 'defect' | 'disk refuses' | 'disk is damaged';
    };

/** A journal scan for the job pool. What is found goes straight to the shard, through the port. */
export interface BackfillTask {
  readonly path: string;
  readonly wanted: readonly WantedHistory[];
  readonly range: ScanRange;
  readonly port: MessagePort;
}

export type FromBackfill =
  | {
      readonly kind: 'found';
      readonly found: import('../../storage/backfill-scan.ts').FoundEntries;
      readonly progress: number;
    }
  | {readonly kind: 'done'}
  | {readonly kind: 'failed'; readonly message: string};

/** The shard says how many chunks it has taken in: the scan stays at most a few ahead. */
export interface ToBackfill {
  readonly kind: 'taken';
}
