import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {Readable} from 'node:stream';
import type {CliIo} from '../../server/cli/io.ts';

/** A process for a command under test: what it writes is kept, and `interrupt` is its Ctrl-C. */
export interface TestProcess extends CliIo {
  readonly out: () => string;
  readonly err: () => string;
  readonly interrupt: () => void;
}

export function testProcess(
  options: {stdin?: string; env?: Record<string, string>; columns?: number} = {},
): TestProcess {
  let out = '';
  let err = '';
  const controller = new AbortController();
  const size = {columns: options.columns, rows: options.columns === undefined ? undefined : 40};
  return {
    stdout: {...size, write: text => void (out += text)},
    stderr: {...size, write: text => void (err += text)},
    stdin: Readable.from([Buffer.from(options.stdin ?? '')]),
    env: options.env ?? {},
    interrupted: controller.signal,
    out: () => out,
    err: () => err,
    interrupt: () => controller.abort(),
  };
}

export interface ReceivedRequest {
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly delayMs?: number;
}

/**
 * A server that answers as it is told: 429s, faults and refusals in an order that the real one gives
 * only when it is in trouble.
 */
export async function scriptedServer(
  answer: (request: ReceivedRequest, index: number) => Answer,
): Promise<{url: string; requests: ReceivedRequest[]; close: () => Promise<void>}> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received = {
        path: request.url ?? '',
        authorization: request.headers.authorization ?? '',
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(received);
      const made = answer(received, requests.length - 1);
      setTimeout(() => {
        if (made.status === 0) {
          request.socket.destroy();
          return;
        }
        response.writeHead(made.status, made.headers);
        response.end(made.body ?? '{}');
      }, made.delayMs ?? 0);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Every batch of every request, in the order they came. */
export function batchesOf(requests: readonly ReceivedRequest[]): Record<string, unknown>[] {
  return requests.flatMap(request => {
    const parsed = JSON.parse(request.body) as Record<string, unknown> | Record<string, unknown>[];
    return Array.isArray(parsed) ? parsed : [parsed];
  });
}
