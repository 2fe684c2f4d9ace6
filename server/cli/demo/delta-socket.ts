import {WebSocket} from 'ws';
import type {DemoDelta, Scoreboard} from './scoreboard.ts';

export interface DeltaSocket {
  /** Resolves with why when the socket ends without being asked to. */
  readonly lost: Promise<string>;
  close(): void;
}

/** Subscribes from a snapshot, so that sizes are right from the first message. Resolves once subscribed. */
export function watchDeltas(options: {
  url: URL;
  adminToken: string;
  audiences: readonly number[];
  scoreboard: Scoreboard;
}): Promise<DeltaSocket> {
  const {scoreboard} = options;
  const address = new URL('/v1/deltas', options.url);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address, ['muster.json'], {
    headers: {authorization: `Bearer ${options.adminToken}`},
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    let isAsked = false;
    let lose: (why: string) => void = () => {};
    const lost = new Promise<string>(settle => (lose = settle));
    const close = (): void => {
      isAsked = true;
      socket.close();
    };
    socket.on('open', () => {
      const {audiences} = options;
      socket.send(JSON.stringify({type: 'subscribe', audiences, from: 'snapshot'}));
    });
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ServerMessage;
      switch (message.type) {
        case 'subscribed':
          resolve({lost, close});
          break;
        case 'snapshot':
          scoreboard.admit(
            message.audience,
            message.members.map(member => member.mpid),
          );
          break;
        case 'deltas':
          for (const delta of message.deltas) scoreboard.apply(delta);
          break;
        case 'reset':
          scoreboard.reset();
          break;
        case 'error':
          lose(message.message);
          reject(new Error(`the delta stream refused: ${message.message}`));
          break;
      }
    });
    socket.on('error', reject);
    socket.on('close', code => {
      if (!isAsked) lose(`the delta stream ended (${code})`);
      reject(new Error(`the delta stream ended (${code})`));
    });
  });
}

type ServerMessage =
  | {readonly type: 'subscribed'}
  | {
      readonly type: 'snapshot';
      readonly audience: number;
      readonly members: readonly {readonly mpid: string}[];
    }
  | {readonly type: 'deltas'; readonly deltas: readonly DemoDelta[]}
  | {readonly type: 'reset'}
  | {readonly type: 'error'; readonly message: string};
