import {ADD, ATTRIBUTE_UPDATE, DELTA_BYTES} from '../../engine/deltas.ts';
import {mpidFrom, type Watermark} from '../../engine/ids.ts';
import type {MembersPage, Shards} from '../shards/protocol.ts';
import {FeedRecords} from './feed-records.ts';
import type {FeedWindow} from './feed-window.ts';
import type {Turns} from './turns.ts';

export interface MembersQuery {
  readonly shard: number;
  readonly audience: number;
  /** The moment asked for: after this entry. */
  readonly watermark: Watermark;
  /** Only members greater than this mpid. */
  readonly after: bigint | undefined;
  readonly limit: number;
}

export interface MembersAsOf {
  readonly mpids: BigInt64Array;
  /** NaN for a member that has left since, and maybe come back: nobody knows any more. */
  readonly sinceMs: Float64Array;
  /** All members up to this mpid are here; undefined: all there are. */
  readonly upTo: bigint | undefined;
}

/**
 * Members of an audience in one shard at a given position of the feed. A shard can only tell its members
 * as of now, under a watermark W; because adds and deletes of a profile alternate, the deltas between
 * the position and W say what to undo: whoever was first added since was no member, whoever was
 * first deleted was one. So a snapshot is exact as of one cursor although it takes its time.
 */
export async function membersAsOf(
  {shards, feed, turns}: {shards: Shards; feed: FeedWindow; turns: Turns},
  query: MembersQuery,
): Promise<MembersAsOf> {
  const {shard, audience, after, limit} = query;
  // One more than is wanted says whether there are more.
  const page = await shards.call(shard, 'snapshot', {audience, after, limit: limit + 1});
  const end = Math.min(limit, page.mpids.length);
  const upTo = end < page.mpids.length ? page.mpids[end - 1] : undefined;
  const changes = new Changes({audience, after, upTo});
  await changes.scan({shards, feed, turns}, query, page.watermark);
  return {...assemble(page, end, changes), upTo};
}

/** The members of the page before `end`, less those who came since, and those who left. */
function assemble(
  page: MembersPage,
  end: number,
  changes: Changes,
): {mpids: BigInt64Array; sinceMs: Float64Array} {
  const mpids = new BigInt64Array(end + changes.size);
  const sinceMs = new Float64Array(mpids.length);
  let count = 0;
  for (let at = 0; at < end; at++) {
    const mpid = page.mpids[at] ?? 0n;
    const before = changes.size === 0 ? undefined : changes.take(mpid);
    if (before?.isMember === false) continue;
    mpids[count] = mpid;
    sinceMs[count++] = before?.sinceMs ?? page.sinceMs[at] ?? NaN;
  }
  for (const [mpid, before] of changes.rest()) {
    if (!before.isMember) continue;
    mpids[count] = mpid;
    sinceMs[count++] = before.sinceMs;
  }
  return {mpids: mpids.slice(0, count), sinceMs: sinceMs.slice(0, count)};
}

/** What is known of a profile at the moment asked for, from deltas alone. */
interface Before {
  readonly isMember: boolean;
  /** NaN: unknown. */
  readonly sinceMs: number;
}

const READ_BYTES = 256 * 1024;

class Changes {
  readonly #range: {audience: number; after: bigint | undefined; upTo: bigint | undefined};
  readonly #byMpid = new Map<bigint, Before>();

  constructor(range: {audience: number; after: bigint | undefined; upTo: bigint | undefined}) {
    this.#range = range;
  }

  get size(): number {
    return this.#byMpid.size;
  }

  take(mpid: bigint): Before | undefined {
    const before = this.#byMpid.get(mpid);
    if (before !== undefined) this.#byMpid.delete(mpid);
    return before;
  }

  rest(): Iterable<[bigint, Before]> {
    return this.#byMpid;
  }

  /** Reads the feed between the moment asked for and `watermark`, whichever comes first. */
  async scan(
    parts: {shards: Shards; feed: FeedWindow; turns: Turns},
    query: MembersQuery,
    watermark: Watermark,
  ): Promise<void> {
    const isLater = watermark > query.watermark;
    const end = Math.max(watermark, query.watermark);
    let after = Math.min(watermark, query.watermark);
    while (after < end) {
      const readAfter = after;
      const batch = await parts.turns.run(() => readEntries(parts, query.shard, readAfter, end));
      for (const records of batch) {
        if (isLater) this.#undo(records);
        else this.#redo(records);
        after = records.watermark;
      }
      if (batch.length === 0) break;
    }
  }

  /** Of a profile's deltas after the moment the first one tells what was before it. */
  #undo(records: FeedRecords): void {
    for (let index = 0; index < records.deltas.count; index++) {
      const mpid = this.#memberOf(records, index);
      if (mpid === undefined || this.#byMpid.has(mpid)) continue;
      this.#byMpid.set(mpid, {isMember: records.deltas.action(index) !== ADD, sinceMs: NaN});
    }
  }

  /** Of a profile's deltas up to the moment the last one tells what is then. */
  #redo(records: FeedRecords): void {
    for (let index = 0; index < records.deltas.count; index++) {
      const mpid = this.#memberOf(records, index);
      if (mpid === undefined) continue;
      const isMember = records.deltas.action(index) === ADD;
      this.#byMpid.set(mpid, {isMember, sinceMs: records.deltas.atMs(index)});
    }
  }

  /** The profile, when the delta is an add or a delete in the range. */
  #memberOf(records: FeedRecords, index: number): bigint | undefined {
    const {audience, after, upTo} = this.#range;
    const {deltas} = records;
    if (deltas.audience(index) !== audience) return undefined;
    if (deltas.action(index) === ATTRIBUTE_UPDATE || deltas.isErased(index)) return undefined;
    const mpid = mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index));
    const isInside = (after === undefined || mpid > after) && (upTo === undefined || mpid <= upTo);
    return isInside ? mpid : undefined;
  }
}

/** A bounded run of entries after `after` up to `end`; empty when there are none. */
function readEntries(
  {shards, feed}: {shards: Shards; feed: FeedWindow},
  shard: number,
  after: Watermark,
  end: Watermark,
): FeedRecords[] {
  const found: FeedRecords[] = [];
  if (end > feed.head(shard)) {
    // The shard is ahead of what was told here, and what it speaks of is on disk.
    for (const entry of shards.readFeed(shard, after, READ_BYTES)) {
      if (entry.watermark <= end) found.push(new FeedRecords(entry.watermark, entry.deltas));
    }
    return found;
  }
  let bytes = 0;
  for (let at = after; bytes < READ_BYTES;) {
    const records = feed.next(shard, at);
    if (records === undefined || records.watermark > end) break;
    found.push(records);
    bytes += records.deltas.count * DELTA_BYTES;
    at = records.watermark;
  }
  return found;
}
