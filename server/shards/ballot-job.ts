/** A job of the pool: asks a shard's journal, on a snapshot, what a poll left open. */
import {type BallotBox, type BallotCount, countBallots} from '../../storage/count-ballots.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';

export interface BallotTask {
  /** Folder of the shard's LMDB environment. */
  readonly path: string;
  readonly box: BallotBox;
}

export default async function countInJob({path, box}: BallotTask): Promise<BallotCount> {
  const store = LmdbStore.open(path, {readOnly: true});
  try {
    return countBallots(store, box);
  } finally {
    await store.close();
  }
}
