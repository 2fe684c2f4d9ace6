import {ADD} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';
import {encodeCursor} from './cursor.ts';
import type {FeedRecords} from './feed-records.ts';
import {FeedWalk, type WalkEnd} from './feed-walk.ts';
import type {Lane} from './lane.ts';
import type {Outbox} from './outbox.ts';
import {Position} from './position.ts';
import type {DeltaBearer, ProfileFields} from './profile-fields.ts';
import type {SubscriberParts} from './subscriber-parts.ts';
import {describeDelta, ENVELOPE_BYTES, type Piece} from './wire.ts';

/** Collected at a time when each has to be looked at apart. */
const BATCH_DELTAS = 128;
const SCAN_MAX = 8192;
/** Sent in one turn; the room of the socket ends it sooner. */
const FRAMES_PER_TURN = 4;

/** 'lost': deltas that this reader has not seen are gone. */
export type SendStep = 'more' | 'caught up' | 'lost';

export interface BatchOptions {
  /** Others are passed by. */
  readonly isDue: (shard: number, records: FeedRecords, index: number) => boolean;
  /** Go no further in each shard; undefined: as far as there is. */
  readonly ends: readonly number[] | undefined;
  /** What the cursors say; see `Cursor.complete`. */
  readonly isComplete: boolean;
}

interface Item {
  readonly records: FeedRecords;
  readonly index: number;
  readonly shard: number;
}

/** Where one reader is in the feed, and the sending of what comes next. */
export class DeltaSender {
  readonly lane: Lane;
  readonly outbox: Outbox;
  readonly fields: ProfileFields | undefined;
  /** Every delta before it that is wanted was sent. */
  position: Position;
  /** Of the newest cursor it was told: nothing later can be acknowledged. */
  told: Position;
  toldAtMs: number;
  deltasSent = 0;
  /** `FeedWindow.entryCount` as of which it last caught up. */
  seenEntries = -1;
  readonly #parts: SubscriberParts;

  constructor(
    {lane, outbox, fields}: {lane: Lane; outbox: Outbox; fields: ProfileFields | undefined},
    parts: SubscriberParts,
    position: Position,
  ) {
    this.lane = lane;
    this.outbox = outbox;
    this.fields = fields;
    this.#parts = parts;
    this.position = position;
    this.told = position;
    this.toldAtMs = parts.nowMs();
  }

  /** What pieces of one message may take together. */
  get piecesBytesMax(): number {
    // A cursor has about 16 bytes for each shard.
    return this.#parts.bounds.frameBytesMax - ENVELOPE_BYTES - 32 - this.position.shardCount * 16;
  }

  /** The next few frames of the lane, or with fields of this reader alone. */
  sendNext(): Promise<SendStep> {
    if (this.fields === undefined) return this.#parts.turns.run(() => this.#sendFrames());
    return this.sendBatch({isDue: () => true, ends: undefined, isComplete: true});
  }

  /** Like a frame of the lane, made for this reader alone: with fields, or in the midst of a snapshot. */
  async sendBatch(options: BatchOptions): Promise<SendStep> {
    const {items, end, after} = await this.#parts.turns.run(() => this.#collect(options));
    if (end === 'lost') return 'lost';
    const {wire} = this.lane;
    const pieces = await this.#encode(items);
    for (let from = 0; from < items.length;) {
      const to = fitting(pieces, from, {
        bytesMax: this.piecesBytesMax,
        sizeOf: piece => wire.sizeOf(piece),
      });
      await this.outbox.room();
      const isLast = to === items.length;
      this.position = isLast ? after : positionAfter(this.position, items.slice(from, to));
      this.tell(pieces.slice(from, to), options.isComplete);
      from = to;
    }
    this.position = after;
    return end === 'caught up' ? 'caught up' : 'more';
  }

  /** Sends these deltas, which may be none, with the cursor of the position. */
  tell(deltas: readonly Piece[], isComplete: boolean): void {
    const {feedId} = this.#parts;
    const cursor = encodeCursor({position: this.position, feedId, complete: isComplete});
    this.outbox.send(this.lane.wire.deltasMessage(cursor, deltas));
    this.#noteTold(deltas.length);
  }

  #sendFrames(): SendStep {
    for (let frames = 0; frames < FRAMES_PER_TURN && this.outbox.hasRoom; frames++) {
      const frame = this.lane.frameFrom(this.position);
      if (frame === undefined) return 'lost';
      this.seenEntries = frame.entryCount;
      this.position = frame.end;
      if (frame.message !== undefined) {
        this.outbox.send(frame.message);
        this.#noteTold(frame.deltaCount);
      }
      if (frame.isCaughtUp) return 'caught up';
    }
    return 'more';
  }

  #collect({isDue, ends}: BatchOptions): {
    items: Item[];
    end: WalkEnd | 'lost';
    after: Position;
  } {
    const {feed} = this.#parts;
    const {selection} = this.lane;
    this.seenEntries = feed.entryCount;
    const items: Item[] = [];
    const walk = new FeedWalk(feed, this.position, ends);
    if (walk.lostShard() !== undefined) return {items, end: 'lost', after: this.position};
    const end = walk.run((records, index, shard) => {
      if (!selection.passes(records.deltas, index) || !isDue(shard, records, index)) return true;
      if (items.length >= BATCH_DELTAS) return false;
      items.push({records, index, shard});
      return true;
    }, SCAN_MAX);
    return {items, end, after: walk.position()};
  }

  async #encode(items: readonly Item[]): Promise<Piece[]> {
    const {wire} = this.lane;
    const {fields} = this;
    if (fields === undefined) return items.map(({records, index}) => records.piece(wire, index));
    const bearers = items.map(bearerOf);
    const [views, former] = await Promise.all([fields.fetch(bearers), fields.fetchFormer(bearers)]);
    const bytesMax = this.piecesBytesMax;
    return items.map((item, at) => {
      const {audience, mpid} = bearers[at] ?? bearerOf(item);
      const base = describeDelta(item.records.deltas, item.index);
      const known = {view: views.get(mpid), former: former[at]};
      return fields.encode(wire, base, {audience, known, bytesMax});
    });
  }

  #noteTold(deltaCount: number): void {
    this.told = this.position;
    this.toldAtMs = this.#parts.nowMs();
    this.deltasSent += deltaCount;
  }
}

/** How many pieces from `from` on fit together, as an end index; at least one. */
export function fitting(
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

function bearerOf({records: {deltas, watermark}, index, shard}: Item): DeltaBearer {
  const mpid = mpidFrom(deltas.mpidHi(index), deltas.mpidLo(index));
  const isAdd = deltas.action(index) === ADD;
  return {shard, audience: deltas.audience(index), mpid, watermark, isAdd};
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
