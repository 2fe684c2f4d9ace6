/**
 * The canonical workload on one shard in virtual time, on this thread: in memory alone, or with its
 * journal in LMDB, group by group as a shard thread commits them.
 */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ADD, ATTRIBUTE_UPDATE, CAUSE_TIME, DeltaReader} from '../../engine/deltas.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {Shard} from '../../engine/shard.ts';
import {CommitLine} from '../../storage/commit-line.ts';
import {DurableShard, type Staged} from '../../storage/durable-shard.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {RecordWriter} from '../../storage/record-codec.ts';
import {
  audienceSpecs,
  EVENT_RETENTION_MS,
  eventRecord,
  populationRecord,
  PROFILE_RETENTION_MS,
  profileOf,
} from '../workload-records.ts';
import {type Workload, WORKLOAD_START_MS} from '../workload.ts';
import {populationChecksum, RollingChecksum} from './checksum.ts';
import type {Latencies} from './latencies.ts';

/** Records made at a time, outside the measured part. */
const CHUNK_EVENTS = 8192;
const POPULATION_GROUP = 1024;
/** Bytes that wait for the disk before events have to: a server's own bound. */
const GROUP_BYTES_MAX = 4 * 2 ** 20;

/** What a subscriber to everything would know. */
export class Reader {
  readonly memberships: Uint16Array;
  deltas = 0;
  deltasByTime = 0;

  constructor(profiles: number) {
    this.memberships = new Uint16Array(profiles);
  }

  take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const deltas = new DeltaReader(bytes);
    this.deltas += deltas.count;
    for (let i = 0; i < deltas.count; i++) {
      const action = deltas.action(i);
      if (action === ATTRIBUTE_UPDATE) continue;
      if (deltas.cause(i) === CAUSE_TIME) this.deltasByTime++;
      this.memberships[profileOf(deltas.mpidLo(i))]! += action === ADD ? 1 : -1;
    }
  }
}

export interface EngineRun {
  readonly shard: Shard;
  readonly reader: Reader;
  readonly rolling: RollingChecksum;
  /** Number of the next event. */
  readonly next: number;
  /** Goes on for so many events, noting memberships after each; nothing is measured. */
  warmUp(events: number): Promise<void>;
  /** Goes on for about so long; returns the events and the time that they took. */
  measure(seconds: number, latencies: Latencies): Promise<{events: number; wallMs: number}>;
  /** Of all profiles, as of the last event. */
  populationChecksum(): string;
  close(): Promise<void>;
}

/** Journal off: one event at a time, each at its own moment. */
export class MemoryRun implements EngineRun {
  readonly shard = new Shard({
    eventRetentionMs: EVENT_RETENTION_MS,
    profileRetentionMs: PROFILE_RETENTION_MS,
    startMs: WORKLOAD_START_MS,
  });
  readonly reader: Reader;
  readonly rolling = new RollingChecksum();
  readonly #workload: Workload;
  next = 0;

  private constructor(workload: Workload) {
    this.#workload = workload;
    this.reader = new Reader(workload.profiles);
  }

  static start(workload: Workload): MemoryRun {
    const run = new MemoryRun(workload);
    const {shard} = run;
    shard.define(audienceSpecs(workload), [], WORKLOAD_START_MS);
    for (const history of shard.criteria.histories()) history.ready = true;
    while (shard.prepare(1000));
    for (let profile = 0; profile < workload.profiles; profile++) {
      shard.apply(populationRecord(workload, profile), WORKLOAD_START_MS);
      if (profile % POPULATION_GROUP === 0) run.#read();
    }
    run.#read();
    return run;
  }

  warmUp(events: number): Promise<void> {
    const {shard, reader, rolling} = this;
    for (let left = events; left > 0; left -= CHUNK_EVENTS) {
      const count = Math.min(left, CHUNK_EVENTS);
      const block = this.#workload.events(this.next, count);
      for (let i = 0; i < count; i++) {
        const nowMs = this.#workload.timeOf(this.next++);
        shard.advance(nowMs, Infinity);
        shard.apply(eventRecord(this.#workload, block, i), nowMs);
        this.#read();
        rolling.add(reader.memberships[block.profile[i]!]!);
      }
    }
    return Promise.resolve();
  }

  measure(seconds: number, latencies: Latencies): Promise<{events: number; wallMs: number}> {
    const {shard} = this;
    let events = 0;
    let wallMs = 0;
    while (wallMs < seconds * 1000) {
      const records = recordsOf(this.#workload, this.next);
      const startedMs = performance.now();
      let beforeMs = startedMs;
      for (let i = 0; i < records.length; i++) {
        const nowMs = this.#workload.timeOf(this.next + i);
        shard.advance(nowMs, Infinity);
        shard.apply(records[i]!, nowMs);
        if ((i & 63) === 63) this.#read();
        const afterMs = performance.now();
        latencies.record(afterMs - beforeMs);
        beforeMs = afterMs;
      }
      wallMs += beforeMs - startedMs;
      events += records.length;
      this.next += records.length;
    }
    return Promise.resolve({events, wallMs});
  }

  populationChecksum(): string {
    this.#read();
    return populationChecksum(this.reader.memberships);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #read(): void {
    if (this.shard.deltas.count > 0) this.reader.take(this.shard.deltas.take());
  }
}

/** Journal on: records arrive as bytes in groups; a group is applied while the one before it is committed. */
export class JournalRun implements EngineRun {
  readonly reader: Reader;
  readonly rolling = new RollingChecksum();
  readonly #workload: Workload;
  readonly #group: number;
  readonly #folder: string;
  readonly #store: LmdbStore;
  readonly #durable: DurableShard;
  readonly #writer = new RecordWriter();
  readonly #line: CommitLine;
  next = 0;

  private constructor(workload: Workload, folder: string, group: number) {
    this.#workload = workload;
    this.#group = group;
    this.#folder = folder;
    this.#store = LmdbStore.open(join(folder, 'shard-0'));
    this.#durable = new DurableShard(this.#store, {
      eventRetentionMs: EVENT_RETENTION_MS,
      profileRetentionMs: PROFILE_RETENTION_MS,
      deltaRetentionMs: EVENT_RETENTION_MS,
      startMs: WORKLOAD_START_MS,
    });
    this.#line = new CommitLine(this.#store, {
      bytesMax: GROUP_BYTES_MAX,
      onRefused: error => {
        throw error;
      },
    });
    this.reader = new Reader(workload.profiles);
  }

  /** `group` divides the milestones of the checksum, or they are not comparable. */
  static async start(workload: Workload, {group}: {group: number}): Promise<JournalRun> {
    const run = new JournalRun(workload, await mkdtemp(join(tmpdir(), 'muster-bench-')), group);
    const durable = run.#durable;
    run.#put(durable.define(audienceSpecs(workload), [], WORKLOAD_START_MS));
    for (let more = true; more;) {
      const step = durable.prepare(1000, WORKLOAD_START_MS);
      if (step.staged !== undefined) run.#put(step.staged);
      await run.#commit();
      more = step.more;
    }
    for (let profile = 0; profile < workload.profiles; profile++) {
      run.#writer.push(populationRecord(workload, profile));
      if (run.#writer.count < POPULATION_GROUP && profile < workload.profiles - 1) continue;
      run.#put(durable.applyRecords(run.#writer.take(), WORKLOAD_START_MS));
      await run.#commit();
    }
    await run.#line.durable();
    return run;
  }

  get shard(): Shard {
    return this.#durable.shard;
  }

  async warmUp(events: number): Promise<void> {
    for (let left = events; left > 0; left -= this.#group) {
      const [group] = this.#groups(Math.min(left, this.#group));
      await this.#apply(group!);
    }
    await this.#line.durable();
  }

  async measure(seconds: number, latencies: Latencies): Promise<{events: number; wallMs: number}> {
    let events = 0;
    let wallMs = 0;
    while (wallMs < seconds * 1000) {
      const groups = this.#groups(CHUNK_EVENTS);
      const startedMs = performance.now();
      for (const group of groups) {
        const arrivedMs = performance.now();
        await this.#apply(group, () => latencies.record(performance.now() - arrivedMs));
        events += group.count;
      }
      await this.#line.durable();
      wallMs += performance.now() - startedMs;
    }
    return {events, wallMs};
  }

  populationChecksum(): string {
    return populationChecksum(this.reader.memberships);
  }

  async close(): Promise<void> {
    await this.#line.durable();
    await this.#store.close();
    await rm(this.#folder, {recursive: true, force: true});
  }

  async #apply(group: RecordGroup, committed: () => void = () => {}): Promise<void> {
    this.#put(this.#durable.applyRecords(group.bytes, group.nowMs), committed);
    const late = this.#durable.tick(group.nowMs, Infinity);
    if (late !== undefined) this.#put(late);
    await this.#commit();
  }

  #put(staged: Staged, committed: () => void = () => {}): void {
    this.#line.put(staged.puts, () => {
      this.reader.take(staged.deltas);
      committed();
    });
  }

  /** As a shard thread does: while one transaction syncs, what is applied meanwhile becomes the next. */
  async #commit(): Promise<void> {
    this.#line.start();
    await this.#line.room();
    await new Promise(resolve => setImmediate(resolve));
  }

  #groups(events: number): RecordGroup[] {
    const groups: RecordGroup[] = [];
    const block = this.#workload.events(this.next, events);
    for (let i = 0; i < events; i++) {
      this.#writer.push(eventRecord(this.#workload, block, i));
      const isLast = i === events - 1;
      if (this.#writer.count < this.#group && !isLast) continue;
      const count = this.#writer.count;
      const nowMs = this.#workload.timeOf(block.first + i);
      groups.push({bytes: this.#writer.take(), nowMs, count});
    }
    this.next += events;
    return groups;
  }
}

interface RecordGroup {
  readonly bytes: Uint8Array;
  /** All of it is applied at the time of its last event. */
  readonly nowMs: number;
  readonly count: number;
}

function recordsOf(workload: Workload, first: number): ProfileRecord[] {
  const block = workload.events(first, CHUNK_EVENTS);
  return Array.from({length: CHUNK_EVENTS}, (_, i) => eventRecord(workload, block, i));
}
