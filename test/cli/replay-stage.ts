import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {runReplay} from '../../server/cli/replay.ts';
import type {Answer, ReceivedRequest} from './cli-process.ts';
import {scriptedServer, testProcess} from './cli-process.ts';

export const ACCEPTED: Answer = {status: 202};

type Script = (request: ReceivedRequest, index: number) => Answer;

/** A folder for files, and servers that are closed at the end. */
export class ReplayStage {
  readonly folder: string;
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<ReplayStage> {
    return new ReplayStage(await mkdtemp(join(tmpdir(), 'muster-replay-')));
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map(close => close()));
    await rm(this.folder, {recursive: true});
  }

  async started(answer: Script): ReturnType<typeof scriptedServer> {
    const server = await scriptedServer(answer);
    this.#closing.push(server.close);
    return server;
  }

  /** Writes `content` to a file called `name` and replays it to a server that answers as told. */
  async run(
    content: string,
    argv: readonly string[] = [],
    answer: Script = () => ACCEPTED,
    name = 'events.ndjson',
  ): Promise<{exitCode: number; requests: ReceivedRequest[]; out: string; err: string}> {
    const server = await this.started(answer);
    const file = join(this.folder, name);
    await writeFile(file, content);
    const process = testProcess({env: {MUSTER_URL: server.url}});
    const exitCode = await runReplay([file, '--key', 'k', '--secret', 's', ...argv], process);
    return {exitCode, requests: server.requests, out: process.out(), err: process.err()};
  }
}
