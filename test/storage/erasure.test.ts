/** What is left of the erased, searched for in the bytes of the store, under crashes, against the oracle. */
import {describe, expect, test} from 'vitest';
import {ADD, DELETE, DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';
import {type ErasedEntries, findErased} from '../../storage/erased-entries.ts';
import {decodeFeedEntry} from '../../storage/feed-entry.ts';
import {decodeJournalEntry} from '../../storage/journal-entry.ts';
import type {MemoryStore} from '../../storage/memory-store.ts';
import type {PendingErasures} from '../../storage/pending-erasures.ts';
import {decodeRecords, recordMpid, RecordWriter} from '../../storage/record-codec.ts';
import {randomHistory} from '../support/arbitraries.ts';
import {Random} from '../support/arbitraries-random.ts';
import {Simulation} from '../support/simulation.ts';

interface Left {
  readonly watermark: number;
  readonly mpid: string;
}

function recordsOf(store: MemoryStore, table: 'journal' | 'sample'): Left[] {
  const found: Left[] = [];
  for (const {key: watermark, value} of store.entries(table, 0)) {
    const {content} = decodeJournalEntry(value, watermark);
    if (content.kind !== 'records') continue;
    for (const {mpidHi, mpidLo} of decodeRecords(content.records)) {
      found.push({watermark, mpid: String(mpidFrom(mpidHi, mpidLo))});
    }
  }
  return found;
}

interface LeftDelta extends Left {
  readonly index: number;
  readonly audience: number;
  readonly action: number;
  readonly isErased: boolean;
}

function deltasOf(store: MemoryStore): LeftDelta[] {
  const found: LeftDelta[] = [];
  for (const {key: watermark, value} of store.entries('feed', 0)) {
    const deltas = new DeltaReader(decodeFeedEntry(value, watermark));
    for (let index = 0; index < deltas.count; index++) {
      found.push({
        watermark,
        index,
        mpid: String(mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index))),
        audience: deltas.audience(index),
        action: deltas.action(index),
        isErased: deltas.isErased(index),
      });
    }
  }
  return found;
}

function search(store: MemoryStore, pending: PendingErasures['pending']): ErasedEntries {
  const steps = findErased(store, pending);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The background work of the server, in steps, that starts anew after a crash. */
class Cleaner {
  readonly #simulation: Simulation;
  #found: {records: number[]; deltas: ErasedEntries['deltas']} | undefined;
  #searched: readonly number[] = [];
  ended = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  crash(): void {
    this.#found = undefined;
  }

  /** False when there is nothing to do. */
  step(): boolean {
    const {store, durable} = this.#simulation;
    const {erasures} = durable;
    if (erasures.pending.length === 0) return false;
    if (this.#found === undefined) {
      const {records, deltas} = search(store, erasures.pending);
      this.#found = {records, deltas};
      this.#searched = erasures.pending.map(({watermark}) => watermark);
      return true;
    }
    const {records, deltas} = this.#found;
    if (records.length + deltas.length === 0) {
      void durable.commitRows(erasures.end(this.#searched));
      this.ended += this.#searched.length;
      this.#found = undefined;
      return true;
    }
    const done = erasures.remove({records, deltas}, 1);
    void durable.commitRows(done.puts);
    expect(done.records + done.deltas).toBeGreaterThan(0);
    this.#found = {records: records.slice(done.records), deltas: deltas.slice(done.deltas)};
    return true;
  }
}

/** Members as somebody knows them who was away since `after` and folds what the feed still says. */
function fold(known: Map<string, Set<string>>, deltas: readonly LeftDelta[], after: number): void {
  for (const {watermark, audience, mpid, action, isErased} of deltas) {
    if (watermark <= after || isErased) continue;
    const members = known.get(String(audience)) ?? new Set();
    known.set(String(audience), members);
    if (action === ADD) members.add(mpid);
    if (action === DELETE) members.delete(mpid);
  }
}

function nonEmpty(known: ReadonlyMap<string, ReadonlySet<string>>): Record<string, string[]> {
  const sorted = [...known].map(([id, members]) => [id, [...members].sort()] as const);
  return Object.fromEntries(sorted.filter(([, members]) => members.length > 0));
}

function run(seed: number): number {
  const history = randomHistory(seed, {kinds: 'all'});
  const simulation = new Simulation(history, {crashes: true, slowFills: false});
  const random = new Random(seed ^ 0xe4a5e);
  const cleaner = new Cleaner(simulation);
  const {store} = simulation;
  const erasedAt = new Map<string, number>();
  // Readers that went away at some moment, with what they knew then.
  const away: {after: number; known: Map<string, Set<string>>}[] = [];
  const all = new Map<string, Set<string>>();
  let told = 0;
  for (const step of history.steps) {
    const before = simulation.durable.erasures.pending.length;
    simulation.step(step);
    for (; told < simulation.told.length; told++) {
      const {audience, mpid, member} = simulation.told[told]!;
      const members = all.get(String(audience)) ?? new Set();
      all.set(String(audience), members);
      if (member) members.add(mpid);
      else members.delete(mpid);
    }
    if (step.kind === 'erase' && simulation.durable.erasures.pending.length > before) {
      const mpid = String(mpidFrom(step.mpidHi, step.mpidLo));
      erasedAt.set(mpid, simulation.durable.watermark);
    }
    if (random.int(0, 3) === 0) {
      const known = new Map([...all].map(([id, members]) => [id, new Set(members)]));
      away.push({after: simulation.durable.watermark, known});
    }
    if (random.int(0, 1) === 0) cleaner.step();
    const life = simulation.durable;
    simulation.disturb();
    if (simulation.durable !== life) cleaner.crash();
  }
  while (cleaner.step());
  const nowMs = history.steps.at(-1)!.nowMs;
  simulation.compare(nowMs);
  expect(simulation.durable.erasures.pending).toEqual([]);
  for (const table of ['journal', 'sample'] as const) {
    for (const {mpid, watermark} of recordsOf(store, table)) {
      expect(watermark, `${table} of ${mpid}`).toBeGreaterThan(erasedAt.get(mpid) ?? 0);
    }
  }
  const deltas = deltasOf(store);
  const lastDeletes = new Set<string>();
  for (const {mpid, watermark, action, audience, isErased} of deltas) {
    if (watermark > (erasedAt.get(mpid) ?? 0) || isErased) continue;
    expect(action, `what the feed has of ${mpid}`).toBe(DELETE);
    const name = `${mpid} ${audience}`;
    expect(lastDeletes.has(name), `one delete of ${name}`).toBe(false);
    lastDeletes.add(name);
  }
  for (const {after, known} of away) {
    // Those are told to start anew.
    if (after < simulation.durable.feedFloor) continue;
    fold(known, deltas, after);
    expect(nonEmpty(known), `a reader that was away since ${after}`).toEqual(nonEmpty(all));
  }
  // A shard that starts from what is left is the same.
  simulation.disturb();
  simulation.compare(nowMs);
  return cleaner.ended;
}

describe('after an erasure', () => {
  test('nothing of the person is left, and everybody else is as they were, wherever it crashes', () => {
    let ended = 0;
    for (let seed = 30_001; seed <= 30_050; seed++) {
      try {
        ended += run(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, {cause: error});
      }
    }
    expect(ended).toBeGreaterThan(20);
  }, 120_000);
});

test('whose a record is is read from its bytes, for every size of number', () => {
  const edges = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1];
  const writer = new RecordWriter();
  const expected: {hi: number; lo: number}[] = [];
  for (const hi of [...edges, -1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31)]) {
    for (const lo of [...edges, 2 ** 31, 2 ** 32 - 1]) {
      expected.push({hi, lo});
      writer.push({
        mpidHi: hi,
        mpidLo: lo,
        scope: 2,
        inputId: 1,
        arrivalMs: 5,
        batchMs: 5,
        events: [],
        attributes: [],
        identities: [],
        consent: [],
        device: [],
        location: undefined,
        seen: [],
        extra: '',
      });
      const bytes = writer.take();
      expect({...recordMpid(bytes, 0)}).toEqual({hi, lo});
    }
  }
  expect(expected).toHaveLength(17 * 11);
});
