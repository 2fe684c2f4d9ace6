/** Who has which identity, over a real store: what is on its disk is never ahead of the shards. */
import {copyFileSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {
  type ClaimedBatch,
  type ClaimFate,
  IdentityDirectory,
  type Loss,
} from '../../server/inputs/identity-directory.ts';
import type {IdentityClaims} from '../../server/shards/protocol.ts';
import {IdentityStore} from '../../storage/identity-store.ts';

const EMAIL = {environment: 'production', type: 'email', value: 'e@example.com'} as const;

let folder: string;
/** Of the store that is open. */
let place: string;
let lives = 0;
let store: IdentityStore;
let directory: IdentityDirectory;
/** What the shards have: claims of settled batches, by shard; a batch's shard is its mpid modulo 2. */
let journals: [IdentityClaims[], IdentityClaims[]];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-identities-'));
  place = join(folder, 'identities');
  journals = [[], []];
  open();
  recover();
});

afterEach(async () => {
  await directory.close();
  rmSync(folder, {recursive: true});
});

test('the last batch that carries an identity has it, and the one before is told of its loss', () => {
  const first = claim(1n);
  expect(first.losses).toEqual([]);
  const second = claim(2n);
  expect(second.losses).toEqual([{...EMAIL, mpid: 1n, sequence: second.claims[0]?.sequence}]);
  expect(directory.find(EMAIL)).toBe(2n);
  expect(claim(2n).losses).toEqual([]);
});

test('an identity that its profile gave up leads to nobody, and the change leads to the profile', () => {
  claim(1n);
  const change = [{type: 'email', value: 'new@example.com', released: EMAIL.value}];
  expect(directory.resolve('production', undefined, change)).toBe(1n);
  directory.settle(directory.claim('production', 1n, change), 'durable');
  expect(directory.find(EMAIL)).toBeUndefined();
  expect(directory.find({...EMAIL, value: 'new@example.com'})).toBe(1n);
  // Somebody else's word does not take it away.
  directory.settle(
    directory.claim('production', 2n, [
      {type: 'email', value: 'two@example.com', released: 'new@example.com'},
    ]),
    'durable',
  );
  expect(directory.find({...EMAIL, value: 'new@example.com'})).toBe(1n);
});

test('identities of the two environments, and of two types, are different identities', () => {
  claim(1n);
  expect(directory.find({...EMAIL, environment: 'development'})).toBeUndefined();
  expect(directory.find({...EMAIL, type: 'customer_id'})).toBeUndefined();
});

test('a batch follows its strongest identity that anybody knows', () => {
  const customer = {type: 'customer_id', value: 'c'};
  const device = {type: 'ios_idfv', value: 'd'};
  directory.claim('production', 7n, [device]);
  expect(directory.resolve('production', undefined, [customer, device])).toBe(7n);
  directory.claim('production', 8n, [customer]);
  expect(directory.resolve('production', undefined, [device, customer])).toBe(8n);
  expect(directory.resolve('production', 9n, [device, customer])).toBe(9n);
});

test('a claim whose batch never became durable is forgotten by a crash', async () => {
  settle(claim(1n), 'durable');
  claim(2n);
  expect(directory.find(EMAIL)).toBe(2n);
  await crash();
  recover();
  expect(directory.find(EMAIL)).toBe(1n);
});

test('a claim whose batch is durable is found again, on this disk or in the journals', async () => {
  for (const isWritten of [false, true]) {
    settle(claim(1n), 'durable');
    settle(claim(2n), 'durable');
    if (isWritten) await written();
    await crash();
    recover();
    expect(directory.find(EMAIL)).toBe(2n);
  }
});

test('a loss is told again until the claim and the loss are both durable', async () => {
  settle(claim(1n), 'durable');
  await written();
  const taken = claim(2n);
  // The batch is in its journal; whether the loss is in the other one nobody knows.
  journal(taken);
  await written();
  await crash();
  expect(recover()).toEqual([{...EMAIL, mpid: 1n, sequence: taken.claims[0]?.sequence}]);
  await written();
  await crash();
  expect(recover()).toEqual([]);
  expect(directory.find(EMAIL)).toBe(2n);
});

test('claims of two shards are ordered by their numbers, whichever shard is asked first', async () => {
  const batches = [claim(1n), claim(2n), claim(1n), claim(4n), claim(3n)];
  for (const batch of batches.toReversed()) journal(batch);
  await crash();
  const losses = recover();
  expect(directory.find(EMAIL)).toBe(3n);
  // Each former owner is told of a loss after its own last claim: an earlier one would mean nothing to it.
  for (const mpid of [1n, 2n, 4n]) {
    const claimed = batches.findLast(batch => batch.mpid === mpid)?.claims[0]?.sequence;
    const told = losses.filter(loss => loss.mpid === mpid).map(({sequence}) => sequence);
    expect(Math.max(...told)).toBeGreaterThan(claimed ?? Infinity);
  }
});

test('numbers go on after a crash, also those that only losses have', async () => {
  const high = 1000;
  journals[0].push({
    watermark: 5,
    claims: [
      {environment: 'production', type: 'email', value: undefined, mpid: 2n, sequence: high},
    ],
  });
  await crash();
  recover();
  expect(claim(1n).claims[0]?.sequence).toBeGreaterThan(high);
});

test('of a batch of unknown fate the claim holds until the shards were asked', () => {
  const doubtful = claim(2n);
  settle(doubtful, 'unknown');
  expect(directory.resolve('production', undefined, doubtful.claims)).toBe(2n);
  const unknown = directory.unknown();
  recover();
  directory.settleUnknown(unknown);
  expect(directory.find(EMAIL)).toBeUndefined();

  const durable = claim(4n);
  settle(durable, 'unknown');
  journal(durable);
  const again = directory.unknown();
  recover();
  directory.settleUnknown(again);
  expect(directory.find(EMAIL)).toBe(4n);
});

test('a commit told after its shard has failed moves no watermark past what is unknown', async () => {
  const doubtful = claim(2n);
  settle(doubtful, 'unknown');
  journal(doubtful);
  directory.committed(0, 50);
  await written();
  await crash();
  recover();
  expect(directory.find(EMAIL)).toBe(2n);
});

test('a shard that commits before it was asked moves no watermark either', async () => {
  journal(claim(2n));
  await crash();
  directory.committed(0, 50);
  await written();
  expect(directory.watermark(0)).toBeLessThan(50);
  recover();
  expect(directory.find(EMAIL)).toBe(2n);
});

test('an erased profile leads nowhere, on disk too, and takes nothing of others along', async () => {
  const other = {...EMAIL, value: 'other@example.com'};
  settle(claim(1n), 'durable');
  settle(directory.claim('production', 2n, [other]), 'durable');
  const sequence = directory.erase(1n);
  expect(directory.find(EMAIL)).toBeUndefined();
  expect(directory.find(other)).toBe(2n);
  await directory.flush();
  await directory.removeErased([...store.keysOf(new Set([1n]))]);
  directory.forgetErasure(1n, sequence);
  expect(directory.find(EMAIL)).toBeUndefined();
  expect(directory.find(other)).toBe(2n);
  journals = [[], []];
  await crash();
  recover();
  expect(directory.find(EMAIL)).toBeUndefined();
});

test('what an erased profile claims from then on is its own, and stays', async () => {
  const other = {...EMAIL, value: 'other@example.com'};
  settle(claim(1n), 'durable');
  settle(directory.claim('production', 1n, [other]), 'durable');
  await written();
  const sequence = directory.erase(1n);
  // Nobody loses by it: whoever had it is gone.
  const again = claim(1n);
  expect(again.losses).toEqual([]);
  settle(again, 'durable');
  await directory.flush();
  const keys = [...store.keysOf(new Set([1n]))];
  expect(keys).toHaveLength(2);
  await directory.removeErased(keys);
  directory.forgetErasure(1n, sequence);
  expect(directory.find(EMAIL)).toBe(1n);
  expect(directory.find(other)).toBeUndefined();
  expect([...store.keysOf(new Set([1n]))]).toHaveLength(1);
});

test('a claim that is under way when its profile is erased is not written afterwards', async () => {
  const before = claim(1n);
  const sequence = directory.erase(1n);
  settle(before, 'durable');
  await directory.flush();
  expect([...store.keysOf(new Set([1n]))]).toEqual([]);
  directory.forgetErasure(1n, sequence);
  expect(directory.find(EMAIL)).toBeUndefined();
});

test('erasures that are recalled after a start are not led to', async () => {
  settle(claim(1n), 'durable');
  await written();
  const sequence = directory.erase(1n);
  await directory.flush();
  await crash();
  directory.recallErased([{mpid: 1n, sequence}]);
  expect(directory.find(EMAIL)).toBeUndefined();
  expect(claim(1n).claims[0]?.sequence).toBeGreaterThan(sequence);
});

function open(): void {
  const opened = IdentityStore.open(place);
  store = opened;
  directory = new IdentityDirectory(opened, {
    shards: 2,
    onError: error => {
      // One that has crashed may still have meant to write.
      if (store === opened) throw error;
    },
  });
}

function claim(mpid: bigint): ClaimedBatch {
  return directory.claim('production', mpid, [EMAIL]);
}

let watermark = 0;

/** The batch's record is durable with its shard. */
function journal({environment, mpid, claims}: ClaimedBatch): void {
  const entry = claims.map(each => ({environment, mpid, ...each}));
  journals[Number(mpid % 2n)]?.push({watermark: ++watermark, claims: entry});
}

function settle(batch: ClaimedBatch, fate: ClaimFate): void {
  if (fate === 'durable') journal(batch);
  directory.settle(batch, fate);
  if (fate === 'durable') directory.committed(Number(batch.mpid % 2n), watermark);
}

/** As at the start of a server: every shard is asked for what this disk may lack. */
function recover(): Loss[] {
  return [0, 1].flatMap(shard => {
    const after = directory.watermark(shard);
    const losses = directory.recover(
      (journals[shard] ?? []).filter(entry => entry.watermark > after),
    );
    directory.recovered(shard);
    directory.committed(shard, watermark);
    return losses;
  });
}

/** Longer than it waits to write. */
function written(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 60));
}

/**
 * Opens a copy of what is on the disk, as a new process would find it: what was not written is gone. The file
 * itself is not opened a second time, for this thread would wait for a write that waits for this thread.
 */
async function crash(): Promise<void> {
  const crashed = store;
  const copy = join(folder, String(++lives));
  mkdirSync(copy);
  copyFileSync(join(place, 'data.mdb'), join(copy, 'data.mdb'));
  place = copy;
  open();
  await crashed.close();
}
