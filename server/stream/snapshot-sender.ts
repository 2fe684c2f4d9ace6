import {assert} from '../../engine/assert.ts';
import {fitting, type DeltaSender} from './delta-sender.ts';
import {membersAsOf, type MembersAsOf} from './members-as-of.ts';
import {SnapshotProgress} from './snapshot-progress.ts';
import type {SubscriberParts} from './subscriber-parts.ts';
import {ENVELOPE_BYTES, type Piece} from './wire.ts';

/** Encoded at a time. */
const BATCH_MEMBERS = 128;

/**
 * Sends the members of every audience as of the sender's position, and leaves the position there. A
 * window of members is held at a time. When much happens meanwhile, the position moves on between two
 * windows: deltas that are due by then are sent, under cursors that say that the snapshot is not
 * finished, and the rest of the members as of the new position.
 */
export class SnapshotSender {
  readonly #sender: DeltaSender;
  readonly #parts: SubscriberParts;
  readonly #audiences: readonly number[];
  readonly #progress: SnapshotProgress;
  /** `FeedWindow.appendedBytes` when the position was the newest there was. */
  #bytesAtPosition: number;
  /** Members of the current audience, encoded and not yet sent: less than a page. */
  #page: Piece[] = [];

  constructor(sender: DeltaSender, parts: SubscriberParts) {
    this.#sender = sender;
    this.#parts = parts;
    this.#audiences = parts.audiencesOf(sender.lane.selection);
    this.#progress = new SnapshotProgress(this.#audiences);
    this.#bytesAtPosition = parts.feed.appendedBytes;
  }

  /**
   * `isAnnounced`: the reader was told the cursor of the position already. Says false when deltas that
   * the snapshot needs are gone: then it was sent in vain.
   */
  async send({isAnnounced}: {isAnnounced: boolean}): Promise<boolean> {
    const {lane, outbox} = this.#sender;
    const startKey = this.#sender.position.key;
    for (const audience of this.#audiences) {
      this.#progress.begin(audience);
      for (let shard = 0; shard < this.#parts.feed.shardCount; shard++) {
        if (!(await this.#sendShard(audience, shard))) return false;
      }
      await outbox.room();
      outbox.send(lane.wire.snapshotMessage(audience, this.#page, true));
      this.#page = [];
    }
    await outbox.room();
    if (!isAnnounced || this.#sender.position.key !== startKey) this.#sender.tell([], true);
    return true;
  }

  async #sendShard(audience: number, shard: number): Promise<boolean> {
    const {feed, bounds} = this.#parts;
    let after: bigint | undefined;
    do {
      const lagBytes = feed.appendedBytes - this.#bytesAtPosition;
      if (lagBytes > bounds.snapshotLagBytesMax && !(await this.#catchUp(audience))) return false;
      const {position} = this.#sender;
      assert(position.index(shard) === 0, 'a snapshot stands between entries');
      const watermark = position.watermark(shard);
      const window = await this.#window({audience, shard, watermark, after});
      if (feed.isLost(shard, watermark)) return false;
      await this.#sendMembers(audience, shard, window);
      this.#progress.reached(shard, window.upTo);
      after = window.upTo;
    } while (after !== undefined);
    return true;
  }

  async #window(part: {
    readonly audience: number;
    readonly shard: number;
    readonly watermark: number;
    readonly after: bigint | undefined;
  }): Promise<MembersAsOf> {
    try {
      return await membersAsOf(this.#parts, {...part, limit: this.#parts.bounds.snapshotWindow});
    } catch (error) {
      // An audience that was deleted meanwhile has no members; its deletes are among the deltas.
      const isGone = !this.#parts.audiencesOf(this.#sender.lane.selection).includes(part.audience);
      if (!isGone) throw error;
      return {mpids: new BigInt64Array(0), sinceMs: new Float64Array(0), upTo: undefined};
    }
  }

  async #sendMembers(audience: number, shard: number, window: MembersAsOf): Promise<void> {
    const {lane, outbox, fields, piecesBytesMax: bytesMax} = this.#sender;
    const {mpids, sinceMs} = window;
    for (let from = 0; from < mpids.length; from += BATCH_MEMBERS) {
      await outbox.room();
      const to = Math.min(from + BATCH_MEMBERS, mpids.length);
      const members: {mpid: bigint; sinceMs: number}[] = [];
      for (let at = from; at < to; at++) {
        const mpid = mpids[at] ?? 0n;
        const isWanted = lane.selection.includes(audience, mpid);
        if (isWanted) members.push({mpid, sinceMs: sinceMs[at] ?? NaN});
      }
      const views = await fields?.fetch(members.map(({mpid}) => ({shard, audience, mpid})));
      for (const {mpid, sinceMs: since} of members) {
        const base = {mpid: mpid.toString(), ...(Number.isNaN(since) ? {} : {since_ms: since})};
        const view = views?.get(mpid);
        this.#page.push(
          fields?.encode(lane.wire, base, {audience, known: {view}, bytesMax}) ??
            lane.wire.value(base),
        );
      }
      await this.#sendPages(audience, {isRestSent: false});
    }
  }

  /** Sends what fills pages, and the rest too when asked. */
  async #sendPages(audience: number, {isRestSent}: {isRestSent: boolean}): Promise<void> {
    const {lane, outbox} = this.#sender;
    const bytesMax = this.#parts.bounds.frameBytesMax - ENVELOPE_BYTES;
    const members = this.#page;
    let from = 0;
    while (from < members.length) {
      const to = fitting(members, from, {bytesMax, sizeOf: piece => lane.wire.sizeOf(piece)});
      if (to === members.length && !isRestSent) break;
      const page = members.slice(from, to);
      await outbox.room();
      await this.#parts.turns.run(() =>
        outbox.send(lane.wire.snapshotMessage(audience, page, false)),
      );
      from = to;
    }
    this.#page = members.slice(from);
  }

  /** Sends the deltas that are due, as far as there are any at this moment. */
  async #catchUp(audience: number): Promise<boolean> {
    const {outbox} = this.#sender;
    await this.#sendPages(audience, {isRestSent: true});
    this.#bytesAtPosition = this.#parts.feed.appendedBytes;
    const ends = this.#parts.feed.heads();
    for (;;) {
      await outbox.room();
      const step = await this.#sender.sendBatch({
        isDue: (shard, records, index) => this.#progress.isDue(shard, records.deltas, index),
        ends,
        isComplete: false,
      });
      if (step === 'lost') return false;
      if (step === 'caught up') break;
    }
    // Even with no deltas: the cursor that the snapshot began with no longer goes with it.
    await outbox.room();
    if (this.#sender.told.key !== this.#sender.position.key) this.#sender.tell([], false);
    return true;
  }
}
