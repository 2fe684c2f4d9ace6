/** Short ways to decode, for the tests of this folder. */
import type {Fields, Value} from '../../engine/record.ts';
import {decodeBatch, type DecodedBatch} from '../../server/inputs/decode-batch.ts';
import type {DecodedEvent} from '../../server/inputs/decode-events.ts';
import {parseJson} from '../../server/inputs/lossless-json.ts';

export const ARRIVAL_MS = Date.UTC(2026, 10, 23, 12);

/** The batch, which must be accepted. A string is JSON text. */
export function decoded(raw: unknown): DecodedBatch {
  const value = typeof raw === 'string' ? parseJson(Buffer.from(raw)) : raw;
  const result = decodeBatch(value, {arrivalMs: ARRIVAL_MS, path: ''});
  if ('problems' in result) throw new Error(result.problems.map(({message}) => message).join('\n'));
  return result.batch;
}

/** The messages of the batch, which must be refused. */
export function faultsOf(raw: unknown, path = ''): string[] {
  const value = typeof raw === 'string' ? parseJson(Buffer.from(raw)) : raw;
  const result = decodeBatch(value, {arrivalMs: ARRIVAL_MS, path});
  return 'problems' in result ? result.problems.map(({message}) => message) : [];
}

/** A batch of one event. */
export function decodedEvent(event_type: string, data: unknown, batch: object = {}): DecodedEvent {
  return decoded({...batch, events: [{event_type, data}]}).events[0]!;
}

/** Fields by name, where their order does not matter. */
export function named(fields: Fields): Record<string, Value> {
  const entries: [string, Value][] = [];
  for (let index = 0; index < fields.length; index += 2) {
    entries.push([fields[index] as string, fields[index + 1]!]);
  }
  return Object.fromEntries(entries);
}

export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
