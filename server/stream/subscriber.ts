import {mpidFrom, type ScopeId} from '../../engine/ids.ts';
import type {Shards} from '../shards/protocol.ts';
import {encodeCursor} from './cursor.ts';
import type {FeedRecords} from './feed-records.ts';
import {FeedWalk, type WalkEnd} from './feed-walk.ts';
import type {FeedWindow} from './feed-window.ts';
import type {Lane} from './lane.ts';
import {membersAsOf} from './members-as-of.ts';
import type {Outbox} from './outbox.ts';
import {Position} from './position.ts';
import type {ProfileFields} from './profile-fields.ts';
import {SnapshotProgress} from './snapshot-progress.ts';
import type {StreamBounds} from './stream-parts.ts';
import type {Turns} from './turns.ts';
import {describeDelta, ENVELOPE_BYTES, type Piece} from './wire.ts';

export interface SubscriberParts {
  readonly shards: Shards;
  readonly feed: FeedWindow;
  readonly turns: Turns;
  readonly feedId: number;
  readonly bounds: StreamBounds;
  nowMs(): number;
  readonly scopesOf: (audience: number) => readonly ScopeId[];
  /** Audiences whose members a snapshot sends now. */
  audiencesOf(lane: Lane): readonly number[];
}

export interface SubscriberStart {
  readonly position: Position;
  readonly isSnapshot: boolean;
  /** Said before the snapshot, when the reader's cursor cannot be resumed. */
  readonly resetReason: string | undefined;
}

/** Collected at a time when each has to be looked up. */
const BATCH_DELTAS = 128;
const SCAN_MAX = 8192;
/** Sent in one turn; the room of the socket ends it sooner. */
const FRAMES_PER_TURN = 4;

interface Item {
  readonly records: FeedRecords;
  readonly index: number;
  readonly shard: number;
}

interface BatchOptions {
  readonly isDue: (shard: number, records: FeedRecords, index: number) => boolean;
  /** Go no further; undefined: as far as there is. */
  readonly ends: readonly number[] | undefined;
  readonly isComplete: boolean;
}

type Step = 'more' | 'caught up' | 'lost';

/**
 * One reader: where it is in the feed, and the loop that brings it on. It never holds deltas while it
 * waits; it holds a position, and reads on from there when the socket has room.
 */
export class Subscriber {
  readonly lane: Lane;
  readonly #outbox: Outbox;
  readonly #parts: SubscriberParts;
  readonly #fields: ProfileFields | undefined;
  #position: Position;
  /** Of the newest cursor it was told: nothing later can be acknowledged. */
  #told: Position;
  #toldAtMs: number;
  #isIdle = false;
  deltasSent = 0;

  constructor(
    {lane, outbox, fields}: {lane: Lane; outbox: Outbox; fields: ProfileFields | undefined},
    parts: SubscriberParts,
    position: Position,
  ) {
    this.lane = lane;
    this.#outbox = outbox;
    this.#fields = fields;
    this.#parts = parts;
    this.#position = position;
    this.#told = position;
    this.#toldAtMs = parts.nowMs();
  }

  /** It was told a cursor at least as far on. */
  wasTold(position: Position): boolean {
    return position.isWithin(this.#told);
  }

  /** Sends until it is stopped; then throws `Stopped`. */
  async run(start: SubscriberStart): Promise<never> {
    let reason = start.resetReason;
    let isSnapshot = start.isSnapshot || reason !== undefined;
    let isAnnounced = true;
    for (;;) {
      if (reason !== undefined) {
        await this.#outbox.room();
        this.#outbox.send(this.lane.wire.value({type: 'reset', reason}));
      }
      const lost = isSnapshot ? await this.#snapshot(isAnnounced) : undefined;
      reason = lost ?? (await this.#follow());
      this.#position = Position.at(this.#parts.feed.heads());
      isSnapshot = true;
      isAnnounced = false;
    }
  }

  /** A commit, room in the socket, or the end: look again. */
  wake(): void {
    this.#outbox.wake();
  }

  stop(): void {
    this.#outbox.stop();
  }

  /**
   * A reader of quiet audiences would keep a cursor that the feed outlives, though it never was behind.
   * So now and then it is told a newer one, with no deltas.
   */
  tick(nowMs: number): void {
    this.#outbox.wake();
    if (!this.#isIdle || nowMs - this.#toldAtMs < this.#parts.bounds.cursorEveryMs) return;
    if (this.#parts.feed.entryCount !== this.#seenCount || !this.#outbox.hasRoom) return;
    this.#position = Position.at(this.#parts.feed.heads());
    this.#toldAtMs = nowMs;
    if (this.#position.key !== this.#told.key) this.#tell([], true);
  }

  #seenCount = -1;

  /** Returns why it cannot go on, when deltas that it has not seen are gone. */
  async #follow(): Promise<string> {
    for (;;) {
      await this.#outbox.room();
      const step = this.#fields === undefined ? await this.#sendFrames() : await this.#sendFields();
      if (step === 'lost') return LOST;
      if (step === 'caught up') {
        this.#isIdle = true;
        await this.#outbox.until(() => this.#parts.feed.entryCount !== this.#seenCount);
        this.#isIdle = false;
      }
    }
  }

  #sendFrames(): Promise<Step> {
    return this.#parts.turns.run(() => {
      for (let frames = 0; frames < FRAMES_PER_TURN && this.#outbox.hasRoom; frames++) {
        this.#seenCount = this.#parts.feed.entryCount;
        const frame = this.lane.frameFrom(this.#position);
        if (frame === undefined) return 'lost';
        this.#position = frame.end;
        if (frame.message !== undefined) {
          this.#outbox.send(frame.message);
          this.#noteTold(frame.deltaCount);
        }
        if (frame.isCaughtUp) return 'caught up';
      }
      return 'more';
    });
  }

  #sendFields(): Promise<Step> {
    return this.#sendBatch({isDue: () => true, ends: undefined, isComplete: true});
  }

  /** Like a frame of the lane, for this reader alone: with profile fields, or in the midst of a snapshot. */
  async #sendBatch({isDue, ends, isComplete}: BatchOptions): Promise<Step> {
    const {feed, turns} = this.#parts;
    const {selection, wire} = this.lane;
    const items: Item[] = [];
    const {walk, end} = await turns.run((): {walk: FeedWalk; end: WalkEnd | 'lost'} => {
      this.#seenCount = feed.entryCount;
      const walking = new FeedWalk(feed, this.#position, ends);
      if (walking.lostShard() !== undefined) return {walk: walking, end: 'lost'};
      const reason = walking.run((records, index, shard) => {
        if (!selection.passes(records.deltas, index) || !isDue(shard, records, index)) return true;
        if (items.length >= BATCH_DELTAS) return false;
        items.push({records, index, shard});
        return true;
      }, SCAN_MAX);
      return {walk: walking, end: reason};
    });
    if (end === 'lost') return 'lost';
    const pieces = await this.#encode(items);
    const bytesMax = this.#pieceBytesMax;
    for (let from = 0; from < items.length;) {
      const to = fitting(pieces, from, {bytesMax, sizeOf: piece => wire.sizeOf(piece)});
      await this.#outbox.room();
      this.#position = positionAfter(this.#position, items.slice(from, to));
      if (to === items.length) this.#position = walk.position();
      this.#tell(pieces.slice(from, to), isComplete);
      from = to;
    }
    this.#position = walk.position();
    return end === 'caught up' ? 'caught up' : 'more';
  }

  async #encode(items: readonly Item[]): Promise<Piece[]> {
    const {wire} = this.lane;
    const fields = this.#fields;
    if (fields === undefined) return items.map(({records, index}) => records.piece(wire, index));
    const bearers = items.map(({records: {deltas}, index, shard}) => ({
      shard,
      audience: deltas.audience(index),
      mpid: mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index)),
    }));
    const views = await fields.fetch(bearers);
    return items.map(({records, index}, at) => {
      const {audience, mpid} = bearers[at] ?? {audience: 0, mpid: 0n};
      const view = views.get(mpid);
      const base = describeDelta(records.deltas, index);
      return fields.encode(wire, base, {audience, view, bytesMax: this.#pieceBytesMax});
    });
  }

  get #pieceBytesMax(): number {
    return this.#parts.bounds.frameBytesMax - ENVELOPE_BYTES - 32 - this.#position.shardCount * 16;
  }

  #tell(deltas: readonly Piece[], isComplete: boolean): void {
    const {feedId} = this.#parts;
    const cursor = encodeCursor({position: this.#position, feedId, complete: isComplete});
    this.#outbox.send(this.lane.wire.deltasMessage(cursor, deltas));
    this.#noteTold(deltas.length);
  }

  #noteTold(deltaCount: number): void {
    this.#told = this.#position;
    this.#toldAtMs = this.#parts.nowMs();
    this.deltasSent += deltaCount;
  }

  /**
   * Sends the members of every audience as of the position, and leaves the position there. When much
   * happens meanwhile the position moves on between two parts of the snapshot, by sending the deltas
   * that are due by then, under cursors that say that the snapshot is not finished.
   *
   * `isAnnounced`: the reader has the cursor of the position already.
   */
  async #snapshot(isAnnounced: boolean): Promise<string | undefined> {
    const {feed, bounds} = this.#parts;
    const audiences = this.#parts.audiencesOf(this.lane);
    const progress = new SnapshotProgress(audiences);
    const startKey = this.#position.key;
    let lagBytes = 0;
    for (const audience of audiences) {
      progress.begin(audience);
      let page: Piece[] = [];
      for (let shard = 0; shard < feed.shardCount; shard++) {
        let after: bigint | undefined;
        do {
          if (lagBytes > bounds.snapshotLagBytesMax) {
            if (page.length > 0) page = await this.#sendPages(audience, page, 'all');
            if ((await this.#catchUp(progress)) === 'lost') return LOST;
            lagBytes = 0;
          }
          const position = {
            watermark: this.#position.watermark(shard),
            index: this.#position.index(shard),
          };
          const window = await membersAsOf(this.#parts, {
            shard,
            audience,
            ...position,
            after,
            limit: bounds.snapshotWindow,
          });
          if (feed.isLost(shard, position.watermark)) return LOST;
          lagBytes = Math.max(lagBytes, window.scannedBytes);
          page = await this.#sendMembers({shard, audience, page}, window);
          progress.reached(shard, window.upTo);
          after = window.upTo;
        } while (after !== undefined);
      }
      await this.#outbox.room();
      this.#outbox.send(this.lane.wire.snapshotMessage(audience, page, true));
    }
    await this.#outbox.room();
    if (!isAnnounced || this.#position.key !== startKey) this.#tell([], true);
    return undefined;
  }

  /** Sends full pages of these members; returns what is left for the next one. */
  async #sendMembers(
    {shard, audience, page}: {shard: number; audience: number; page: Piece[]},
    {mpids, sinceMs}: {mpids: BigInt64Array; sinceMs: Float64Array},
  ): Promise<Piece[]> {
    const {wire, selection} = this.lane;
    let left = page;
    for (let from = 0; from < mpids.length; from += BATCH_DELTAS) {
      await this.#outbox.room();
      const members: {mpid: bigint; sinceMs: number}[] = [];
      for (let at = from; at < Math.min(from + BATCH_DELTAS, mpids.length); at++) {
        const mpid = mpids[at] ?? 0n;
        if (selection.includes(audience, mpid)) members.push({mpid, sinceMs: sinceMs[at] ?? NaN});
      }
      const fields = this.#fields;
      const views = await fields?.fetch(members.map(({mpid}) => ({shard, audience, mpid})));
      for (const {mpid, sinceMs: since} of members) {
        const base = {mpid: mpid.toString(), ...(Number.isNaN(since) ? {} : {since_ms: since})};
        const view = views?.get(mpid);
        const piece =
          fields?.encode(wire, base, {audience, view, bytesMax: this.#pieceBytesMax}) ??
          wire.value(base);
        left.push(piece);
      }
      left = await this.#sendPages(audience, left, 'full');
    }
    return left;
  }

  /** Sends 'all' of the members, or all but a last page that is not full; returns the rest. */
  async #sendPages(audience: number, members: Piece[], which: 'all' | 'full'): Promise<Piece[]> {
    const {wire} = this.lane;
    const bytesMax = this.#parts.bounds.frameBytesMax - ENVELOPE_BYTES;
    let from = 0;
    while (from < members.length) {
      const to = fitting(members, from, {bytesMax, sizeOf: piece => wire.sizeOf(piece)});
      if (to === members.length && which === 'full') break;
      const page = members.slice(from, to);
      await this.#outbox.room();
      await this.#parts.turns.run(() => {
        this.#outbox.send(wire.snapshotMessage(audience, page, false));
      });
      from = to;
    }
    return members.slice(from);
  }

  /** Sends the deltas that are due, as far as there are any at this moment. */
  async #catchUp(progress: SnapshotProgress): Promise<Step> {
    const ends = this.#parts.feed.heads();
    for (;;) {
      await this.#outbox.room();
      const step = await this.#sendBatch({
        isDue: (shard, records, index) => progress.isDue(shard, records.deltas, index),
        ends,
        isComplete: false,
      });
      if (step === 'lost') return step;
      if (step === 'caught up') {
        // Even with no deltas: the cursor that the snapshot began with no longer goes with it.
        await this.#outbox.room();
        if (this.#told.key !== this.#position.key) this.#tell([], false);
        return step;
      }
    }
  }
}

const LOST = 'deltas after this cursor are no longer kept';

/** How many pieces from `from` on fit together, as an end index; at least one. */
function fitting(
  pieces: readonly Piece[],
  from: number,
  {bytesMax, sizeOf}: {bytesMax: number; sizeOf: (piece: Piece) => number},
): number {
  let bytes = 0;
  for (let at = from; at < pieces.length; at++) {
    bytes += sizeOf(pieces[at] ?? '');
    if (bytes > bytesMax && at > from) return at;
  }
  return pieces.length;
}

/** Where a reader stands that has had these items, in the order a walk showed them. */
function positionAfter(from: Position, items: readonly Item[]): Position {
  const watermarks = [...from.watermarks];
  const indexes = [...from.indexes];
  for (const {records, index, shard} of items) {
    const isLast = index + 1 === records.deltas.count;
    watermarks[shard] = isLast ? records.watermark : records.watermark - 1;
    indexes[shard] = isLast ? 0 : index + 1;
  }
  return new Position(watermarks, indexes);
}
