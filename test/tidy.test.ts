/**
 * The rules of the house that a linter does not know: who may import whom, nothing dead, nothing left
 * over from debugging, nothing that outgrew its idea.
 */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {describe, expect, test} from 'vitest';
import {COMMANDS, REPLAY, SERVE} from '../server/cli/commands.ts';

const ROOT = join(import.meta.dirname, '..');
const LAYERS = ['engine', 'storage', 'server'];
const LINES_TOLD = 400;
const LINES_MAX = 500;
/** Tables of cases run longer than what they test. */
const TEST_LINES_MAX = 900;

interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

interface Import {
  /** A path from the root for one of ours, else the package or `node:` name. */
  readonly target: string;
  readonly isOurs: boolean;
  readonly isTypeOnly: boolean;
}

const sources = [...LAYERS, 'bench', 'test'].flatMap(folder => filesIn(folder)).map(readSource);
const byPath = new Map(sources.map(source => [source.path, source]));
const product = sources.filter(source => LAYERS.some(layer => source.path.startsWith(`${layer}/`)));

describe('who imports whom', () => {
  test('the engine imports the engine, and no Node module', () => {
    const wrong = importsOf('engine/').filter(({from, to}) => {
      if (to.isOurs) return !to.target.startsWith('engine/');
      return to.target !== 'roaring-wasm' || from !== 'engine/bitmaps/bitmap.ts';
    });
    expect(told(wrong)).toEqual([]);
  });

  test('storage imports storage and the engine', () => {
    const wrong = importsOf('storage/').filter(
      ({to}) => to.isOurs && !/^(storage|engine)\//.test(to.target),
    );
    expect(told(wrong)).toEqual([]);
  });

  test('the product imports neither tests nor benches', () => {
    const wrong = LAYERS.flatMap(layer => importsOf(`${layer}/`)).filter(
      ({to}) => to.isOurs && /^(test|bench)\//.test(to.target),
    );
    expect(told(wrong)).toEqual([]);
  });

  test('inputs, api, stream and outputs never import one another', () => {
    const parts = ['inputs', 'api', 'stream', 'outputs'];
    const wrong = parts.flatMap(part =>
      importsOf(`server/${part}/`).filter(({to}) =>
        parts.some(other => other !== part && to.target.startsWith(`server/${other}/`)),
      ),
    );
    expect(told(wrong)).toEqual([]);
  });

  test('http and observe import no other part of the server, but for types', () => {
    const others = /^server\/(?!http\/|observe\/)/;
    const wrong = ['http', 'observe'].flatMap(part =>
      importsOf(`server/${part}/`).filter(({to}) => others.test(to.target) && !to.isTypeOnly),
    );
    expect(told(wrong)).toEqual([]);
  });

  test.each([
    ['lmdb', /^storage\//],
    ['roaring-wasm', /^engine\/bitmaps\/bitmap\.ts$/],
    ['ws', /^server\/(http\/(transport-node|node-[a-z-]+)|cli\/demo\/delta-socket)\.ts$/],
    ['pino', /^server\/(observe\/[a-z-]+|main|start-server)\.ts$/],
    ['prom-client', /^server\/observe\//],
    ['yazl', /^server\/downloads\//],
  ])('%s is imported where it belongs', (name, where) => {
    const wrong = LAYERS.flatMap(layer => importsOf(`${layer}/`)).filter(
      ({from, to}) => to.target === name && !to.isTypeOnly && !where.test(from),
    );
    expect(told(wrong)).toEqual([]);
  });

  test('every relative import names a file that is there, with its ending', () => {
    const wrong = sources.flatMap(source =>
      source.imports
        .filter(to => to.isOurs && to.target.endsWith('.ts') && !byPath.has(to.target))
        .map(to => ({from: source.path, to})),
    );
    expect(told(wrong)).toEqual([]);
  });
});

test('every file of the product is reached from the program, a bench or a test', () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const {target, isOurs} of byPath.get(path)?.imports ?? []) if (isOurs) visit(target);
  };
  for (const {path} of sources) if (!product.some(source => source.path === path)) visit(path);
  visit('server/main.ts');
  expect(product.map(source => source.path).filter(path => !reached.has(path))).toEqual([]);
});

test('no test is left alone or left out', () => {
  const marks = /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|todo|fails)\b|\bdebugger;/;
  const left = sources.filter(({path, text}) => path !== 'test/tidy.test.ts' && marks.test(text));
  expect(left.map(source => source.path)).toEqual([]);
});

test('a file is one idea: none is longer than it may be', () => {
  const lengths = sources.map(({path, text}) => ({path, lines: text.split('\n').length - 1}));
  for (const {path, lines} of lengths.filter(file => file.lines > LINES_TOLD)) {
    process.stdout.write(`  long: ${path} has ${lines} lines; is it two ideas?\n`);
  }
  const most = (path: string): number => (path.startsWith('test/') ? TEST_LINES_MAX : LINES_MAX);
  expect(lengths.filter(({path, lines}) => lines > most(path))).toEqual([]);
});

test('there is one name for a thing: no barrels, no helpers without an idea, no default exports', () => {
  const barrels = product.filter(({path}) => /\/(index|utils|util|helpers|misc)\.ts$/.test(path));
  expect(barrels.map(source => source.path)).toEqual([]);
  // A file that a pool of workers starts is called by its default export.
  const called = /^server\/shards\/([a-z-]+-job|worker-entry)\.ts$/;
  const unnamed = product.filter(
    ({path, text}) => !called.test(path) && /^export default/m.test(text),
  );
  expect(unnamed.map(source => source.path)).toEqual([]);
});

describe('the papers', () => {
  test('docs/replay.md describes every option of muster replay', () => {
    const text = readFileSync(join(ROOT, 'docs/replay.md'), 'utf8');
    expect(REPLAY.options.filter(({name}) => !text.includes(`--${name}`))).toEqual([]);
  });

  test('every option says in a sentence what it does', () => {
    const silent = COMMANDS.flatMap(command => command.options).filter(
      ({help}) => !/^[A-Z0-9].{10,}\.$/.test(help),
    );
    expect(silent).toEqual([]);
    expect(SERVE.options.every(({env}) => env !== undefined)).toBe(true);
  });

  test('links between the papers lead somewhere', () => {
    const papers = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesIn('docs', '.md')];
    const broken = papers.flatMap(paper =>
      [...readFileSync(join(ROOT, paper), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, link = '']) => link)
        .filter(link => !exists(join(ROOT, dirname(paper), link)))
        .map(link => `${paper} -> ${link}`),
    );
    expect(broken).toEqual([]);
  });
});

function importsOf(folder: string): {from: string; to: Import}[] {
  return sources
    .filter(source => source.path.startsWith(folder))
    .flatMap(source => source.imports.map(to => ({from: source.path, to})));
}

function told(edges: readonly {from: string; to: Import}[]): string[] {
  return edges.map(({from, to}) => `${from} -> ${to.target}`);
}

function filesIn(folder: string, ending = '.ts'): string[] {
  if (!exists(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), {recursive: true, withFileTypes: true})
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter(path => !/(^|\/)(node_modules|dist|\.[^/]+)\//.test(path))
    .sort();
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const imports: Import[] = [];
  const from = /^(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s+'([^']+)'/gm;
  for (const [, type, name = ''] of text.matchAll(from)) {
    imports.push(resolveImport(path, name, type !== undefined));
  }
  for (const [, name = ''] of text.matchAll(/^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm)) {
    imports.push(resolveImport(path, name, false));
  }
  // Workers are started by the URL of their file: any path to a source counts as a way to it.
  for (const [, name = ''] of text.matchAll(/'(\.{1,2}\/[^'\s]+\.ts)'/g)) {
    const way = resolveImport(path, name, false);
    if (!imports.some(known => known.target === way.target)) imports.push(way);
  }
  return {path, text, imports};
}

function resolveImport(path: string, name: string, isTypeOnly: boolean): Import {
  if (!name.startsWith('.')) return {target: name, isOurs: false, isTypeOnly};
  const target = relative(ROOT, join(ROOT, dirname(path), name)).replaceAll('\\', '/');
  return {target, isOurs: true, isTypeOnly};
}
