import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {DataFolderLock} from '../../storage/data-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-lock-'));
});
afterEach(() => {
  rmSync(folder, {recursive: true});
});

test('a folder is taken by one process, which is named to the next', () => {
  const lock = DataFolderLock.acquire(folder);
  expect(() => DataFolderLock.acquire(folder)).toThrow(`process ${process.pid}`);
  lock.release();
  DataFolderLock.acquire(folder).release();
});

test.runIf(process.platform === 'linux')(
  'a killed process that its parent has not fetched yet holds no folder',
  async () => {
    // The shell becomes a program that fetches no children, so its child stays in the process table.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(String(line));
      const stat = (): string[] =>
        readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      writeFileSync(join(folder, 'lock'), JSON.stringify({pid, started: `${boot} ${stat()[19]}`}));
      expect(() => DataFolderLock.acquire(folder)).toThrow(`process ${pid}`);
      await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => stat()[0]).toBe('Z');
      DataFolderLock.acquire(folder).release();
    } finally {
      parent.kill('SIGKILL');
    }
  },
);
