/**
 * Each peer lives in a process of its own, so that none has another's garbage or optimised code in its way;
 * all stay up, and take their rounds in turn.
 */
import {type ChildProcess, fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Workload, type WorkloadOptions} from '../workload.ts';
import {PEERS} from './peer-list.ts';
import {PeerRun, type RoundResult} from './peer-run.ts';

export interface PeerRequest {
  readonly peer: string;
  readonly workload: WorkloadOptions;
  readonly warmUpEvents: number;
}

export interface PeerAnswer {
  readonly checksum: string;
  readonly kept: Uint16Array;
}

type ToPeer = {readonly round: number} | {readonly finish: true};

const HEAP_MB = 8192;

/** This end. */
export class PeerProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(request: PeerRequest): Promise<PeerProcess> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(request)], {
      serialization: 'advanced',
      execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MB}`],
    });
    const started = new PeerProcess(child);
    await started.#next();
    return started;
  }

  round(seconds: number): Promise<RoundResult> {
    this.#child.send({round: seconds} satisfies ToPeer);
    return this.#next();
  }

  async finish(): Promise<PeerAnswer> {
    this.#child.send({finish: true} satisfies ToPeer);
    return this.#next();
  }

  kill(): void {
    this.#child.kill();
  }

  #next<T>(): Promise<T> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`it ended with ${code}`));
      child.once('exit', onExit);
      child.once('message', message => {
        child.off('exit', onExit);
        resolve(message as T);
      });
    });
  }
}

/** The other end. */
async function serve(request: PeerRequest): Promise<void> {
  const named = PEERS.find(({name}) => name === request.peer)!;
  const workload = new Workload(request.workload);
  const make = await named.load();
  const peer = await make(workload, request.warmUpEvents);
  const run = new PeerRun(workload, peer, request.warmUpEvents);
  const answer = async (message: ToPeer): Promise<void> => {
    if ('round' in message) {
      process.send!(await run.round(message.round));
      return;
    }
    await run.close();
    const last: PeerAnswer = {checksum: run.checksum, kept: run.kept};
    process.send!(last, undefined, undefined, () => process.disconnect());
  };
  process.on('message', message => void answer(message as ToPeer));
  process.on('disconnect', () => process.exit());
  process.on('SIGTERM', () => process.exit(1));
  process.send!({ready: true});
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  await serve(JSON.parse(process.argv[2]!) as PeerRequest);
}
