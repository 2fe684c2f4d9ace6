import {readdir} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {expect, test} from 'vitest';
import {DEMO_AUDIENCES} from '../../server/cli/demo/audiences.ts';
import {runDemo} from '../../server/cli/demo.ts';
import {startServer} from '../../server/start-server.ts';
import type {TestProcess} from './cli-process.ts';
import {testProcess} from './cli-process.ts';

test('a few seconds of demo: events in, deltas out, every audience filled, nothing left behind', async () => {
  const foldersBefore = await demoFolders();
  const process = testProcess();
  expect(await demo(['--seconds', '5', '--rate', '400', '--customers', '100'], process)).toBe(0);
  expect(process.err()).toBe('');
  const lines = process.out().split('\n');
  const seconds = lines.filter(line => / events\/s /.test(line));
  expect(seconds.length).toBeGreaterThanOrEqual(2);
  const last = seconds.at(-1) ?? '';
  const empty = DEMO_AUDIENCES.filter(({name}) => last.includes(`${name} 0`));
  expect(empty).toEqual([]);
  expect(process.out()).toMatch(/[\d,]+ events, [\d,]+ deltas in 5\.\d s/);
  expect(process.out()).toMatch(/event sent → delta here {4}p50 [\d.]+ ms/);
  expect(await demoFolders()).toEqual(foldersBefore);
});

test('in a terminal it draws a screen, and gives the terminal back on Ctrl-C', async () => {
  const process = testProcess({columns: 100, env: {NO_COLOR: '1'}});
  const running = demo([], process);
  setTimeout(process.interrupt, 3000);
  expect(await running).toBe(0);
  const out = process.out();
  expect(out).toContain('\u001b[?1049h');
  expect(out.indexOf('\u001b[?25h\u001b[?1049l')).toBeGreaterThan(out.indexOf('Ctrl-C ends'));
  expect(out).toContain('by an event');
  // eslint-disable-next-line no-control-regex
  expect(out).not.toMatch(/\u001b\[\d+m/);
});

test('a wrong option is one sentence, and no server starts', async () => {
  const process = testProcess();
  expect(await demo(['--secnds', '3'], process)).toBe(2);
  expect(process.err()).toBe('muster demo: there is no option --secnds; did you mean --seconds?\n');
});

function demo(argv: readonly string[], process: TestProcess): Promise<number> {
  const retentionMs = 86_400_000;
  return runDemo(argv, process, options =>
    startServer({
      ...options,
      eventRetentionMs: retentionMs,
      profileRetentionMs: retentionMs,
    }),
  );
}

async function demoFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter(name => name.startsWith('muster-demo-'));
}
