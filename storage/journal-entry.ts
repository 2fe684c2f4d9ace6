/**
 * One journal entry: what one commit taught the shard. Replaying the entries in order rebuilds it.
 *
 * Payload: f64 nowMs, f64 lastMs, f64 drainedMs, u8 kind, then records (record-codec.ts) or msgpack of a control.
 */
import {pack, unpack} from 'msgpackr';
import type {AudienceSpec} from '../engine/audiences/audience-spec.ts';
import {seal, unseal} from './checked-value.ts';

const VERSION = 1;
const HEADER_BYTES = 25;

export type Control =
  | {
      readonly kind: 'define';
      readonly upsert: readonly AudienceSpec[];
      readonly remove: readonly number[];
    }
  | {readonly kind: 'erase'; readonly mpidHi: number; readonly mpidLo: number};

export interface JournalEntry {
  /** The shard's time when it applied the entry. */
  readonly nowMs: number;
  /** Of its latest event, when that was from the future; else nowMs. Past the retention nobody needs it. */
  readonly lastMs: number;
  /** Up to here every change by time was told by this entry or one before it. */
  readonly drainedMs: number;
  readonly content:
    | {readonly kind: 'records'; readonly records: Uint8Array}
    | {readonly kind: 'tick'}
    | {readonly kind: 'control'; readonly control: Control};
}

const KINDS = ['records', 'tick', 'control'] as const;

export function encodeJournalEntry(entry: JournalEntry): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeDoubleLE(entry.nowMs, 0);
  header.writeDoubleLE(entry.lastMs, 8);
  header.writeDoubleLE(entry.drainedMs, 16);
  header[24] = KINDS.indexOf(entry.content.kind);
  switch (entry.content.kind) {
    case 'records':
      return seal(VERSION, [header, entry.content.records]);
    case 'tick':
      return seal(VERSION, [header]);
    case 'control':
      return seal(VERSION, [header, pack(entry.content.control)]);
  }
}

export function decodeJournalEntry(value: Uint8Array, watermark: number): JournalEntry {
  const payload = unseal(VERSION, value, `journal entry ${watermark}`);
  const body = payload.subarray(HEADER_BYTES);
  const kind = KINDS[payload[24]!];
  return {
    nowMs: payload.readDoubleLE(0),
    lastMs: payload.readDoubleLE(8),
    drainedMs: payload.readDoubleLE(16),
    content:
      kind === 'records'
        ? {kind, records: body}
        : kind === 'control'
          ? {kind, control: unpack(body) as Control}
          : {kind: 'tick'},
  };
}
