import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {apiRoutes, createApi} from '../../server/api/create-api.ts';
import type {ApiParts} from '../../server/api/create-api.ts';
import {answerNotFound} from '../../server/api/not-found.ts';
import {AudienceStates} from '../../server/api/audience-states.ts';
import {calculatedRoutes} from '../../server/api/calculated-routes.ts';
import type {ApiRoute} from '../../server/api/route.ts';
import {AudienceBook} from '../../server/catalog/audience-book.ts';
import {Authenticator} from '../../server/catalog/authenticator.ts';
import {CalculatedBook} from '../../server/catalog/calculated-book.ts';
import {Catalog} from '../../server/catalog/catalog.ts';
import {AudienceCounts} from '../../server/counts/audience-counts.ts';
import {CountsStore} from '../../storage/counts-store.ts';
import {DefinitionCheck} from '../../server/catalog/definition-check.ts';
import type {Role} from '../../server/catalog/entities.ts';
import {listenNode} from '../../server/http/transport-node.ts';
import type {Transport} from '../../server/http/transport.ts';
import {ToldShards} from './told-shards.ts';

export const ADMIN_TOKEN = 'admin-token-of-the-test';
export const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 23);

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined for an empty answer. */
  readonly body: unknown;
}

/** The API over a real socket and a real catalogue; only the shards are told what to say. */
export class ApiServer {
  readonly folder: string;
  readonly shards: ToldShards;
  readonly catalog: Catalog;
  readonly counts: AudienceCounts;
  readonly audiences: AudienceBook;
  readonly calculated: CalculatedBook;
  readonly authenticator: Authenticator;
  readonly routes: readonly ApiRoute[];
  readonly errors: unknown[] = [];
  readonly identities = new Map<string, bigint>();
  readonly erased: bigint[] = [];
  nowMs = START_MS;
  isReady = true;
  #transport: Transport | undefined;

  private constructor(
    folder: string,
    {catalog, shards, counts}: Pick<ApiServer, 'catalog' | 'shards' | 'counts'>,
  ) {
    this.folder = folder;
    this.counts = counts;
    this.shards = shards;
    this.catalog = catalog;
    this.authenticator = new Authenticator({catalog, adminToken: ADMIN_TOKEN});
    const eventRetentionMs = 30 * DAY_MS;
    const settings = {
      eventRetentionMs,
      findCity: (name: string) =>
        name === 'Paris' ? {latitude: 48.8566, longitude: 2.3522} : undefined,
    };
    const check = new DefinitionCheck({catalog, settings});
    this.audiences = new AudienceBook({catalog, shards, check});
    const {audiences} = this;
    const attributes = check.calculated;
    this.calculated = new CalculatedBook({catalog, attributes, audiences, eventRetentionMs});
    this.routes = apiRoutes(this.#parts());
  }

  static async start(
    folder = mkdtempSync(join(tmpdir(), 'muster-api-')),
    shards = new ToldShards(),
  ): Promise<ApiServer> {
    const clock: {server?: ApiServer} = {};
    const counts = await AudienceCounts.open({
      shards,
      store: CountsStore.open(join(folder, 'counts')),
      nowMs: () => clock.server?.nowMs ?? START_MS,
      onError: error => clock.server?.errors.push(error),
      flushEveryMs: 60_000,
    });
    const catalog = await Catalog.open(join(folder, 'catalog'));
    const started = new ApiServer(folder, {catalog, shards, counts});
    clock.server = started;
    started.#transport = await listenNode({
      host: '127.0.0.1',
      port: 0,
      routes: createApi(started.#parts()),
      sockets: [],
      notFound: answerNotFound,
      onError: error => started.errors.push(error),
    });
    return started;
  }

  /** Stops, and starts again over the same folder, with shards that were not told anything yet. */
  async restart(shards = new ToldShards()): Promise<ApiServer> {
    await this.stop();
    return ApiServer.start(this.folder, shards);
  }

  async stop(): Promise<void> {
    await this.#transport?.close(100);
    await this.counts.stop();
    await this.catalog.close();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, {recursive: true});
  }

  /** `token: undefined` sends no credentials; a string body is sent as it is. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    options: {token?: string | undefined; headers?: Record<string, string>} = {token: ADMIN_TOKEN},
  ): Promise<Reply> {
    const headers: Record<string, string> = {...options.headers};
    const token = 'token' in options ? options.token : ADMIN_TOKEN;
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const raw = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(`http://127.0.0.1:${this.#transport?.port}${path}`, {
      method,
      headers,
      ...(body !== undefined && {body: raw ? (body as string) : JSON.stringify(body)}),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
    };
  }

  get(path: string, token = ADMIN_TOKEN): Promise<Reply> {
    return this.send('GET', path, undefined, {token});
  }

  /** Expects the status, and gives the body back. */
  async want<T = Record<string, unknown>>(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    token = ADMIN_TOKEN,
  ): Promise<T> {
    const reply = await this.send(method, path, body, {token});
    if (reply.status !== status) {
      throw new Error(`${method} ${path} answered ${reply.status}, not ${status}: ${reply.text}`);
    }
    return reply.body as T;
  }

  async token(role: Role, grant: Record<string, unknown> = {}): Promise<string> {
    const body = {name: role, role, ...grant};
    const {token} = await this.want<{token: string}>(201, 'POST', '/v1/tokens', body);
    return token;
  }

  async workspace(name = 'Shop'): Promise<number> {
    return (await this.want<{id: number}>(201, 'POST', '/v1/workspaces', {name})).id;
  }

  /** Its id. The workspace must exist. */
  async audience(fields: Record<string, unknown> = {}, token = ADMIN_TOKEN): Promise<number> {
    const body = {name: 'Buyers', workspaces: [1], definition: PURCHASE, ...fields};
    return (await this.want<{id: number}>(201, 'POST', '/v1/audiences', body, token)).id;
  }

  #parts(): ApiParts {
    return {
      catalog: this.catalog,
      audiences: this.audiences,
      authenticator: this.authenticator,
      shards: this.shards,
      counts: this.counts,
      version: '0.1.0',
      nowMs: () => this.nowMs,
      isReady: () => this.isReady,
      isHealthy: () => this.isReady,
      metricsText: () => 'muster_up 1\n',
      extras: () => ({connectedOutputs: 0, faults: [], variants: []}),
      moreRoutes: calculatedRoutes({
        book: this.calculated,
        states: new AudienceStates(this.shards),
      }),
      variantTest: (_audience, variant) =>
        variant === 'Even' ? (mpid: bigint) => mpid % 2n === 0n : undefined,
      findProfile: ({environment, type, value}) =>
        this.identities.get(
          environment === 'production' ? `${type}:${value}` : `${environment}:${type}:${value}`,
        ),
      eraseProfile: async mpid => {
        this.erased.push(mpid);
        return this.shards.profiles.delete(mpid);
      },
      onError: error => this.errors.push(error),
    };
  }
}

export const PURCHASE = {kind: 'commerce', action: 'purchase', when: {within_last: '7d'}};

export function errorsOf(reply: Reply): {code: string; message: string; path?: string}[] {
  return (reply.body as {errors: {code: string; message: string; path?: string}[]}).errors;
}
