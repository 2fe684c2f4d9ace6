import {mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {Catalog} from '../../server/catalog/catalog.ts';
import type {Audience, Download} from '../../server/catalog/entities.ts';
import {type DownloadBounds, Downloads} from '../../server/downloads/downloads.ts';
import {SlicedShards} from './sliced-shards.ts';
import {readCsv, unzip} from './zip-reader.ts';

const BOUNDS: DownloadBounds = {
  jobsMax: 1,
  waitingMax: 3,
  recordsMax: 5,
  bytesMax: 100_000_000,
  keptMs: 60_000,
  attemptsMax: 2,
};
const FILE = {audience: 1, name: 'Everybody', variant: undefined, share: undefined};
const REQUEST = {files: [FILE], identities: ['email'], sample: undefined, csv: 'safe'} as const;

let folder: string;
let catalog: Catalog;
let shards: SlicedShards;
let downloads: Downloads;
let nowMs: number;
let errors: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-jobs-'));
  catalog = await Catalog.open(join(folder, 'catalog'));
  await setStatus('active');
  shards = new SlicedShards(2_500);
  nowMs = 1_000_000;
  errors = [];
  downloads = await open();
});

afterEach(async () => {
  await downloads.stop();
  await catalog.close();
  rmSync(folder, {recursive: true});
  expect(errors).toEqual([]);
});

function open(bounds: Partial<DownloadBounds> = {}): Promise<Downloads> {
  return Downloads.open({
    catalog,
    shards,
    folder: join(folder, 'downloads'),
    bounds: {...BOUNDS, ...bounds},
    nowMs: () => nowMs,
    onError: error => errors.push(error),
  });
}

async function setStatus(status: Audience['status']): Promise<void> {
  const audience: Audience = {
    id: 1,
    name: 'Everybody',
    externalName: undefined,
    description: '',
    definition: {kind: 'install'},
    version: 1,
    lastVersion: 1,
    status,
    environment: 'production',
    workspaces: [1],
    inputs: undefined,
    tags: [],
    access: 'usable',
    owner: 'anna',
    createdBy: 'anna',
    createdMs: 1,
    lastModifiedBy: 'anna',
    lastModifiedMs: 1,
  };
  await catalog.change('audiences', write => write.put('audiences', 1, audience));
}

async function ended(id: string): Promise<Download> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const download = downloads.get(id);
    if (download !== undefined && download.status !== 'queued') return download;
    if (Date.now() > deadlineMs) throw new Error('never ended');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

function actor(): {name: string; nowMs: number} {
  return {name: 'anna', nowMs: nowMs++};
}

function create(): Promise<Download> {
  return downloads.create(REQUEST, actor());
}

async function made(): Promise<Download> {
  return ended((await create()).id);
}

function mpidsOf({id}: Download): Set<bigint> {
  const files = [...unzip(readFileSync(downloads.path(id))).values()];
  return new Set(
    readCsv(files[0]!.toString())
      .slice(1)
      .map(([mpid]) => BigInt(mpid!)),
  );
}

function files(): string[] {
  return readdirSync(join(folder, 'downloads'));
}

describe('a download that is being made', () => {
  test('tells how far it is', async () => {
    const seen: (number | undefined)[] = [];
    const {id} = await create();
    shards.onSlice = () => void seen.push(downloads.progress(id));
    expect(await ended(id)).toMatchObject({status: 'ready', rows: 5_000});
    expect(seen).toEqual([0, 0.2, 0.4, 0.5, 0.7, 0.9]);
  });

  test('is made again without a person who is erased meanwhile', async () => {
    let erasing: Promise<void> | undefined;
    shards.onSlice = slice => {
      // 7 was in the first slice.
      if (slice === 3) {
        erasing = downloads.erase(7n, () => {
          shards.erased.add(7n);
          return Promise.resolve();
        });
      }
    };
    const download = await made();
    await erasing;
    expect(download).toMatchObject({status: 'ready', rows: 4_999, attempts: 1});
    expect(mpidsOf(download).has(7n)).toBe(false);
    expect(shards.slices).toBe(12);
  });

  test('is not made again for somebody who is not in it', async () => {
    shards.onSlice = slice => {
      if (slice === 3) void downloads.erase(-7n, () => Promise.resolve());
    };
    expect(await made()).toMatchObject({status: 'ready', rows: 5_000});
    expect(shards.slices).toBe(6);
  });

  test('holds nobody who is erased at any moment of the making, however it falls', async () => {
    for (let round = 0; round < 6; round++) {
      const erased = BigInt(round * 3);
      const erasing: Promise<unknown>[] = [];
      shards.slices = 0;
      shards.onSlice = slice => {
        if (slice !== round) return;
        erasing.push(
          downloads.erase(erased, async () => {
            await new Promise(resolve => setTimeout(resolve, round * 20));
            shards.erased.add(erased);
          }),
        );
      };
      const download = await made();
      shards.onSlice = () => {};
      await Promise.all(erasing);
      const left = downloads.get(download.id);
      if (left?.status === 'ready') expect(mpidsOf(left).has(erased)).toBe(false);
      else expect(left).toMatchObject({status: 'expired'});
      await downloads.remove(download, actor());
    }
  });

  test('begins again when a shard does, and fails when that goes on', async () => {
    shards.onSlice = slice => {
      if (slice === 4) shards.lives[1] = 3;
    };
    const download = await made();
    expect(download).toMatchObject({status: 'ready', rows: 5_000});
    shards.onSlice = () => void shards.lives.fill(Math.random());
    expect(await made()).toMatchObject({
      status: 'failed',
      reason: 'it was interrupted too often',
      attempts: 2,
    });
    expect(files()).toHaveLength(2);
  });

  test('fails when its audience is no longer calculated', async () => {
    shards.onSlice = async slice => {
      if (slice === 2) await setStatus('inactive');
    };
    expect(await made()).toMatchObject({
      status: 'failed',
      reason: 'audience 1 is not calculated any more',
    });
    expect(files()).toEqual([]);
  });

  test('fails when it grows beyond what is left, and the others stay', async () => {
    const first = await made();
    await downloads.stop();
    downloads = await open({bytesMax: (first.sizeBytes ?? 0) + 1_000});
    const second = await made();
    expect(second.status).toBe('failed');
    expect(second.reason).toMatch(/^the file would take more than the 1000 bytes left/);
    expect(downloads.get(first.id)?.status).toBe('ready');
    expect(files()).toHaveLength(2);
  });

  test('fails when the disk refuses it, and the log says more than the answer', async () => {
    rmSync(join(folder, 'downloads'), {recursive: true});
    expect(await made()).toMatchObject({
      status: 'failed',
      reason: 'the disk refused the file (ENOENT)',
    });
    expect(errors.splice(0).map(error => String((error as Error).cause))).toEqual([
      expect.stringContaining(folder),
    ]);
  });

  test('can be deleted, and leaves nothing', async () => {
    let reached: () => void;
    const running = new Promise<void>(resolve => (reached = resolve));
    shards.onSlice = slice => void (slice === 2 && reached());
    const download = await create();
    await running;
    await downloads.remove(download, actor());
    await downloads.stop();
    expect(downloads.get(download.id)).toBe(undefined);
    expect(files()).toEqual([]);
  });

  test('that a kill interrupts is begun again, so often and no more', async () => {
    let reached: () => void;
    let running = new Promise<void>(resolve => (reached = resolve));
    shards.onSlice = () => reached();
    const {id} = await create();
    for (let start = 1; start <= BOUNDS.attemptsMax; start++) {
      await running;
      await downloads.stop();
      expect(files()).toEqual([]);
      running = new Promise(resolve => (reached = resolve));
      downloads = await open();
    }
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      reason: 'it was interrupted too often',
    });
  });
});

describe('a file that is there', () => {
  test('expires when its time has come, and its record stays', async () => {
    const download = await made();
    expect(download.expiresMs).toBe(nowMs + BOUNDS.keptMs);
    nowMs += BOUNDS.keptMs - 1;
    expect(downloads.isReadable(download.id)).toBe(true);
    nowMs++;
    expect(downloads.isReadable(download.id)).toBe(false);
    await downloads.stop();
    downloads = await open();
    expect(downloads.get(download.id)).toMatchObject({status: 'expired', reason: undefined});
    expect(files()).toEqual([]);
  });

  test('goes before the erasure of somebody in it, and is not read from that moment', async () => {
    const download = await made();
    await downloads.erase(9n, () => {
      expect(downloads.isReadable(download.id)).toBe(false);
      expect(files()).toEqual([]);
      return Promise.resolve();
    });
    expect(downloads.get(download.id)).toMatchObject({status: 'expired'});
  });

  test('stays when others are erased, many at a time', async () => {
    const download = await made();
    const others = Array.from({length: 500}, (_, i) => BigInt(-1 - i));
    await Promise.all(others.map(mpid => downloads.erase(mpid, () => Promise.resolve())));
    expect(downloads.isReadable(download.id)).toBe(true);
  });

  test('goes when nobody can tell any more who is in it', async () => {
    const download = await made();
    rmSync(join(folder, 'downloads', `${download.id}.mpids`));
    await downloads.erase(-1n, () => Promise.resolve());
    expect(downloads.get(download.id)?.status).toBe('expired');
  });
});

test('waiting and remembered downloads are bounded', async () => {
  const ids: string[] = [];
  shards.onSlice = () => new Promise(() => {});
  for (let n = 0; n <= BOUNDS.waitingMax; n++) {
    ids.push((await create()).id);
  }
  await expect(create()).rejects.toThrow(/3 downloads wait already/);
  await downloads.stop();
  shards.onSlice = () => {};
  downloads = await open();
  for (const id of ids) expect(await ended(id)).toMatchObject({status: 'ready'});
  await made();
  await expect(create()).rejects.toThrow(/5 downloads already: delete/);
  nowMs += BOUNDS.keptMs;
  await downloads.stop();
  downloads = await open();
  const newest = await made();
  expect(downloads.list()).toHaveLength(BOUNDS.recordsMax);
  expect(downloads.list()[0]).toEqual(newest);
});

test('the memory of a download does not grow with the audience', async () => {
  shards.members = 25_000;
  await made();
  shards.members = 400_000;
  let most = 0;
  const before = process.memoryUsage().rss;
  shards.onSlice = slice => {
    if (slice % 20 === 0) most = Math.max(most, process.memoryUsage().rss);
  };
  expect(await made()).toMatchObject({status: 'ready', rows: 800_000});
  // All rows together are 57 MB of text, and several times that as strings and objects.
  expect((most - before) / 2 ** 20).toBeLessThan(150);
});
