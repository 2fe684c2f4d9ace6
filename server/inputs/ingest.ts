/**
 * A decoded batch on its way to its shard: repeats are recognised, the profile is found, and the client
 * hears "taken" when everything the batch changes is durable.
 */
import {mpidHi, mpidLo, type ScopeId, scopeOf} from '../../engine/ids.ts';
import type {LocationFix, ProfileRecord} from '../../engine/record.ts';
import {LOSSES_OF} from '../../engine/intake.ts';
import type {IngestDone, IngestResult} from '../shards/shard-link.ts';
import type {ShardPool} from '../shards/shard-pool.ts';
import {type DecodedBatch, keptParts} from './decode-batch.ts';
import type {Deduplicator, IdHash} from './deduplicate.ts';
import type {IdentityDirectory, Loss} from './identity-directory.ts';

export type Outcome = 'taken' | 'unavailable';

export interface IngestParts {
  readonly shards: Pick<ShardPool, 'ingest' | 'call' | 'count'>;
  readonly directory: IdentityDirectory;
  readonly seen: Deduplicator;
  /** Told of every record that is sent on its way, losses apart. */
  readonly learn?: (record: ProfileRecord) => void;
  /** Where an IP address is; undefined when nobody knows. */
  readonly locate: (ip: string) => Omit<LocationFix, 'timeMs'> | undefined;
}

export interface IngestCredential {
  readonly inputId: number;
  readonly workspaceId: number;
}

export class Ingest {
  readonly #parts: IngestParts;
  /** Ids on their way: whoever repeats one hears what becomes of the first. */
  #underWay = new Map<string, ((outcome: Outcome) => void)[]>();
  /** Ids whose shard died before it said whether they are durable: until it is back nobody can say. */
  readonly #inDoubt = new Set<string>();
  #told: {readonly done: (outcome: Outcome) => void; readonly telling: IngestDone} = {
    done: () => {},
    telling: () => {},
  };
  readonly counts = {batches: 0, events: 0, repeatedBatches: 0, repeatedEvents: 0};

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  accept(
    batch: DecodedBatch,
    {inputId, workspaceId}: IngestCredential,
    done: (outcome: Outcome) => void,
  ): void {
    const {seen, directory} = this.#parts;
    this.counts.batches++;
    if (this.#inDoubt.size > 0 && this.#isInDoubt(batch, inputId)) {
      done('unavailable');
      return;
    }
    const join = new Join(done);
    const hashes: IdHash[] = [];
    if (batch.requestId !== '') {
      const hash = seen.hash('request', inputId, batch.requestId);
      if (this.#isRepeat(hash, join)) {
        this.counts.repeatedBatches++;
        join.close();
        return;
      }
      hashes.push(hash);
    }
    const repeated = this.#repeatedEvents(batch, {inputId, hashes, join});
    const parts = keptParts(batch, repeated);
    const scope = scopeOf(workspaceId, batch.environment);
    if (!saysAnything(batch, parts)) {
      join.close();
      return;
    }
    this.counts.events += parts.events.length;
    const mpid = directory.resolve(batch.environment, batch.mpid, parts.identities);
    const claimed = directory.claim(batch.environment, mpid, parts.identities);
    const record: ProfileRecord = {
      mpidHi: mpidHi(mpid),
      mpidLo: mpidLo(mpid),
      scope,
      inputId,
      arrivalMs: batch.arrivalMs,
      batchMs: batch.batchMs,
      events: parts.events,
      attributes: parts.attributes,
      identities: claimed.claims,
      consent: batch.consent,
      device: batch.device,
      location: this.#location(batch),
      seen: hashes.length === 0 ? NO_NUMBERS : hashes.flatMap(({hi, lo}) => [hi, lo]),
      extra: batch.extra,
    };
    this.#parts.learn?.(record);
    if (hashes.length === 0 && claimed.claims.length === 0 && join.isAlone) {
      // Nothing to remember of it but who waits for its answer.
      this.#parts.shards.ingest(record, this.#tellingOf(done));
      return;
    }
    const tell = join.expect();
    if (claimed.losses.length === 0) {
      // Nearly always: one record, whose fate is that of all.
      this.#send(record, hashes, (outcome, fate) => {
        if (claimed.claims.length > 0) directory.settle(claimed, FATE_OF[fate]);
        tell(outcome);
      });
      join.close();
      return;
    }
    let fate: IngestResult = 'committed';
    const own = new Join(outcome => {
      const isWhole = outcome === 'taken' || fate === 'unavailable';
      directory.settle(claimed, isWhole ? FATE_OF[fate] : 'unknown');
      tell(outcome);
    });
    for (const loss of claimed.losses) this.#sendLoss(loss, batch.arrivalMs, own);
    const settle = own.expect();
    this.#send(record, hashes, (outcome, result) => {
      fate = result;
      settle(outcome);
    });
    own.close();
    join.close();
  }

  /**
   * After shards have started: claims that this directory's disk may lack are taken again, and who lost by them
   * is told again. Then nothing is in doubt any more. Rejects when a shard is gone meanwhile.
   */
  async recover(nowMs: number): Promise<void> {
    const {shards, directory} = this.#parts;
    const unknown = directory.unknown();
    const inDoubt = [...this.#inDoubt];
    for (let shard = 0; shard < shards.count; shard++) {
      const claims = await shards.call(shard, 'claims', {after: directory.watermark(shard)});
      const losses = directory.recover(claims);
      const outcome = await new Promise<Outcome>(resolve => {
        const join = new Join(resolve);
        for (const loss of losses) this.#sendLoss(loss, nowMs, join);
        join.close();
      });
      if (outcome !== 'taken') throw new Error('a shard was gone before identities were settled');
      directory.recovered(shard);
    }
    directory.settleUnknown(unknown);
    for (const name of inDoubt) this.#inDoubt.delete(name);
  }

  #sendLoss(loss: Loss, nowMs: number, join: Join): void {
    this.#send(lossRecord(loss, nowMs), NO_HASHES, join.expect());
  }

  #send(
    record: ProfileRecord,
    hashes: readonly IdHash[],
    settle: (outcome: Outcome, result: IngestResult) => void,
  ): void {
    for (const hash of hashes) this.#underWay.set(nameOf(hash), []);
    // Kept until the answer; the record is not.
    const {arrivalMs} = record;
    this.#parts.shards.ingest(record, result => {
      const outcome = outcomeOf(result);
      for (const hash of hashes) {
        const name = nameOf(hash);
        if (outcome === 'taken') this.#parts.seen.add(hash, arrivalMs);
        if (result === 'unknown') this.#inDoubt.add(name);
        const waiting = this.#underWay.get(name) ?? [];
        this.#underWay.delete(name);
        for (const tell of waiting) tell(outcome);
      }
      settle(outcome, result);
    });
  }

  /** One for all batches of a call: what waits for an answer is what the collector of garbage has to carry. */
  #tellingOf(done: (outcome: Outcome) => void): IngestDone {
    if (this.#told.done !== done) {
      this.#told = {done, telling: result => done(outcomeOf(result))};
    }
    return this.#told.telling;
  }

  #isInDoubt(batch: DecodedBatch, inputId: number): boolean {
    const isDoubtful = (kind: 'request' | 'message', id: string): boolean =>
      id !== '' && this.#inDoubt.has(nameOf(this.#parts.seen.hash(kind, inputId, id)));
    return (
      isDoubtful('request', batch.requestId) ||
      batch.events.some(({messageId}) => isDoubtful('message', messageId))
    );
  }

  /** A repeat of one under way waits for it: a 202 is a promise. */
  #isRepeat(hash: IdHash, join: Join): boolean {
    const waiting = this.#underWay.get(nameOf(hash));
    if (waiting === undefined) return this.#parts.seen.has(hash);
    waiting.push(join.expect());
    return true;
  }

  /** Positions of events that were taken before, also in this same batch. */
  #repeatedEvents(
    batch: DecodedBatch,
    {inputId, hashes, join}: {inputId: number; hashes: IdHash[]; join: Join},
  ): ReadonlySet<number> {
    let repeated = NO_POSITIONS;
    let own: Set<string> | undefined;
    for (let position = 0; position < batch.events.length; position++) {
      const {messageId} = batch.events[position]!;
      if (messageId === '') continue;
      own ??= new Set();
      const hash = this.#parts.seen.hash('message', inputId, messageId);
      if (own.has(nameOf(hash)) || this.#isRepeat(hash, join)) {
        if (repeated === NO_POSITIONS) repeated = new Set();
        repeated.add(position);
        this.counts.repeatedEvents++;
        continue;
      }
      own.add(nameOf(hash));
      hashes.push(hash);
    }
    return repeated;
  }

  /**
   * What the batch says of a location counts before its address. A phone that says its point, and not what
   * the place is called, is in the place of its address.
   */
  #location({location, ip, batchMs}: DecodedBatch): LocationFix | undefined {
    if (ip === undefined || (location !== undefined && namesPlace(location))) return location;
    const found = this.#parts.locate(ip);
    if (found === undefined || location === undefined) {
      return found === undefined ? location : {...found, timeMs: batchMs};
    }
    const {latitude, longitude, timeMs} = location;
    return {...found, latitude, longitude, timeMs};
  }
}

const NO_HASHES: readonly IdHash[] = [];
const NO_NUMBERS: readonly number[] = [];
const NO_POSITIONS: Set<number> = new Set();

const FATE_OF = {committed: 'durable', unavailable: 'dropped', unknown: 'unknown'} as const;

/** Hears several outcomes and tells one: taken when all were. */
class Join {
  #open = 1;
  #outcome: Outcome = 'taken';
  readonly #done: (outcome: Outcome) => void;

  constructor(done: (outcome: Outcome) => void) {
    this.#done = done;
  }

  /** Nothing else has to happen before the caller's own part. */
  get isAlone(): boolean {
    return this.#open === 1;
  }

  expect(): (outcome: Outcome) => void {
    this.#open++;
    return outcome => {
      if (outcome === 'unavailable') this.#outcome = outcome;
      this.close();
    };
  }

  /** No more are expected from the caller itself. */
  close(): void {
    if (--this.#open === 0) this.#done(this.#outcome);
  }
}

function outcomeOf(result: IngestResult): Outcome {
  return result === 'committed' ? 'taken' : 'unavailable';
}

function namesPlace({city, state, zip, dma, country}: LocationFix): boolean {
  return (city ?? state ?? zip ?? dma ?? country) !== undefined;
}

/** An empty batch makes no profile, unless it names one. */
function saysAnything(batch: DecodedBatch, parts: ReturnType<typeof keptParts>): boolean {
  return (
    batch.mpid !== undefined ||
    parts.events.length > 0 ||
    parts.attributes.length > 0 ||
    parts.identities.length > 0 ||
    batch.consent.length > 0 ||
    batch.device.length > 0 ||
    batch.location !== undefined
  );
}

function lossRecord(
  {mpid, environment, type, value, sequence}: Loss,
  nowMs: number,
): ProfileRecord {
  const scope: ScopeId = LOSSES_OF[environment];
  return {
    mpidHi: mpidHi(mpid),
    mpidLo: mpidLo(mpid),
    scope,
    inputId: 0,
    arrivalMs: nowMs,
    batchMs: nowMs,
    events: [],
    attributes: [],
    identities: [{type, value, sequence}],
    consent: [],
    device: [],
    location: undefined,
    seen: [],
    extra: '',
  };
}

function nameOf({hi, lo}: IdHash): string {
  return `${hi} ${lo}`;
}
