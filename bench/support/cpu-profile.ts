/** The share of each function, and of each step of the way, in the CPU time of what runs meanwhile. */
import {Session} from 'node:inspector/promises';

export interface Shares {
  readonly bySource: ReadonlyMap<string, number>;
  /** `name file`, descending. */
  readonly byFunction: ReadonlyMap<string, number>;
}

const SAMPLE_MICROSECONDS = 200;

export async function profiled(run: () => Promise<unknown>): Promise<Shares> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', {interval: SAMPLE_MICROSECONDS});
  await session.post('Profiler.start');
  await run();
  const {profile} = await session.post('Profiler.stop');
  session.disconnect();
  const frames = new Map(profile.nodes.map(({id, callFrame}) => [id, callFrame]));
  const bySource = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let sum = 0;
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const {functionName, url} = frames.get(id)!;
    const source = sourceOf(functionName, url);
    if (source === undefined) continue;
    const duration = Math.max(0, profile.timeDeltas?.[i] ?? 0);
    sum += duration;
    add(bySource, source, duration);
    add(byFunction, `${functionName || '(anonymous)'} ${source}`, duration);
  }
  return {bySource: shares(bySource, sum), byFunction: shares(byFunction, sum)};
}

/** undefined for the bench, the profiler and idleness. */
function sourceOf(functionName: string, url: string): string | undefined {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(idle)' || functionName === '(root)' || functionName === 'dispatch') return;
  if (url === '') return functionName === '(program)' ? 'native' : `native ${functionName}`;
  if (url.startsWith('node:')) return url;
  const own = /\/((?:engine|storage|server|bench)\/.*)\.[jt]s$/.exec(url)?.[1];
  if (own !== undefined) return own.startsWith('bench/') ? undefined : own;
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url;
}

function add(sums: Map<string, number>, key: string, duration: number): void {
  sums.set(key, (sums.get(key) ?? 0) + duration);
}

function shares(sums: ReadonlyMap<string, number>, sum: number): Map<string, number> {
  const sorted = [...sums].sort(([, a], [, b]) => b - a);
  return new Map(sorted.map(([key, duration]) => [key, duration / sum]));
}
