/** Whatever is in the way of a start is told in one sentence, with exit code 2, and nothing is changed. */
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {ServerClient} from '../support/server-client.ts';
import {type Ended, ServerProcess, temporaryFolder} from '../support/server-process.ts';

const IS_ROOT = process.getuid?.() === 0;
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const CAN_DROP = IS_ROOT && spawnSync('setpriv', ['--version']).status === 0;

describe('a start is refused', () => {
  test('when another process holds the folder', async () => {
    const dataFolder = temporaryFolder();
    const first = await ServerProcess.start({dataFolder});
    const before = listing(dataFolder);
    const second = await ServerProcess.refused({dataFolder});
    expectRefusal(second, /held by another Muster, process \d+/);
    expect(listing(dataFolder)).toEqual(before);
    expect((await first.stop()).code).toBe(0);
  });

  test('not when the process that held the folder was killed', async () => {
    const dataFolder = temporaryFolder();
    const first = await ServerProcess.start({dataFolder});
    await first.kill();
    const second = await ServerProcess.start({dataFolder});
    expect((await second.stop()).code).toBe(0);
  });

  test('when the port is in use', async () => {
    const holder = createServer();
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
    const {port} = holder.address() as AddressInfo;
    const dataFolder = temporaryFolder();
    const ended = await ServerProcess.refused({dataFolder, args: ['--port', String(port)]});
    holder.close();
    expectRefusal(ended, new RegExp(`Port ${port} on 127.0.0.1 is in use`));
    expect(readdirSync(dataFolder)).toEqual([]);
  });

  test.each([
    {args: ['--shard', '2'], says: /no option --shard; did you mean --shards\?/},
    {args: ['--event-retention', 'month'], says: /--event-retention takes a duration/},
    {args: ['--shards', '0'], says: /--shards takes auto or a whole number/},
    {args: ['--port', '70000'], says: /--port takes a whole number from 0 to 65535/},
    {args: ['--host', '192.0.2.1'], says: /192\.0\.2\.1 is no address of this machine .* --host/},
    {args: ['now'], says: /"now" is left over/},
  ])('for $args', async ({args, says}) => {
    const dataFolder = temporaryFolder();
    expectRefusal(await ServerProcess.refused({dataFolder, args}), says);
    expect(readdirSync(dataFolder)).toEqual([]);
  });

  test('when an environment variable cannot be read', async () => {
    const ended = await ServerProcess.refused({
      dataFolder: temporaryFolder(),
      env: {MUSTER_SHARDS: 'many'},
    });
    expectRefusal(ended, /--shards takes auto or a whole number/);
  });

  test.each([
    {env: {MUSTER_LOG_LEVEL: 'loud'}, says: /MUSTER_LOG_LEVEL is one of trace, .*, not "loud"/},
    {env: {MUSTER_TRANSPORT: 'fast'}, says: /MUSTER_TRANSPORT is one of auto, uws, node, not/},
  ])('for $env', async ({env, says}) => {
    const dataFolder = temporaryFolder();
    expectRefusal(await ServerProcess.refused({dataFolder, env}), says);
    expect(readdirSync(dataFolder)).toEqual([]);
  });

  test('when the folder is of a newer format, or is not as it was written', async () => {
    const dataFolder = temporaryFolder();
    const facts = join(dataFolder, 'muster.json');
    for (const [text, says] of [
      ['{"format":99,"shards":1}', /has format 99, and this version of Muster reads up to \d+/],
      ['{"format":', /muster\.json cannot be read/],
      ['[]', /muster\.json is not as Muster wrote it/],
      ['null', /muster\.json is not as Muster wrote it/],
      ['{"format":1,"shards":"two"}', /muster\.json is not as Muster wrote it/],
    ] as const) {
      writeFileSync(facts, text);
      expectRefusal(await ServerProcess.refused({dataFolder}), says);
      expect(readFileSync(facts, 'utf8')).toBe(text);
      expect(readdirSync(dataFolder)).toEqual(['muster.json']);
    }
  });

  test('when the folder was made with another number of shards', async () => {
    const dataFolder = temporaryFolder();
    await (await ServerProcess.start({dataFolder, args: ['--shards', '2']})).stop();
    const ended = await ServerProcess.refused({dataFolder, args: ['--shards', '3']});
    expectRefusal(ended, /kept in 2 shard\(s\), not 3/);
    const again = await ServerProcess.start({dataFolder, args: ['--shards', 'auto']});
    expect((await again.stop()).code).toBe(0);
  });

  test.skipIf(IS_ROOT && !CAN_DROP)('when the folder may not be written', async () => {
    const dataFolder = join(temporaryFolder(), 'data');
    mkdirSync(dataFolder, {mode: 0o555});
    chmodSync(join(dataFolder, '..'), 0o755);
    const under = IS_ROOT ? AS_NOBODY : [];
    const says = /user \d+ has no permission there: give it the folder/;
    expectRefusal(await ServerProcess.refused({dataFolder, under}), says);
    const inside = join(dataFolder, 'deeper', 'data');
    expectRefusal(await ServerProcess.refused({dataFolder: inside, under}), says);
  });

  test.skipIf(!CAN_DROP)('when files in it belong to another user', async () => {
    const dataFolder = join(temporaryFolder(), 'data');
    await (await ServerProcess.start({dataFolder, args: ['--shards', '1']})).stop();
    chmodSync(join(dataFolder, '..'), 0o755);
    spawnSync('chown', ['65534:65534', dataFolder, join(dataFolder, 'muster.json')]);
    const ended = await ServerProcess.refused({dataFolder, under: AS_NOBODY});
    expectRefusal(ended, /data\/\S+ cannot be (read|written): user 65534 has no permission/);
    expect(existsSync(join(dataFolder, 'lock'))).toBe(false);
  });

  test.skipIf(process.platform !== 'linux')('where nothing can be made', async () => {
    const ended = await ServerProcess.refused({dataFolder: '/proc/muster/data'});
    expectRefusal(ended, /\/proc\/muster\/data cannot be made: no folder can be made there/);
  });

  test('on a disk without room, and started when there is', async context => {
    const disk = temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk]);
    if (mounted.status !== 0) {
      context.skip('needs the right to mount');
      return;
    }
    try {
      const dataFolder = join(disk, 'data');
      writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 2 ** 20));
      expectRefusal(await ServerProcess.refused({dataFolder}), /disk is full .* needs 8 MiB/);
      expect(readdirSync(dataFolder)).toEqual([]);
      rmSync(join(disk, 'filler'));
      const server = await ServerProcess.start({dataFolder, args: ['--shards', '2']});
      expect((await server.stop()).code).toBe(0);
      expect(readdirSync(dataFolder)).not.toContain('room');
    } finally {
      spawnSync('umount', ['--lazy', disk]);
    }
  });

  test.skipIf(!IS_ROOT)('on a disk that is read-only', async context => {
    const disk = temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', disk]);
    if (mounted.status !== 0) {
      context.skip('needs the right to mount');
      return;
    }
    try {
      for (const dataFolder of [disk, join(disk, 'deeper', 'data')]) {
        expectRefusal(await ServerProcess.refused({dataFolder}), /its disk is read-only: mount it/);
      }
    } finally {
      spawnSync('umount', ['--lazy', disk]);
    }
  });

  test('when a file stands where the folder should be', async () => {
    const file = join(temporaryFolder(), 'data');
    writeFileSync(file, 'mine');
    expectRefusal(
      await ServerProcess.refused({dataFolder: file}),
      /data folder .* cannot be made: there is a file, and not a folder/,
    );
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test.each(['catalog', 'identities', 'shard-0'])(
    'when a file in it is not what was written: %s',
    async name => {
      const dataFolder = temporaryFolder();
      await (await ServerProcess.start({dataFolder, args: ['--shards', '1']})).stop();
      const file = join(dataFolder, name, 'data.mdb');
      writeFileSync(file, Buffer.alloc(statSync(file).size, 0x5a));
      expectRefusal(await ServerProcess.refused({dataFolder}), new RegExp(`${name}.* is damaged`));
    },
  );

  test('when one bit of a profile has changed on its disk', async () => {
    const dataFolder = temporaryFolder();
    const server = await ServerProcess.start({dataFolder, args: ['--shards', '1']});
    const client = new ServerClient(server);
    await client.take(await client.openShop(), {
      mpid: '1',
      user_attributes: {note: 'UNMISTAKABLE'},
    });
    client.close();
    await server.stop();
    const file = join(dataFolder, 'shard-0', 'data.mdb');
    const bytes = readFileSync(file);
    for (let at = bytes.indexOf('UNMIS'); at >= 0; at = bytes.indexOf('UNMIS', at)) bytes[at]! ^= 1;
    writeFileSync(file, bytes);
    const ended = await ServerProcess.refused({dataFolder});
    expectRefusal(ended, /shard-0 .* is damaged on disk \(its checksum does not match\)/);
    expect(existsSync(join(dataFolder, 'lock'))).toBe(false);
  });
});

function expectRefusal({code, stdout, stderr}: Ended, says: RegExp): void {
  expect({code, stdout, stderr}).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(says) as string,
  });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** Names, sizes and times of everything but LMDB's table of readers. */
function listing(folder: string): unknown {
  return readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter(entry => entry.isFile() && entry.name !== 'lock.mdb')
    .map(entry => {
      const {size, mtimeMs} = statSync(join(entry.parentPath, entry.name));
      return [join(entry.parentPath, entry.name), size, mtimeMs];
    });
}
