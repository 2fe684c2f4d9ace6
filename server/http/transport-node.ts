/** The transport on `node:http` and `ws`: runs on any Node. */
import {createServer, type IncomingMessage, type Server, ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';
import {WebSocketServer} from 'ws';
import {negotiate} from './handshake.ts';
import {Heartbeat} from './heartbeat.ts';
import {NodeExchange, type NodeServerState, readTarget} from './node-exchange.ts';
import {NodeSocket} from './node-socket.ts';
import {badRequest, INTERNAL_ERROR, type Refusal, socketRefusal, STOPPING} from './refusals.ts';
import {matchPattern, RouteTable} from './route-table.ts';
import type {SocketRoute, Transport, TransportOptions} from './transport.ts';

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 20_000,
  /** For the whole request, so the slowest body of 8 MiB comes at 28 KiB/s. */
  requestTimeout: 300_000,
  /** Longer than load balancers keep an idle connection, so that it is they who close it. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
} as const;
/** No byte either way: a client that stopped reading its answer. */
const IDLE_MS = 120_000;
/** While closing. */
const IDLE_CHECK_MS = 50;
/** How long a client may take to read the refusal of its upgrade. */
const REFUSED_UPGRADE_MS = 10_000;

interface SocketService {
  readonly route: SocketRoute;
  readonly heartbeat: Heartbeat;
  readonly acceptor: WebSocketServer;
  /** Also those whose closing handshake is under way. */
  readonly sockets: Set<NodeSocket>;
}

export async function listenNode(options: TransportOptions): Promise<Transport> {
  const state: NodeServerState = {closing: false, onError: options.onError};
  const table = new RouteTable(options);
  const services = options.sockets.map(startService);
  const server = createServer({...LIMITS, noDelay: true});
  server.setTimeout(IDLE_MS);

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const target = readTarget(request.url ?? '');
    const route = table.find(request.method ?? 'GET', target.path);
    const exchange = new NodeExchange({server: state, request, response, target, route});
    if (state.closing) exchange.refuse(STOPPING);
    else if (hasTwoHosts(request)) refuseAndClose(exchange, response);
    else exchange.serve();
  };
  server.on('request', serve);
  // Without a listener Node would ask for a body that readBody may find too large to want.
  server.on('checkContinue', serve);
  server.on('upgrade', (request, socket, head) => {
    upgrade({request, socket, head, server, services, state});
  });

  try {
    await listen(server, options);
  } catch (error) {
    for (const service of services) service.heartbeat.stop();
    throw error;
  }

  let closed: Promise<void> | undefined;
  return {
    name: 'node',
    port: (server.address() as AddressInfo).port,
    close: graceMs => (closed ??= close(graceMs)),
  };

  function close(graceMs: number): Promise<void> {
    state.closing = true;
    for (const {heartbeat} of services) {
      heartbeat.stop();
      heartbeat.closeAll(1001, 'the server is stopping');
    }
    return new Promise(resolve => {
      // An answer begun before has promised to keep its connection.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      const timer = setTimeout(() => {
        server.closeAllConnections();
        for (const {sockets} of services) {
          for (const socket of sockets) socket.terminate();
        }
      }, graceMs);
      server.close(() => {
        clearInterval(idle);
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function startService(route: SocketRoute): SocketService {
  return {
    route,
    heartbeat: new Heartbeat(route.pingEveryMs),
    acceptor: new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: route.messageBytesMax,
      handleProtocols: offered => route.protocols.find(one => offered.has(one)) ?? false,
    }),
    sockets: new Set(),
  };
}

function listen(server: Server, {host, port}: TransportOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({host, port, exclusive: true}, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Node itself refuses a missing Host and a second Content-Length, but takes the first of two Hosts. */
function hasTwoHosts({rawHeaders}: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

function refuseAndClose(exchange: NodeExchange, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  exchange.refuse(badRequest('exactly one Host is needed'));
}

interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly server: Server;
  readonly services: readonly SocketService[];
  readonly state: NodeServerState;
}

function upgrade(options: UpgradeRequest): void {
  const {request, socket, head, services, state} = options;
  const response = takeOver(request);
  if (response === undefined) {
    socket.destroy();
    return;
  }
  const target = readTarget(request.url ?? '');
  const isWebSocket =
    request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
  for (const service of isWebSocket ? services : []) {
    const {route, acceptor, heartbeat, sockets} = service;
    const segments = matchPattern(route.pattern, target.path);
    if (segments === undefined) continue;

    socket.on('error', () => socket.destroy());
    const exchange = new NodeExchange({
      server: state,
      request,
      response,
      target,
      route: {handler: () => undefined, segments},
    });
    exchange.beUpgrade();
    const verdict = judge(route, exchange, state, request);
    exchange.release();
    if ('refusal' in verdict) {
      response.on('finish', () => {
        request.socket.setTimeout(REFUSED_UPGRADE_MS, () => socket.destroy());
        request.socket.destroySoon();
      });
      exchange.refuse(verdict.refusal);
      return;
    }
    response.detachSocket(request.socket);
    acceptor.handleUpgrade(request, socket, head, native => {
      const {context} = verdict;
      const accepted = new NodeSocket({native, context, route, heartbeat, onError: state.onError});
      sockets.add(accepted);
      native.on('close', () => sockets.delete(accepted));
      accepted.open();
    });
    return;
  }
  response.detachSocket(request.socket);
  serveWithoutUpgrade(options);
}

function judge(
  route: SocketRoute,
  exchange: NodeExchange,
  state: NodeServerState,
  request: IncomingMessage,
): {readonly refusal: Refusal} | {readonly context: unknown} {
  if (hasTwoHosts(request)) return {refusal: badRequest('exactly one Host is needed')};
  if (state.closing) return {refusal: STOPPING};
  const offer = negotiate(route.protocols, name => exchange.header(name));
  if ('refusal' in offer) return offer;
  try {
    const verdict = route.accept(exchange);
    if (!('status' in verdict)) return verdict;
    return {refusal: socketRefusal(verdict)};
  } catch (error) {
    state.onError(error);
    return {refusal: INTERNAL_ERROR};
  }
}

/**
 * Node hands over a bare connection with an upgrade; this can answer on it. undefined while an earlier
 * request of the connection waits for its answer, which must not end up among the frames.
 */
function takeOver(request: IncomingMessage): ServerResponse | undefined {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  try {
    response.assignSocket(request.socket);
    return response;
  } catch {
    return undefined;
  }
}

/**
 * An upgrade that nobody here offers is ignored, as RFC 9110 allows: Java's client asks for h2c with
 * every first request. Node has let go of the connection by now, so it is given back with the request
 * written anew, less what asked for the upgrade.
 */
function serveWithoutUpgrade({request, socket, head, server}: UpgradeRequest): void {
  const {rawHeaders} = request;
  let text = `${request.method} ${request.url} HTTP/1.1\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'upgrade' || lower === 'connection' || lower === 'http2-settings') continue;
    text += `${name}: ${rawHeaders[index + 1]}\r\n`;
  }
  if (/\bclose\b/i.test(request.headers.connection ?? '')) text += 'connection: close\r\n';
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
