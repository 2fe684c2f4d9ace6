/**
 * Does a fault in the engine get past the property tests? Puts each fault of `mutants.ts` into a work tree
 * of its own, runs the properties until the first failure, and says after how many histories it came.
 * README.md beside this says how to run it, and what came of it.
 *
 * Takes what is committed, not what lies about in the folder. Ends with 1 when a mutant survives, or when
 * the code has moved on and the place of one is not found.
 */
import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Mutant, MUTANTS} from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROPERTY = 'test/property/shard-oracle';
/** Where the seeds of each test of the properties begin: see `seeds` there. */
const FIRST_SEEDS = [1, 10_001, 20_001, 30_001];

/** Of each kind of history: a few of all kinds first, because most faults show at once. */
const ROUNDS = [
  {histories: 30, patienceMs: 60_000},
  {histories: 450, patienceMs: 400_000},
];

interface Verdict {
  readonly mutant: Mutant;
  /** undefined: it survived. */
  readonly caught: string | undefined;
}

async function main(words: readonly string[]): Promise<void> {
  const wanted = MUTANTS.filter(
    ({name}) => words.length === 0 || words.some(word => name.includes(word)),
  );
  const tree = mkdtempSync(join(tmpdir(), 'muster-mutants-'));
  try {
    execFileSync('git', ['worktree', 'add', '--detach', '--quiet', '--force', tree, 'HEAD'], {
      cwd: ROOT,
    });
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    const verdicts: Verdict[] = [];
    for (const mutant of wanted) verdicts.push(await judge(mutant, tree));
    const survivors = verdicts.filter(({caught}) => caught === undefined);
    say(`\n${verdicts.length - survivors.length} of ${verdicts.length} were caught.`);
    for (const {mutant} of survivors) say(`not caught: ${mutant.name} (${mutant.file})`);
    process.exitCode = survivors.length > 0 ? 1 : 0;
  } finally {
    rmSync(tree, {recursive: true, force: true});
    execFileSync('git', ['worktree', 'prune'], {cwd: ROOT});
  }
}

async function judge(mutant: Mutant, tree: string): Promise<Verdict> {
  const path = join(tree, mutant.file);
  const original = readFileSync(path, 'utf8');
  const places = original.split(mutant.from).length - 1;
  if (places !== 1) {
    say(`MOVED    ${mutant.name}: ${places} places in ${mutant.file}, not one`);
    return {mutant, caught: undefined};
  }
  const startedMs = Date.now();
  writeFileSync(
    path,
    original.replace(mutant.from, () => mutant.to),
  );
  let caught: string | undefined;
  for (const round of ROUNDS) caught ??= await firstFailure(tree, round);
  writeFileSync(path, original);
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  const verdict = caught === undefined ? 'SURVIVED' : 'caught  ';
  say(`${verdict} ${mutant.name} | ${caught ?? ''} | ${seconds} s`);
  return {mutant, caught};
}

async function firstFailure(
  tree: string,
  round: (typeof ROUNDS)[number],
): Promise<string | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const {status, output, isEndless} = await runProperties(tree, round);
    if (status === 0) return undefined;
    if (isEndless) return `it does not end within ${round.patienceMs / 1_000} s`;
    const caught = howCaught(output);
    // A run may also be killed, or run out of something: that says nothing of the mutant.
    if (caught !== undefined) return caught;
    say(`         (attempt ${attempt + 1} ended without a verdict: ${status})`);
  }
  return undefined;
}

/** In a process group of its own, because a worker in an endless loop hears nothing but the end. */
function runProperties(
  tree: string,
  {histories, patienceMs}: (typeof ROUNDS)[number],
): Promise<{status: number | null; output: string; isEndless: boolean}> {
  const vitest = join(tree, 'node_modules/vitest/vitest.mjs');
  const run = spawn(process.execPath, [vitest, 'run', '--bail', '1', PROPERTY], {
    cwd: tree,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {...process.env, NO_COLOR: '1', ORACLE_HISTORIES: String(histories)},
  });
  const endGroup = (): void => {
    if (run.pid !== undefined) process.kill(-run.pid, 'SIGKILL');
  };
  let output = '';
  let isEndless = false;
  const patience = setTimeout(() => {
    isEndless = true;
    endGroup();
  }, patienceMs);
  for (const stream of [run.stdout, run.stderr]) {
    stream.on('data', (text: Buffer) => (output += text.toString()));
  }
  return new Promise((resolve, reject) => {
    run.on('error', reject);
    run.on('close', status => {
      clearTimeout(patience);
      resolve({status, output, isEndless});
    });
  });
}

/** Of the first failure: its seed, how many histories came before, and what was wrong. */
function howCaught(output: string): string | undefined {
  const [, text = '', kinds = '', step = ''] =
    /seed (\d+) \((\w+)[^)]*\), step (\d+)/.exec(output) ?? [];
  if (text === '')
    return `not by a history: ${/Error: .*/.exec(output)?.[0] ?? output.slice(-300)}`;
  const seed = Number(text);
  const first = FIRST_SEEDS.findLast(each => each <= seed) ?? 1;
  const wrong = /\nError: seed[^\n]*\n([^\n]*)/.exec(output)?.[1] ?? '';
  return `history ${seed - first + 1} (seed ${seed}, ${kinds}, step ${step}): ${wrong.slice(0, 90)}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.argv.slice(2));
