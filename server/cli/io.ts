import type {Environment} from './args.ts';

/** Where text goes. `columns` is undefined where nobody watches (a pipe, a file). */
export interface TextOutput {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  write(text: string): void;
}

/** Everything a command takes from the process it runs in, so that tests can be that process. */
export interface CliIo {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly env: Environment;
  /** Aborted at the first Ctrl-C or SIGTERM: end cleanly. */
  readonly interrupted: AbortSignal;
}

/** The real one. The first signal asks the command to end, a second one ends the process at once. */
export function processIo(): CliIo {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that goes away (`muster replay | head`) is not a fault of ours.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    stdout: textOutput(process.stdout),
    stderr: textOutput(process.stderr),
    stdin: process.stdin,
    env: process.env,
    interrupted: interrupt.signal,
  };
}

function textOutput(stream: NodeJS.WriteStream): TextOutput {
  return {
    get columns() {
      return stream.isTTY ? stream.columns || 80 : undefined;
    },
    get rows() {
      return stream.isTTY ? stream.rows || 24 : undefined;
    },
    write: text => void stream.write(text),
  };
}
