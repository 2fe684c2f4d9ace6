#!/usr/bin/env node
/** Commands, signals, exit codes; nothing else. */
import {pino} from 'pino';
import {UsageProblem} from './cli/args.ts';
import {runDemo} from './cli/demo.ts';
import {commandHelp, overview, unknownCommand} from './cli/help.ts';
import {SERVE} from './cli/commands.ts';
import {type CliIo, processIo} from './cli/io.ts';
import {runReplay} from './cli/replay.ts';
import {parseServe, type ServeOptions} from './cli/serve-options.ts';
import {version} from './cli/version.ts';
import {StartRefusedError} from './in-the-way.ts';
import {startServer} from './start-server.ts';

const EXIT_USAGE = 2;
const EXIT_DEFECT = 70;

async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const [command = '', ...rest] = argv;
  switch (command) {
    case 'serve':
      return serve(rest, io);
    case 'replay':
      return runReplay(rest, io);
    case 'demo':
      return runDemo(rest, io, options =>
        startServer({
          ...options,
          eventRetentionMs: DEMO_RETENTION_MS,
          profileRetentionMs: DEMO_RETENTION_MS,
        }),
      );
    case '-v':
    case '--version':
      io.stdout.write(`${version()}\n`);
      return 0;
    case '':
    case 'help':
    case '-h':
    case '--help':
      io.stdout.write(overview());
      return 0;
    default:
      io.stderr.write(`${unknownCommand(command)}\n`);
      return EXIT_USAGE;
  }
}

const DEMO_RETENTION_MS = 30 * 86_400_000;

async function serve(argv: readonly string[], io: CliIo): Promise<number> {
  let options: ServeOptions | 'help';
  try {
    options = parseServe(argv, io.env);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    io.stderr.write(`muster serve: ${error.message}\n`);
    return EXIT_USAGE;
  }
  if (options === 'help') {
    io.stdout.write(commandHelp(SERVE));
    return 0;
  }
  const {logLevel, ...settings} = options;
  const log = pino({level: logLevel}, pino.destination(2));
  try {
    const server = await startServer({...settings, log});
    if (server.adminTokenPath !== undefined) {
      io.stdout.write(`the admin token is in ${server.adminTokenPath}\n`);
    }
    io.stdout.write(`listening on ${server.url}\n`);
    await interrupted(io.interrupted);
    await server.stop();
    return 0;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    io.stderr.write(`muster serve: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

function isRefusal(error: unknown): error is Error {
  if (error instanceof StartRefusedError) return true;
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), {once: true});
  });
}

const io = processIo();
run(process.argv.slice(2), io).then(
  code => {
    process.exitCode = code;
    // What is left can only be sockets of others that do not close.
    setTimeout(() => process.exit(code), 1000).unref();
  },
  (error: unknown) => {
    io.stderr.write(
      `muster: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(EXIT_DEFECT);
  },
);
