import {expect, test} from 'vitest';
import {DEMO_AUDIENCES} from '../../server/cli/demo/audiences.ts';
import {Scoreboard} from '../../server/cli/demo/scoreboard.ts';
import {Shop} from '../../server/cli/demo/shop.ts';
import type {DemoView} from '../../server/cli/demo/view.ts';
import {demoLine, demoScreen, demoSummary} from '../../server/cli/demo/view.ts';

test('the same seed is the same shop, another seed is another', () => {
  const story = (seed: number): string => {
    const shop = new Shop({customers: 20, eventsPerSecond: 50, seed});
    return JSON.stringify(Array.from({length: 200}, () => shop.next()));
  };
  expect(story(7)).toBe(story(7));
  expect(story(7)).not.toBe(story(8));
});

test('a shop of one customer goes on for ever, visit after visit', () => {
  const shop = new Shop({customers: 1, eventsPerSecond: 1, seed: 1});
  const types = Array.from({length: 500}, () => shop.next().event.event_type);
  expect(types.filter(type => type === 'session_start').length).toBeGreaterThan(10);
});

test('members follow snapshot and deltas, and latency counts from the event that was sent', () => {
  const board = new Scoreboard([1, 2]);
  board.admit(1, ['5', '6']);
  board.sent('7', 1000);
  board.apply({audience: 1, mpid: '7', action: 'add', at_ms: 1000, cause: 'event'});
  board.apply({audience: 1, mpid: '5', action: 'delete', at_ms: Date.now() - 40, cause: 'time'});
  expect([...(board.members.get(1) ?? [])]).toEqual(['6', '7']);
  expect(board.size(2)).toBe(0);
  expect(board.eventLatencyMs(50)).toBeLessThan(1000);
  expect(board.clockLatencyMs(50)).toBeGreaterThanOrEqual(39);
  expect(board.latest.map(seen => seen.delta.mpid)).toEqual(['5', '7']);
});

test.each([
  [100, 40],
  [80, 24],
  [40, 10],
])('the screen fits %i columns and %i rows', (columns, rows) => {
  const lines = demoScreen(view(), {columns, rows, colours: false});
  expect(lines.length).toBeLessThanOrEqual(rows);
  expect(Math.max(...lines.map(line => Array.from(line).length))).toBeLessThanOrEqual(columns);
});

test('colours are escape sequences that change no letter', () => {
  const size = {columns: 100, rows: 30};
  const plain = demoScreen(view(), {...size, colours: false});
  const coloured = demoScreen(view(), {...size, colours: true});
  expect(coloured.join('\n')).toContain('\u001b[32m+\u001b[39m');
  // eslint-disable-next-line no-control-regex
  expect(coloured.map(line => line.replaceAll(/\u001b\[[0-9;]*m/g, ''))).toEqual(plain);
});

test('a line for a log names every audience and its size', () => {
  const line = demoLine(view());
  for (const {name} of DEMO_AUDIENCES) expect(line).toContain(name);
  expect(line).toContain('On a spree 1,');
  expect(demoSummary(view())).toContain('1 events, 1 deltas in');
});

function view(): DemoView {
  const audiences = [1, 2, 3, 4, 5];
  const scoreboard = new Scoreboard(audiences);
  scoreboard.sent('9', 5);
  scoreboard.look();
  scoreboard.apply({audience: 1, mpid: '9', action: 'add', at_ms: 5, cause: 'event'});
  scoreboard.look();
  // Latencies are measured; a fixed one keeps the views of a test alike.
  const [seen] = scoreboard.latest;
  if (seen !== undefined) Object.assign(seen, {latencyMs: 1.5, seenMs: 0});
  return {
    scoreboard,
    audiences,
    url: 'http://127.0.0.1:1',
    elapsedMs: 5000,
    eventsPerSecond: 200,
    deltasPerSecond: 30,
    customerCount: 300,
    nameOf: () => 'Ada Lovelace',
  };
}
