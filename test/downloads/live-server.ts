/** The whole server in this process, over a folder of its own, and what its users do. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type RunningServer, startServer} from '../../server/start-server.ts';
import {basic, type Json, type Shop} from '../support/server-client.ts';

const ADMIN = 'admin-token-of-the-test';
const DAY_MS = 86_400_000;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly body: unknown;
}

export class LiveServer {
  readonly folder: string;
  readonly #running: RunningServer;

  private constructor(folder: string, running: RunningServer) {
    this.folder = folder;
    this.#running = running;
  }

  static async start(
    folder = mkdtempSync(join(tmpdir(), 'muster-live-')),
    options: Partial<Parameters<typeof startServer>[0]> = {},
  ): Promise<LiveServer> {
    const running = await startServer({
      port: 0,
      host: '127.0.0.1',
      dataFolder: folder,
      shards: 2,
      eventRetentionMs: 30 * DAY_MS,
      profileRetentionMs: 30 * DAY_MS,
      adminToken: ADMIN,
      ...options,
    });
    return new LiveServer(folder, running);
  }

  get url(): string {
    return this.#running.url;
  }

  get calls(): readonly string[] {
    return this.#running.calls;
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }

  async restart(options: Partial<Parameters<typeof startServer>[0]> = {}): Promise<LiveServer> {
    await this.stop();
    return LiveServer.start(this.folder, options);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, {recursive: true});
  }

  async send(
    method: string,
    path: string,
    {
      body,
      token = ADMIN,
      headers = {},
    }: {body?: unknown; token?: string; headers?: Record<string, string>} = {},
  ): Promise<Reply> {
    const response = await fetch(this.url + path, {
      method,
      headers: {authorization: `Bearer ${token}`, ...headers},
      ...(body !== undefined && {body: JSON.stringify(body)}),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      body: isJson && bytes.length > 0 ? (JSON.parse(bytes.toString()) as unknown) : undefined,
    };
  }

  /** As the administrator; fails unless the answer is of the 200s. */
  async api<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await this.send(method, path, {body});
    if (reply.status >= 300) {
      throw new Error(`${method} ${path}: ${reply.status} ${reply.bytes.toString()}`);
    }
    return reply.body as T;
  }

  async shop(): Promise<Shop> {
    const {id: workspace} = await this.api<{id: number}>('POST', '/v1/workspaces', {name: 'Shop'});
    const input = await this.api<{id: number; key: string; secret: string}>(
      'POST',
      `/v1/workspaces/${workspace}/inputs`,
      {name: 'Till', type: 'feed'},
    );
    return {workspace, input: input.id, key: input.key, secret: input.secret};
  }

  async token(role: string, grant: Json = {}): Promise<string> {
    const body = {name: role, role, ...grant};
    return (await this.api<{token: string}>('POST', '/v1/tokens', body)).token;
  }

  /** Active and calculated: everybody of the workspace, unless told otherwise. */
  async audience(shop: Shop, fields: Json = {}): Promise<number> {
    const {id} = await this.api<{id: number}>('POST', '/v1/audiences', {
      name: 'Everybody',
      workspaces: [shop.workspace],
      definition: {kind: 'first_seen', when: {within_last: '30d'}},
      ...fields,
    });
    await this.api('POST', `/v1/audiences/${id}/activate`);
    await this.until(
      () => this.api<{is_calculated: boolean}>('GET', `/v1/audiences/${id}`),
      ({is_calculated: isCalculated}) => isCalculated,
    );
    return id;
  }

  /** Batches of the Events API, a hundred at a time. */
  async post(shop: Shop, batches: readonly Json[]): Promise<void> {
    for (let from = 0; from < batches.length; from += 100) {
      const response = await fetch(`${this.url}/v2/bulkevents`, {
        method: 'POST',
        headers: {authorization: basic(shop)},
        body: JSON.stringify(batches.slice(from, from + 100)),
      });
      const text = await response.text();
      if (response.status !== 202 || text !== '{}') throw new Error(`${response.status} ${text}`);
    }
  }

  async until<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
    const deadlineMs = Date.now() + 25_000;
    for (;;) {
      const answer = await ask();
      if (isDone(answer)) return answer;
      if (Date.now() > deadlineMs) throw new Error(`never came: ${JSON.stringify(answer)}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** All pages. */
  async members(audience: number, query = ''): Promise<string[]> {
    const mpids: string[] = [];
    let path: string | undefined = `/v1/audiences/${audience}/members?limit=10000${query}`;
    while (path !== undefined) {
      const reply = await this.send('GET', path);
      mpids.push(...(reply.body as {mpid: string}[]).map(({mpid}) => mpid));
      path = /<([^>]+)>; rel="next"/.exec(reply.headers.get('link') ?? '')?.[1];
    }
    return mpids;
  }
}
