import {foldedVariantName} from '../catalog/variant-name.ts';
import type {ScopeId} from '../../engine/ids.ts';
import {IDENTITY_MARK} from '../../engine/profiles/former-identities.ts';
import type {ErasedDeltas} from '../shards/protocol.ts';
import type {StreamProblem, SubscribeMessage} from './client-message.ts';
import {decodeCursor, encodeCursor, type Cursor} from './cursor.ts';
import {FeedWindow} from './feed-window.ts';
import {Lane} from './lane.ts';
import {NamedCursors} from './named-cursors.ts';
import type {Outbox} from './outbox.ts';
import {Position} from './position.ts';
import {ProfileFields} from './profile-fields.ts';
import {Selection} from './selection.ts';
import type {StreamParts, StreamPrincipal} from './stream-parts.ts';
import type {SubscriberParts} from './subscriber-parts.ts';
import {Subscriber, type SubscriberStart} from './subscriber.ts';
import {Turns} from './turns.ts';
import {WatchedAttributes} from './watched-attributes.ts';
import type {Wire} from './wire.ts';

/** Longest that subscribers hold the main thread at a stretch. */
const SLICE_MS = 2;
const TICK_MS = 1_000;

/** What a subscription needs of the connection it belongs to. */
export interface Reader {
  readonly principal: StreamPrincipal;
  readonly wire: Wire;
  readonly isClosed: boolean;
  newOutbox(): Outbox;
  close(code: number, reason: string): void;
}

/** A subscription that was granted: the caller tells the reader so, and then runs it. */
export interface Subscription {
  readonly subscriber: Subscriber;
  readonly start: SubscriberStart;
  /** Where it begins, as the reader is told. */
  readonly cursor: string;
  readonly audiences: readonly number[];
  readonly tokenId: number;
  readonly name: string | undefined;
}

export interface StreamStats {
  readonly subscriptions: number;
  readonly lanes: number;
  /** Since the start. */
  readonly deltasSent: number;
}

/** Knows every subscription, and hands each commit on to them. */
export class Hub {
  readonly parts: StreamParts;
  readonly #feed: FeedWindow;
  readonly #cursors: NamedCursors;
  readonly #watched: WatchedAttributes;
  readonly #lanes = new Map<string, Lane>();
  readonly #live = new Map<Subscription, Reader>();
  /** The one live subscription of each name. */
  readonly #named = new Map<string, Subscription>();
  /** Also of audiences that are gone: their last deletes still carry identities. */
  readonly #scopes = new Map<number, readonly ScopeId[]>();
  readonly #subscriberParts: SubscriberParts;
  readonly #ticker: NodeJS.Timeout;
  #endedDeltasSent = 0;
  #isStopping = false;

  constructor(parts: StreamParts) {
    this.parts = parts;
    const {shards, bounds, feedId} = parts;
    this.#feed = new FeedWindow(shards, bounds);
    this.#cursors = new NamedCursors({
      store: parts.cursors,
      everyMs: bounds.ackEveryMs,
      onError: error => parts.onError(error),
    });
    this.#watched = new WatchedAttributes(
      parts.watchedAttributes,
      shards,
      bounds.watchedAttributesMax,
    );
    this.#subscriberParts = {
      shards,
      feed: this.#feed,
      turns: new Turns(SLICE_MS),
      feedId,
      bounds,
      nowMs: () => parts.nowMs(),
      scopesOf: audience => this.#scopes.get(audience) ?? [],
      audiencesOf: selection => this.#audiencesOf(selection),
    };
    this.#noteAudiences();
    parts.audiences.onChange(() => this.#noteAudiences());
    shards.onCommit((shard, watermark, deltas) => {
      this.#feed.append(shard, watermark, deltas);
      if (deltas.length > 0) for (const {subscriber} of this.#live.keys()) subscriber.wake();
    });
    this.#ticker = setInterval(() => {
      const nowMs = parts.nowMs();
      for (const {subscriber} of this.#live.keys()) subscriber.tick(nowMs);
    }, TICK_MS);
    this.#ticker.unref();
  }

  /** Before the first subscription: the shards must know which attributes are followed. */
  async start(): Promise<void> {
    await this.#watched.start();
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  stats(): StreamStats {
    let deltasSent = this.#endedDeltasSent;
    for (const {subscriber} of this.#live.keys()) deltasSent += subscriber.deltasSent;
    return {subscriptions: this.#live.size, lanes: this.#lanes.size, deltasSent};
  }

  async subscribe(
    reader: Reader,
    message: SubscribeMessage,
  ): Promise<Subscription | StreamProblem> {
    const refusal = this.#refuse(reader.principal, message);
    if (refusal !== undefined) return refusal;
    const explicit = isKeyword(message.from) ? undefined : decodeCursor(message.from);
    if (explicit === undefined && !isKeyword(message.from)) {
      return {code: 'bad_cursor', message: 'from is not a cursor of this server'};
    }
    const attributes = await this.#watched.indexesOf([
      ...(message.attributes ?? []),
      ...(message.identities ?? []).map(type => IDENTITY_MARK + type),
    ]);
    if (attributes === undefined) {
      const {watchedAttributesMax} = this.parts.bounds;
      return {
        code: 'too_many_attributes',
        message: `at most ${watchedAttributesMax} different attributes and identity types can be followed in all`,
      };
    }
    if (reader.isClosed || this.#isStopping) {
      return {code: 'unavailable', message: 'the server is stopping'};
    }
    const selection = new Selection({
      principal: reader.principal,
      audiences: message.audiences,
      attributes,
      variants: message.variants && new Set(message.variants.map(foldedVariantName)),
      variantOf: this.parts.variantOf,
    });
    return this.#begin(reader, message, {selection, explicit});
  }

  /** Ends it; what was acknowledged stays acknowledged. */
  unsubscribe(subscription: Subscription): void {
    const reader = this.#live.get(subscription);
    if (reader === undefined) return;
    this.#live.delete(subscription);
    const {subscriber, tokenId, name} = subscription;
    subscriber.stop();
    this.#endedDeltasSent += subscriber.deltasSent;
    const {lane} = subscriber;
    lane.readers--;
    const {key} = lane.selection;
    if (lane.readers === 0 && key !== undefined) this.#lanes.delete(laneKey(lane.wire, key));
    if (name === undefined) return;
    const nameKey = `${tokenId}/${name}`;
    if (this.#named.get(nameKey) === subscription) this.#named.delete(nameKey);
  }

  /** undefined, or why the acknowledgement cannot be. */
  acknowledge(subscription: Subscription, text: string): StreamProblem | undefined {
    const cursor = decodeCursor(text);
    if (cursor === undefined || cursor.feedId !== this.parts.feedId) {
      return {code: 'bad_cursor', message: 'this is not a cursor of this server'};
    }
    if (!subscription.subscriber.wasTold(cursor.position)) {
      return {code: 'bad_cursor', message: 'this cursor was not sent on this connection yet'};
    }
    const {tokenId, name} = subscription;
    if (name === undefined) return undefined;
    const before = this.#storedCursor(tokenId, name);
    // A late acknowledgement of something earlier takes nothing back.
    if (before === undefined || isProgress(before, cursor)) {
      this.#cursors.set(tokenId, name, text);
    }
    return undefined;
  }

  /** Deltas of somebody who is erased: what is remembered of the feed forgets them, as the disk has. */
  eraseDeltas(shard: number, entries: readonly ErasedDeltas[]): void {
    for (const entry of entries) this.#feed.erase(shard, entry);
    for (const lane of this.#lanes.values()) lane.forgetFrames();
  }

  /** Ends every subscription of a token that was revoked. */
  closeToken(tokenId: number): void {
    for (const [subscription, reader] of this.#live) {
      if (subscription.tokenId === tokenId) reader.close(4001, 'token revoked');
    }
  }

  /** Closes every subscription with 1001 and waits until what was acknowledged is durable. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#ticker);
    for (const reader of this.#live.values()) reader.close(1001, 'server stopping');
    await this.#cursors.flush();
  }

  #refuse(principal: StreamPrincipal, message: SubscribeMessage): StreamProblem | undefined {
    const {bounds, variantOf} = this.parts;
    if (this.#isStopping) return {code: 'unavailable', message: 'the server is stopping'};
    if (this.#live.size >= bounds.subscriptionsMax) {
      return {
        code: 'too_many_subscriptions',
        message: `the server serves at most ${bounds.subscriptionsMax} subscriptions`,
      };
    }
    if (message.audiences !== 'all') {
      const unknown = message.audiences.find(
        // One that was deleted has its last deletes to tell to who comes back; of others nothing follows.
        id => !this.#scopes.has(id) || !principal.mayStream(id),
      );
      if (unknown !== undefined) {
        return {
          code: 'unknown_audience',
          message: `there is no audience ${unknown} for this token`,
        };
      }
    }
    const {identities} = principal;
    const ungranted = message.identities?.find(type => identities?.includes(type) === false);
    if (ungranted !== undefined) {
      return {
        code: 'identity_not_granted',
        message: `this token is not granted the identity type ${JSON.stringify(ungranted)}`,
      };
    }
    if (message.variants !== undefined && variantOf === undefined) {
      return {code: 'variants_unavailable', message: 'this server keeps no variants'};
    }
    return undefined;
  }

  #begin(
    reader: Reader,
    message: SubscribeMessage,
    {selection, explicit}: {selection: Selection; explicit: Cursor | undefined},
  ): Subscription {
    const {tokenId} = reader.principal;
    const {name} = message;
    const stored = name === undefined ? undefined : this.#storedCursor(tokenId, name);
    const start = this.#startOf(message.from, explicit ?? stored);
    const fields =
      message.identities === undefined && message.attributes === undefined
        ? undefined
        : new ProfileFields(message, this.parts.shards, this.#subscriberParts.scopesOf);
    const lane = this.#laneOf(reader.wire, selection, fields !== undefined);
    const subscriber = new Subscriber(
      {lane, outbox: reader.newOutbox(), fields},
      this.#subscriberParts,
      start.position,
    );
    const cursor = encodeCursor({
      position: start.position,
      feedId: this.parts.feedId,
      complete: true,
    });
    const audiences = this.#audiencesOf(selection);
    const subscription: Subscription = {subscriber, start, cursor, audiences, tokenId, name};
    this.#live.set(subscription, reader);
    if (name !== undefined) {
      this.#takeName(`${tokenId}/${name}`, subscription);
      this.#keepStart({tokenId, name}, start);
    }
    return subscription;
  }

  /**
   * From its start on a named reader misses nothing, even if it goes before it acknowledges anything. A
   * snapshot that was asked for is simply asked for again then; one that follows a reset has to be kept in
   * mind, or the unusable cursor would stay the newest.
   */
  #keepStart(
    {tokenId, name}: {tokenId: number; name: string},
    {position, isSnapshot, resetReason}: SubscriberStart,
  ): void {
    if (isSnapshot && resetReason === undefined) return;
    const {feedId} = this.parts;
    this.#cursors.set(tokenId, name, encodeCursor({position, feedId, complete: !isSnapshot}));
  }

  #startOf(from: string | undefined, cursor: Cursor | undefined): SubscriberStart {
    const heads = Position.at(this.#feed.heads());
    if (cursor === undefined) {
      return {position: heads, isSnapshot: from !== 'now', resetReason: undefined};
    }
    const resetReason = this.#whyNotResumed(cursor);
    if (resetReason !== undefined) return {position: heads, isSnapshot: true, resetReason};
    return {position: cursor.position, isSnapshot: false, resetReason: undefined};
  }

  #whyNotResumed({position, feedId, complete}: Cursor): string | undefined {
    const {shards} = this.parts;
    if (feedId !== this.parts.feedId) return 'the cursor belongs to another data folder';
    if (position.shardCount !== shards.count) return 'the number of shards has changed';
    if (!complete) return 'the snapshot before this cursor was not finished';
    for (let shard = 0; shard < shards.count; shard++) {
      if (position.watermark(shard) < shards.feedFloor(shard)) {
        return 'deltas after this cursor are no longer kept';
      }
      const reached = position.watermark(shard) + (position.index(shard) > 0 ? 1 : 0);
      if (reached > this.#feed.head(shard)) return 'the cursor is ahead of this data folder';
    }
    return undefined;
  }

  /** The newer connection has the name: the older is most often one whose end nobody noticed. */
  #takeName(nameKey: string, subscription: Subscription): void {
    const older = this.#named.get(nameKey);
    this.#named.set(nameKey, subscription);
    if (older !== undefined) this.#live.get(older)?.close(4009, 'replaced');
  }

  #laneOf(wire: Wire, selection: Selection, isPrivate: boolean): Lane {
    const key = isPrivate ? undefined : selection.key;
    const shared = key === undefined ? undefined : this.#lanes.get(laneKey(wire, key));
    const {feedId, bounds} = this.parts;
    const lane =
      shared ??
      new Lane(wire, selection, {
        feed: this.#feed,
        feedId,
        frameBytesMax: bounds.frameBytesMax,
      });
    if (key !== undefined) this.#lanes.set(laneKey(wire, key), lane);
    lane.readers++;
    return lane;
  }

  #storedCursor(tokenId: number, name: string): Cursor | undefined {
    const text = this.#cursors.get(tokenId, name);
    return text === undefined ? undefined : decodeCursor(text);
  }

  #known: ReadonlySet<number> = new Set();

  #noteAudiences(): void {
    const {audiences} = this.parts;
    const list = audiences.list();
    for (const {id, scopes} of [...audiences.deleted(), ...list]) this.#scopes.set(id, scopes);
    this.#known = new Set(list.map(({id}) => id));
    for (const {subscriber} of this.#live.keys()) subscriber.lane.selection.forget();
  }

  /** Those of now. */
  #audiencesOf(selection: Selection): number[] {
    return [...this.#known].filter(id => selection.admits(id));
  }
}

function isKeyword(from: string | undefined): from is 'now' | 'snapshot' | undefined {
  return from === undefined || from === 'now' || from === 'snapshot';
}

function laneKey(wire: Wire, key: string): string {
  return `${wire.protocol} ${key}`;
}

/** Cursors of one connection never cross: one of two is within the other. */
function isProgress(before: Cursor, after: Cursor): boolean {
  return !after.position.isWithin(before.position) || before.complete !== after.complete;
}
