/** Threads that count ballots: apart from those of backfills, which are long, while somebody waits for these. */
import {join} from 'node:path';
import {Piscina} from 'piscina';
import type {BallotBox, BallotCount} from '../../storage/count-ballots.ts';
import type {BallotTask} from './ballot-job.ts';
import {taskFile} from './worker-entry.ts';

/** A thread that has nothing to do for so long ends. */
const IDLE_MS = 5 * 60_000;

export class BallotCounter {
  readonly #dataFolder: string;
  readonly #threads: number;
  #pool: Piscina | undefined;

  constructor({dataFolder, threads}: {dataFolder: string; threads: number}) {
    this.#dataFolder = dataFolder;
    this.#threads = threads;
  }

  /** Starts a thread, so that the first who asks does not wait for it. */
  warm(): void {
    this.#pool ??= new Piscina({
      filename: taskFile(
        new URL(
          import.meta.url.endsWith('.ts') ? './ballot-job.ts' : './ballot-job.js',
          import.meta.url,
        ),
      ),
      minThreads: 1,
      maxThreads: this.#threads,
      idleTimeout: IDLE_MS,
    });
  }

  count(shard: number, box: BallotBox): Promise<BallotCount> {
    this.warm();
    const path = join(this.#dataFolder, `shard-${shard}`);
    return this.#pool!.run({path, box} satisfies BallotTask) as Promise<BallotCount>;
  }

  async close(): Promise<void> {
    // Not destroyed: a thread that is terminated while it holds an LMDB environment can take the process along.
    await this.#pool?.close({force: true});
  }
}
