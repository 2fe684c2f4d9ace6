import {randomBytes} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Arguments} from './args.ts';
import {parseCommand, UsageProblem} from './args.ts';
import {DEMO} from './commands.ts';
import {CustomersAtWork} from './demo/customers-at-work.ts';
import {watchDeltas} from './demo/delta-socket.ts';
import {Scoreboard} from './demo/scoreboard.ts';
import type {DemoSetup} from './demo/setup.ts';
import {setUpDemo} from './demo/setup.ts';
import {Shop} from './demo/shop.ts';
import type {DemoView} from './demo/view.ts';
import {demoLine, demoScreen, demoSummary} from './demo/view.ts';
import {commandHelp} from './help.ts';
import {HttpClient} from './http-client.ts';
import type {CliIo} from './io.ts';

/** What the demo asks of a server. It runs inside this process, on its embedded storage. */
export interface DemoServerOptions {
  readonly dataFolder: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly adminToken: string;
  readonly shards: 'auto' | number;
  /** Nothing on stdout or stderr but what is broken: the terminal is the demo's. */
  readonly quiet: boolean;
}

export interface DemoServer {
  /** Like `http://127.0.0.1:41234`. */
  readonly url: string;
  stop(): Promise<void>;
}

export type StartDemoServer = (options: DemoServerOptions) => Promise<DemoServer>;

interface DemoSettings {
  readonly seconds: number | undefined;
  readonly eventsPerSecond: number;
  readonly customerCount: number;
  readonly seed: number;
  readonly port: number;
}

const FRAME_MS = 200;
const LINE_MS = 1000;
/** Rates are told over about this long. */
const RATE_MS = 2000;

/** `muster demo`: resolves to the exit code. */
export async function runDemo(
  argv: readonly string[],
  io: CliIo,
  startServer: StartDemoServer,
): Promise<number> {
  let settings: DemoSettings;
  try {
    const given = parseCommand(DEMO, argv, io.env);
    if (given.wantsHelp) {
      io.stdout.write(commandHelp(DEMO));
      return 0;
    }
    settings = readSettings(given);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    io.stderr.write(`muster demo: ${error.message}\n`);
    return 2;
  }
  const dataFolder = await mkdtemp(join(tmpdir(), 'muster-demo-'));
  try {
    return await runShop(settings, io, startServer, dataFolder);
  } catch (error) {
    io.stderr.write(`muster demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await rm(dataFolder, {recursive: true, force: true});
  }
}

function readSettings(given: Arguments): DemoSettings {
  return {
    seconds: given.number('seconds', {least: 0.1, most: 86_400, whole: false}),
    eventsPerSecond: given.number('rate', {least: 1, most: 20_000, whole: false}) ?? 200,
    customerCount: given.number('customers', {least: 1, most: 100_000}) ?? 300,
    seed: given.number('seed', {least: 0, most: 2 ** 32 - 1}) ?? 1,
    port: given.number('port', {least: 0, most: 65_535}) ?? 0,
  };
}

async function runShop(
  settings: DemoSettings,
  io: CliIo,
  startServer: StartDemoServer,
  dataFolder: string,
): Promise<number> {
  const adminToken = randomBytes(24).toString('base64url');
  io.stdout.write('Starting a server with its data in a temporary folder…\n');
  const server = await startServer({
    dataFolder,
    host: '127.0.0.1',
    port: settings.port,
    adminToken,
    shards: 'auto',
    quiet: true,
  });
  try {
    const url = new URL(server.url);
    const setup = await setUpDemo(url, adminToken);
    const scoreboard = new Scoreboard(setup.audiences);
    const socket = await watchDeltas({url, adminToken, audiences: setup.audiences, scoreboard});
    const trouble = await playShop({settings, io, setup, url, scoreboard, lost: socket.lost});
    socket.close();
    if (trouble === undefined) return 0;
    io.stderr.write(`muster demo: ${trouble}\n`);
    return 1;
  } finally {
    await server.stop();
  }
}

/** Resolves when the time is up, or it was asked to end, or something broke: then with what. */
async function playShop(stage: {
  settings: DemoSettings;
  io: CliIo;
  setup: DemoSetup;
  url: URL;
  scoreboard: Scoreboard;
  lost: Promise<string>;
}): Promise<string | undefined> {
  const {settings, io, setup, url, scoreboard} = stage;
  const {eventsPerSecond, customerCount, seed} = settings;
  const credentials = Buffer.from(`${setup.inputKey}:${setup.inputSecret}`).toString('base64');
  const client = new HttpClient({url, authorization: `Basic ${credentials}`, connections: 8});
  const shop = new Shop({customers: customerCount, eventsPerSecond, seed});
  const names = new Map(shop.customers.map(customer => [customer.mpid, customer.name]));
  const startedMs = performance.now();
  const rates = new Rates(scoreboard);
  const customers = new CustomersAtWork({shop, client, scoreboard, eventsPerSecond});
  const look = (): DemoView => ({
    scoreboard,
    audiences: setup.audiences,
    url: url.origin,
    elapsedMs: performance.now() - startedMs,
    ...rates.now(),
    customerCount,
    nameOf: mpid => names.get(mpid) ?? mpid,
  });
  const display =
    io.stdout.columns === undefined ? new DemoLog(io, look) : new DemoScreen(io, look);
  const timeIsUp = new AbortController();
  const over = AbortSignal.any([io.interrupted, timeIsUp.signal]);
  try {
    const ended = sleep((settings.seconds ?? 1e6) * 1000, undefined, {signal: over}).catch(
      () => undefined,
    );
    const lost = await Promise.race([stage.lost, ended]);
    return lost ?? customers.trouble;
  } finally {
    timeIsUp.abort();
    customers.stop();
    display.end();
    client.close();
    io.stdout.write(demoSummary(look()));
  }
}

/** Events and deltas per second over the last moments. */
class Rates {
  readonly #scoreboard: Scoreboard;
  readonly #looks: {atMs: number; events: number; deltas: number}[] = [];

  constructor(scoreboard: Scoreboard) {
    this.#scoreboard = scoreboard;
    this.now();
  }

  now(): {eventsPerSecond: number; deltasPerSecond: number} {
    const {eventCount: events, deltaCount: deltas} = this.#scoreboard;
    const look = {atMs: performance.now(), events, deltas};
    this.#looks.push(look);
    while ((this.#looks[1]?.atMs ?? Infinity) < look.atMs - RATE_MS) this.#looks.shift();
    const first = this.#looks[0] ?? look;
    const seconds = Math.max(0.001, (look.atMs - first.atMs) / 1000);
    return {
      eventsPerSecond: (events - first.events) / seconds,
      deltasPerSecond: (deltas - first.deltas) / seconds,
    };
  }
}

/** A line a second, for pipes and files. */
class DemoLog {
  readonly #timer: NodeJS.Timeout;

  constructor(io: CliIo, look: () => DemoView) {
    this.#timer = setInterval(() => io.stdout.write(`${demoLine(look())}\n`), LINE_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** The terminal, redrawn in place on a screen of its own: what was there before comes back at the end. */
class DemoScreen {
  readonly #io: CliIo;
  readonly #timer: NodeJS.Timeout;

  constructor(io: CliIo, look: () => DemoView) {
    this.#io = io;
    io.stdout.write('\u001b[?1049h\u001b[?25l');
    this.#timer = setInterval(() => this.#draw(look()), FRAME_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#io.stdout.write('\u001b[?25h\u001b[?1049l');
  }

  #draw(view: DemoView): void {
    const {stdout, env} = this.#io;
    view.scoreboard.look();
    const lines = demoScreen(view, {
      columns: stdout.columns ?? 80,
      rows: stdout.rows ?? 24,
      colours: (env['NO_COLOR'] ?? '') === '',
    });
    stdout.write(`\u001b[H${lines.map(line => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }
}
