/**
 * A shard thread: one slice of the profiles, one LMDB environment, one loop. Each turn applies what has
 * arrived as one group and commits it while the next group is applied, lets time pass, and spends what is left on
 * preparing definitions and on checkpoints, in slices, so that no long work stands before an event.
 */
import {MessageChannel, type MessagePort, parentPort, workerData} from 'node:worker_threads';
import {must} from '../../engine/assert.ts';
import {DamagedValueError} from '../../storage/checked-value.ts';
import {CommitLine} from '../../storage/commit-line.ts';
import {DurableShard, type Staged} from '../../storage/durable-shard.ts';
import {DiskRefusedError} from '../../storage/lmdb-commit.ts';
import {LmdbStore} from '../../storage/lmdb-store.ts';
import {answerCall, readSeen} from './answer-call.ts';
import {BackgroundShare} from './background-share.ts';
import {answerQuestion, isQuestion} from './answer-question.ts';
import type {FromBackfill, FromShard, ShardSetup, ToBackfill, ToShard} from './messages.ts';
import type {ShardCalls} from './protocol.ts';

/** Profiles in one slice of background work while events wait: about two milliseconds. */
const SLICE_PROFILES = 500;
/** And while none does. */
const IDLE_SLICE_PROFILES = 2000;
/** Records in one entry, roughly: at the bound the next message begins another. */
const ENTRY_BYTES = 32 * 1024;
/** Rows in one slice of a checkpoint: a few milliseconds of disk, which the answers of that moment wait for. */
const SLICE_ROWS_MIN = 32;
const SLICE_ROWS_MAX = 256;
/** When nothing else happens. */
const ROWS_EVERY_MS = 20;
/** Never sleeps longer: the clock may be set. */
const SLEEP_MS_MAX = 1000;
/** A disk that was full is asked this often, and trusted when it takes so much. */
const PROBE_EVERY_MS = 500;
const PROBE_BYTES = 2 ** 20;

/** Calls that a disk which refuses writes cannot take. */
const WRITING: ReadonlySet<string> = new Set([
  'define',
  'erase',
  'removeErased',
  'endErasures',
] satisfies (keyof ShardCalls)[]);

class ShardThread {
  readonly #setup: ShardSetup;
  readonly #port: MessagePort;
  readonly #store: LmdbStore;
  readonly #durable: DurableShard;
  #queue: ToShard[] = [];
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #line: CommitLine;
  /** A slice of a checkpoint is on its way to the disk: the next one waits for it. */
  #isWritingRows = false;
  /** Definitions may have something to prepare. */
  #preparing = true;
  #backfilling: {readonly histories: readonly number[]; progress: number} | undefined;
  /** This end of the scan under way: a thread with an open port does not end. */
  #scan: MessagePort | undefined;
  #found: {readonly chunk: FromBackfill & {kind: 'found'}; readonly port: MessagePort}[] = [];
  /** Histories of which everything is found; some of it may wait to be taken in. */
  #foundAll: readonly number[] | undefined;
  readonly #share = new BackgroundShare(performance.now());
  /** There is something to fill in, and events come first. */
  #isHeldBack = false;
  #questions: {readonly id: number; readonly slices: Generator<undefined, unknown>}[] = [];
  // When rows are written, by the clock that nobody sets: after a step back of the other one none would be.
  #checkpointEndMs = 0;
  /** When the last slice of rows was made. */
  #rowsMs = 0;
  /** The disk refuses writes: what is on it is served as it is, time stands still, nothing is learned. */
  #isSuspended: boolean;
  #nextProbeMs = 0;
  #stopped = false;

  constructor(setup: ShardSetup, port: MessagePort) {
    this.#setup = setup;
    this.#port = port;
    this.#isSuspended = setup.isSuspended;
    this.#store = LmdbStore.open(setup.path);
    this.#line = new CommitLine(this.#store, {
      bytesMax: setup.groupBytesMax,
      onRefused: error => this.#fail(error),
    });
    this.#durable = new DurableShard(this.#store, {...setup, startMs: Date.now()});
    this.#durable.shard.watch(setup.watched);
    this.#post({
      kind: 'ready',
      watermark: this.#durable.watermark,
      feedFloor: this.#durable.feedFloor,
      seen: readSeen(this.#store),
    });
    if (!this.#isSuspended) this.#post({kind: 'writable'});
    port.on('message', (message: ToShard) => {
      this.#queue.push(message);
      this.#wake();
    });
    this.#wake();
  }

  #wake(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    clearTimeout(this.#timer);
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#turn()));
    } catch (error) {
      this.#fail(error);
    }
    this.#running = false;
    if (this.#stopped) return;
    if (this.#queue.length > 0) this.#wake();
    else this.#sleep();
  }

  /** True when there is more to do at once. */
  async #turn(): Promise<boolean> {
    const message = this.#queue[0];
    if (this.#isSuspended) return this.#turnSuspended(message);
    if (message?.kind === 'ingest') {
      const startedMs = performance.now();
      this.#ingest();
      this.#share.events(startedMs, performance.now());
    } else if (message?.kind === 'call') {
      this.#queue.shift();
      await this.#call(message);
    }
    const nowMs = Date.now();
    const late = this.#durable.shard.nextDueMs() <= nowMs;
    if (late) {
      const staged = this.#durable.tick(nowMs, SLICE_PROFILES);
      if (staged !== undefined) this.#commit(staged, []);
    }
    const busy = await this.#background(nowMs);
    // One transaction for all that this turn has changed.
    this.#line.start();
    await this.#line.room();
    // Messages and commits come only between turns of the event loop.
    await new Promise(resolve => setImmediate(resolve));
    return this.#queue.length > 0 || busy || this.#durable.shard.nextDueMs() <= Date.now();
  }

  async #turnSuspended(message: ToShard | undefined): Promise<boolean> {
    this.#queue.shift();
    if (message?.kind === 'call') await this.#callSuspended(message);
    if (performance.now() >= this.#nextProbeMs) await this.#probe();
    return this.#queue.length > 0;
  }

  async #callSuspended(call: ToShard & {kind: 'call'}): Promise<void> {
    if (WRITING.has(call.method)) {
      this.#post({kind: 'refused', id: call.id});
    } else await this.#call(call);
  }

  async #probe(): Promise<void> {
    const probe = (value: Uint8Array | undefined): Promise<void> =>
      this.#store.commit([{table: 'meta', key: 'probe', value}]);
    try {
      await probe(new Uint8Array(PROBE_BYTES));
      await probe(undefined);
    } catch {
      this.#nextProbeMs = performance.now() + PROBE_EVERY_MS;
      return;
    }
    this.#isSuspended = false;
    this.#post({kind: 'writable'});
  }

  #sleep(): void {
    if (this.#isSuspended) {
      this.#timer = setTimeout(() => this.#wake(), PROBE_EVERY_MS);
      return;
    }
    const steadyMs = performance.now();
    const waitsMs = [
      this.#durable.shard.nextDueMs() - Date.now(),
      this.#nextRowsMs(steadyMs) - steadyMs,
      this.#isHeldBack ? this.#share.waitMs : Infinity,
    ];
    const sleepMs = Math.min(SLEEP_MS_MAX, Math.max(1, Math.min(...waitsMs)));
    this.#timer = setTimeout(() => this.#wake(), sleepMs);
  }

  /**
   * What waits at the front of the queue, as one entry of the journal: a few milliseconds of work. Between two of
   * them the thread is free to begin a transaction; one transaction takes as many entries as there are.
   */
  #ingest(): void {
    const ids: number[] = [];
    const parts: Uint8Array[] = [];
    let bytes = 0;
    while (this.#queue[0]?.kind === 'ingest' && bytes < ENTRY_BYTES) {
      const {id, records} = this.#queue.shift() as ToShard & {kind: 'ingest'};
      ids.push(id);
      parts.push(records);
      bytes += records.byteLength;
    }
    const records = parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
    this.#commit(this.#durable.applyRecords(records, Date.now()), ids);
  }

  /** With the next transaction. Clients have their answers, and readers the deltas, when it is durable. */
  #commit(staged: Staged, ingests: readonly number[]): void {
    this.#line.put(staged.puts, () => {
      const {deltas} = staged;
      this.#port.postMessage(
        {
          kind: 'committed',
          watermark: staged.watermark,
          feedFloor: this.#durable.feedFloor,
          deltas,
          ingests,
        } satisfies FromShard,
        [deltas.buffer as ArrayBuffer],
      );
    });
  }

  async #call({id, method, args}: ToShard & {kind: 'call'}): Promise<void> {
    if (method === 'stop') {
      await this.#stop(id);
      return;
    }
    const context = {durable: this.#durable, store: this.#store, nowMs: Date.now()};
    if (isQuestion(method)) {
      this.#questions.push({id, slices: answerQuestion(context, method, args)});
      while (this.#isSuspended && (await this.#askOn()));
      return;
    }
    const answer = answerCall(context, method, args);
    if (answer.staged !== undefined) this.#commit(answer.staged, []);
    if (answer.puts !== undefined) this.#line.put(answer.puts);
    if (answer.prepare) this.#preparing = true;
    // What is told of the present is told when it is durable.
    await this.#line.durable();
    const value =
      method === 'states'
        ? this.#withProgress(answer.value as ShardCalls['states']['result'])
        : answer.value;
    this.#post({kind: 'result', id, value});
  }

  /** A slice of the questions that look at every profile; false when none waits. */
  async #askOn(): Promise<boolean> {
    const question = this.#questions[0];
    if (question === undefined) return false;
    const slice = question.slices.next();
    if (slice.done !== true) return true;
    this.#questions.shift();
    await this.#line.durable();
    this.#post({kind: 'result', id: question.id, value: slice.value});
    return true;
  }

  /** A slice of background work; false when there is none now. */
  async #background(nowMs: number): Promise<boolean> {
    if (await this.#askOn()) return true;
    const startedMs = performance.now();
    const isFilling = this.#found.length > 0 || this.#foundAll !== undefined || this.#preparing;
    this.#isHeldBack = isFilling && !this.#share.mayWork(startedMs);
    if (isFilling && !this.#isHeldBack) {
      const more = this.#fillOn(nowMs);
      this.#share.worked(startedMs, performance.now());
      return more;
    }
    this.#checkpoint(performance.now());
    // For the next definitions, while nobody waits.
    return this.#queue.length === 0 && this.#durable.shard.rows.widen();
  }

  /** A slice of what new definitions need. False when it was the last for now. */
  #fillOn(nowMs: number): boolean {
    const found = this.#found.shift();
    if (found !== undefined) {
      this.#durable.backfill(found.chunk.found);
      if (this.#backfilling !== undefined) this.#backfilling.progress = found.chunk.progress;
      found.port.postMessage({kind: 'taken'} satisfies ToBackfill);
      return true;
    }
    if (this.#foundAll !== undefined) {
      this.#durable.historiesReady(this.#foundAll);
      this.#foundAll = undefined;
      this.#backfilling = undefined;
      this.#preparing = true;
    }
    this.#startBackfill(nowMs);
    const slice = this.#queue.length > 0 ? SLICE_PROFILES : IDLE_SLICE_PROFILES;
    const {more, staged} = this.#durable.prepare(slice, nowMs);
    if (staged !== undefined) this.#commit(staged, []);
    this.#preparing = more;
    return more;
  }

  /**
   * Rows are written evenly over the time of a checkpoint, a slice along with a transaction, which then costs no
   * sync of its own. All at once they took half of the disk's time, and everybody's answers waited behind them.
   */
  #checkpoint(nowMs: number): void {
    const durable = this.#durable;
    if (this.#isWritingRows) return;
    if (!durable.checkpointing) {
      if (durable.dirtyCount === 0 || nowMs < this.#checkpointEndMs) return;
      durable.beginCheckpoint();
      this.#checkpointEndMs = nowMs + this.#setup.checkpointEveryMs;
      this.#rowsMs = nowMs;
    }
    const left = durable.checkpointLeft;
    const share = (nowMs - this.#rowsMs) / Math.max(1, this.#checkpointEndMs - this.#rowsMs);
    const due = Math.min(left * Math.min(1, share), SLICE_ROWS_MAX);
    if (due < SLICE_ROWS_MIN && left > SLICE_ROWS_MIN) return;
    this.#rowsMs = nowMs;
    this.#isWritingRows = true;
    this.#line.put(durable.stepCheckpoint(Math.max(SLICE_ROWS_MIN, Math.floor(due))), () => {
      this.#isWritingRows = false;
    });
  }

  #nextRowsMs(nowMs: number): number {
    if (this.#durable.checkpointing) return nowMs + ROWS_EVERY_MS;
    return this.#durable.dirtyCount > 0 ? this.#checkpointEndMs : Infinity;
  }

  /** Asks for a scan of the journal when definitions wait for histories; one at a time. */
  #startBackfill(nowMs: number): void {
    if (this.#backfilling !== undefined) return;
    const wanted = this.#durable.wantedHistories();
    if (wanted.length === 0) return;
    const histories = wanted.map(history => history.id);
    this.#backfilling = {histories, progress: 0};
    const {port1, port2} = new MessageChannel();
    this.#scan = port1;
    port1.on('message', (message: FromBackfill) => {
      if (message.kind === 'found') this.#found.push({chunk: message, port: port1});
      else {
        port1.close();
        if (message.kind === 'done') this.#foundAll = histories;
        else this.#fail(new Error(`a scan of the journal failed: ${message.message}`));
      }
      this.#wake();
    });
    const range = {
      until: this.#durable.watermark,
      oldestMs: nowMs - this.#setup.eventRetentionMs,
      nowMs,
    };
    // The scan reads what is durable: wait for the entry that the histories began after.
    void this.#line.durable().then(
      () => {
        const task = {path: this.#setup.path, wanted, range, port: port2};
        this.#port.postMessage({kind: 'backfill', task} satisfies FromShard, [port2]);
      },
      () => {},
    );
  }

  /** Half of the way is the search, half the pass over profiles. */
  #withProgress(states: ShardCalls['states']['result']): ShardCalls['states']['result'] {
    const {audiences} = this.#durable.shard;
    return states.map(state => {
      if (state.progress === 1) return state;
      const audience = audiences.get(state.id);
      const isFound = audience !== undefined && !audiences.isWaiting(audience);
      const searched = isFound ? 1 : (this.#backfilling?.progress ?? 0);
      return {...state, progress: (searched + state.progress) / 2};
    });
  }

  /** Writes what is dirty, so that the next start has nothing to replay. */
  async #stop(id: number): Promise<void> {
    await this.#line.durable();
    if (!this.#isSuspended) {
      if (this.#durable.checkpointing) await this.#finishCheckpoint();
      this.#durable.beginCheckpoint();
      await this.#finishCheckpoint();
    }
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#scan?.close();
    await this.#store.close();
    this.#post({kind: 'result', id, value: undefined});
    this.#port.close();
  }

  async #finishCheckpoint(): Promise<void> {
    while (this.#durable.checkpointing) {
      await this.#durable.commitRows(this.#durable.stepCheckpoint(SLICE_PROFILES * 8));
    }
  }

  /** Memory is ahead of the disk, or wrong: the thread ends, and its successor starts from the disk. */
  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#scan?.close();
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#post({kind: 'failed', message, why: whyFailed(error)});
    void this.#store.close().finally(() => this.#port.close());
  }

  #post(message: FromShard): void {
    this.#port.postMessage(message);
  }
}

function whyFailed(error: unknown): (FromShard & {kind: 'failed'})['why'] {
  if (error instanceof DiskRefusedError) return 'disk refuses';
  return error instanceof DamagedValueError ? 'disk is damaged' : 'defect';
}

const port = must(parentPort, 'a shard runs in a worker thread');
try {
  new ShardThread(workerData as ShardSetup, port);
} catch (error) {
  if (!(error instanceof DamagedValueError)) throw error;
  const {message} = error;
  port.postMessage({kind: 'failed', message, why: 'disk is damaged'} satisfies FromShard);
}
