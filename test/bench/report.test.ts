import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {drawCharts, svgOf} from '../../bench/charts.ts';
import {goalsOf} from '../../bench/goals.ts';
import {reportOf} from '../../bench/report.ts';
import {BENCHES} from '../../bench/benches.ts';
import {type Figure, figure} from '../../bench/support/figures.ts';

const MACHINE = {
  date: '2026-11-23T12:00:00.000Z',
  cpu: 'a processor',
  cores: 2,
  memoryGiB: 24,
  kernel: '6.1',
  node: 'v20.20.2',
  v8: '11.3',
  commit: 'abc',
  loadAverage: 0.1,
};

const FIGURES: readonly Figure[] = [
  ...[10, 100, 1000, 10_000].flatMap(audiences => [
    figure(`peer/muster/a${audiences}/p100k/events`, 'events/s', [1e6 / audiences]),
    figure(`peer/redis/a${audiences}/p100k/events`, 'events/s', [1e4 / audiences]),
  ]),
  figure('gateway/json/a1000/p100k/full/events', 'events/s', [50_000]),
  ...[25, 50].flatMap(load => [
    figure(`gateway/json/a1000/p100k/load-${load}/events`, 'events/s', [load * 500]),
    ...['50', '99', '99.9'].map(share =>
      figure(`gateway/json/a1000/p100k/load-${load}/request-to-delta-p${share}`, 'ms', [load / 10]),
    ),
  ]),
];

test('a picture is drawn for what there are figures of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-charts-'));
  const files = await drawCharts(FIGURES, folder);
  expect(files).toEqual(['events-over-audiences.svg', 'latency-over-load-json.svg']);
  const svg = readFileSync(join(folder, files[0]!), 'utf8');
  expect(svg).toContain('>redis</text>');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  rmSync(folder, {recursive: true});
});

test('one point is a picture too', () => {
  const lines = [{name: 'muster', isOurs: true, points: [{x: 1, y: 1}]}];
  const svg = svgOf({title: 't', xTitle: 'x', yTitle: 'y', xScale: 'linear', lines});
  expect(svg).not.toMatch(/NaN|Infinity/);
});

test('a goal says whether it is reached, and what was not measured', () => {
  const goals = goalsOf(FIGURES);
  const json = goals.find(({what}) => what.startsWith('JSON over HTTP'))!;
  expect(json.measured).toBe(50_000);
  expect(goals.find(({what}) => what.startsWith('end to end ÷ redis'))?.measured).toBe(5000);
  const page = reportOf({machine: MACHINE, figures: FIGURES}, ['events-over-audiences.svg']);
  expect(page).toContain('| **50,000** | must |');
  expect(page).toContain('| not measured |  |');
  expect(page).toContain('](benchmarks/events-over-audiences.svg)');
});

test('every goal of an engine size is measured by a bench as it runs', () => {
  const sizes = BENCHES.flatMap(({name, sizes: own}) =>
    own.map(({audiences, profiles}) => `${name} ${audiences} ${profiles}`),
  );
  for (const wanted of ['engine 10000 100000', 'engine 1000 1000000', 'storm 1000 1000000']) {
    expect(sizes).toContain(wanted);
  }
});
