/** Finds the handler for a method and a path, the same way for every back-end. */
import type {SocketRoute, TransportHandler, TransportRoute} from './transport.ts';
import {badRequest, methodNotAllowed, type Refusal, UPGRADE_REQUIRED} from './refusals.ts';

/** What to call, and how to read the path's parameters. Also stands for an answer such as 405. */
export interface CompiledRoute {
  readonly handler: TransportHandler;
  /** Of the pattern; empty when it has no parameters. */
  readonly segments: readonly string[];
}

/** All the methods of one path, or of one shape of path. */
interface Entry {
  /** As split by '/'; a parameter is ':'. */
  readonly shape: readonly string[];
  readonly methods: Map<string, CompiledRoute>;
  otherMethod: CompiledRoute;
}

const NO_PARAMS: ReadonlyMap<string, string> = new Map();
const BROKEN_ENCODING = refusing(badRequest('the path has broken percent-encoding'));

export class RouteTable {
  readonly #literals = new Map<string, Entry>();
  /** By number of segments; in each, those with more literal segments in front come first. */
  readonly #patterns = new Map<number, Entry[]>();
  readonly #notFound: CompiledRoute;

  constructor(options: {
    readonly routes: readonly TransportRoute[];
    readonly sockets: readonly SocketRoute[];
    readonly notFound: TransportHandler;
  }) {
    this.#notFound = {handler: options.notFound, segments: []};
    for (const {method, pattern, handler} of options.routes) {
      const {methods} = this.#entry(pattern);
      if (methods.has(method)) throw new Error(`two routes for ${method} ${pattern}`);
      methods.set(method, {handler, segments: parameterSegments(pattern)});
    }
    for (const {pattern} of options.sockets) {
      const {methods} = this.#entry(pattern);
      if (!methods.has('GET')) methods.set('GET', refusing(UPGRADE_REQUIRED));
    }
    const entries = [...this.#literals.values(), ...[...this.#patterns.values()].flat()];
    for (const entry of entries) {
      const get = entry.methods.get('GET');
      if (get !== undefined && !entry.methods.has('HEAD')) entry.methods.set('HEAD', get);
      entry.otherMethod = refusing(methodNotAllowed(allowed([entry])));
    }
    for (const list of this.#patterns.values())
      list.sort((a, b) => bySpecificity(a.shape, b.shape));
  }

  /** Allocates nothing for a path without parameters. */
  find(method: string, path: string): CompiledRoute {
    const literal = this.#literals.get(path);
    const route = literal?.methods.get(method);
    if (route !== undefined) return route;
    return this.#findPattern(method, path, literal);
  }

  #findPattern(method: string, path: string, literal: Entry | undefined): CompiledRoute {
    const segments = path.split('/');
    const matching: Entry[] = literal === undefined ? [] : [literal];
    for (const entry of this.#patterns.get(segments.length) ?? []) {
      if (!matchesShape(entry.shape, segments)) continue;
      if (!isDecodable(path)) return BROKEN_ENCODING;
      const route = entry.methods.get(method);
      if (route !== undefined) return route;
      matching.push(entry);
    }
    const [only] = matching;
    if (only === undefined) return this.#notFound;
    return matching.length === 1 ? only.otherMethod : refusing(methodNotAllowed(allowed(matching)));
  }

  #entry(pattern: string): Entry {
    if (!pattern.startsWith('/')) throw new Error(`a pattern starts with '/': ${pattern}`);
    const shape = pattern.split('/').map(segment => (segment.startsWith(':') ? ':' : segment));
    if (!shape.includes(':')) {
      let entry = this.#literals.get(pattern);
      if (entry === undefined) this.#literals.set(pattern, (entry = emptyEntry(shape)));
      return entry;
    }
    let list = this.#patterns.get(shape.length);
    if (list === undefined) this.#patterns.set(shape.length, (list = []));
    let entry = list.find(one => one.shape.join('/') === shape.join('/'));
    if (entry === undefined) list.push((entry = emptyEntry(shape)));
    return entry;
  }
}

/** `path` must be one that `find` led to `route` with. */
export function readParams(route: CompiledRoute, path: string): ReadonlyMap<string, string> {
  if (route.segments.length === 0) return NO_PARAMS;
  const values = path.split('/');
  const params = new Map<string, string>();
  for (const [index, segment] of route.segments.entries()) {
    if (segment.startsWith(':')) {
      params.set(segment.slice(1), decodeURIComponent(values[index] ?? ''));
    }
  }
  return params;
}

/** The segments to give `readParams`, for a path that has this pattern; undefined for one that has not. */
export function matchPattern(pattern: string, path: string): CompiledRoute['segments'] | undefined {
  const shape = pattern.split('/').map(segment => (segment.startsWith(':') ? ':' : segment));
  if (!matchesShape(shape, path.split('/')) || !isDecodable(path)) return undefined;
  return parameterSegments(pattern);
}

function emptyEntry(shape: readonly string[]): Entry {
  return {shape, methods: new Map(), otherMethod: BROKEN_ENCODING};
}

function parameterSegments(pattern: string): readonly string[] {
  return pattern.includes('/:') ? pattern.split('/') : [];
}

function refusing({status, headers, body}: Refusal): CompiledRoute {
  return {handler: (_request, response) => response.send(status, headers, body), segments: []};
}

function matchesShape(shape: readonly string[], segments: readonly string[]): boolean {
  if (shape.length !== segments.length) return false;
  for (const [index, wanted] of shape.entries()) {
    const segment = segments[index];
    if (wanted === ':' ? segment === '' : segment !== wanted) return false;
  }
  return true;
}

function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function allowed(entries: readonly Entry[]): string {
  return [...new Set(entries.flatMap(entry => [...entry.methods.keys()]))].sort().join(', ');
}

function bySpecificity(a: readonly string[], b: readonly string[]): number {
  for (const [index, segment] of a.entries()) {
    const isParameter = segment === ':';
    if (isParameter !== (b[index] === ':')) return isParameter ? 1 : -1;
  }
  return 0;
}
