/** Muster first; the others in the order of the tables. */
import type {NamedPeer} from './peer.ts';
import {missingServer, POSTGRES_PROGRAMS, REDIS_PROGRAMS} from './server-process.ts';

export const MUSTER = 'muster';
/** Whoever is compared must agree with it: it has no state but the rows, and no idea of increments. */
export const REFERENCE = 'generated-js';

export const PEERS: readonly NamedPeer[] = [
  {
    name: MUSTER,
    movesByTime: true,
    load: async () => (await import('./muster.ts')).makeMuster,
  },
  {
    name: REFERENCE,
    movesByTime: false,
    load: async () => (await import('./generated-js.ts')).makeGeneratedJs,
  },
  {
    name: 'json-logic-engine',
    movesByTime: false,
    load: async () => (await import('./json-logic.ts')).makeJsonLogic,
  },
  {
    name: 'db-ivm',
    movesByTime: false,
    load: async () => (await import('./db-ivm.ts')).makeDbIvm,
  },
  {
    name: 'redis',
    movesByTime: false,
    missing: () => missingServer('Redis', REDIS_PROGRAMS),
    load: async () => (await import('./redis.ts')).makeRedis,
  },
  {
    name: 'postgres',
    movesByTime: false,
    missing: () => missingServer('PostgreSQL', POSTGRES_PROGRAMS),
    load: async () => (await import('./postgres.ts')).makePostgres,
  },
  {
    name: 'json-rules-engine',
    movesByTime: false,
    load: async () => (await import('./json-rules.ts')).makeJsonRules,
  },
];
