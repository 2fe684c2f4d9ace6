/**
 * Finds in the journal what new histories need: every event that meets their predicates, with its
 * profile, time and value. Runs over a snapshot, off the shard's thread; the same predicates serve live
 * events and these.
 */
import type {HistorySpec} from '../engine/criteria/bound-criterion.ts';
import type {Interval, Predicate} from '../engine/criteria/predicate.ts';
import {PredicateIndex} from '../engine/criteria/predicate-index.ts';
import type {Entry} from '../engine/histories/entries.ts';
import type {EventRecord, Value} from '../engine/record.ts';
import {decodeJournalEntry} from './journal-entry.ts';
import {EventSkim} from './event-skim.ts';
import type {ShardStore} from './shard-store.ts';

export interface WantedHistory {
  readonly id: number;
  readonly spec: HistorySpec;
}

/** Columns of what was found, in journal order. `values` is used by histories that keep one. */
export interface FoundEntries {
  readonly hi: number[];
  readonly lo: number[];
  readonly watermark: number[];
  readonly history: number[];
  readonly timeMs: number[];
  readonly values: (Value | undefined)[];
  /** Of entries that count only from time to time. */
  readonly intervals: (Interval | undefined)[];
}

export function noEntries(): FoundEntries {
  return {hi: [], lo: [], watermark: [], history: [], timeMs: [], values: [], intervals: []};
}

/** The entry found at `index`. */
export function entryAt(found: FoundEntries, index: number): Entry {
  return {
    timeMs: found.timeMs[index]!,
    value: found.values[index],
    interval: found.intervals[index],
  };
}

export interface ScanRange {
  /** Journal entries up to and including this watermark. */
  readonly until: number;
  /** Events older than this can be left out. */
  readonly oldestMs: number;
  readonly nowMs: number;
}

/** Yields what each journal entry has of the wanted histories, with its watermark; often nothing. */
export function* scanJournal(
  store: Pick<ShardStore, 'entries'>,
  wanted: readonly WantedHistory[],
  range: ScanRange,
): Generator<{watermark: number; found: FoundEntries}> {
  const index = new PredicateIndex();
  const historiesOf = new Map<Predicate, WantedHistory[]>();
  for (const history of wanted) {
    const predicate = index.add(history.spec.filter);
    const others = historiesOf.get(predicate);
    if (others === undefined) historiesOf.set(predicate, [history]);
    else others.push(history);
  }
  const skim = new EventSkim(wanted.map(({spec}) => spec.filter));
  const met: Predicate[] = [];
  for (const {key: watermark, value} of store.entries('journal', 0)) {
    if (watermark > range.until) return;
    const found = noEntries();
    const {content} = decodeJournalEntry(value, watermark);
    if (content.kind === 'records') {
      skim.forEach(content.records, (event, {mpidHi, mpidLo, scope, inputId}) => {
        if (event.timeMs < range.oldestMs) return;
        met.length = 0;
        index.find(event, scope, inputId, range.nowMs, met);
        for (const predicate of met) {
          for (const {id, spec} of historiesOf.get(predicate)!) {
            const contributions = contributionsOf(predicate, spec, event, range.nowMs);
            for (const {value, interval} of contributions) {
              found.hi.push(mpidHi);
              found.lo.push(mpidLo);
              found.watermark.push(watermark);
              found.history.push(id);
              found.timeMs.push(event.timeMs);
              found.values.push(value);
              found.intervals.push(interval);
            }
          }
        }
      });
    }
    yield {watermark, found};
  }
}

interface Contribution {
  readonly value: Value | undefined;
  readonly interval?: Interval;
}

function contributionsOf(
  predicate: Predicate,
  spec: HistorySpec,
  event: EventRecord,
  nowMs: number,
): readonly Contribution[] {
  const attribute = spec.value?.attribute;
  if (predicate.isMoving) return predicate.contributions(attribute, event, nowMs);
  if (attribute === undefined) return ONE_EVENT;
  return predicate.valuesOf(attribute, event, nowMs).map(value => ({value}));
}

const ONE_EVENT: readonly Contribution[] = [{value: undefined}];
