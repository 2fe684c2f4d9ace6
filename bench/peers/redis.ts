/**
 * Redis: the profile as one packed value, the audiences as a generated Lua function in the server, called
 * once an event, 64 calls in a pipeline. No persistence: that is its best form, not ours.
 */
import {createClient} from '@redis/client';
import {Packr} from 'msgpackr';
import {ATTRIBUTES, type Literal, type Predicate} from '../workload-audiences.ts';
import {type EventBlock, valueOf, type Workload} from '../workload.ts';
import type {Peer} from './peer.ts';
import {COUNT_MAX, PlainRows} from './plain-rows.ts';
import {findProgram, freePort, REDIS_PROGRAMS, ServerProcess} from './server-process.ts';

const PIPELINE = 64;
const AUDIENCES_A_FUNCTION = 100;
/** With more audiences than this a text is searched once for each word, not once for each audience. */
const INLINE_CONTAINS_MAX = 300;

export async function makeRedis(workload: Workload, warmUpEvents: number): Promise<Peer> {
  const server = new ServerProcess('redis', undefined);
  const port = await freePort();
  const program = findProgram(REDIS_PROGRAMS)!;
  const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir'];
  server.start(program, ['--port', String(port), ...settings, server.folder]);
  const client = await server.connected(async () => {
    const made = createClient({
      socket: {host: '127.0.0.1', port, reconnectStrategy: false},
      disableOfflineQueue: true,
    });
    made.on('error', () => {});
    await made.connect();
    return made;
  });
  await client.sendCommand(['FUNCTION', 'LOAD', librarySource(workload)]);
  await loadProfiles(workload, warmUpEvents, async (key, value) => {
    await client.sendCommand(['SET', key, value]);
  });
  const call = (block: EventBlock, i: number): Promise<number> => {
    const attribute = block.attribute[i]!;
    const value = attribute < 0 ? '' : valueOf(attribute, block.code[i]!);
    const args = [
      'FCALL',
      'step',
      '1',
      String(block.profile[i]),
      String(block.type[i]! + 1),
      String(workload.timeOf(block.first + i)),
      String(attribute + 1),
      typeof value === 'string'
        ? `s${value}`
        : typeof value === 'number'
          ? `n${value}`
          : `b${value}`,
    ];
    return client.sendCommand<number>(args);
  };
  return {
    async apply(block, from, to, memberships) {
      for (let i = from; i < to; i += PIPELINE) {
        const end = Math.min(to, i + PIPELINE);
        const answers: Promise<number>[] = [];
        for (let j = i; j < end; j++) answers.push(call(block, j));
        for (const [offset, count] of (await Promise.all(answers)).entries()) {
          memberships[i + offset] = count;
        }
      }
    },
    cpuSeconds: () => server.cpuSeconds(),
    close: async () => {
      client.destroy();
      await server.stop();
    },
  };
}

async function loadProfiles(
  workload: Workload,
  warmUpEvents: number,
  set: (key: string, value: Buffer) => Promise<void>,
): Promise<void> {
  const state = new PlainRows(workload, {withCounts: false});
  state.absorb(warmUpEvents);
  const packr = new Packr({useRecords: false, moreTypes: false, variableMapSize: true});
  let waiting: Promise<void>[] = [];
  for (const [profile, row] of state.rows.entries()) {
    const attributes = ATTRIBUTES.map(({name}) => row[name]!);
    // Latest first, by type from 1: as Lua counts.
    const times = new Map<number, number[]>();
    for (const [type, ofType] of (state.times[profile] ?? []).entries()) {
      if (ofType !== undefined) times.set(type + 1, [...ofType].reverse());
    }
    waiting.push(set(String(profile), Buffer.from(packr.pack([attributes, times]))));
    if (waiting.length < 1024) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
}

function librarySource(workload: Workload): string {
  const windows = [
    ...new Set(workload.predicates.flatMap(each => (each.kind === 'count' ? [each.windowMs] : []))),
  ];
  const words = workload.predicates.filter(predicate => predicate.kind === 'contains');
  const inline = workload.audiences.length <= INLINE_CONTAINS_MAX;
  const context: Source = {workload, windows, words: inline ? [] : words};
  const functions: string[] = [];
  for (let first = 0; first < workload.audiences.length; first += AUDIENCES_A_FUNCTION) {
    const lines = workload.audiences.slice(first, first + AUDIENCES_A_FUNCTION).map(({clauses}) => {
      const condition = clauses
        .map(clause => `(${clause.map(each => literalSource(each, context)).join(' or ')})`)
        .join(' and ');
      return `if ${condition} then n=n+1 end`;
    });
    functions.push(`asks[#asks+1]=function(a,t,w,k) local n=0 ${lines.join('\n')} return n end`);
  }
  const searches = context.words.map(
    ({attribute, word}, i) => `k[${i + 1}]=find(a[${attribute + 1}],"${word}",1,true)~=nil`,
  );
  return `#!lua name=bench
-- The library of strings is there only once the function is called.
local find
local e={}
local asks={}
${functions.join('\n')}
local k={}
local w={}
local function search(a) ${searches.join('\n')} end
redis.register_function('step', function(keys, args)
  find=string.find
  local p=cmsgpack.unpack(redis.call('GET', keys[1]))
  local a=p[1]
  local t=p[2]
  local type=tonumber(args[1])
  local now=tonumber(args[2])
  local times=t[type]
  if times then
    table.insert(times,1,now)
    times[${COUNT_MAX + 1}]=nil
  else t[type]={now} end
  local attribute=tonumber(args[3])
  if attribute>0 then
    local form=string.sub(args[4],1,1)
    local text=string.sub(args[4],2)
    if form=='s' then a[attribute]=text
    elseif form=='n' then a[attribute]=tonumber(text)
    else a[attribute]=text=='true' end
  end
  redis.call('SET', keys[1], cmsgpack.pack(p))
  ${windows.map((windowMs, i) => `w[${i + 1}]=now-${windowMs}`).join('\n  ')}
  search(a)
  local n=0
  for i=1,#asks do n=n+asks[i](a,t,w,k) end
  return n
end)
`;
}

interface Source {
  readonly workload: Workload;
  readonly windows: readonly number[];
  /** Those that are searched before the audiences are asked. */
  readonly words: readonly (Predicate & {kind: 'contains'})[];
}

function literalSource({predicate, negated}: Literal, source: Source): string {
  const text = predicateSource(source.workload.predicates[predicate]!, source);
  return negated ? `not (${text})` : text;
}

function predicateSource(predicate: Predicate, {windows, words}: Source): string {
  if (predicate.kind === 'count') {
    const {type, atLeast, windowMs} = predicate;
    return `((t[${type + 1}] or e)[${atLeast}] or 0)>=w[${windows.indexOf(windowMs) + 1}]`;
  }
  const field = `a[${predicate.attribute + 1}]`;
  switch (predicate.kind) {
    case 'equals':
      return `${field}==${JSON.stringify(predicate.value)}`;
    case 'contains': {
      const known = words.indexOf(predicate);
      if (known >= 0) return `k[${known + 1}]`;
      return `find(${field},"${predicate.word}",1,true)`;
    }
    case 'range':
      if (predicate.low === -Infinity) return `${field}<${predicate.high}`;
      if (predicate.high === Infinity) return `${field}>=${predicate.low}`;
      return `(${field}>=${predicate.low} and ${field}<${predicate.high})`;
  }
}
