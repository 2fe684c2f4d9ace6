/**
 * Identities that profiles no longer have, kept as long as the deltas that tell of it. Two tables: `former` by
 * journal entry (what was lost in it, and who was gone with it), `farewells` by mpid (all that a profile had when it
 * was gone). Only the delta stream reads them.
 */
import {pack, unpack} from 'msgpackr';
import type {Watermark} from '../engine/ids.ts';
import type {FormerIdentity, FormerOf} from '../engine/profiles/former-identities.ts';
import {seal, unseal} from './checked-value.ts';
import {rowKey} from './row-codec.ts';
import type {Put, ShardStore} from './shard-store.ts';

const VERSION = 1;
/** The same two times that a journal entry begins with, so that all are trimmed alike. */
const HEADER_BYTES = 16;

/** Of a profile that is gone the identities are in `farewells`. */
type EntryPart = Pick<FormerOf, 'hi' | 'lo' | 'isGone' | 'identities'>;

interface Farewell {
  readonly watermark: Watermark;
  readonly identities: readonly FormerIdentity[];
}

export function formerPuts(watermark: Watermark, nowMs: number, all: readonly FormerOf[]): Put[] {
  const parts = all.map(each => (each.isGone ? {...each, identities: []} : each));
  const farewells = all
    .filter(({isGone}) => isGone)
    .map(({hi, lo, identities}): Put => {
      const value = seal(VERSION, [pack({watermark, identities} satisfies Farewell)]);
      return {table: 'farewells', key: rowKey(hi, lo), value};
    });
  return [{table: 'former', key: watermark, value: encodeEntry(nowMs, parts)}, ...farewells];
}

/** Of the profile of a delta in the entry: what it lost then, and, when it is gone since, what it had at last. */
export function formerIdentities(
  store: Pick<ShardStore, 'get'>,
  {hi, lo, watermark}: {hi: number; lo: number; watermark: Watermark},
): {readonly identities: readonly FormerIdentity[]; readonly isGone: boolean} | undefined {
  const entry = store.get('former', watermark);
  const lost = (entry === undefined ? [] : decodeEntry(entry, watermark).parts)
    .filter(part => part.hi === hi && part.lo === lo)
    .flatMap(({identities}) => identities);
  const farewell = readFarewell(store, hi, lo);
  const isGone = farewell !== undefined && farewell.watermark >= watermark;
  if (!isGone) return lost.length > 0 ? {identities: lost, isGone} : undefined;
  return {identities: [...lost, ...farewell.identities], isGone};
}

/** The farewells that go with an entry of `former` that is trimmed. */
export function farewellsOf(
  store: Pick<ShardStore, 'get'>,
  watermark: Watermark,
  value: Uint8Array,
): Put[] {
  return decodeEntry(value, watermark).parts.flatMap(({hi, lo, isGone}): Put[] => {
    if (!isGone || readFarewell(store, hi, lo)?.watermark !== watermark) return [];
    return [{table: 'farewells', key: rowKey(hi, lo), value: undefined}];
  });
}

/** Whether the entry has identities of somebody of whom `isMeant`. */
export function hasFormer(
  value: Uint8Array,
  watermark: Watermark,
  isMeant: (hi: number, lo: number) => boolean,
): boolean {
  const {parts} = decodeEntry(value, watermark);
  return parts.some(({hi, lo, identities}) => identities.length > 0 && isMeant(hi, lo));
}

/** The entry without them; nothing when there is nothing of them. Who was gone with it stays, to be trimmed. */
export function withoutFormer(
  store: Pick<ShardStore, 'get'>,
  watermark: Watermark,
  isMeant: (hi: number, lo: number) => boolean,
): Put[] {
  const value = store.get('former', watermark);
  if (value === undefined || !hasFormer(value, watermark, isMeant)) return [];
  const {nowMs, parts} = decodeEntry(value, watermark);
  const left = parts.filter(({hi, lo, isGone}) => isGone || !isMeant(hi, lo));
  const rewritten = left.length === 0 ? undefined : encodeEntry(nowMs, left);
  return [{table: 'former', key: watermark, value: rewritten}];
}

function readFarewell(
  store: Pick<ShardStore, 'get'>,
  hi: number,
  lo: number,
): Farewell | undefined {
  const value = store.get('farewells', rowKey(hi, lo));
  return value && (unpack(unseal(VERSION, value, 'a farewell')) as Farewell);
}

function encodeEntry(nowMs: number, parts: readonly EntryPart[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeDoubleLE(nowMs, 0);
  header.writeDoubleLE(nowMs, 8);
  return seal(VERSION, [header, pack(parts)]);
}

function decodeEntry(
  value: Uint8Array,
  watermark: Watermark,
): {nowMs: number; parts: readonly EntryPart[]} {
  const bytes = unseal(VERSION, value, `former entry ${watermark}`);
  const parts = unpack(bytes.subarray(HEADER_BYTES)) as readonly EntryPart[];
  return {nowMs: bytes.readDoubleLE(0), parts};
}
