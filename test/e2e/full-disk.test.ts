/**
 * A disk that is full: events are refused with 503, reads and the stream go on, and once there is room the
 * server takes events again by itself. What was answered 202 is in, what is sent again counts once.
 *
 * As root a small file system of its own is filled; elsewhere no file may grow beyond a limit.
 */
import {spawnSync} from 'node:child_process';
import {mkdirSync, rmSync, statfsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {event, ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';

const MIB = 2 ** 20;
const DISK_BYTES = 48 * MIB;
const FILE_BYTES_MAX = 24 * MIB;
const TICK = {kind: 'event', name: 'Tick'};

let mounted: string | undefined;
let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.kill();
  if (mounted !== undefined) spawnSync('umount', ['--lazy', mounted]);
  mounted = undefined;
});

test('a full disk refuses events, serves reads, and recovers when there is room', async context => {
  const folder = temporaryFolder();
  const disk = smallDisk(folder);
  if (disk === undefined) {
    context.skip('needs the right to mount, or prlimit');
    return;
  }
  const dataFolder = join(folder, 'data');
  server = await ServerProcess.start({
    dataFolder,
    args: ['--shards', '1'],
    // What the disk refuses is told there; this test is not about the words.
    env: {MUSTER_LOG_LEVEL: 'silent'},
    under: disk.under,
  });
  const client = new ServerClient(server);
  const shop = await client.openShop();
  const audience = await client.audience(shop, 'Ticked once', {
    ...TICK,
    compare: {operator: 'equals', value: 1},
  });
  const reader = new DeltaReader();
  await reader.connect(server);

  const taken: string[] = [];
  const refused: string[] = [];
  let mpid = 0;
  const tick = async (): Promise<number> => {
    mpid++;
    const {status} = await send(client, shop, String(mpid));
    (status === 202 ? taken : refused).push(String(mpid));
    return status;
  };
  for (let i = 0; i < 5; i++) expect(await tick()).toBe(202);
  disk.fill();
  const deadline = Date.now() + 20_000;
  while ((await tick()) === 202) expect(Date.now()).toBeLessThan(deadline);
  // Refused at once, every time, and not by a client that gives up.
  for (let i = 0; i < 5; i++) {
    const startedMs = Date.now();
    expect(await tick()).toBe(503);
    expect(Date.now() - startedMs).toBeLessThan(20_000);
  }

  // The shard serves what its disk has as soon as it is back.
  const path = `/v1/audiences/${audience}/members?limit=1000`;
  await expect.poll(async () => (await client.raw('GET', path)).status).toBe(200);
  for (let i = 0; i < 20; i++) {
    const members = await client.members(audience);
    expect(members.sort(byMpid)).toEqual(expect.arrayContaining(taken) as string[]);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  expect(await tick()).toBe(503);
  // It cannot take events, so whoever watches it is told.
  expect((await client.send('GET', '/healthz')).status).toBe(503);
  const late = new DeltaReader();
  await late.connect(server);

  disk.free();
  const freedMs = Date.now();
  await expect.poll(tick, {timeout: 10_000, interval: 100}).toBe(202);
  process.stdout.write(
    `  ${disk.name}: full after ${taken.length} batches, events taken again ${Date.now() - freedMs} ms after there was room\n`,
  );
  // In one order or the other; one that was refused may be in, and then this is its repeat.
  for (const again of refused) expect((await send(client, shop, again)).status).toBe(202);
  const all = [...taken, ...refused].sort(byMpid);
  expect((await client.members(audience)).sort(byMpid)).toEqual(all);
  for (const each of [reader, late]) {
    await each.arrivesAt(new Map([[audience, all]]));
    expect(each.membership.faults).toEqual([]);
    expect(each.connections).toBe(1);
    each.drop();
  }
  expect((await server.stop()).code).toBe(0);
  client.close();
}, 60_000);

function send(client: ServerClient, shop: Shop, mpid: string): Promise<{status: number}> {
  return client.post(shop, {
    mpid,
    source_request_id: `request ${mpid}`,
    user_attributes: {padding: 'x'.repeat(60_000), more: 'y'.repeat(60_000)},
    events: [event('Tick')],
  });
}

interface SmallDisk {
  readonly name: string;
  readonly under: readonly string[];
  fill(): void;
  free(): void;
}

function smallDisk(folder: string): SmallDisk | undefined {
  const data = join(folder, 'data');
  mkdirSync(data);
  const options = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', data];
  if (process.getuid?.() === 0 && spawnSync('mount', options).status === 0) {
    mounted = data;
    const filler = join(data, 'filler');
    return {
      name: 'tmpfs',
      under: [],
      fill: () => {
        const {bavail, bsize} = statfsSync(data);
        writeFileSync(filler, Buffer.alloc(bavail * bsize - MIB));
      },
      free: () => rmSync(filler),
    };
  }
  if (spawnSync('prlimit', ['--version']).status !== 0) return undefined;
  const limit = (bytes: string): void => {
    spawnSync('prlimit', ['--pid', String(server?.pid), `--fsize=${bytes}`]);
  };
  return {
    name: 'RLIMIT_FSIZE',
    // The hard limit stays, or it could not be lifted again.
    under: ['prlimit', `--fsize=${FILE_BYTES_MAX}:unlimited`],
    fill: () => undefined,
    free: () => limit('unlimited:unlimited'),
  };
}
