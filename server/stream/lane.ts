import type {FeedWindow} from './feed-window.ts';
import {FeedWalk} from './feed-walk.ts';
import type {EncodedDeltas} from './encoded-deltas.ts';
import {encodeCursor} from './cursor.ts';
import type {Position} from './position.ts';
import type {Selection} from './selection.ts';
import {ENVELOPE_BYTES, type Piece, type Wire} from './wire.ts';

/** What to send from one position, and where that leads. */
export interface Frame {
  /** undefined: of the deltas passed by, none was wanted. */
  readonly message: Piece | undefined;
  readonly cursor: string;
  readonly deltaCount: number;
  readonly end: Position;
  /** Nothing was left after it when it was made; */
  readonly isCaughtUp: boolean;
  /** which was when the feed had had so many entries: by now there may be more. */
  readonly entryCount: number;
}

export interface LaneParts {
  readonly feed: FeedWindow;
  readonly feedId: number;
  readonly frameBytesMax: number;
}

/** Deltas looked at for one frame when few are wanted. */
const SCAN_MAX = 8192;
/** Frames remembered for readers that come by the same place a little later. */
const FRAMES_MAX = 32;

/**
 * Subscribers that want the same deltas over the same wire. A frame depends on nothing but the lane
 * and the position it starts from, so it is made once and each of them that comes to that position is
 * sent the same bytes. Readers that caught up all stand at the same position.
 */
export class Lane {
  readonly wire: Wire;
  readonly selection: Selection;
  /** Subscribers in it. Alone in its lane, a reader has nobody to remember frames for. */
  readers = 0;
  readonly #parts: LaneParts;
  readonly #frames = new Map<string, Frame>();

  constructor(wire: Wire, selection: Selection, parts: LaneParts) {
    this.wire = wire;
    this.selection = selection;
    this.#parts = parts;
  }

  /** undefined when deltas from there on are lost. */
  frameFrom(position: Position): Frame | undefined {
    if (this.readers < 2) {
      this.#frames.clear();
      return this.#make(position);
    }
    const known = this.#frames.get(position.key);
    if (known !== undefined) return known;
    const frame = this.#make(position);
    if (frame?.message === undefined) return frame;
    this.#frames.set(position.key, frame);
    for (const key of this.#frames.keys()) {
      if (this.#frames.size <= FRAMES_MAX) break;
      this.#frames.delete(key);
    }
    return frame;
  }

  /** What they were made from has changed. */
  forgetFrames(): void {
    this.#frames.clear();
  }

  #make(position: Position): Frame | undefined {
    const {feed, feedId, frameBytesMax} = this.#parts;
    const walk = new FeedWalk(feed, position);
    if (walk.lostShard() !== undefined) return undefined;
    const stretches = new Stretches(this.wire.separator === undefined ? 0 : 1);
    // A position can grow by an index in each shard.
    const bytesMax = frameBytesMax - ENVELOPE_BYTES - 32 - position.shardCount * 16;
    const reason = walk.run((records, index) => {
      if (!this.selection.passes(records.deltas, index)) return true;
      return stretches.add(records.encoded(this.wire, index), {index, bytesMax});
    }, SCAN_MAX);
    const {count} = stretches;
    const end = walk.position();
    const cursor = count === 0 ? '' : encodeCursor({position: end, feedId, complete: true});
    return {
      message: count === 0 ? undefined : this.wire.writtenMessage(cursor, count, stretches.bytes()),
      cursor,
      deltaCount: count,
      end,
      isCaughtUp: reason === 'caught up',
      entryCount: feed.entryCount,
    };
  }
}

/** Encoded deltas for one frame: those that lie next to each other are one stretch. */
class Stretches {
  count = 0;
  readonly #separatorBytes: number;
  readonly #of: EncodedDeltas[] = [];
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  #bytes = 0;

  constructor(separatorBytes: number) {
    this.#separatorBytes = separatorBytes;
  }

  /** False when it has no room beside the others. */
  add(
    encoded: EncodedDeltas,
    {index, bytesMax}: {readonly index: number; readonly bytesMax: number},
  ): boolean {
    const begin = encoded.begin(index);
    const end = encoded.end(index);
    const bytes = this.#bytes + this.#separatorBytes + end - begin;
    if (bytes > bytesMax && this.count > 0) return false;
    this.#bytes = bytes;
    this.count++;
    const last = this.#of.length - 1;
    if (this.#of[last] === encoded && this.#ends[last]! + this.#separatorBytes === begin) {
      this.#ends[last] = end;
    } else {
      this.#of.push(encoded);
      this.#begins.push(begin);
      this.#ends.push(end);
    }
    return true;
  }

  bytes(): Uint8Array[] {
    return this.#of.map((encoded, i) => encoded.stretch(this.#begins[i]!, this.#ends[i]!));
  }
}
