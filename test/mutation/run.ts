/**
 * Does a fault in the engine get past the property tests? Puts each fault of `mutants.ts` into a work tree
 * of its own, runs the properties until the first failure, and says after how many histories it came.
 *
 *     npx tsx test/mutation/run.ts              all of them: about ten minutes on two cores
 *     npx tsx test/mutation/run.ts cart wait    those whose names contain one of the words
 *
 * Takes what is committed, not what lies about in the folder. Ends with 1 when a mutant survives.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Mutant, MUTANTS} from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROPERTIES = 'test/property';
/** Where the seeds of each test of the properties begin: see `seeds` there. */
const FIRST_SEEDS = [1, 10_001, 20_001];

/** Of each kind of history: a few of all kinds first, because most faults show at once. */
const HISTORIES = [30, 450];

interface Verdict {
  readonly mutant: Mutant;
  /** undefined: it survived. */
  readonly caught: string | undefined;
  readonly seconds: number;
}

function main(words: readonly string[]): void {
  const wanted = MUTANTS.filter(
    ({name}) => words.length === 0 || words.some(word => name.includes(word)),
  );
  const tree = mkdtempSync(join(tmpdir(), 'muster-mutants-'));
  try {
    execFileSync('git', ['worktree', 'add', '--detach', '--quiet', '--force', tree, 'HEAD'], {
      cwd: ROOT,
    });
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    const verdicts = wanted.map(mutant => judge(mutant, tree));
    const survivors = verdicts.filter(({caught}) => caught === undefined);
    say(`\n${verdicts.length - survivors.length} of ${verdicts.length} were caught.`);
    for (const {mutant} of survivors) say(`not caught: ${mutant.name} (${mutant.file})`);
    process.exitCode = survivors.length > 0 ? 1 : 0;
  } finally {
    rmSync(tree, {recursive: true, force: true});
    execFileSync('git', ['worktree', 'prune'], {cwd: ROOT});
  }
}

function judge(mutant: Mutant, tree: string): Verdict {
  const path = join(tree, mutant.file);
  const original = readFileSync(path, 'utf8');
  const places = original.split(mutant.from).length - 1;
  if (places !== 1) {
    say(`MOVED    ${mutant.name}: ${places} places in ${mutant.file}, not one`);
    return {mutant, caught: undefined, seconds: 0};
  }
  const startedMs = Date.now();
  writeFileSync(
    path,
    original.replace(mutant.from, () => mutant.to),
  );
  let caught: string | undefined;
  for (const histories of HISTORIES) caught ??= firstFailure(tree, histories);
  writeFileSync(path, original);
  const seconds = (Date.now() - startedMs) / 1_000;
  say(
    `${caught === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name} | ${caught ?? ''} | ${Math.round(seconds)} s`,
  );
  return {mutant, caught, seconds};
}

function firstFailure(tree: string, histories: number): string | undefined {
  for (let attempt = 0; attempt < 3; attempt++) {
    const run = spawnSync('npx', ['vitest', 'run', '--bail', '1', PROPERTIES], {
      cwd: tree,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      env: {...process.env, NO_COLOR: '1', ORACLE_HISTORIES: String(histories)},
    });
    if (run.status === 0) return undefined;
    const caught = howCaught(run.stdout + run.stderr);
    // A run may also be killed, or run out of something: that says nothing of the mutant.
    if (caught !== undefined) return caught;
    say(`         (attempt ${attempt + 1} ended without a verdict: ${run.signal ?? run.status})`);
  }
  return undefined;
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

main(process.argv.slice(2));
