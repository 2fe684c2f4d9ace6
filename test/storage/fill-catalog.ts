/**
 * Child of catalog-store.test.ts, started with a soft limit on the size of its files: fills the
 * catalogue until the disk refuses, lifts the limit, goes on, and says what it saw as one line of JSON.
 */
import {execFileSync} from 'node:child_process';
import {CatalogStore, CatalogWriteError} from '../../storage/catalog-store.ts';

const store = await CatalogStore.open<{rows: string}, Record<string, never>>(
  process.argv[2] ?? '',
  {
    resident: ['rows'],
    archived: [],
  },
);
const row = 'x'.repeat(5_000);
const kept = new Set<number>();
let refused = 0;
let wrongErrors = 0;
for (let id = 0; id < 100 && refused === 0; id += 4) {
  const changes = [0, 1, 2, 3].map(async offset => {
    try {
      await store.change(write => write.put('rows', id + offset, row));
      kept.add(id + offset);
    } catch (error) {
      refused++;
      if (!(error instanceof CatalogWriteError)) wrongErrors++;
    }
  });
  await Promise.all(changes);
}
const residentAfterRefusal = [...store.all('rows').keys()];
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
await store.change(write => write.put('rows', 1_000, row));
await store.close();
process.stdout.write(
  JSON.stringify({
    kept: [...kept],
    refused,
    wrongErrors,
    residentAfterRefusal,
  }),
);
