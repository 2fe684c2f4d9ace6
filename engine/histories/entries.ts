/** Entries of the opened profile's histories: in order of time, no more of them than can matter. */
import type {History} from '../criteria/criteria-table.ts';
import type {Interval} from '../criteria/predicate.ts';
import type {Value} from '../record.ts';
import type {ShardState} from '../shard-state.ts';
import {foldCase} from '../values/fold-case.ts';
import {readNumber, readText} from '../values/read-value.ts';
import {holdsTexts} from './history-slab.ts';

export interface Entry {
  readonly timeMs: number;
  /** Ignored by histories of times. */
  readonly value: Value | undefined;
  /** When it counts; undefined: always. */
  readonly interval?: Interval | undefined;
}

/** A value that does not read as the history's type is no entry. What no criterion can need any more goes. */
export function insertEntry(
  state: ShardState,
  history: History,
  entry: Entry,
  nowMs: number,
): void {
  const spec = history.spec!;
  const number = numberOf(state, history, entry.value);
  if (number === undefined) return;
  const {slab} = state;
  slab.locateOrAdd(history.id, history.shape);
  const index = slab.lowerBound(entry.timeMs + 1);
  slab.insert(index, entry.timeMs, number);
  if (entry.interval !== undefined) {
    slab.setInterval(index, entry.interval.fromMs, entry.interval.toMs);
  }
  dropStale(state, spec.keep, nowMs);
}

/** Hot: an event that only counts. */
export function insertTime(
  state: ShardState,
  history: History,
  timeMs: number,
  nowMs: number,
): void {
  const {slab} = state;
  slab.locateOrAdd(history.id, history.shape);
  const {entryCount} = slab;
  const isLatest = entryCount === 0 || slab.words[slab.entryAt + entryCount - 1]! <= timeMs;
  slab.insert(isLatest ? entryCount : slab.lowerBound(timeMs + 1), timeMs, 0);
  dropStale(state, history.spec!.keep, nowMs);
}

/** The located history's first entries. */
export function dropEntries({slab, texts}: ShardState, count: number): void {
  if (count <= 0) return;
  if (holdsTexts(slab.shape)) {
    for (let i = 0; i < count; i++) texts.release(slab.words[slab.entryAt + i * slab.width + 1]!);
  }
  slab.remove(0, count);
}

/** The located history, with its entries. */
export function dropHistory(state: ShardState): void {
  dropEntries(state, state.slab.entryCount);
  state.slab.removeHistory();
}

function dropStale(state: ShardState, keep: number, nowMs: number): void {
  const {slab} = state;
  const oldestMs = nowMs - state.options.eventRetentionMs;
  let stale = 0;
  if (slab.words[slab.entryAt]! < oldestMs) stale = slab.lowerBound(oldestMs);
  if (slab.entryCount > keep) stale = Math.max(stale, slab.lowerBound(nowMs + 1) - keep);
  dropEntries(state, stale);
}

function numberOf(
  state: ShardState,
  history: History,
  value: Value | undefined,
): number | undefined {
  switch (history.spec!.value?.as) {
    case 'number':
      return readNumber(value);
    case 'text': {
      const text = readText(value);
      return text === undefined ? undefined : state.texts.acquire(foldCase(text));
    }
    case 'spelling': {
      const text = readText(value);
      return text === undefined ? undefined : state.texts.acquire(text);
    }
    case undefined:
      return 0;
  }
}
