/**
 * PostgreSQL: a row for each profile in an unlogged table, and a generated step function that takes 64
 * events a call. It applies them one after the other, keeps each row as it was after its event, and asks all
 * audiences of those rows in one expression: an expression is set up once a call, not once an event.
 */
import {Client} from 'pg';
import {ATTRIBUTES, EVENT_TYPES, type Literal, type Predicate} from '../workload-audiences.ts';
import {type EventBlock, valueOf, type Workload} from '../workload.ts';
import type {Peer} from './peer.ts';
import {COUNT_MAX, PlainRows} from './plain-rows.ts';
import {
  accountFor,
  findProgram,
  freePort,
  POSTGRES_PROGRAMS,
  ServerProcess,
} from './server-process.ts';

const EVENTS_A_CALL = 64;
const ROWS_AN_INSERT = 500;

export async function makePostgres(workload: Workload, warmUpEvents: number): Promise<Peer> {
  const account = accountFor('postgres');
  const server = new ServerProcess('postgres', account);
  const program = findProgram(POSTGRES_PROGRAMS)!;
  const port = await freePort();
  const data = `${server.folder}/data`;
  server.run(program.replace(/postgres$/, 'initdb'), [
    '-D',
    data,
    '-U',
    'bench',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  server.start(program, [
    '-D',
    data,
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    server.folder,
    ...setting('fsync', 'off'),
    ...setting('synchronous_commit', 'off'),
    ...setting('full_page_writes', 'off'),
    ...setting('shared_buffers', '1GB'),
    ...setting('jit', 'off'),
    ...setting('autovacuum', 'on'),
    ...setting('max_stack_depth', '6MB'),
  ]);
  const client = await server.connected(async () => {
    const made = new Client({host: '127.0.0.1', port, user: 'bench', database: 'postgres'});
    made.on('error', () => {});
    await made.connect();
    return made;
  });
  await client.query(tableSource());
  await loadProfiles(workload, warmUpEvents, client);
  await client.query('ANALYZE p');
  await client.query(functionSource(workload));
  return {
    async apply(block, from, to, memberships) {
      for (let i = from; i < to; i += EVENTS_A_CALL) {
        const end = Math.min(to, i + EVENTS_A_CALL);
        const {rows} = await client.query<{step: number[]}>({
          name: 'step',
          text: 'SELECT step($1::int[], $2::int[], $3::bigint[], $4::int[], $5::text[])',
          values: argumentsOf(workload, block, i, end),
        });
        memberships.set(rows[0]!.step, i);
      }
    },
    cpuSeconds: () => server.cpuSeconds(),
    close: async () => {
      await client.end();
      await server.stop();
    },
  };
}

function setting(name: string, value: string): string[] {
  return ['-c', `${name}=${value}`];
}

function argumentsOf(workload: Workload, block: EventBlock, from: number, to: number): unknown[] {
  const times: number[] = [];
  const values: string[] = [];
  for (let i = from; i < to; i++) {
    times.push(workload.timeOf(block.first + i));
    const attribute = block.attribute[i]!;
    values.push(attribute < 0 ? '' : String(valueOf(attribute, block.code[i]!)));
  }
  return [
    [...block.profile.subarray(from, to)],
    [...block.type.subarray(from, to)],
    times,
    [...block.attribute.subarray(from, to)],
    values,
  ];
}

const TYPE_NAMES = {enum: 'text', integer: 'int', boolean: 'boolean', text: 'text'} as const;

/** Room in the pages, so that an update stays in its page and touches no index. */
function tableSource(): string {
  const attributes = ATTRIBUTES.map(({name, kind}) => `${name} ${TYPE_NAMES[kind]}`);
  const times = Array.from({length: EVENT_TYPES}, (_, type) => `t${type} bigint[]`);
  const columns = ['id int PRIMARY KEY', 'at bigint', ...attributes, ...times].join(', ');
  return `CREATE UNLOGGED TABLE p (${columns}) WITH (fillfactor = 50)`;
}

async function loadProfiles(
  workload: Workload,
  warmUpEvents: number,
  client: Client,
): Promise<void> {
  const state = new PlainRows(workload, {withCounts: false});
  state.absorb(warmUpEvents);
  const rows: string[] = [];
  const insert = async (): Promise<void> => {
    if (rows.length > 0) await client.query(`INSERT INTO p VALUES ${rows.splice(0).join(',')}`);
  };
  for (const [profile, row] of state.rows.entries()) {
    const values = ATTRIBUTES.map(({name}) => {
      const value = row[name]!;
      return typeof value === 'string' ? `'${value}'` : String(value);
    });
    const times = Array.from({length: EVENT_TYPES}, (_, type) => {
      const ofType = state.times[profile]?.[type];
      return ofType === undefined ? 'NULL' : `'{${[...ofType].reverse().join(',')}}'`;
    });
    rows.push(`(${[profile, 0, ...values, ...times].join(',')})`);
    if (rows.length === ROWS_AN_INSERT) await insert();
  }
  await insert();
}

/** Times latest first; of at most so many as an audience asks for. */
function functionSource(workload: Workload): string {
  const attributes = ATTRIBUTES.map(({name, kind}, i) => {
    const value = kind === 'integer' || kind === 'boolean' ? `v[i]::${TYPE_NAMES[kind]}` : 'v[i]';
    return `${name} = CASE WHEN a[i] = ${i} THEN ${value} ELSE ${name} END`;
  });
  const types = Array.from(
    {length: EVENT_TYPES},
    (_, type) =>
      `WHEN ${type} THEN UPDATE p SET at = n[i], t${type} = (n[i] || t${type})[1:${COUNT_MAX}] ` +
      'WHERE id = q[i] RETURNING p.* INTO r;',
  );
  return `
CREATE FUNCTION step(q int[], y int[], n bigint[], a int[], v text[]) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
  r p;
  after p[] := '{}';
  counts int[];
BEGIN
  FOR i IN 1 .. array_length(q, 1) LOOP
    IF a[i] >= 0 THEN
      UPDATE p SET ${attributes.join(', ')} WHERE id = q[i];
    END IF;
    CASE y[i]
    ${types.join('\n    ')}
    END CASE;
    after := after || r;
  END LOOP;
  SELECT array_agg(memberships ORDER BY place) INTO counts FROM (
    SELECT place, ${balancedSum(
      workload.audiences.map(({clauses}) => {
        const condition = clauses
          .map(clause => `(${clause.map(each => literalSource(each, workload)).join(' OR ')})`)
          .join(' AND ');
        return `CASE WHEN ${condition} THEN 1 ELSE 0 END`;
      }),
    )} AS memberships
    FROM unnest(after) WITH ORDINALITY AS x(id, at, ${[
      ...ATTRIBUTES.map(({name}) => name),
      ...Array.from({length: EVENT_TYPES}, (_, type) => `t${type}`),
    ].join(', ')}, place)
  ) AS asked;
  RETURN counts;
END $$`;
}

/** Not one term after the other: ten thousand deep would be too deep. */
function balancedSum(terms: readonly string[]): string {
  if (terms.length === 1) return terms[0]!;
  const middle = terms.length >> 1;
  return `(${balancedSum(terms.slice(0, middle))}+${balancedSum(terms.slice(middle))})`;
}

function literalSource({predicate, negated}: Literal, {predicates}: Workload): string {
  const source = predicateSource(predicates[predicate]!);
  // What is not known is not so: an nth event that never was.
  return negated ? `(${source}) IS NOT TRUE` : source;
}

function predicateSource(predicate: Predicate): string {
  if (predicate.kind === 'count') {
    return `t${predicate.type}[${predicate.atLeast}] >= at - ${predicate.windowMs}`;
  }
  const {name} = ATTRIBUTES[predicate.attribute]!;
  switch (predicate.kind) {
    case 'equals':
      if (typeof predicate.value === 'boolean') return predicate.value ? name : `NOT ${name}`;
      return `${name} = '${predicate.value}'`;
    case 'contains':
      return `strpos(${name}, '${predicate.word}') > 0`;
    case 'range':
      if (predicate.low === -Infinity) return `${name} < ${predicate.high}`;
      if (predicate.high === Infinity) return `${name} >= ${predicate.low}`;
      return `(${name} >= ${predicate.low} AND ${name} < ${predicate.high})`;
  }
}
