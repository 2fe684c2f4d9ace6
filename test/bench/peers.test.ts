import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';
import {PEERS, REFERENCE} from '../../bench/peers/peer-list.ts';
import {PeerRun} from '../../bench/peers/peer-run.ts';
import type {Figure} from '../../bench/support/figures.ts';
import {Workload} from '../../bench/workload.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Servers take a second to come up and are not everywhere; `npm run bench:peers` has them. */
const IN_PROCESS = PEERS.filter(({missing}) => missing === undefined);

describe('every peer comes to the same memberships after every event', () => {
  const workload = new Workload({audiences: 60, profiles: 200});
  const warmUpEvents = 3000;

  async function memberships(name: string): Promise<number[]> {
    const named = PEERS.find(each => each.name === name)!;
    const peer = await (await named.load())(workload, warmUpEvents);
    const run = new PeerRun(workload, peer, warmUpEvents);
    await run.round(0.2);
    await run.close();
    return [...run.kept];
  }

  test.each(IN_PROCESS.filter(({name}) => name !== REFERENCE).map(({name}) => name))(
    '%s',
    async name => {
      const [kept, expected] = [await memberships(name), await memberships(REFERENCE)];
      const both = Math.min(kept.length, expected.length);
      expect(both).toBeGreaterThan(0);
      expect(kept.slice(0, both)).toEqual(expected.slice(0, both));
      expect(Math.max(...kept)).toBeGreaterThan(0);
    },
  );
});

test('the peers run from the command line, a line of JSON a figure', async () => {
  const {stdout} = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      'tsx',
      'bench/main.ts',
      '--peers',
      '--tiny',
      '--json',
      '--only',
      'json-logic-engine',
    ],
    {cwd: ROOT},
  );
  const figures = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Figure);
  expect(Object.keys(figures[0]!)).toEqual(['name', 'value', 'unit', 'min', 'max', 'checksum']);
  expect(figures.map(({name}) => name)).toContain(
    'ratio/json-logic-engine/a10/p300/moves-nobody-by-time',
  );
});
