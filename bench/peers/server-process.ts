/** A database server of our own on loopback, with its data in a folder that goes with it. */
import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

const CLOCK_TICKS_PER_SECOND = 100;

export const REDIS_PROGRAMS = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'];
export const POSTGRES_PROGRAMS = [
  '/usr/lib/postgresql/15/bin/postgres',
  '/usr/lib/postgresql/*/bin/postgres',
  '/usr/local/pgsql/bin/postgres',
];

/** Why it cannot run; undefined when it can. */
export function missingServer(what: string, programs: readonly string[]): string | undefined {
  if (findProgram(programs) !== undefined) return undefined;
  return `${what} is not installed: bench/install-peers does that on Debian`;
}

/** The first of these programs that is there; folders as in `/usr/lib/postgresql/*`. */
export function findProgram(candidates: readonly string[]): string | undefined {
  for (const candidate of candidates) {
    if (candidate.includes('*')) {
      const [before = '', after = ''] = candidate.split('*');
      if (!existsSync(before)) continue;
      for (const name of readdirSync(before).sort().reverse()) {
        if (existsSync(before + name + after)) return before + name + after;
      }
    } else if (existsSync(candidate)) return candidate;
  }
  return undefined;
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({host: '127.0.0.1', port: 0}, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

/** `initdb` and `postgres` refuse to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export function accountFor(user: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number =>
    Number(execFileSync('id', [flag, user], {encoding: 'utf8'}).trim());
  return {uid: idOf('-u'), gid: idOf('-g')};
}

export class ServerProcess {
  readonly folder: string;
  readonly #account: Account | undefined;
  #child: ChildProcess | undefined;
  #said = '';
  readonly #onExit = (): void => this.#kill();

  constructor(name: string, account: Account | undefined) {
    this.folder = mkdtempSync(join(tmpdir(), `muster-bench-${name}-`));
    this.#account = account;
    if (account !== undefined) chownSync(this.folder, account.uid, account.gid);
    process.once('exit', this.#onExit);
  }

  /** Runs a program of the server to its end. */
  run(program: string, args: readonly string[]): void {
    execFileSync(program, args, {cwd: this.folder, stdio: 'pipe', ...this.#account});
  }

  start(program: string, args: readonly string[]): void {
    const child = spawn(program, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...this.#account,
    });
    this.#child = child;
    const remember = (text: Buffer): void => {
      this.#said = (this.#said + text.toString()).slice(-4000);
    };
    child.stdout?.on('data', remember);
    child.stderr?.on('data', remember);
  }

  /** Until `connect` succeeds. */
  async connected<T>(connect: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      if (this.#child?.exitCode !== null) throw new Error(`the server ended: ${this.#said}`);
      try {
        return await connect();
      } catch (error) {
        if (attempt === 100) throw new Error(this.#said, {cause: error});
        await sleep(100);
      }
    }
  }

  /** User and system, of the process and its children: one for each connection of PostgreSQL. */
  cpuSeconds(): number {
    const root = this.#child?.pid;
    if (root === undefined) return 0;
    let ticks = 0;
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const text = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
        if (Number(name) !== root && Number(fields[1]) !== root) continue;
        ticks += Number(fields[11]) + Number(fields[12]);
      } catch {
        // It ended meanwhile.
      }
    }
    return ticks / CLOCK_TICKS_PER_SECOND;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    process.off('exit', this.#onExit);
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGINT');
      const isOver = await Promise.race([ended.then(() => true), sleep(5000, false)]);
      if (!isOver) child.kill('SIGKILL');
    }
    rmSync(this.folder, {recursive: true, force: true});
  }

  #kill(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.folder, {recursive: true, force: true});
  }
}
