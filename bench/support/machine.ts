import {execFile} from 'node:child_process';
import {availableParallelism, cpus, loadavg, release, totalmem} from 'node:os';
import {promisify} from 'node:util';

export interface MachineFacts {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  readonly commit: string;
  /** Over the last minute: what else was running shows here. */
  readonly loadAverage: number;
}

export async function machineFacts(repository: string): Promise<MachineFacts> {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    v8: process.versions.v8,
    commit: await commitOf(repository),
    loadAverage: loadavg()[0] ?? 0,
  };
}

async function commitOf(repository: string): Promise<string> {
  try {
    const {stdout} = await promisify(execFile)('git', [
      '-C',
      repository,
      'describe',
      '--always',
      '--dirty',
    ]);
    return stdout.trim();
  } catch {
    return 'unknown';
  }
}
