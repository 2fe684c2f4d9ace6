/** Single numbers that a shard keeps beside its tables. */
import {pack, unpack} from 'msgpackr';
import {seal, unseal} from './checked-value.ts';
import type {Put, ShardStore} from './shard-store.ts';

export const META_VERSION = 1;
/** From where on no history was ever given an id. */
export const HISTORY_END = 'historyEnd';

export function metaPut(key: string, number: number): Put {
  return {table: 'meta', key, value: seal(META_VERSION, [pack(number)])};
}

/** 0: it was never put. */
export function metaNumber(store: ShardStore, key: string): number {
  const value = store.get('meta', key);
  return value === undefined ? 0 : (unpack(unseal(META_VERSION, value, key)) as number);
}
