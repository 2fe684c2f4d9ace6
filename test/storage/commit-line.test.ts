import {expect, test} from 'vitest';
import {CommitLine} from '../../storage/commit-line.ts';
import type {Put} from '../../storage/shard-store.ts';

/** A disk that takes its time: each transaction ends when it is told to. */
class SlowStore {
  readonly transactions: (readonly Put[])[] = [];
  readonly #ends: {resolve: () => void; reject: (error: Error) => void}[] = [];

  commit(puts: readonly Put[]): Promise<void> {
    this.transactions.push(puts);
    return new Promise((resolve, reject) => this.#ends.push({resolve, reject}));
  }

  async end(): Promise<void> {
    this.#ends.shift()?.resolve();
    await new Promise(setImmediate);
  }

  async refuse(): Promise<void> {
    this.#ends.shift()?.reject(new Error('full'));
    await new Promise(setImmediate);
  }

  get keys(): unknown[][] {
    return this.transactions.map(puts => puts.map(({key}) => key));
  }
}

function put(key: number, bytes = 1): Put {
  return {table: 'journal', key, value: new Uint8Array(bytes)};
}

function lineOver(store: SlowStore): {line: CommitLine; refusals: unknown[]} {
  const refusals: unknown[] = [];
  const options = {bytesMax: 10, onRefused: (error: unknown) => refusals.push(error)};
  return {line: new CommitLine(store, options), refusals};
}

test('what is put while a transaction is under way is the next one, and each is told when it is durable', async () => {
  const store = new SlowStore();
  const {line} = lineOver(store);
  const told: number[] = [];
  for (const key of [1, 2]) line.put([put(key)], () => told.push(key));
  line.start();
  for (const key of [3, 4]) {
    line.put([put(key)], () => told.push(key));
    line.start();
  }
  expect({keys: store.keys, told}).toEqual({keys: [[1, 2]], told: []});
  await store.end();
  expect({keys: store.keys, told}).toEqual({
    keys: [
      [1, 2],
      [3, 4],
    ],
    told: [1, 2],
  });
  await store.end();
  expect(told).toEqual([1, 2, 3, 4]);
});

test('durable waits for everything that was put, and begins it', async () => {
  const store = new SlowStore();
  const {line} = lineOver(store);
  await line.durable();
  const steps: string[] = [];
  line.put([put(1)], () => steps.push('told'));
  const durable = line.durable().then(() => steps.push('durable'));
  expect(steps).toEqual([]);
  await store.end();
  await durable;
  expect(steps).toEqual(['told', 'durable']);
  await line.durable();
});

test('there is room until too many bytes wait', async () => {
  const store = new SlowStore();
  const {line} = lineOver(store);
  line.put([put(1, 100)]);
  line.start();
  line.put([put(2, 9)]);
  await line.room();
  line.put([put(3, 9)]);
  let hasRoom = false;
  void line.room().then(() => (hasRoom = true));
  await store.end();
  expect(hasRoom).toBe(false);
  await store.end();
  expect(hasRoom).toBe(true);
});

test('after a refusal nothing more is written, and nobody is told', async () => {
  const store = new SlowStore();
  const {line, refusals} = lineOver(store);
  const told: number[] = [];
  line.put([put(1)], () => told.push(1));
  const first = line.durable();
  line.put([put(2)], () => told.push(2));
  const both = Promise.allSettled([first, line.durable()]);
  await store.refuse();
  expect((await both).map(({status}) => status)).toEqual(['rejected', 'rejected']);
  line.put([put(3)], () => told.push(3));
  line.start();
  await expect(line.durable()).rejects.toThrow('full');
  expect({keys: store.keys, told, refusals: refusals.length}).toEqual({
    keys: [[1]],
    told: [],
    refusals: 1,
  });
});
