import {BOUNDS} from '../config.ts';
import type {Environment} from './args.ts';
import {parseCommand, UsageProblem} from './args.ts';
import {SERVE} from './commands.ts';

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly dataFolder: string;
  readonly shards: 'auto' | number;
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  readonly deltaRetentionMs: number;
  readonly columnBytesMax: number;
  readonly geoIpFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly transport: Transport;
  /** undefined: the server makes one and keeps it in the data folder. */
  readonly adminToken: string | undefined;
}

/** Throws UsageProblem for what it does not understand; 'help' when that is what was asked. */
export function parseServe(argv: readonly string[], env: Environment): ServeOptions | 'help' {
  const given = parseCommand(SERVE, argv, env);
  if (given.wantsHelp) return 'help';
  const adminToken = env['MUSTER_ADMIN_TOKEN'];
  return {
    port: given.number('port', {least: 0, most: 65_535}) ?? 8080,
    host: given.required('host'),
    dataFolder: given.required('data'),
    shards: given.text('shards') === 'auto' ? 'auto' : shardCount(given.text('shards') ?? ''),
    eventRetentionMs: given.durationMs('event-retention') ?? DEFAULT_RETENTION_MS,
    profileRetentionMs: given.durationMs('profile-retention') ?? DEFAULT_RETENTION_MS,
    deltaRetentionMs: given.durationMs('delta-retention') ?? BOUNDS.deltaRetentionMs,
    columnBytesMax: (given.number('column-memory', {least: 0, most: 65_536}) ?? 64) * 2 ** 20,
    geoIpFile: given.text('geoip'),
    logLevel: oneOf('MUSTER_LOG_LEVEL', LOG_LEVELS, env) ?? 'warn',
    transport: oneOf('MUSTER_TRANSPORT', TRANSPORTS, env) ?? 'auto',
    adminToken: adminToken === '' ? undefined : adminToken,
  };
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];
const TRANSPORTS = ['auto', 'uws', 'node'] as const;
type Transport = (typeof TRANSPORTS)[number];

/** For what has a variable and no option. undefined: it is not set. */
function oneOf<T extends string>(
  name: string,
  known: readonly T[],
  env: Environment,
): T | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  const found = known.find(each => each === text);
  if (found !== undefined) return found;
  throw new UsageProblem(`${name} is one of ${known.join(', ')}, not "${text}".`);
}

const DEFAULT_RETENTION_MS = 30 * 86_400_000;

function shardCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 64) {
    throw new UsageProblem(`--shards takes auto or a whole number from 1 to 64, not "${text}".`);
  }
  return count;
}
