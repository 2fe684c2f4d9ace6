/**
 * The real server in a process of its own, as a user starts it: built, on a port the system chooses, over
 * a data folder that outlives it.
 */
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll} from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** Beside the sources, so that the packages are found from it. */
const BUILDS = join(ROOT, '.e2e-dist');
const LISTENING = /^listening on (http:\/\/\S+)$/m;
const START_MS_MAX = 20_000;
export const ADMIN_TOKEN = 'admin-token-of-the-test';

export interface ServerProcessOptions {
  readonly dataFolder: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Put before `node`: `prlimit --fsize=…`, `setpriv …`. */
  readonly under?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class ServerProcess {
  readonly dataFolder: string;
  readonly ended: Promise<Ended>;
  url = '';
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  private constructor(options: ServerProcessOptions) {
    const {dataFolder, args = [], env = {}, under = []} = options;
    this.dataFolder = dataFolder;
    const [command = process.execPath, ...words] = [
      ...under,
      process.execPath,
      join(builtServer(), 'server/main.js'),
      'serve',
      ...(args.includes('--port') ? [] : ['--port', '0']),
      '--data',
      dataFolder,
      ...args,
    ];
    this.#child = spawn(command, words, {
      cwd: ROOT,
      env: {...process.env, MUSTER_ADMIN_TOKEN: ADMIN_TOKEN, ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (text: Buffer) => (this.#stdout += text.toString()));
    this.#child.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    this.ended = new Promise(resolve => {
      this.#child.once('close', (code, signal) => {
        running.delete(this);
        resolve({code, signal, stdout: this.#stdout, stderr: this.#stderr});
      });
    });
    running.add(this);
  }

  /** Resolves when it takes events. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    const url = await server.#listening();
    if (url === undefined) {
      const {code, stdout, stderr} = await server.ended;
      throw new Error(`the server ended with ${code} before it listened\n${stdout}\n${stderr}`);
    }
    server.url = url;
    return server;
  }

  /** For a start that is expected to be refused. */
  static async refused(options: ServerProcessOptions): Promise<Ended> {
    const server = new ServerProcess(options);
    const url = await server.#listening();
    if (url !== undefined) throw new Error('the server started, and should have been refused');
    return server.ended;
  }

  /** Killed so long after it was started, ready or not. */
  static async killedStarting(options: ServerProcessOptions, afterMs: number): Promise<void> {
    const server = new ServerProcess(options);
    await new Promise(resolve => setTimeout(resolve, afterMs));
    await server.kill();
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** As the power button does: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async stop(): Promise<Ended> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }

  async #listening(): Promise<string | undefined> {
    const deadline = Date.now() + START_MS_MAX;
    while (Date.now() < deadline) {
      const url = LISTENING.exec(this.#stdout)?.[1];
      if (url !== undefined) return url;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return undefined;
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    await this.kill();
    throw new Error(`the server was not ready after ${START_MS_MAX} ms\n${this.#stderr}`);
  }
}

const running = new Set<ServerProcess>();
const folders = new Set<string>();
let build: string | undefined;

/** Gone after the test file, and every server with it. */
export function temporaryFolder(under = tmpdir()): string {
  const folder = mkdtempSync(join(under, 'muster-e2e-'));
  folders.add(folder);
  return folder;
}

/** Where this test file's own build is: others may edit, and build, at the same time. */
export function builtServer(): string {
  if (build !== undefined) return build;
  clearOldBuilds();
  build = join(BUILDS, String(process.pid));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--noCheck', '--sourceMap', 'false'];
  execFileSync(
    process.execPath,
    [compiler, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', build, ...options],
    {stdio: 'inherit'},
  );
  return build;
}

/** Of test runs that were killed. */
function clearOldBuilds(): void {
  mkdirSync(BUILDS, {recursive: true});
  for (const pid of readdirSync(BUILDS)) {
    if (!isRunning(Number(pid))) rmSync(join(BUILDS, pid), {recursive: true, force: true});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

afterAll(async () => {
  await Promise.all([...running].map(server => server.kill()));
  for (const folder of folders) rmSync(folder, {recursive: true, force: true, maxRetries: 3});
  folders.clear();
  if (build !== undefined && existsSync(build)) rmSync(build, {recursive: true, force: true});
  build = undefined;
});
