/**
 * `npm run bench` and `npm run bench:peers`. Each bench at each size runs in a process of its own, so that
 * no figure depends on what ran before it.
 */
import {spawn} from 'node:child_process';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {BENCHES, type NamedBench, PEER_BENCHES} from './benches.ts';
import {PEERS} from './peers/peer-list.ts';
import {writeReport} from './report.ts';
import {type BenchOptions, type Figure, sizesName} from './support/figures.ts';
import {machineFacts} from './support/machine.ts';
import {repositoryRoot} from './support/repository.ts';
import {printTable} from './support/table.ts';

const USAGE = `npm run bench -- [options]           npm run bench:peers -- [options]

  --only NAME[,NAME]     of ${BENCHES.map(bench => bench.name).join(', ')};
                         of the peers: ${PEERS.map(peer => peer.name).join(', ')}
  --audiences N[,N]      instead of each bench's own sizes
  --profiles N[,N]       the same
  --calm                 selective audiences: about one membership an event
  --rounds N             measured rounds (3)
  --seconds N            of one round (5; peers 3)
  --tiny                 so small that the figures say only that it works
  --json                 one line of JSON a figure on stdout, nothing else
  --no-save              no file in bench/results
`;

const HEAP_MB = 12_288;

interface Settings {
  readonly benches: readonly NamedBench[];
  readonly audiences: readonly number[] | undefined;
  readonly profiles: readonly number[] | undefined;
  readonly calm: boolean;
  readonly rounds: number | undefined;
  readonly seconds: number | undefined;
  readonly tiny: boolean;
  readonly json: boolean;
  readonly save: boolean;
  readonly peers: boolean;
  readonly only: readonly string[] | undefined;
}

async function main(argv: readonly string[]): Promise<void> {
  const {values} = parseArgs({
    args: [...argv],
    options: {
      peers: {type: 'boolean', default: false},
      only: {type: 'string'},
      audiences: {type: 'string'},
      profiles: {type: 'string'},
      calm: {type: 'boolean', default: false},
      rounds: {type: 'string'},
      seconds: {type: 'string'},
      tiny: {type: 'boolean', default: false},
      json: {type: 'boolean', default: false},
      'no-save': {type: 'boolean', default: false},
      child: {type: 'string'},
      help: {type: 'boolean', default: false},
    },
  });
  if (values.child !== undefined) {
    await runChild(values.child);
    return;
  }
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const wanted = values.only?.split(',');
  const known = (values.peers ? PEERS : BENCHES).map(({name}) => name);
  const unknown = wanted?.filter(name => !known.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new Error(`no such bench: ${unknown.join(', ')}\n\n${USAGE}`);
  }
  await runAll({
    benches: values.peers
      ? PEER_BENCHES
      : BENCHES.filter(({name}) => wanted?.includes(name) ?? true),
    only: wanted,
    audiences: numbers(values.audiences),
    profiles: numbers(values.profiles),
    calm: values.calm,
    rounds: numbers(values.rounds)?.[0],
    seconds: numbers(values.seconds)?.[0],
    tiny: values.tiny,
    json: values.json,
    save: !values['no-save'] && !values.tiny,
    peers: values.peers,
  });
}

async function runAll(settings: Settings): Promise<void> {
  const figures: Figure[] = [];
  const failures: string[] = [];
  for (const bench of settings.benches) {
    for (const options of sizesOf(bench, settings)) {
      const title = `${bench.name} ${sizesName(options)}`;
      try {
        figures.push(...(await runInChild(bench, options, settings.json)));
      } catch (error) {
        failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
        process.stderr.write(`${failures.at(-1)}\n`);
      }
    }
  }
  if (!settings.json) printTable(figures);
  if (settings.save && figures.length > 0) {
    const path = await save(figures, settings);
    if (!settings.json) console.log(`\nwritten to ${path}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

function sizesOf(bench: NamedBench, settings: Settings): BenchOptions[] {
  const sizes =
    settings.audiences === undefined && settings.profiles === undefined
      ? settings.tiny
        ? [{audiences: 10, profiles: 300}]
        : bench.sizes
      : (settings.audiences ?? [1000]).flatMap(audiences =>
          (settings.profiles ?? [settings.tiny ? 300 : 100_000]).map(profiles => ({
            audiences,
            profiles,
          })),
        );
  return sizes.map(({audiences, profiles}) => ({
    audiences,
    profiles,
    calm: settings.calm,
    rounds: settings.rounds ?? (settings.tiny ? 1 : 3),
    roundSeconds: settings.seconds ?? (settings.tiny ? 0.05 : bench.roundSeconds),
    warmUpEvents: settings.tiny ? 1000 : bench.warmUpEvents,
    tiny: settings.tiny,
    only: settings.only,
    say: () => {},
  }));
}

function runInChild(bench: NamedBench, options: BenchOptions, quiet: boolean): Promise<Figure[]> {
  return new Promise((resolve, reject) => {
    const {say: _, ...sent} = options;
    const request = JSON.stringify({bench: bench.name, options: sent});
    const child = spawn(
      process.execPath,
      [
        ...process.execArgv,
        '--expose-gc',
        `--max-old-space-size=${HEAP_MB}`,
        fileURLToPath(import.meta.url),
        '--child',
        request,
      ],
      {stdio: ['ignore', 'pipe', 'inherit']},
    );
    const figures: Figure[] = [];
    createInterface({input: child.stdout}).on('line', line => {
      const message = JSON.parse(line) as {say?: string; figure?: Figure};
      if (message.figure !== undefined) {
        figures.push(message.figure);
        if (quiet) console.log(JSON.stringify(message.figure));
      } else if (!quiet) {
        console.log(`${bench.name} ${sizesName(options)}: ${message.say}`);
      }
    });
    child.on('error', reject);
    child.on('close', code => {
      if (code === 0) resolve(figures);
      else reject(new Error(`ended with ${code}`));
    });
  });
}

async function runChild(request: string): Promise<void> {
  const {bench, options} = JSON.parse(request) as {bench: string; options: BenchOptions};
  const named = [...BENCHES, ...PEER_BENCHES].find(each => each.name === bench);
  if (named === undefined) throw new Error(`no such bench: ${bench}`);
  const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
  const run = await named.load();
  const figures = await run({...options, say: text => tell({say: text})});
  for (const each of figures) tell({figure: each});
}

/** One file a day; figures of the same name are replaced. */
async function save(figures: readonly Figure[], {peers}: Settings): Promise<string> {
  const folder = join(repositoryRoot(), 'bench', 'results');
  await mkdir(folder, {recursive: true});
  const path = join(folder, `${new Date().toISOString().slice(0, 10)}.json`);
  const known = await readFile(path, 'utf8')
    .then(text => (JSON.parse(text) as {figures: Figure[]}).figures)
    .catch(() => []);
  const byName = new Map([...known, ...figures].map(each => [each.name, each]));
  const machine = await machineFacts(repositoryRoot());
  const content = {machine, command: peers ? 'npm run bench:peers' : 'npm run bench'};
  const all = [...byName.values()];
  await writeFile(path, `${JSON.stringify({...content, figures: all}, null, 1)}\n`);
  await writeReport({machine, figures: all}, repositoryRoot());
  return path;
}

function numbers(text: string | undefined): number[] | undefined {
  return text?.split(',').map(part => {
    const number = Number(part.replaceAll('_', ''));
    if (!(number > 0)) throw new Error(`not a number: ${part}`);
    return number;
  });
}

await main(process.argv.slice(2));
