/** The server as a user starts it, in a process of its own, over a folder that outlives it. */
import {type ChildProcess, spawn} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';

const TOKEN = 'the-token-of-the-bench';
const CLOCK_TICKS_PER_SECOND = 100;
const START_MS_MAX = 300_000;

export class MusterServer {
  readonly folder: string;
  readonly startedMs: number;
  url = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(folder: string, args: readonly string[]) {
    this.folder = folder;
    this.startedMs = performance.now();
    this.#child = spawn(
      process.execPath,
      [
        ...process.execArgv.filter(arg => arg !== '--expose-gc'),
        serverMain(),
        'serve',
        '--port',
        '0',
        '--data',
        folder,
        '--profile-retention',
        '3650d',
        ...args,
      ],
      {
        env: {...process.env, MUSTER_ADMIN_TOKEN: TOKEN},
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#ended = new Promise(resolve => this.#child.once('close', () => resolve()));
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  static temporaryFolder(): Promise<string> {
    return mkdtemp(join(tmpdir(), 'muster-bench-'));
  }

  /** Resolves when it takes events. */
  static async start(folder: string, args: readonly string[] = []): Promise<MusterServer> {
    const server = new MusterServer(folder, args);
    server.url = await server.#listening();
    return server;
  }

  /** User and system time of all its threads. */
  async cpuSeconds(): Promise<number> {
    const text = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8').catch(() => ') 0');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / CLOCK_TICKS_PER_SECOND;
  }

  async residentBytes(): Promise<number> {
    const text = await readFile(`/proc/${this.#child.pid}/status`, 'utf8').catch(() => '');
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) * 1024;
  }

  async api<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json'},
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** A workspace with an input; how its events are authorised. */
  async createInput(): Promise<{workspace: number; authorization: string}> {
    const {id: workspace} = await this.api<{id: number}>('POST', '/v1/workspaces', {name: 'Bench'});
    const {key, secret} = await this.api<{key: string; secret: string}>(
      'POST',
      `/v1/workspaces/${workspace}/inputs`,
      {name: 'Bench', type: 'feed'},
    );
    const credentials = Buffer.from(`${key}:${secret}`).toString('base64');
    return {workspace, authorization: `Basic ${credentials}`};
  }

  async createAudience(workspace: number, name: string, definition: object): Promise<number> {
    const {id} = await this.api<{id: number}>('POST', '/v1/audiences', {
      name,
      workspaces: [workspace],
      definition,
    });
    await this.api('POST', `/v1/audiences/${id}/activate`, {});
    return id;
  }

  /** Resolves when the audience's members are those of its definition. */
  async calculated(audience: number): Promise<void> {
    const path = `/v1/audiences/${audience}`;
    while (!(await this.api<{is_calculated: boolean}>('GET', path)).is_calculated) await sleep(20);
  }

  /** One number of /metrics, summed over shards. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`, {headers: this.tokenHeader})).text();
    let sum = 0;
    for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))) {
      sum += Number(value);
    }
    return sum;
  }

  get tokenHeader(): {authorization: string} {
    return {authorization: `Bearer ${TOKEN}`};
  }

  /** As the power button does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, {recursive: true, force: true});
  }

  #listening(): Promise<string> {
    return new Promise((resolve, reject) => {
      let said = '';
      const timer = setTimeout(() => reject(new Error('the server did not listen')), START_MS_MAX);
      this.#child.stdout?.on('data', (text: Buffer) => {
        said += text.toString();
        const url = /^listening on (http:\/\/\S+)$/m.exec(said)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      });
      void this.#ended.then(() => {
        clearTimeout(timer);
        reject(new Error(`the server ended before it listened: ${said}`));
      });
    });
  }
}

function serverMain(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../../server/main.${ending}`, import.meta.url));
}
