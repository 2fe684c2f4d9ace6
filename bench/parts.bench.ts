/**
 * The small parts one by one, and beside them what the machine itself takes for the like: what a figure of
 * the whole is made of, and how far down it could go. Nanoseconds each, by tinybench.
 */
import {closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Packr} from 'msgpackr';
import {Bench} from 'tinybench';
import type {Predicate} from '../engine/criteria/predicate.ts';
import {DeltaReader, DeltaWriter} from '../engine/deltas.ts';
import {HistorySlab, TIMES} from '../engine/histories/history-slab.ts';
import {scopeOf} from '../engine/ids.ts';
import {TimingWheel} from '../engine/time/timing-wheel.ts';
import {decodeBatch} from '../server/inputs/decode-batch.ts';
import {parseJson, parseMsgpack} from '../server/inputs/lossless-json.ts';
import {jsonWire, msgpackWire} from '../server/stream/wire.ts';
import {decodeRecords, RecordWriter} from '../storage/record-codec.ts';
import {MemoryRun} from './support/engine-run.ts';
import {type BenchOptions, type Figure, figure} from './support/figures.ts';
import {mix, Random} from './support/random.ts';
import {eventBatch, eventRecord, mpidHiOf, mpidLoOf} from './workload-records.ts';
import {Workload} from './workload.ts';

/** Operations in one sample, so that the clock is not what is measured. */
const OPERATIONS = 256;

interface Part {
  readonly name: string;
  /** Does OPERATIONS of them; what it returns keeps them from being optimised away. */
  readonly run: () => number;
}

export async function benchParts(options: BenchOptions): Promise<Figure[]> {
  const parts = [...wireParts(options), ...engineParts(options), ...floorParts(options)];
  let kept = 0;
  const bench = new Bench({
    time: options.tiny ? 1 : options.roundSeconds * 1000,
    warmupTime: options.tiny ? 1 : 300,
    iterations: options.tiny ? 2 : 16,
  });
  for (const {name, run} of parts) bench.add(name, () => void (kept += run()));
  await bench.run();
  const figures = bench.tasks.map(({name, result}) => {
    if (!('latency' in result)) throw new Error(`${name} failed`);
    const each = (ms: number): number => (ms * 1e6) / OPERATIONS;
    const {p50, min, p99} = result.latency;
    return {...figure(`parts/${name}`, 'ns', [each(p50)]), min: each(min), max: each(p99)};
  });
  const syncs = fdatasyncs(options.tiny ? 2 : 200);
  options.say(`${kept === 0 ? 'nothing' : 'something'} was computed`);
  return [...figures, figure('parts/floor/append-64k-and-fdatasync', 'ns', syncs)];
}

/** Bytes to values and back. */
function wireParts(options: BenchOptions): Part[] {
  const workload = new Workload(options);
  const block = workload.events(0, OPERATIONS);
  const batches = Array.from({length: OPERATIONS}, (_, i) => eventBatch(workload, block, i));
  const records = Array.from({length: OPERATIONS}, (_, i) => eventRecord(workload, block, i));
  const json = Buffer.from(JSON.stringify(batches));
  const text = json.toString();
  const packed = new Packr({useRecords: false}).pack(batches);
  const writer = new RecordWriter();
  for (const record of records) writer.push(record);
  const bytes = writer.take();
  const deltas = new DeltaWriter();
  for (let i = 0; i < OPERATIONS; i++) {
    deltas.push(i, mpidHiOf(i), mpidLoOf(i), 1, i & 1, 0, 0, workload.timeOf(i));
  }
  const reader = new DeltaReader(deltas.take());
  const decodeAll = (raw: unknown): number => {
    let decoded = 0;
    for (const batch of raw as unknown[]) {
      if ('batch' in decodeBatch(batch, {arrivalMs: 1, path: ''})) decoded++;
    }
    return decoded;
  };
  return [
    {name: 'wire/decode-json-batch', run: () => decodeAll(parseJson(json))},
    {name: 'wire/decode-msgpack-batch', run: () => decodeAll(parseMsgpack(packed))},
    {
      name: 'wire/encode-record',
      run: () => {
        for (const record of records) writer.push(record);
        return writer.take().length;
      },
    },
    {
      name: 'wire/decode-record',
      run: () => {
        let events = 0;
        for (const record of decodeRecords(bytes)) events += record.events.length;
        return events;
      },
    },
    {name: 'wire/encode-delta-json', run: () => sumOf(i => jsonWire.delta(reader, i).length)},
    {name: 'wire/encode-delta-msgpack', run: () => sumOf(i => msgpackWire.delta(reader, i).length)},
    {name: 'floor/json-parse-batch', run: () => (JSON.parse(text) as unknown[]).length},
  ];
}

function engineParts(options: BenchOptions): Part[] {
  const workload = new Workload({...options, profiles: Math.min(options.profiles, 10_000)});
  const {criteria} = MemoryRun.start(workload).shard;
  const block = workload.events(0, OPERATIONS);
  const events = Array.from(
    {length: OPERATIONS},
    (_, i) => eventRecord(workload, block, i).events[0]!,
  );
  const scope = scopeOf(1, 'production');
  const wheel = new TimingWheel(0);
  const slab = new HistorySlab();
  const random = new Random(3);
  let nowMs = 0;
  let timeMs = 0;
  return [
    {
      name: 'engine/find-predicates',
      run: () => {
        const found: Predicate[] = [];
        for (const event of events) criteria.index.find(event, scope, 1, event.timeMs, found);
        return found.length;
      },
    },
    {
      name: 'engine/arm-and-fire-timer',
      run: () => {
        let fired = 0;
        for (let i = 0; i < OPERATIONS; i++) wheel.arm(i, nowMs + 1 + random.below(3_600_000));
        nowMs += 3_600_001;
        wheel.advance(nowMs, Infinity, () => fired++);
        return fired;
      },
    },
    {
      name: 'engine/insert-into-history',
      run: () => {
        timeMs++;
        for (let i = 0; i < OPERATIONS; i++) {
          slab.open(i);
          slab.locateOrAdd(8 + (i & 7), TIMES);
          slab.insert(slab.entryCount, timeMs, 0);
          if (slab.entryCount > 5) slab.remove(0, 1);
        }
        return slab.entryCount;
      },
    },
  ];
}

/** What the machine takes for one cache miss, and nothing else. */
function floorParts({tiny}: BenchOptions): Part[] {
  // Filled, so that every page is there.
  const words = new Int32Array((tiny ? 1 : 256) * 2 ** 18).fill(1);
  const mask = words.length - 1;
  let at = 1;
  return [
    {
      name: 'floor/touch-a-word-in-256-mib',
      run: () =>
        sumOf(() => {
          // The next place depends on this one, so that misses do not overlap.
          at = mix(at + words[at & mask]!) | 0;
          return words[at & mask]!++;
        }),
    },
  ];
}

function fdatasyncs(count: number): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const file = openSync(join(folder, 'appended'), 'a');
  const bytes = Buffer.alloc(65_536, 1);
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedMs = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    took.push((performance.now() - startedMs) * 1e6);
  }
  closeSync(file);
  rmSync(folder, {recursive: true});
  return took;
}

function sumOf(value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < OPERATIONS; i++) sum += value(i);
  return sum;
}
