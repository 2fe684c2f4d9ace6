/** What a user of the server does over HTTP: workspaces, inputs, audiences, events, members. */
import {Agent, request} from 'node:http';
import {ADMIN_TOKEN} from './server-process.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** undefined when it is not JSON. */
  readonly body: unknown;
}

export type Json = Record<string, unknown>;

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One workspace with one input. */
export interface Shop {
  readonly workspace: number;
  readonly input: number;
  readonly key: string;
  readonly secret: string;
}

export class ServerClient {
  readonly #url: string;
  readonly #agent = new Agent({keepAlive: true, maxSockets: 32});

  constructor({url}: {url: string}) {
    this.#url = url;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Rejects when the connection breaks before the answer is whole. */
  send(method: string, path: string, {headers = {}, body = ''}: Sent = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request(
        this.#url + path,
        {method, agent: this.#agent, headers: {...headers, 'content-length': lengthOf(body)}},
        response => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const {statusCode = 0} = response;
            resolve({status: statusCode, headers: response.headers, text, body: parsed(text)});
          });
        },
      );
      // A server that refuses a body may hang up before it is sent: what it said counts.
      call.on('error', error => {
        if (!call.writableFinished && call.listenerCount('response') === 0) return;
        reject(error);
      });
      call.end(body);
    });
  }

  /** As the administrator; fails unless the answer is of the 200s. */
  async api<T = Json>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.raw(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body as T;
  }

  raw(method: string, path: string, body?: object): Promise<Answer> {
    const headers = {authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json'};
    return this.send(method, path, {
      headers,
      body: body === undefined ? '' : JSON.stringify(body),
    });
  }

  async openShop(): Promise<Shop> {
    const {id: workspace} = await this.api<{id: number}>('POST', '/v1/workspaces', {name: 'Shop'});
    const input = await this.api<{id: number; key: string; secret: string}>(
      'POST',
      `/v1/workspaces/${workspace}/inputs`,
      {name: 'Till', type: 'feed'},
    );
    return {workspace, input: input.id, key: input.key, secret: input.secret};
  }

  /** An active audience; it may still be filling. */
  async audience(shop: Shop, name: string, definition: object): Promise<number> {
    const {id} = await this.api<{id: number}>('POST', '/v1/audiences', {
      name,
      workspaces: [shop.workspace],
      definition,
    });
    await this.api('POST', `/v1/audiences/${id}/activate`);
    return id;
  }

  /** Until every audience follows events. */
  async filled(): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const audiences = await this.api<
        {status: string; progress: number; is_calculated: boolean}[]
      >('GET', '/v1/audiences?limit=1000');
      const open = audiences.filter(({status, progress}) => status === 'active' && progress < 1);
      if (open.length === 0) return;
      if (Date.now() > deadline) throw new Error(`never filled: ${JSON.stringify(open)}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }

  post(shop: Shop, batch: object | string, path = '/v2/events'): Promise<Answer> {
    return this.send('POST', path, {
      headers: {authorization: basic(shop), 'content-type': 'application/json'},
      body: typeof batch === 'string' ? batch : JSON.stringify(batch),
    });
  }

  /** Fails unless the batch is taken. */
  async take(shop: Shop, batch: object | string): Promise<void> {
    const answer = await this.post(shop, batch);
    if (answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`);
  }

  /** All pages. */
  async members(audience: number, limit = 1000): Promise<string[]> {
    const mpids: string[] = [];
    let path: string | undefined = `/v1/audiences/${audience}/members?limit=${limit}`;
    while (path !== undefined) {
      const answer = await this.raw('GET', path);
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
      mpids.push(...(answer.body as {mpid: string}[]).map(({mpid}) => mpid));
      path = /<([^>]+)>; rel="next"/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    return mpids;
  }

  async profile(mpid: string): Promise<Json | undefined> {
    const answer = await this.raw('GET', `/v1/profiles/${mpid}`);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    return answer.body as Json;
  }
}

export function basic({key, secret}: Pick<Shop, 'key' | 'secret'>): string {
  return `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
}

/** A custom event of now, unless it is told otherwise. */
export function event(name: string, data: object = {}): Json {
  return {
    event_type: 'custom_event',
    data: {event_name: name, custom_event_type: 'other', ...data},
  };
}

function lengthOf(body: string | Uint8Array): string {
  return String(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
