/** A job of the pool: finds, on a snapshot, what a shard or the identities directory still has of the erased. */
import {type ErasedEntries, type ErasedProfile, findErased} from '../../storage/erased-entries.ts';
import {IdentityStore} from '../../storage/identity-store.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {letEventsPass} from './let-events-pass.ts';

export type ErasureTask = {
  readonly path: string;
  /** Shared with whoever waits: 1 when nobody does any more. */
  readonly stop: Int32Array;
} & (
  | {readonly kind: 'shard'; readonly profiles: readonly ErasedProfile[]}
  | {readonly kind: 'identities'; readonly mpids: ReadonlySet<bigint>}
);

export type ErasureResult<T extends ErasureTask['kind']> = T extends 'shard'
  ? ErasedEntries
  : readonly Uint8Array[];

export default async function findInJob(
  task: ErasureTask,
): Promise<ErasedEntries | readonly Uint8Array[]> {
  letEventsPass();
  return task.kind === 'shard' ? inShard(task) : inDirectory(task);
}

async function inShard({
  path,
  profiles,
  stop,
}: ErasureTask & {kind: 'shard'}): Promise<ErasedEntries> {
  const store = LmdbStore.open(path, {readOnly: true});
  try {
    const search = findErased(store, profiles);
    for (;;) {
      const step = search.next();
      if (step.done === true) return step.value;
      if (Atomics.load(stop, 0) === 1) throw new Error('a search for the erased was stopped');
    }
  } finally {
    await store.close();
  }
}

async function inDirectory({
  path,
  mpids,
  stop,
}: ErasureTask & {kind: 'identities'}): Promise<readonly Uint8Array[]> {
  const store = IdentityStore.open(path, {readOnly: true});
  try {
    const keys: Uint8Array[] = [];
    for (const key of store.keysOf(mpids)) {
      if (Atomics.load(stop, 0) === 1) throw new Error('a search for the erased was stopped');
      keys.push(key);
    }
    return keys;
  } finally {
    await store.close();
  }
}
