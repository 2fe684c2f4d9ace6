/** Child of catalog-store.test.ts: makes changes and prints each number once it is promised durable. */
import {writeSync} from 'node:fs';
import {CatalogStore} from '../../storage/catalog-store.ts';

const store = await CatalogStore.open<{rows: number}, Record<string, never>>(
  process.argv[2] ?? '',
  {resident: ['rows'], archived: []},
);
await Promise.all([1, 2, 3].map(makeChanges));

async function makeChanges(): Promise<void> {
  for (;;) {
    const id = await store.change(write => {
      const next = write.nextId('rows');
      write.put('rows', next, next);
      return next;
    });
    writeSync(1, `${id}\n`);
  }
}
