/** Pictures of the figures, as plain SVG: lines over a logarithmic grid, each named at its end. */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {Figure} from './support/figures.ts';
import {rounded} from './support/table.ts';

export interface Line {
  readonly name: string;
  readonly points: readonly {readonly x: number; readonly y: number}[];
  /** Drawn heavier: the one that it is about. */
  readonly isOurs: boolean;
}

export interface Chart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly xScale: 'linear' | 'log';
  readonly lines: readonly Line[];
}

const WIDTH = 860;
const HEIGHT = 520;
const LEFT = 80;
const RIGHT = 190;
const TOP = 46;
const BOTTOM = 56;
/** Told apart also by those who see few colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5d5d5d'];
const LABEL_HEIGHT = 15;

/** Those charts for which there are figures; returns the names of the files. */
export async function drawCharts(figures: readonly Figure[], folder: string): Promise<string[]> {
  const charts = [
    {file: 'events-over-audiences.svg', chart: eventsOverAudiences(figures)},
    {file: 'latency-over-load-json.svg', chart: latencyOverLoad(figures, 'json')},
    {file: 'latency-over-load-msgpack.svg', chart: latencyOverLoad(figures, 'msgpack')},
  ].filter(({chart}) => chart.lines.some(({points}) => points.length > 1));
  await mkdir(folder, {recursive: true});
  for (const {file, chart} of charts) await writeFile(join(folder, file), svgOf(chart));
  return charts.map(({file}) => file);
}

function eventsOverAudiences(figures: readonly Figure[]): Chart {
  const lines = new Map<string, {x: number; y: number}[]>();
  for (const {name, value} of figures) {
    const [, peer, audiences] = /^peer\/([^/]+)\/a(\d+k?)\/p100k\/events$/.exec(name) ?? [];
    if (peer === undefined || audiences === undefined) continue;
    const points = lines.get(peer) ?? [];
    lines.set(peer, points);
    points.push({x: Number(audiences.replace('k', '000')), y: value});
  }
  return {
    title: 'Events a second, one core, over the number of audiences (100,000 profiles)',
    xTitle: 'audiences',
    yTitle: 'events/s',
    xScale: 'log',
    lines: [...lines].map(([name, points]) => ({
      name,
      points: points.sort((a, b) => a.x - b.x),
      isOurs: name === 'muster',
    })),
  };
}

function latencyOverLoad(figures: readonly Figure[], encoding: string): Chart {
  const value = (name: string): number | undefined =>
    figures.find(figure => figure.name === name)?.value;
  const base = `gateway/${encoding}/a1000/p100k`;
  const loads = [25, 50, 75, 90, 110];
  const lines = ['50', '99', '99.9'].map(share => ({
    name: `p${share}`,
    isOurs: share === '99',
    points: loads.flatMap(load => {
      const x = value(`${base}/load-${load}/events`);
      const y = value(`${base}/load-${load}/request-to-delta-p${share}`);
      return x === undefined || y === undefined ? [] : [{x, y}];
    }),
  }));
  return {
    title: `From the request to the delta, ${encoding} in, 1,000 audiences, durable`,
    xTitle: 'events/s taken; the last point is what more than it can take comes to',
    yTitle: 'ms',
    xScale: 'linear',
    lines,
  };
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

export function svgOf({title, xTitle, yTitle, xScale, lines}: Chart): string {
  const points = lines.flatMap(line => line.points);
  const xs = points.map(({x}) => x);
  const x =
    xScale === 'log'
      ? logScale(xs, LEFT, WIDTH - RIGHT)
      : linearScale(Math.max(...xs), LEFT, WIDTH - RIGHT);
  const y = logScale(
    points.map(point => point.y),
    HEIGHT - BOTTOM,
    TOP,
  );
  const grid = [
    ...x.ticks.map(
      tick =>
        `<path d="M${at(x.at(tick))} ${TOP}V${HEIGHT - BOTTOM}"/>` +
        text(x.at(tick), HEIGHT - BOTTOM + 18, rounded(tick), 'middle'),
    ),
    ...y.ticks.map(
      tick =>
        `<path d="M${LEFT} ${at(y.at(tick))}H${WIDTH - RIGHT}"/>` +
        text(LEFT - 8, y.at(tick) + 4, rounded(tick), 'end'),
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">
<title>${title}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${text(LEFT, 24, title, 'start', 'font-size="15"')}
<g stroke="#ddd">
${grid.join('\n')}
</g>
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, xTitle, 'middle')}
${text(16, TOP - 8, yTitle, 'start')}
${lines.map((line, i) => lineOf(line, {x, y, colour: COLOURS[i % COLOURS.length]!})).join('\n')}
${labels(lines, y)}
</svg>
`;
}

function lineOf(
  {points, isOurs}: Line,
  {x, y, colour}: {x: Scale; y: Scale; colour: string},
): string {
  const path = points.map(point => `${at(x.at(point.x))} ${at(y.at(point.y))}`).join('L');
  const dots = points.map(
    point => `<circle cx="${at(x.at(point.x))}" cy="${at(y.at(point.y))}" r="${isOurs ? 4 : 3}"/>`,
  );
  return `<g fill="${colour}"><path d="M${path}" fill="none" stroke="${colour}" stroke-width="${isOurs ? 3 : 1.5}"/>${dots.join('')}</g>`;
}

/** Each beside the end of its line, moved apart where they would lie on one another. */
function labels(lines: readonly Line[], y: Scale): string {
  const wanted = lines
    .map(({name, points}, i) => ({name, i, at: y.at(points.at(-1)?.y ?? 1)}))
    .sort((a, b) => a.at - b.at);
  let lowest = -Infinity;
  return wanted
    .map(({name, i, at: place}) => {
      lowest = Math.max(lowest + LABEL_HEIGHT, place);
      const colour = `fill="${COLOURS[i % COLOURS.length]}"`;
      return text(WIDTH - RIGHT + 10, lowest + 4, name, 'start', colour);
    })
    .join('\n');
}

function logScale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter(value => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 1e12)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1e-12))));
  return {
    ticks: Array.from({length: high - low + 1}, (_, i) => 10 ** (low + i)),
    at: value =>
      from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from),
  };
}

function linearScale(most: number, from: number, to: number): Scale {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(each => each * power).find(each => each >= rough) ?? rough;
  const end = Math.ceil(most / step) * step;
  return {
    ticks: Array.from({length: Math.round(end / step) + 1}, (_, i) => i * step),
    at: value => from + (value / end) * (to - from),
  };
}

function text(x: number, y: number, words: string, anchor: string, more = ''): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" stroke="none" ${more}>${words}</text>`;
}

function at(value: number): string {
  return value.toFixed(1);
}
