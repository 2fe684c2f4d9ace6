import type {SocketRoute, TransportSocket} from '../http/transport.ts';
import {Connection} from './connection.ts';
import type {Hub} from './hub.ts';
import type {StreamPrincipal} from './stream-parts.ts';
import {jsonWire, WIRES} from './wire.ts';

/** `GET /v1/deltas`: the deltas of audiences over a WebSocket. */
export function deltasSocket(hub: Hub): SocketRoute {
  const {bounds} = hub.parts;
  const connections = new Map<TransportSocket, Connection>();
  const principals = new WeakMap<object, StreamPrincipal>();
  return {
    pattern: '/v1/deltas',
    protocols: WIRES.map(wire => wire.protocol),
    messageBytesMax: bounds.messageBytesMax,
    pingEveryMs: bounds.pingEveryMs,
    accept(request) {
      const answer = hub.parts.authorize(request);
      if (!('principal' in answer)) return answer;
      if (hub.isStopping) return unavailable('the server is stopping');
      if (connections.size >= bounds.connectionsMax) return unavailable('too many connections');
      const context = {};
      principals.set(context, answer.principal);
      return {context};
    },
    open(socket) {
      const principal =
        typeof socket.context === 'object' && socket.context !== null
          ? principals.get(socket.context)
          : undefined;
      if (principal === undefined) throw new Error('a socket was opened that was not accepted');
      const wire = WIRES.find(candidate => candidate.protocol === socket.protocol) ?? jsonWire;
      connections.set(socket, new Connection(socket, hub, {principal, wire}));
    },
    message: (socket, message) => connections.get(socket)?.receive(message),
    drain: socket => connections.get(socket)?.drained(),
    close(socket) {
      connections.get(socket)?.ended();
      connections.delete(socket);
    },
  };
}

function unavailable(message: string): {readonly status: number; readonly body: string} {
  return {status: 503, body: JSON.stringify({errors: [{code: 'UNAVAILABLE', message}]})};
}
