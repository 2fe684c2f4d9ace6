import {readFile, stat} from 'node:fs/promises';
import type {Arguments} from './args.ts';
import {parseCommand, UsageProblem} from './args.ts';
import {REPLAY} from './commands.ts';
import {commandHelp} from './help.ts';
import {HttpClient} from './http-client.ts';
import type {CliIo} from './io.ts';
import {Pacer} from './pacer.ts';
import {Lanes} from './replay/lanes.ts';
import {NdjsonSource} from './replay/ndjson.ts';
import {ReplayProgress, replaySummary} from './replay/progress.ts';
import {CsvSource} from './replay/rows.ts';
import type {OpenText, ReplaySource} from './replay/source.ts';
import {decode, openFile, SourceProblem} from './replay/source.ts';
import {ReplayTally} from './replay/tally.ts';

/** After Ctrl-C, how long requests under way may still be answered. */
const GRACE_MS = 2000;

/** `muster replay`: resolves to the exit code. */
export async function runReplay(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    const given = parseCommand(REPLAY, argv, io.env);
    if (given.wantsHelp) {
      io.stdout.write(commandHelp(REPLAY));
      return 0;
    }
    return await replay(readSettings(given), io);
  } catch (error) {
    if (!(error instanceof UsageProblem || error instanceof SourceProblem)) throw error;
    io.stderr.write(`muster replay: ${error.message}\n`);
    return 2;
  }
}

interface ReplaySettings {
  readonly file: string;
  readonly url: URL;
  readonly authorization: string;
  readonly mappingFile: string | undefined;
  readonly eventsPerSecond: number | undefined;
  readonly eventsMax: number;
  readonly shiftsToNow: boolean;
  readonly batchesMax: number;
  readonly laneCount: number;
  readonly attemptsMax: number;
  readonly run: string;
  readonly quiet: boolean;
}

function readSettings(given: Arguments): ReplaySettings {
  const file = given.positional;
  if (file === undefined) throw new UsageProblem('a FILE is needed; see muster replay --help');
  const key = given.required('key');
  const secret = given.required('secret');
  if (file === '-' && given.flag('now-shift')) {
    throw new UsageProblem('--now-shift reads the file twice, which standard input cannot be.');
  }
  return {
    file,
    url: readUrl(given.required('url')),
    authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
    mappingFile: given.text('mapping'),
    eventsPerSecond: given.number('rate', {least: 0.01, most: 100_000_000, whole: false}),
    eventsMax: given.number('limit', {least: 1, most: Infinity}) ?? Infinity,
    shiftsToNow: given.flag('now-shift'),
    batchesMax: given.number('batch-size', {least: 1, most: 100}) ?? 100,
    laneCount: given.number('concurrency', {least: 1, most: 256}) ?? 4,
    attemptsMax: given.number('attempts', {least: 1, most: 1000}) ?? 10,
    run: given.text('run') ?? '',
    quiet: given.flag('quiet'),
  };
}

function readUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // Said below, in words that help.
  }
  throw new UsageProblem(`--url takes something like http://127.0.0.1:8080, not "${text}".`);
}

async function replay(settings: ReplaySettings, io: CliIo): Promise<number> {
  const {source, fileBytes} = await openSource(settings, io);
  const shiftMs = settings.shiftsToNow ? await shiftToNow(source) : 0;
  const tally = new ReplayTally();
  const client = new HttpClient({...settings, connections: settings.laneCount});
  const hangUp = new AbortController();
  const lanes = new Lanes({
    laneCount: settings.laneCount,
    batchesMax: settings.batchesMax,
    attemptsMax: settings.attemptsMax,
    tally,
    post: (path, body) => client.send('POST', path, body, hangUp.signal),
    stopped: io.interrupted,
  });
  io.interrupted.addEventListener('abort', () => {
    setTimeout(() => hangUp.abort(), GRACE_MS).unref();
  });
  const progress = settings.quiet
    ? undefined
    : new ReplayProgress({output: io.stderr, tally, source: source.tally, fileBytes});
  try {
    await feed(source.batches(shiftMs), lanes, settings, io.interrupted);
    await lanes.finish();
  } finally {
    progress?.end();
    client.close();
  }
  const interrupted = io.interrupted.aborted;
  io.stdout.write(replaySummary(tally, source.tally, {interrupted, failure: lanes.failure}));
  if (interrupted) return 130;
  const isWhole =
    lanes.failure === undefined && tally.rejectedBatches === 0 && source.tally.unreadable === 0;
  return isWhole ? 0 : 1;
}

async function feed(
  source: AsyncIterable<
    readonly {text: string; profile: string; eventCount: number; line: number}[]
  >,
  lanes: Lanes,
  settings: ReplaySettings,
  stopped: AbortSignal,
): Promise<void> {
  const pacer =
    settings.eventsPerSecond === undefined
      ? undefined
      : new Pacer(settings.eventsPerSecond, stopped);
  let events = 0;
  for await (const batches of source) {
    for (const batch of batches) {
      if (stopped.aborted || lanes.failure !== undefined || events >= settings.eventsMax) return;
      // A batch without events still costs a profile update; it counts as one.
      await pacer?.take(Math.max(1, batch.eventCount));
      await lanes.put(batch);
      events += batch.eventCount;
    }
  }
}

async function openSource(
  settings: ReplaySettings,
  io: CliIo,
): Promise<{source: ReplaySource; fileBytes: number | undefined}> {
  const {file, mappingFile, run} = settings;
  let fileBytes: number | undefined;
  let open: OpenText = onBytes => decode(io.stdin, onBytes);
  if (file !== '-') {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) throw new SourceProblem(`there is no file "${file}".`);
    if (found.isDirectory()) throw new SourceProblem(`"${file}" is a folder.`);
    fileBytes = found.isFile() ? found.size : undefined;
    open = openFile(file);
  }
  if (mappingFile === undefined) {
    if (/\.csv$/i.test(file)) {
      throw new UsageProblem('a CSV file needs --mapping MAP.json; see docs/replay.md');
    }
    return {source: new NdjsonSource(open, run), fileBytes};
  }
  return {source: new CsvSource(open, run, await readMapping(mappingFile)), fileBytes};
}

async function readMapping(path: string): Promise<{text: string; json: unknown}> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new SourceProblem(`there is no mapping file "${path}".`);
  }
  try {
    return {text, json: JSON.parse(text) as unknown};
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SourceProblem(`the mapping "${path}" is not JSON: ${why}`);
  }
}

async function shiftToNow(source: ReplaySource): Promise<number> {
  const newestMs = await source.newestMs();
  if (newestMs === undefined) {
    throw new SourceProblem('--now-shift found no time in the file to move.');
  }
  return Date.now() - newestMs;
}
