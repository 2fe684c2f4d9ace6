/**
 * One kept-alive connection with one request after the other, over a bare socket: the client must not need the
 * core that the server could use. Of an answer nothing is read but the status and the length. There is no
 * pipelining: uWebSockets.js closes a connection that sends before its answer is there.
 */
import {connect, type Socket} from 'node:net';

export type Answered = (status: number) => void;

export class HttpLane {
  readonly #socket: Socket;
  readonly #waiting: {readonly request: Buffer; readonly answered: Answered}[] = [];
  #isOpen = true;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOpen = false;
      for (const {answered} of this.#waiting.splice(0)) answered(0);
    });
  }

  static open(url: string): Promise<HttpLane> {
    const {hostname, port} = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({host: hostname, port: Number(port)});
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpLane(socket));
      });
    });
  }

  /** Waits its turn; status 0 when there is no answer. */
  send(request: Buffer, answered: Answered): void {
    if (!this.#isOpen) {
      setImmediate(answered, 0);
      return;
    }
    this.#waiting.push({request, answered});
    if (this.#waiting.length === 1) this.#socket.write(request);
  }

  sendAndWait(request: Buffer): Promise<number> {
    return new Promise(resolve => this.send(request, resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const headEnd = data.indexOf('\r\n\r\n');
      if (headEnd < 0) break;
      const head = data.toString('latin1', 0, headEnd);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (data.length < end) break;
      data = data.subarray(end);
      const done = this.#waiting.shift();
      const next = this.#waiting[0];
      if (next !== undefined) this.#socket.write(next.request);
      done?.answered(Number(head.slice(9, 12)));
    }
    this.#rest = data;
  }
}

export function encodeRequest(
  path: string,
  {authorization, contentType, body}: {authorization: string; contentType: string; body: Buffer},
): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${authorization}\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
