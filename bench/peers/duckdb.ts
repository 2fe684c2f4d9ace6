/**
 * DuckDB: "just run SQL every so often". The whole membership of every profile computed anew from a table of
 * profiles and a table of events, on one thread. It is in a folder of its own, with no types.
 */
import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {ATTRIBUTES, type Literal, type WorkloadAudience} from '../workload-audiences.ts';
import {eventName, valueOf, type Workload} from '../workload.ts';
import {repositoryRoot} from '../support/repository.ts';
import {countersOf} from './plain-rows.ts';

interface Appender {
  appendInteger(value: number): void;
  appendBigInt(value: bigint): void;
  appendBoolean(value: boolean): void;
  appendVarchar(value: string): void;
  endRow(): void;
  closeSync(): void;
}

interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{getColumnsJS(): unknown[][]}>;
  createAppender(table: string): Promise<Appender>;
  closeSync(): void;
}

interface DuckDb {
  readonly DuckDBInstance: {
    create(
      path: string,
      options: Record<string, string>,
    ): Promise<{connect(): Promise<Connection>}>;
  };
}

const FOLDER = join(repositoryRoot(), 'bench', '.peers');

export function missingDuckDb(): string | undefined {
  return existsSync(join(FOLDER, 'node_modules', '@duckdb', 'node-api'))
    ? undefined
    : 'DuckDB is not installed: bench/install-peers does that';
}

export class DuckDbRecompute {
  readonly #workload: Workload;
  readonly #connection: Connection;

  private constructor(workload: Workload, connection: Connection) {
    this.#workload = workload;
    this.#connection = connection;
  }

  /** With the population as it is after the first `events` events. */
  static async load(workload: Workload, events: number): Promise<DuckDbRecompute> {
    const load = createRequire(join(FOLDER, 'load.js'));
    const {DuckDBInstance} = load('@duckdb/node-api') as DuckDb;
    const instance = await DuckDBInstance.create(':memory:', {threads: '1'});
    const loaded = new DuckDbRecompute(workload, await instance.connect());
    await loaded.#loadTables(events);
    return loaded;
  }

  /** The number of these audiences that each profile is in. */
  async memberships(audiences: readonly WorkloadAudience[], nowMs: number): Promise<Uint16Array> {
    const sql = this.#membershipsSql(audiences, nowMs);
    const [counts] = (await this.#connection.runAndReadAll(sql)).getColumnsJS();
    return Uint16Array.from(counts as (number | bigint)[], Number);
  }

  close(): void {
    this.#connection.closeSync();
  }

  async #loadTables(events: number): Promise<void> {
    const workload = this.#workload;
    const types = {enum: 'VARCHAR', integer: 'INTEGER', boolean: 'BOOLEAN', text: 'VARCHAR'};
    const columns = ATTRIBUTES.map(({name, kind}) => `${name} ${types[kind]}`).join(', ');
    await this.#connection.run(`CREATE TABLE p (id INTEGER, ${columns})`);
    await this.#connection.run('CREATE TABLE e (profile INTEGER, name VARCHAR, time BIGINT)');
    const latest = new Map<number, Map<number, number>>();
    const appender = await this.#connection.createAppender('e');
    const block = workload.events(0, events);
    for (let i = 0; i < events; i++) {
      const profile = block.profile[i]!;
      appender.appendInteger(profile);
      appender.appendVarchar(eventName(block.type[i]!));
      appender.appendBigInt(BigInt(workload.timeOf(i)));
      appender.endRow();
      if (block.attribute[i]! < 0) continue;
      const set = latest.get(profile) ?? new Map<number, number>();
      latest.set(profile, set.set(block.attribute[i]!, block.code[i]!));
    }
    appender.closeSync();
    await this.#loadProfiles(latest);
  }

  async #loadProfiles(latest: Map<number, Map<number, number>>): Promise<void> {
    const appender = await this.#connection.createAppender('p');
    const codes = new Int32Array(ATTRIBUTES.length);
    for (let profile = 0; profile < this.#workload.profiles; profile++) {
      this.#workload.profileCodes(profile, codes);
      for (const [attribute, code] of latest.get(profile) ?? []) codes[attribute] = code;
      appender.appendInteger(profile);
      for (const attribute of ATTRIBUTES.keys()) {
        const value = valueOf(attribute, codes[attribute]!);
        if (typeof value === 'string') appender.appendVarchar(value);
        else if (typeof value === 'number') appender.appendInteger(value);
        else appender.appendBoolean(value);
      }
      appender.endRow();
    }
    appender.closeSync();
  }

  /** Predicates once each, as columns; then the audiences over them. */
  #membershipsSql(audiences: readonly WorkloadAudience[], nowMs: number): string {
    const used = new Set(
      audiences.flatMap(({clauses}) => clauses.flat().map(each => each.predicate)),
    );
    const predicates = [...used].map(id => this.#workload.predicates[id]!);
    const counters = countersOf(predicates).map(
      ({type, windowMs}) =>
        `count(*) FILTER (name = '${eventName(type)}' AND time >= ${nowMs - windowMs}) AS ${counterColumn(type, windowMs)}`,
    );
    const flags = [...used].map(id => `${this.#predicateSql(id)} AS f${id}`);
    const sum = balancedSum(
      audiences.map(({clauses}) => {
        const all = clauses.map(clause => `(${clause.map(literalSql).join(' OR ')})`);
        return `(${all.join(' AND ')})::INTEGER`;
      }),
    );
    return `
WITH c AS (SELECT profile, ${['count(*)', ...counters].join(', ')} FROM e WHERE time <= ${nowMs} GROUP BY profile),
     f AS MATERIALIZED (SELECT id, ${flags.join(', ')} FROM p LEFT JOIN c ON id = profile)
SELECT ${sum} FROM f ORDER BY id`;
  }

  #predicateSql(id: number): string {
    const predicate = this.#workload.predicates[id]!;
    if (predicate.kind === 'count') {
      const column = counterColumn(predicate.type, predicate.windowMs);
      return `coalesce(${column}, 0) >= ${predicate.atLeast}`;
    }
    const {name} = ATTRIBUTES[predicate.attribute]!;
    switch (predicate.kind) {
      case 'equals':
        return typeof predicate.value === 'boolean'
          ? `${name} = ${predicate.value}`
          : `${name} = '${predicate.value}'`;
      case 'contains':
        return `contains(${name}, '${predicate.word}')`;
      case 'range':
        if (predicate.low === -Infinity) return `${name} < ${predicate.high}`;
        if (predicate.high === Infinity) return `${name} >= ${predicate.low}`;
        return `(${name} >= ${predicate.low} AND ${name} < ${predicate.high})`;
    }
  }
}

function literalSql({predicate, negated}: Literal): string {
  return negated ? `NOT f${predicate}` : `f${predicate}`;
}

function counterColumn(type: number, windowMs: number): string {
  return `c${type}_${windowMs / 3_600_000}`;
}

/** One term after the other would be nested too deep. */
function balancedSum(terms: readonly string[]): string {
  if (terms.length === 1) return terms[0]!;
  const middle = terms.length >> 1;
  return `(${balancedSum(terms.slice(0, middle))}+${balancedSum(terms.slice(middle))})`;
}
