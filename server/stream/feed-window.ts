import type {Watermark} from '../../engine/ids.ts';
import type {ErasedDeltas, Shards} from '../shards/protocol.ts';
import {FeedRecords} from './feed-records.ts';

/**
 * The durable feed of every shard as readers see it: the newest entries from memory, where the commit
 * listener put them, everything older from disk through a small cache that readers share. However
 * many readers there are and wherever they stand, memory stays within the two bounds (plus one entry,
 * which is never cut).
 *
 * Nothing beyond the newest commit that was told is ever shown: on disk there may already be more.
 */
export class FeedWindow {
  readonly #shards: Shards;
  readonly #ringBytesMax: number;
  readonly #diskReadBytes: number;
  readonly #rings: Ring[] = [];
  readonly #disk: DiskCache;
  /** Entries with deltas so far: a reader that saw so many and found nothing more may sleep. */
  entryCount = 0;
  /** Of deltas, since the start: what passed by between two looks. */
  appendedBytes = 0;

  constructor(
    shards: Shards,
    bounds: {
      readonly ringBytesMax: number;
      readonly diskCacheBytesMax: number;
      readonly diskReadBytes: number;
    },
  ) {
    this.#shards = shards;
    this.#ringBytesMax = bounds.ringBytesMax / shards.count;
    this.#diskReadBytes = bounds.diskReadBytes;
    this.#disk = new DiskCache(bounds.diskCacheBytesMax);
    for (let shard = 0; shard < shards.count; shard++) {
      this.#rings.push(new Ring(shards.durable(shard)));
    }
  }

  get shardCount(): number {
    return this.#rings.length;
  }

  /** Newest watermark that readers may see. */
  head(shard: number): Watermark {
    return this.#ring(shard).head;
  }

  heads(): Watermark[] {
    return this.#rings.map(ring => ring.head);
  }

  /** Called for every commit, in order for each shard. */
  append(shard: number, watermark: Watermark, deltas: Uint8Array): void {
    if (deltas.length > 0) this.entryCount++;
    this.appendedBytes += deltas.length;
    this.#ring(shard).append(watermark, deltas, this.#ringBytesMax);
  }

  /** The deltas after `after` are gone: whoever stands there must start anew. */
  isLost(shard: number, after: Watermark): boolean {
    return after < this.#ring(shard).floor && after < this.#shards.feedFloor(shard);
  }

  /** The first entry with deltas after `after`, up to the head. */
  next(shard: number, after: Watermark): FeedRecords | undefined {
    const ring = this.#ring(shard);
    if (after >= ring.lastWithDeltas) return undefined;
    if (after >= ring.floor) return ring.next(after);
    const cached = this.#disk.next(shard, after);
    if (cached !== undefined) return cached;
    const entries = this.#shards.readFeed(shard, after, this.#diskReadBytes);
    const records = entries
      .filter(entry => entry.watermark <= ring.head && entry.deltas.length > 0)
      .map(entry => new FeedRecords(entry.watermark, entry.deltas));
    if (records.length > 0) this.#disk.keep(shard, after, records);
    return records[0];
  }

  /** Deltas that are overwritten on disk, here too. */
  erase(shard: number, {watermark, indexes}: ErasedDeltas): void {
    this.#ring(shard)
      .next(watermark - 1)
      ?.eraseAt(watermark, indexes);
    this.#disk.erase(shard, {watermark, indexes});
  }

  #ring(shard: number): Ring {
    const ring = this.#rings[shard];
    if (ring === undefined) throw new RangeError(`no shard ${shard}`);
    return ring;
  }
}

/** The newest entries of one shard, oldest first. */
class Ring {
  head: Watermark;
  /** Every entry after it is in the ring. */
  floor: Watermark;
  lastWithDeltas: Watermark;
  #entries: FeedRecords[] = [];
  /** Entries before it have been dropped, and are cut off in one go now and then. */
  #first = 0;
  #bytes = 0;

  constructor(head: Watermark) {
    this.head = head;
    this.floor = head;
    this.lastWithDeltas = head;
  }

  append(watermark: Watermark, deltas: Uint8Array, bytesMax: number): void {
    this.head = watermark;
    if (deltas.length === 0) return;
    this.lastWithDeltas = watermark;
    const entry = new FeedRecords(watermark, deltas);
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    while (this.#bytes > bytesMax) this.#dropOldest();
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  next(after: Watermark): FeedRecords | undefined {
    return firstAfter(this.#entries, this.#first, after);
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#first];
    if (oldest === undefined) return;
    this.#entries[this.#first] = DROPPED;
    this.#first++;
    this.#bytes -= oldest.bytes;
    this.floor = oldest.watermark;
  }
}

const DROPPED = new FeedRecords(0, new Uint8Array(0));

interface Chunk {
  readonly shard: number;
  /** Holds every entry after `after` up to its last one. */
  readonly after: Watermark;
  readonly records: readonly FeedRecords[];
  readonly bytes: number;
}

/** Runs of entries read from disk; the one used longest ago goes first. */
class DiskCache {
  readonly #bytesMax: number;
  readonly #chunks = new Set<Chunk>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  next(shard: number, after: Watermark): FeedRecords | undefined {
    for (const chunk of this.#chunks) {
      if (chunk.shard !== shard || chunk.after > after) continue;
      const found = firstAfter(chunk.records, 0, after);
      if (found === undefined) continue;
      this.#chunks.delete(chunk);
      this.#chunks.add(chunk);
      return found;
    }
    return undefined;
  }

  erase(shard: number, {watermark, indexes}: ErasedDeltas): void {
    for (const chunk of this.#chunks) {
      if (chunk.shard !== shard || chunk.after >= watermark) continue;
      firstAfter(chunk.records, 0, watermark - 1)?.eraseAt(watermark, indexes);
    }
  }

  keep(shard: number, after: Watermark, records: readonly FeedRecords[]): void {
    let bytes = 0;
    for (const entry of records) bytes += entry.bytes;
    this.#chunks.add({shard, after, records, bytes});
    this.#bytes += bytes;
    for (const chunk of this.#chunks) {
      if (this.#bytes <= this.#bytesMax || this.#chunks.size === 1) break;
      this.#chunks.delete(chunk);
      this.#bytes -= chunk.bytes;
    }
  }
}

/** By bisection: watermarks ascend. */
function firstAfter(
  entries: readonly FeedRecords[],
  first: number,
  after: Watermark,
): FeedRecords | undefined {
  let low = first;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.watermark <= after) low = middle + 1;
    else high = middle;
  }
  return entries[low];
}
