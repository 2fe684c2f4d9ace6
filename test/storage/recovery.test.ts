import {expect, test} from 'vitest';
import type {AudienceSpec} from '../../engine/audiences/audience-spec.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {DurableShard} from '../../storage/durable-shard.ts';
import {MemoryStore} from '../../storage/memory-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import {layoutKey} from '../../storage/truth-layout.ts';
import {custom, record} from '../support/oracle-build.ts';

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OPTIONS = {
  eventRetentionMs: DAY_MS,
  profileRetentionMs: DAY_MS,
  deltaRetentionMs: DAY_MS,
  startMs: START_MS,
};

/** A shard whose process ends between any two lines. */
class Machine {
  readonly #store = new MemoryStore();
  shard = new DurableShard(this.#store, OPTIONS);

  take(one: ProfileRecord): void {
    const writer = new RecordWriter();
    writer.push(one);
    void this.shard.commit(this.shard.applyRecords(writer.take(), one.arrivalMs));
  }

  define(spec: AudienceSpec, nowMs: number): void {
    void this.shard.commit(this.shard.define([spec], [], nowMs));
    const {staged} = this.shard.prepare(100, nowMs);
    if (staged !== undefined) void this.shard.commit(staged);
  }

  pass(nowMs: number): void {
    const staged = this.shard.tick(nowMs, 100);
    if (staged !== undefined) void this.shard.commit(staged);
  }

  checkpoint(): void {
    this.shard.beginCheckpoint();
    this.finishCheckpoint();
  }

  finishCheckpoint(): void {
    while (this.shard.checkpointing) void this.shard.commitRows(this.shard.stepCheckpoint(100));
  }

  /** Rows keep what they know, and their truth has to be made again. */
  forgetTruth(): void {
    void this.#store.commit([{table: 'meta', key: layoutKey(1), value: undefined}]);
  }

  /** Returns how many deltas the restart would tell. */
  crash(): number {
    this.shard = new DurableShard(this.#store, OPTIONS);
    return this.shard.shard.deltas.count;
  }
}

function audience(expression: AudienceSpec['expression']): AudienceSpec {
  return {
    id: 1,
    version: 1,
    active: true,
    expression,
    workspaces: [1],
    inputs: undefined,
    environment: 'production',
  };
}

test('a profile that ended by time, unknown to all, is not half made again from the journal', () => {
  const machine = new Machine();
  const untagged: AudienceSpec['expression'] = {
    kind: 'criterion',
    criterion: {
      kind: 'user_attribute',
      attribute: 'tag',
      workspaces: undefined,
      test: {type: 'any', operator: 'not_exists'},
    },
  };
  machine.define(audience(untagged), START_MS);
  machine.take(record(START_MS, {attributes: {tag: null}}));
  machine.checkpoint();
  machine.take(record(START_MS + HOUR_MS));
  // Nobody is told: it is in no audience. Its row goes before the next checkpoint is whole.
  machine.pass(START_MS + 3 * DAY_MS);
  machine.shard.beginCheckpoint();
  void machine.shard.commitRows(machine.shard.stepCheckpoint(0));
  expect(machine.crash()).toBe(0);
  expect(machine.shard.shard.table.count).toBe(0);
});

test('a profile that reached an event from the future is not asked about the time before', () => {
  const machine = new Machine();
  const lately: AudienceSpec['expression'] = {
    kind: 'criterion',
    criterion: {
      kind: 'last_seen',
      workspaces: undefined,
      when: {kind: 'sliding', olderMs: 6 * HOUR_MS, newerMs: 0},
    },
  };
  machine.define(audience(lately), START_MS);
  const soon = custom(START_MS + 5 * HOUR_MS, 'soon');
  machine.take(record(START_MS, {events: [soon]}));
  // The checkpoint began before that time, and the row is written after it.
  machine.shard.beginCheckpoint();
  machine.pass(START_MS + 5 * HOUR_MS);
  machine.finishCheckpoint();
  machine.forgetTruth();
  expect(machine.crash()).toBe(0);
  expect(machine.shard.shard.membershipLists.list(0)).toEqual([1, START_MS]);
});
