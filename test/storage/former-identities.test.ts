/** What is kept of identities that are gone, for how long, and that an erasure leaves the farewell alone. */
import {expect, test} from 'vitest';
import {IDENTITY_MARK} from '../../engine/profiles/former-identities.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {DurableShard} from '../../storage/durable-shard.ts';
import {findErased} from '../../storage/erased-entries.ts';
import {formerIdentities} from '../../storage/former-identities.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import {rowKey} from '../../storage/row-codec.ts';
import {record} from '../support/oracle-build.ts';

const START_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

class Machine {
  readonly store = new MemoryStore();
  readonly shard = new DurableShard(this.store, {
    eventRetentionMs: 30 * DAY_MS,
    profileRetentionMs: 30 * DAY_MS,
    deltaRetentionMs: DAY_MS,
    startMs: START_MS,
  });

  constructor(watched: readonly string[] = [`${IDENTITY_MARK}email`]) {
    this.shard.shard.watch(watched);
  }

  /** With this address, as of its number. */
  take(mpid: bigint, email: string, sequence: number): void {
    const identities = [{type: 'email', value: email, sequence}];
    this.#take(record(START_MS + sequence, {mpid, identities}));
  }

  #take(one: ProfileRecord): void {
    const writer = new RecordWriter();
    writer.push(one);
    void this.shard.commit(this.shard.applyRecords(writer.take(), one.arrivalMs));
  }

  erase(lo: number): void {
    const staged = this.shard.erase(0, lo, START_MS + 100);
    if (staged !== undefined) void this.shard.commit(staged);
  }

  clean(): void {
    const search = findErased(this.store, this.shard.erasures.pending);
    let step = search.next();
    while (step.done !== true) step = search.next();
    void this.shard.commitRows(this.shard.erasures.remove(step.value, 1e9).puts);
  }

  checkpoint(nowMs: number): void {
    const staged = this.shard.tick(nowMs, 1000);
    if (staged !== undefined) void this.shard.commit(staged);
    this.shard.beginCheckpoint();
    while (this.shard.checkpointing) void this.shard.commitRows(this.shard.stepCheckpoint(100));
  }

  /** As of an entry: `isGone` and the addresses. */
  former(lo: number, watermark: number): unknown {
    const found = formerIdentities(this.store, {hi: 0, lo, watermark});
    return found && [found.isGone, ...found.identities.map(({value}) => value)];
  }
}

test('a changed identity is kept with its entry, all that a profile had when it is gone', () => {
  const machine = new Machine();
  machine.take(5n, 'a@x', 1);
  machine.take(5n, 'b@x', 2);
  machine.take(6n, 'c@x', 3);
  expect([machine.former(5, 1), machine.former(5, 2), machine.former(6, 3)]).toEqual([
    undefined,
    [false, 'a@x'],
    undefined,
  ]);
  machine.erase(5);
  // Of every delta of the profile's life, whenever it was.
  expect([1, 2, 4].map(watermark => machine.former(5, watermark))).toEqual([
    [true, 'b@x'],
    [true, 'a@x', 'b@x'],
    [true, 'b@x'],
  ]);
  expect(machine.former(6, 3)).toBeUndefined();
  machine.take(5n, 'new@x', 5);
  expect(machine.former(5, 5)).toBeUndefined();
});

test('an erasure takes the earlier ones out, and the farewell goes with the deltas', () => {
  const machine = new Machine();
  machine.take(5n, 'a@x', 1);
  machine.take(5n, 'b@x', 2);
  machine.take(6n, 'c@x', 3);
  machine.take(6n, 'd@x', 4);
  machine.erase(5);
  machine.clean();
  expect([machine.former(5, 2), machine.former(6, 4)]).toEqual([
    [true, 'b@x'],
    [false, 'c@x'],
  ]);
  machine.checkpoint(START_MS + DAY_MS / 2);
  expect(machine.former(5, 2)).toEqual([true, 'b@x']);
  for (const days of [2, 3]) {
    machine.take(7n, `${days}@x`, days * DAY_MS);
    machine.checkpoint(START_MS + days * DAY_MS);
  }
  expect(machine.store.get('farewells', rowKey(0, 5))).toBeUndefined();
  const kept = [...machine.store.entries('former', -1)].map(({key}) => key);
  expect(kept).toEqual([machine.shard.watermark]);
});

test('what no reader ever asked for is not kept', () => {
  const machine = new Machine(['email', `${IDENTITY_MARK}customer_id`]);
  machine.take(5n, 'a@x', 1);
  machine.take(5n, 'b@x', 2);
  machine.erase(5);
  expect(machine.former(5, 2)).toBeUndefined();
  expect([...machine.store.entries('former', -1)]).toEqual([]);
});
