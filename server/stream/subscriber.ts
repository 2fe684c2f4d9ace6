import {DeltaSender} from './delta-sender.ts';
import type {Lane} from './lane.ts';
import type {Outbox} from './outbox.ts';
import {Position} from './position.ts';
import type {ProfileFields} from './profile-fields.ts';
import {SnapshotSender} from './snapshot-sender.ts';
import type {SubscriberParts} from './subscriber-parts.ts';

export interface SubscriberStart {
  readonly position: Position;
  readonly isSnapshot: boolean;
  /** Said before the snapshot, when the reader's cursor cannot be resumed. */
  readonly resetReason: string | undefined;
}

/**
 * One reader, and the loop that brings it on. It never holds deltas while it waits; it holds a
 * position, and reads on from there when the socket has room.
 */
export class Subscriber {
  readonly lane: Lane;
  readonly #sender: DeltaSender;
  readonly #parts: SubscriberParts;
  #isIdle = false;

  constructor(
    sending: {lane: Lane; outbox: Outbox; fields: ProfileFields | undefined},
    parts: SubscriberParts,
    position: Position,
  ) {
    this.lane = sending.lane;
    this.#sender = new DeltaSender(sending, parts, position);
    this.#parts = parts;
  }

  get deltasSent(): number {
    return this.#sender.deltasSent;
  }

  /** It was told a cursor at least as far on. */
  wasTold(position: Position): boolean {
    return position.isWithin(this.#sender.told);
  }

  /** Sends until it is stopped; then throws `Stopped`. */
  async run(start: SubscriberStart): Promise<never> {
    const {outbox} = this.#sender;
    let reason = start.resetReason;
    let isSnapshot = start.isSnapshot;
    let isAnnounced = true;
    for (;;) {
      if (reason !== undefined) {
        await outbox.room();
        outbox.send(this.lane.wire.value({type: 'reset', reason}));
      }
      const isWhole =
        !isSnapshot || (await new SnapshotSender(this.#sender, this.#parts).send({isAnnounced}));
      if (isWhole) await this.#follow();
      reason = 'deltas after this cursor are no longer kept';
      this.#sender.position = Position.at(this.#parts.feed.heads());
      isSnapshot = true;
      isAnnounced = false;
    }
  }

  /** A commit, room in the socket, or the end: look again. */
  wake(): void {
    this.#sender.outbox.wake();
  }

  stop(): void {
    this.#sender.outbox.stop();
  }

  /**
   * A reader of quiet audiences would keep a cursor that the feed outlives, though it never was behind.
   * So now and then it is told a newer one, with no deltas.
   */
  tick(nowMs: number): void {
    const {feed, bounds} = this.#parts;
    const sender = this.#sender;
    // Also in case the transport forgot to say that there is room.
    sender.outbox.wake();
    if (!this.#isIdle || nowMs - sender.toldAtMs < bounds.cursorEveryMs) return;
    if (feed.entryCount !== sender.seenEntries || !sender.outbox.hasRoom) return;
    sender.position = Position.at(feed.heads());
    sender.toldAtMs = nowMs;
    if (sender.position.key !== sender.told.key) sender.tell([], true);
  }

  /** Returns when deltas that it has not seen are gone. */
  async #follow(): Promise<void> {
    const {feed} = this.#parts;
    const sender = this.#sender;
    for (;;) {
      await sender.outbox.room();
      const step = await sender.sendNext();
      if (step === 'lost') return;
      if (step === 'caught up') {
        this.#isIdle = true;
        await sender.outbox.until(() => feed.entryCount !== sender.seenEntries);
        this.#isIdle = false;
      }
    }
  }
}
