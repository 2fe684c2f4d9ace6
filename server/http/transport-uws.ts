/** The transport on uWebSockets.js: 1.6 times the small requests of `node:http`, 5 times the fan-out. */
import {createServer} from 'node:net';
import {BUFFERED_BYTES_MAX, negotiate} from './handshake.ts';
import {Heartbeat} from './heartbeat.ts';
import {badRequest, INTERNAL_ERROR, socketRefusal, STOPPING} from './refusals.ts';
import {matchPattern, RouteTable} from './route-table.ts';
import type {SocketRoute, Transport, TransportOptions} from './transport.ts';
import {UwsExchange, type UwsServerState} from './uws-exchange.ts';
import {UwsHeaders} from './uws-headers.ts';
import {UwsSocket} from './uws-socket.ts';
import type {
  UwsApp,
  UwsModule,
  UwsRequest,
  UwsResponse,
  UwsSocket as NativeSocket,
  UwsSocketBehavior,
} from './uws-types.ts';

/** After the last answer: time for what uWebSockets itself still buffers, which nothing tells. */
const FLUSH_MS = 50;
const FLUSH_STREAM_MS = 1_000;

export async function listenUws(uws: UwsModule, options: TransportOptions): Promise<Transport> {
  // No header that advertises the server.
  uws._cfg('silent');
  const app = uws.App();
  const state: UwsServerState = {
    headers: new UwsHeaders(),
    table: new RouteTable(options),
    pending: new Set(),
    closing: false,
    hasStreamed: false,
    settled: () => undefined,
    onError: options.onError,
  };
  const heartbeats: Heartbeat[] = [];
  for (const route of options.sockets) {
    const heartbeat = new Heartbeat(route.pingEveryMs);
    heartbeats.push(heartbeat);
    app.ws(route.pattern, socketBehavior(uws, {route, heartbeat, state}));
  }
  serveMethods(app, state);

  let token: unknown;
  try {
    token = await listen(app, uws, options);
  } catch (error) {
    for (const heartbeat of heartbeats) heartbeat.stop();
    throw error;
  }

  let closed: Promise<void> | undefined;
  return {
    name: 'uws',
    port: uws.us_socket_local_port(token),
    close: graceMs => (closed ??= close(graceMs)),
  };

  async function close(graceMs: number): Promise<void> {
    state.closing = true;
    uws.us_listen_socket_close(token);
    for (const heartbeat of heartbeats) {
      heartbeat.stop();
      heartbeat.closeAll(1001, 'the server is stopping');
    }
    const deadlineMs = performance.now() + graceMs;
    if (state.pending.size > 0) await allSettled(state, graceMs);
    const leftMs = deadlineMs - performance.now();
    const flushMs = state.hasStreamed ? FLUSH_STREAM_MS : FLUSH_MS;
    await new Promise(done => setTimeout(done, Math.max(0, Math.min(flushMs, leftMs))));
    app.close();
  }
}

/** One handler for each method, so that none has to be read from the request. */
function serveMethods(app: UwsApp, state: UwsServerState): void {
  const serve =
    (method: string) =>
    (native: UwsResponse, request: UwsRequest): void =>
      new UwsExchange(state, native, request, method).serve();
  app.post('/*', serve('POST'));
  app.get('/*', serve('GET'));
  app.put('/*', serve('PUT'));
  app.patch('/*', serve('PATCH'));
  app.del('/*', serve('DELETE'));
  app.head('/*', serve('HEAD'));
  app.any('/*', (native, request) => {
    const method = request.getCaseSensitiveMethod().toUpperCase();
    new UwsExchange(state, native, request, method).serve();
  });
}

function socketBehavior(
  uws: UwsModule,
  {
    route,
    heartbeat,
    state,
  }: {
    readonly route: SocketRoute;
    readonly heartbeat: Heartbeat;
    readonly state: UwsServerState;
  },
): UwsSocketBehavior {
  return {
    compression: uws.DISABLED,
    // Past this the connection is cut without a word; up to it, ours is the answer (1009).
    maxPayloadLength: route.messageBytesMax + Math.max(route.messageBytesMax, 1024 * 1024),
    // Never reached: `send` cuts the socket before. Past it messages would be dropped in silence.
    maxBackpressure: BUFFERED_BYTES_MAX * 4,
    // In seconds, from 8 to 960: a second line behind the heartbeat, and it ends half-closed sockets.
    idleTimeout: Math.min(960, Math.max(8, Math.ceil((route.pingEveryMs * 3) / 4000) * 4)),
    sendPingsAutomatically: false,
    upgrade: (native, request, context) => {
      upgrade({native, request, context, route, heartbeat, state});
    },
    open: native => wrapperOf(native).opened(native),
    message: (native, message, isBinary) => wrapperOf(native).received(message, isBinary),
    ping: native => {
      wrapperOf(native).heard = true;
    },
    pong: native => {
      wrapperOf(native).heard = true;
    },
    drain: native => wrapperOf(native).drained(),
    close: (native, code) => wrapperOf(native).closed(code),
  };
}

function wrapperOf(native: NativeSocket): UwsSocket {
  return (native.getUserData() as {readonly socket: UwsSocket}).socket;
}

/** Synchronous from end to end: an upgrade after an `await` crashes uWebSockets 20.30. */
function upgrade(options: {
  readonly native: UwsResponse;
  readonly request: UwsRequest;
  readonly context: unknown;
  readonly route: SocketRoute;
  readonly heartbeat: Heartbeat;
  readonly state: UwsServerState;
}): void {
  const {native, request, context, route, heartbeat, state} = options;
  const exchange = new UwsExchange(state, native, request, 'GET');
  const problem = state.headers.read(request);
  const segments = matchPattern(route.pattern, exchange.path);
  const offer = negotiate(route.protocols, name => exchange.header(name));
  if (problem !== undefined) exchange.refuse(problem, true);
  else if (state.closing) exchange.refuse(STOPPING, true);
  else if (segments === undefined) exchange.refuse(badRequest('the path is malformed'), true);
  else if ('refusal' in offer) exchange.refuse(offer.refusal, true);
  else {
    exchange.beUpgrade(segments);
    try {
      const verdict = route.accept(exchange);
      if ('status' in verdict) {
        exchange.refuse(socketRefusal(verdict), true);
      } else {
        const {protocol} = offer;
        const {onError} = state;
        const socket = new UwsSocket({
          protocol,
          context: verdict.context,
          route,
          heartbeat,
          onError,
        });
        const key = exchange.header('sec-websocket-key');
        exchange.finish();
        native.upgrade({socket}, key, protocol, '', context);
      }
    } catch (error) {
      exchange.refuse(INTERNAL_ERROR, true);
      state.onError(error);
    }
  }
  exchange.release();
}

function listen(app: UwsApp, uws: UwsModule, options: TransportOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // uWebSockets would take such a port modulo 65,536.
    if (!(options.port >= 0 && options.port <= 65_535)) {
      reject(Object.assign(new RangeError('no such port'), {code: 'ERR_SOCKET_BAD_PORT'}));
      return;
    }
    // Without this option two processes share a port, and each gets half of the connections.
    app.listen(options.host, options.port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, token => {
      if (token) resolve(token);
      else refusedListen(options).then(reject, reject);
    });
  });
}

/** uWebSockets says only that it cannot listen; Node's own attempt says why. */
function refusedListen({host, port}: TransportOptions): Promise<Error> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen({host, port, exclusive: true}, () => {
      probe.close();
      resolve(Object.assign(new Error(`cannot listen on ${host}:${port}`), {code: 'EADDRINUSE'}));
    });
  });
}

/** Resolves when nothing is pending; after `graceMs` cuts what still is. */
function allSettled(state: UwsServerState, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      for (const exchange of state.pending) exchange.cut();
      resolve();
    }, graceMs);
    state.settled = () => {
      if (state.pending.size > 0) return;
      clearTimeout(timer);
      resolve();
    };
  });
}
