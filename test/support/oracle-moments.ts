/**
 * Every moment at which time alone could change an answer, and the milliseconds around it. Found without
 * reading what a definition means: any instant in the data, moved on by any duration in a definition.
 */
import type {ProfileRecord} from '../../engine/record.ts';
import {isList, isObject} from './oracle-json.ts';
import type {Json} from './oracle-json.ts';
import {DAY_MS, dayMs, durationMs} from './oracle-time.ts';
import {instantOf} from './oracle-values.ts';

export interface Retentions {
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
}

export interface Moments extends Retentions {
  readonly definitions: readonly Json[];
  readonly records: readonly ProfileRecord[];
  /** Exclusive. */
  readonly fromMs: number;
  /** Inclusive. */
  readonly toMs: number;
}

/** Ascending, each once. */
export function momentsBetween(asked: Moments): number[] {
  const words = asked.definitions.flatMap(wordsOf);
  const waits = new Set([0, asked.eventRetentionMs, asked.profileRetentionMs]);
  const instants = new Set(asked.records.flatMap(instantsOf));
  const found = new Set<number>();
  for (const word of words) {
    const wait = durationMs(word);
    if (wait !== undefined) waits.add(wait);
    const day = dayMs(word);
    if (day !== undefined) for (const edge of [day, day + DAY_MS]) addAround(edge, asked, found);
  }
  for (const instant of instants) {
    for (const wait of waits) addAround(instant + wait, asked, found);
  }
  return [...found].toSorted((a, b) => a - b);
}

function addAround(moment: number, {fromMs, toMs}: Moments, found: Set<number>): void {
  for (const near of [moment - 1, moment, moment + 1]) {
    if (near > fromMs && near <= toMs) found.add(near);
  }
}

function wordsOf(json: Json): string[] {
  if (typeof json === 'string') return [json];
  if (isList(json)) return json.flatMap(wordsOf);
  return isObject(json) ? Object.values(json).flatMap(wordsOf) : [];
}

function instantsOf(record: ProfileRecord): number[] {
  const values = [
    ...record.attributes.map(change => change.value),
    ...record.events.flatMap(event => [event.fields, ...event.items].flat()),
  ];
  const dates = values.flatMap(value => instantOf(value) ?? []).filter(Number.isSafeInteger);
  return [record.arrivalMs, ...record.events.map(event => event.timeMs), ...dates];
}
