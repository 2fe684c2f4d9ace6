/** Pings the sockets of one route, and cuts off those that stay silent. */
export interface Beating {
  /** Set by the socket when anything arrives from its client. */
  heard: boolean;
  /** Pings sent in a row with nothing heard since. */
  silentPings: number;
  ping(): void;
  /** Cuts the connection, with code 1006 for the route. */
  cut(): void;
  close(code: number, reason: string): void;
}

/** One timer for all sockets: uWebSockets' own timers have a grain of four seconds. */
export class Heartbeat {
  readonly #sockets = new Set<Beating>();
  readonly #timer: NodeJS.Timeout;

  constructor(pingEveryMs: number) {
    this.#timer = setInterval(() => this.#beat(), pingEveryMs);
    this.#timer.unref();
  }

  add(socket: Beating): void {
    this.#sockets.add(socket);
  }

  remove(socket: Beating): void {
    this.#sockets.delete(socket);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  #beat(): void {
    for (const socket of this.#sockets) {
      socket.silentPings = socket.heard ? 0 : socket.silentPings + 1;
      socket.heard = false;
      if (socket.silentPings >= 2) socket.cut();
      else socket.ping();
    }
  }
}
