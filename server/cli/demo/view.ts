import {count, duration, milliseconds} from '../format.ts';
import {DEMO_AUDIENCES} from './audiences.ts';
import type {Scoreboard, SeenDelta} from './scoreboard.ts';

export interface DemoView {
  readonly scoreboard: Scoreboard;
  /** In the order of DEMO_AUDIENCES. */
  readonly audiences: readonly number[];
  readonly url: string;
  readonly elapsedMs: number;
  readonly eventsPerSecond: number;
  readonly deltasPerSecond: number;
  readonly customerCount: number;
  readonly nameOf: (mpid: string) => string;
}

type Paint = (text: string) => string;
interface Palette {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly added: Paint;
  readonly dropped: Paint;
}

const PLAIN: Palette = {strong: t => t, faint: t => t, added: t => t, dropped: t => t};
const COLOURED: Palette = {
  strong: t => `\u001b[1m${t}\u001b[22m`,
  faint: t => `\u001b[2m${t}\u001b[22m`,
  added: t => `\u001b[32m${t}\u001b[39m`,
  dropped: t => `\u001b[31m${t}\u001b[39m`,
};

/** Name, meaning, size and some air; what is left is the trend. */
const COLUMNS = {name: 17, means: 35, size: 6} as const;
const BARS = '▁▂▃▄▅▆▇█';

/** The whole screen, one line for each string, none wider than `columns`, at most `rows`. */
export function demoScreen(
  view: DemoView,
  size: {columns: number; rows: number; colours: boolean},
): string[] {
  const paint = size.colours ? COLOURED : PLAIN;
  const {scoreboard} = view;
  const trendWidth = Math.max(0, size.columns - COLUMNS.name - COLUMNS.means - COLUMNS.size - 6);
  const head = [
    `${paint.strong('Muster')}  ${count(view.customerCount)} customers in a small shop, ${count(Math.round(view.eventsPerSecond))} events/s  ${paint.faint(duration(view.elapsedMs))}`,
    paint.faint(view.url),
    '',
    paint.faint(
      `${'  Audience'.padEnd(COLUMNS.name + 2)}${'who'.padEnd(COLUMNS.means)}${'size'.padStart(COLUMNS.size)}`,
    ),
    ...DEMO_AUDIENCES.map(({name, means}, i) => {
      const id = view.audiences[i] ?? 0;
      const trend = scoreboard.trends.get(id) ?? [];
      return `  ${paint.strong(name.padEnd(COLUMNS.name))}${means.padEnd(COLUMNS.means)}${count(scoreboard.size(id)).padStart(COLUMNS.size)}  ${paint.faint(sparkline(trend.slice(-trendWidth)))}`;
    }),
    '',
    `  event sent → delta here   ${latency(view, 'event', paint)}`,
    `  window ends → delta here  ${latency(view, 'time', paint)}`,
    `  ${count(Math.round(view.deltasPerSecond))} deltas/s, ${count(scoreboard.deltaCount)} in all`,
    '',
    paint.faint('  Latest'),
  ];
  const room = Math.max(0, size.rows - head.length - 2);
  const latest = scoreboard.latest.slice(0, room).map(seen => deltaLine(view, seen, paint));
  const blank = Array.from({length: room - latest.length}, () => '');
  return [...head, ...latest, ...blank, paint.faint('  Ctrl-C ends')]
    .slice(0, size.rows)
    .map(line => clip(line, size.columns));
}

/** One line for a log. */
export function demoLine(view: DemoView): string {
  const {scoreboard} = view;
  const sizes = DEMO_AUDIENCES.map(
    ({name}, i) => `${name} ${count(scoreboard.size(view.audiences[i] ?? 0))}`,
  );
  return [
    duration(view.elapsedMs),
    `${count(Math.round(view.eventsPerSecond))} events/s`,
    `${count(Math.round(view.deltasPerSecond))} deltas/s`,
    `send to delta p50 ${milliseconds(scoreboard.eventLatencyMs(50))} p99 ${milliseconds(scoreboard.eventLatencyMs(99))}`,
    `late by the clock p50 ${milliseconds(scoreboard.clockLatencyMs(50))} p99 ${milliseconds(scoreboard.clockLatencyMs(99))}`,
    sizes.join(', '),
  ].join('  ');
}

/** What it came to, at the end. */
export function demoSummary(view: DemoView): string {
  const {scoreboard} = view;
  const refused =
    scoreboard.refusedCount === 0 ? '' : `, ${count(scoreboard.refusedCount)} of them refused`;
  return [
    `${count(scoreboard.eventCount)} events${refused}, ${count(scoreboard.deltaCount)} deltas in ${duration(view.elapsedMs)}`,
    `event sent → delta here    ${latency(view, 'event', PLAIN)}`,
    `window ends → delta here   ${latency(view, 'time', PLAIN)}`,
    'Next: the tour in README.md, or muster serve --help.',
    '',
  ].join('\n');
}

function latency(view: DemoView, cause: 'event' | 'time', paint: Palette): string {
  const {scoreboard} = view;
  const at = (percentile: number): string =>
    milliseconds(
      cause === 'event'
        ? scoreboard.eventLatencyMs(percentile)
        : scoreboard.clockLatencyMs(percentile),
    );
  return `p50 ${paint.strong(at(50))}   p99 ${paint.strong(at(99))}`;
}

function deltaLine(view: DemoView, seen: SeenDelta, paint: Palette): string {
  const {delta} = seen;
  const place = view.audiences.indexOf(delta.audience);
  const audience = (DEMO_AUDIENCES[place]?.name ?? `audience ${delta.audience}`).padEnd(
    COLUMNS.name,
  );
  const name = view.nameOf(delta.mpid).padEnd(22);
  const sign = delta.action === 'delete' ? paint.dropped('−') : paint.added('+');
  const cause = delta.cause === 'time' ? 'by the clock' : `by an ${delta.cause}`;
  const time = new Date(seen.seenMs).toISOString().slice(11, 23);
  return `  ${paint.faint(time)}  ${sign} ${name}${audience}${paint.faint(cause.padEnd(15))}${milliseconds(seen.latencyMs).padStart(8)}`;
}

function sparkline(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  return values.map(value => BARS[Math.round((value / most) * (BARS.length - 1))] ?? ' ').join('');
}

/** Cuts to the width of the screen, not counting escape sequences. */
function clip(line: string, columns: number): string {
  let width = 0;
  let cut = '';
  // eslint-disable-next-line no-control-regex
  for (const [part] of line.matchAll(/\u001b\[[0-9;]*m|[^\u001b]/gu)) {
    if (part.startsWith('\u001b')) cut += part;
    else if (width < columns) {
      cut += part;
      width += 1;
    }
  }
  return cut;
}
