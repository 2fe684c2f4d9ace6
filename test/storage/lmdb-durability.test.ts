/**
 * An awaited commit is on disk, whole. lmdb does not promise in writing when the promise of a transaction
 * settles, so every version of it has to show it here: a process is killed as soon as it says that a commit was
 * awaited. (That also the power may fail then was measured with recorded writes, for the pinned version.)
 */
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect, test} from 'vitest';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {Random} from '../support/arbitraries-random.ts';
import {builtServer, temporaryFolder} from '../support/server-process.ts';

const KILLS = 15;
const ROWS = 20;

/** Says each number after the commit of it, and never ends. */
const CHILD = `
  import {writeSync} from 'node:fs';
  const {LmdbStore} = await import(process.argv[1]);
  const store = LmdbStore.open(process.argv[2]);
  for (let number = Number(process.argv[3]); ; number++) {
    const value = Buffer.alloc(1 + (number * 7919) % 9000, number & 255);
    const puts = [{table: 'journal', key: number, value}];
    if (number % 2 === 0) puts.push({table: 'feed', key: number, value});
    for (let row = 0; row < ${ROWS}; row++) {
      const key = Buffer.alloc(8, row);
      puts.push({table: 'rows', key, value: Buffer.from(String(number))});
    }
    const committed = store.commit(puts);
    // The next is under way when this one is told of.
    if (number % 3 !== 0) await committed;
    else committed.then(() => {});
    if (number % 3 !== 0) writeSync(1, number + '\\n');
  }
`;

test(`a commit that was awaited survives kill -9, and one that was not is whole or not there (${KILLS} kills)`, async () => {
  const path = join(temporaryFolder(), 'shard');
  const module = pathToFileURL(join(builtServer(), 'storage/lmdb-store.js')).href;
  const random = new Random(Date.now());
  let next = 1;
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await lastTold([module, path, String(next)], random.int(1, 12));
    const store = LmdbStore.open(path);
    const numbers = [...store.entries('journal', 0)];
    const last = numbers.at(-1)?.key ?? 0;
    expect(last, 'an awaited commit is missing').toBeGreaterThanOrEqual(told);
    expect(numbers.map(({key}) => key)).toEqual(
      Array.from({length: last}, (_, index) => index + 1),
    );
    for (const {key, value} of numbers.slice(-50)) {
      expect(value.length).toBe(1 + ((key * 7919) % 9000));
      expect(value.every(byte => byte === (key & 255))).toBe(true);
      const inFeed = store.get('feed', key);
      expect(inFeed === undefined).toBe(key % 2 === 1);
    }
    const rows = [...store.rows()].map(({value}) => Buffer.from(value).toString());
    expect(rows).toEqual(Array.from({length: last === 0 ? 0 : ROWS}, () => String(last)));
    await store.close();
    next = last + 1;
  }
  expect(next).toBeGreaterThan(KILLS * 5);
}, 60_000);

/** Kills the child as soon as it has said so many numbers; the last one it said. */
function lastTold(argv: readonly string[], count: number): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split('\n').length > count) child.kill('SIGKILL');
    });
    child.once('close', () => {
      // A number cut off midway was not told.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      resolve(Number(whole.trimEnd().split('\n').at(-1)));
    });
  });
}
