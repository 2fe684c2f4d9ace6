/** docs/benchmarks.md: what was measured, between two marks, from the figures of a day. */
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {drawCharts} from './charts.ts';
import {goalsOf} from './goals.ts';
import type {Figure} from './support/figures.ts';
import type {MachineFacts} from './support/machine.ts';
import {rounded} from './support/table.ts';

const BEGIN = '<!-- measured: begin (written by npm run bench) -->';
const END = '<!-- measured: end -->';

/** Each with the figures that belong to it, by how their names begin. */
const SECTIONS: readonly (readonly [title: string, names: RegExp])[] = [
  ['The engine alone', /^(engine|memory)\//],
  ['Side by side', /^(peer|ratio)\//],
  ['From HTTP to a socket', /^gateway\//],
  ['A storm', /^storm\//],
  ['Whole populations', /^(bulk|questions)\//],
  ['Restarts', /^restart\//],
  ['Where the time goes', /^profile\//],
  ['Small parts, and the floor', /^parts\//],
];

export interface Results {
  readonly machine: MachineFacts;
  readonly figures: readonly Figure[];
}

export async function writeReport(results: Results, repository: string): Promise<void> {
  const charts = await drawCharts(results.figures, join(repository, 'docs', 'benchmarks'));
  const path = join(repository, 'docs', 'benchmarks.md');
  const page = await readFile(path, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${path} has lost its marks`);
  const measured = reportOf(results, charts);
  await writeFile(path, `${page.slice(0, begin)}${BEGIN}\n\n${measured}\n${page.slice(end)}`);
}

export function reportOf({machine, figures}: Results, charts: readonly string[]): string {
  const {cpu, cores, memoryGiB, kernel, node, v8, commit, date, loadAverage} = machine;
  const parts = [
    `Measured ${date.slice(0, 10)} at commit ${commit} on ${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, V8 ${v8}; load average at the end ${loadAverage.toFixed(2)}.`,
    ...charts.map(
      file => `![${file.replace(/[-.]/g, ' ').replace(/ svg$/, '')}](benchmarks/${file})`,
    ),
    '### Against what it must reach',
    goalsTable(figures),
  ];
  for (const [title, names] of SECTIONS) {
    const own = figures.filter(({name}) => names.test(name));
    if (own.length > 0) parts.push(`### ${title}`, figuresTable(own));
  }
  return `${parts.join('\n\n')}\n`;
}

function goalsTable(figures: readonly Figure[]): string {
  const rows = goalsOf(figures).map(({what, must, goal, unit, better, measured}) => {
    const reaches = (bound: number): boolean =>
      measured !== undefined && (better === 'higher' ? measured >= bound : measured <= bound);
    const verdict =
      measured === undefined ? '' : reaches(goal) ? 'goal' : reaches(must) ? 'must' : 'short';
    const told = measured === undefined ? 'not measured' : `**${rounded(measured)}**`;
    return `| ${what} | ${unit} | ${rounded(must)} | ${rounded(goal)} | ${told} | ${verdict} |`;
  });
  return ['| | | must | goal | measured | |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({name, value, unit, min, max, checksum}) => {
    const spread = min === max ? '' : `${rounded(min)} – ${rounded(max)}`;
    return `| ${name} | ${rounded(value)} ${unit} | ${spread} | ${checksum} |`;
  });
  return ['| figure | median | spread | checksum |', '|---|---|---|---|', ...rows].join('\n');
}
