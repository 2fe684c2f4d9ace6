import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {MessageChannel} from 'node:worker_threads';
import {afterEach, beforeEach, expect, test} from 'vitest';
import backfill from '../../server/shards/backfill-job.ts';
import type {FromBackfill, ToBackfill} from '../../server/shards/messages.ts';
import {encodeJournalEntry} from '../../storage/journal-entry.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';

const ENTRIES = 20_000;

let path: string;
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'muster-backfill-'));
  const store = LmdbStore.open(path);
  const value = encodeJournalEntry({nowMs: 1, lastMs: 1, drainedMs: 1, content: {kind: 'tick'}});
  await store.commit(
    Array.from({length: ENTRIES}, (_, index) => ({table: 'journal', key: index + 1, value})),
  );
  await store.close();
});
afterEach(() => rmSync(path, {recursive: true}));

test('a scan that finds nothing tells how far it is all the same', async () => {
  const {port1, port2} = new MessageChannel();
  const told: FromBackfill[] = [];
  const isOver = new Promise(resolve => port1.once('close', resolve));
  port1.on('message', (message: FromBackfill) => {
    told.push(message);
    if (message.kind === 'found') port1.postMessage({kind: 'taken'} satisfies ToBackfill);
  });
  const range = {until: ENTRIES, oldestMs: 0, nowMs: 1};
  await backfill({path, wanted: [], range, port: port2});
  await isOver;
  const progress = told.flatMap(message => (message.kind === 'found' ? message.progress : []));
  expect(progress.length).toBeGreaterThan(4);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress[0]).toBeLessThan(0.5);
  expect(progress.at(-1)).toBe(1);
  expect(told.at(-1)).toEqual({kind: 'done'});
});
