import {unpack} from 'msgpackr';
import {chooseTransport} from '../../server/http/choose-transport.ts';
import type {SocketRoute, Transport, TransportSocket} from '../../server/http/transport.ts';
import {deltasSocket} from '../../server/stream/deltas-socket.ts';
import {Hub} from '../../server/stream/hub.ts';
import {
  STREAM_BOUNDS,
  type StreamAudience,
  type StreamBounds,
  type StreamParts,
  type StreamPrincipal,
} from '../../server/stream/stream-parts.ts';
import type {FeedShards} from './feed-shards.ts';

export interface StreamServerOptions {
  readonly shards: FeedShards;
  readonly transport?: 'node' | 'uws';
  readonly audiences?: readonly number[];
  readonly bounds?: Partial<StreamBounds>;
  readonly feedId?: number;
  /** Kept from one server to the next, as a disk would. */
  readonly kept?: KeptState;
  readonly variantOf?: StreamParts['variantOf'];
}

/** What survives a restart. */
export class KeptState {
  readonly cursors = new Map<string, string>();
  readonly watched: string[] = [];
  cursorWrites = 0;
}

export interface Grant {
  readonly tokenId: number;
  readonly audiences?: readonly number[];
  readonly identities?: readonly string[];
}

/** The stream on a real transport, over test shards; tokens are whatever the test grants. */
export class StreamServer {
  readonly hub: Hub;
  readonly shards: FeedShards;
  readonly kept: KeptState;
  readonly errors: unknown[] = [];
  /** Every socket opened, in order. */
  readonly sockets: TransportSocket[] = [];
  readonly #audiences: StreamAudience[];
  readonly #deleted: StreamAudience[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #grants = new Map<string, Grant>([['all', {tokenId: 1}]]);
  #transport: Transport | undefined;
  nowMs = 1_790_000_000_000;

  private constructor(options: StreamServerOptions) {
    this.shards = options.shards;
    this.kept = options.kept ?? new KeptState();
    this.#audiences = (options.audiences ?? []).map(id => ({id, scopes: [2]}));
    const parts: StreamParts = {
      shards: options.shards,
      authorize: request => {
        const grant = this.#grants.get(request.query.get('token') ?? '');
        if (grant === undefined) return {status: 401, body: '{}'};
        return {principal: principalOf(grant)};
      },
      audiences: {
        list: () => this.#audiences,
        deleted: () => this.#deleted,
        onChange: listener => this.#listeners.push(listener),
      },
      cursors: {
        get: (tokenId, name) => this.kept.cursors.get(`${tokenId}/${name}`),
        set: async (tokenId, name, cursor) => {
          this.kept.cursorWrites++;
          await new Promise(resolve => setImmediate(resolve));
          this.kept.cursors.set(`${tokenId}/${name}`, cursor);
        },
      },
      watchedAttributes: {
        list: () => this.kept.watched,
        add: async names => {
          await new Promise(resolve => setImmediate(resolve));
          this.kept.watched.push(...names);
        },
      },
      decodeMsgpack: bytes => unpack(bytes) as unknown,
      variantOf: options.variantOf,
      feedId: options.feedId ?? 7,
      bounds: {...STREAM_BOUNDS, ...options.bounds},
      nowMs: () => this.nowMs,
      onError: error => this.errors.push(error),
    };
    this.hub = new Hub(parts);
  }

  static async start(options: StreamServerOptions): Promise<StreamServer> {
    const server = new StreamServer(options);
    await server.hub.start();
    const listen = await chooseTransport(options.transport ?? 'node');
    server.#transport = await listen({
      host: '127.0.0.1',
      port: 0,
      routes: [],
      sockets: [server.#observed(deltasSocket(server.hub))],
      notFound: (_request, response) => response.send(404, {}, ''),
      onError: error => server.errors.push(error),
    });
    return server;
  }

  get port(): number {
    return this.#transport?.port ?? 0;
  }

  grant(token: string, grant: Grant): void {
    this.#grants.set(token, grant);
    this.#changed();
  }

  addAudience(id: number, scopes: readonly number[] = [2]): void {
    this.#audiences.push({id, scopes});
    this.#changed();
  }

  removeAudience(id: number): void {
    const at = this.#audiences.findIndex(audience => audience.id === id);
    this.#deleted.push(...this.#audiences.splice(at, 1));
    this.#changed();
  }

  async stop(): Promise<void> {
    await this.hub.stop();
    await this.#transport?.close(500);
  }

  #observed(route: SocketRoute): SocketRoute {
    return {
      ...route,
      open: socket => {
        this.sockets.push(socket);
        route.open(socket);
      },
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function principalOf(grant: Grant): StreamPrincipal {
  return {
    tokenId: grant.tokenId,
    role: 'subscriber',
    mayStream: id => grant.audiences?.includes(id) !== false,
    identities: grant.identities,
  };
}
