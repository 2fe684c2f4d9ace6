/** What the stream is given by the rest of the server, and the bounds it keeps. */
import type {ScopeId} from '../../engine/ids.ts';
import type {TransportRequest} from '../http/transport.ts';
import type {Shards} from '../shards/protocol.ts';

/**
 * Who a socket belongs to. `mayStream` answers as of now, is asked again whenever audiences or grants
 * change, and says the same for every socket of a token: readers of one token share what is made for them.
 */
export interface StreamPrincipal {
  readonly tokenId: number;
  readonly role: string;
  mayStream(audienceId: number): boolean;
  /** Identity types it is granted; undefined: all of them. */
  readonly identities: readonly string[] | undefined;
}

export interface StreamAudience {
  readonly id: number;
  /** Where its profiles' identities and attributes may be read from, in order of preference. */
  readonly scopes: readonly ScopeId[];
}

export interface StreamParts {
  readonly shards: Shards;
  authorize(
    request: TransportRequest,
  ): {readonly principal: StreamPrincipal} | {readonly status: number; readonly body: string};
  readonly audiences: {
    list(): readonly StreamAudience[];
    /** Those that were deleted: their last deletes may still be on their way to somebody. */
    deleted(): readonly StreamAudience[];
    /** Told after an audience came, went or changed, and after the grants of a token changed. */
    onChange(listener: () => void): void;
  };
  /** Acknowledged cursors, kept durable. `set` resolves when it is. */
  readonly cursors: {
    get(tokenId: number, name: string): string | undefined;
    set(tokenId: number, name: string, cursor: string): Promise<void>;
  };
  /** User attributes that some subscriber asked for: append-only and durable, its order is their index. */
  readonly watchedAttributes: {
    list(): readonly string[];
    add(names: readonly string[]): Promise<void>;
  };
  /** Throws on bytes that are not one well-formed message of harmless size and depth. */
  decodeMsgpack(bytes: Uint8Array): unknown;
  /** The variant of a profile in an audience's test; undefined when the audience has none. */
  readonly variantOf?: ((audienceId: number, mpid: bigint) => string | undefined) | undefined;
  /** Tells this data folder from another one, so that a cursor of the other is not resumed here. */
  readonly feedId: number;
  readonly bounds: StreamBounds;
  nowMs(): number;
  onError(error: unknown): void;
}

export interface StreamBounds {
  /** A frame, its envelope included. Under 16 KiB, which the transport asks for. */
  readonly frameBytesMax: number;
  /** Handed to one socket and not yet taken by the operating system: at this, sending waits. */
  readonly inFlightBytesMax: number;
  /** Newest deltas kept in memory for readers that keep up, all shards together. */
  readonly ringBytesMax: number;
  /** Deltas read from disk and kept for readers at about the same place. */
  readonly diskCacheBytesMax: number;
  readonly diskReadBytes: number;
  /** Members taken from a shard at a time while a snapshot is sent: a few milliseconds of its thread. */
  readonly snapshotWindow: number;
  /** Feed that may pass by during a snapshot before its deltas are sent in between. */
  readonly snapshotLagBytesMax: number;
  readonly connectionsMax: number;
  readonly subscriptionsMax: number;
  readonly messageBytesMax: number;
  readonly audiencesPerSubscribeMax: number;
  readonly attributesPerSubscribeMax: number;
  /** In all: an attribute_update names its attribute by a 16-bit index. */
  readonly watchedAttributesMax: number;
  readonly pingEveryMs: number;
  /** A reader that nothing was sent to for so long is told how far it is, if that moved. */
  readonly cursorEveryMs: number;
  /** At most one write of an acknowledged cursor in so long, for each name. */
  readonly ackEveryMs: number;
}

export const STREAM_BOUNDS: StreamBounds = {
  frameBytesMax: 15 * 1024,
  inFlightBytesMax: 64 * 1024,
  ringBytesMax: 16 * 1024 * 1024,
  diskCacheBytesMax: 16 * 1024 * 1024,
  diskReadBytes: 256 * 1024,
  snapshotWindow: 16_384,
  snapshotLagBytesMax: 1024 * 1024,
  connectionsMax: 4_000,
  subscriptionsMax: 2_000,
  messageBytesMax: 256 * 1024,
  audiencesPerSubscribeMax: 20_000,
  attributesPerSubscribeMax: 64,
  watchedAttributesMax: 10_000,
  pingEveryMs: 30_000,
  cursorEveryMs: 600_000,
  ackEveryMs: 100,
};
