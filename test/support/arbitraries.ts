/**
 * Random histories from a seed: a few profiles, audiences made before, between and after the data, time that
 * stops exactly where windows end. Steps go to the engine and to the oracle alike.
 */
import type {Environment} from '../../engine/ids.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {randomCalculated} from './arbitraries-calculated.ts';
import type {DefinitionContext, Kinds} from './arbitraries-context.ts';
import {editedDefinition, randomDefinition} from './arbitraries-definitions.ts';
import {Random} from './arbitraries-random.ts';
import {randomLosses, randomRecord, SEQUENCES_PER_RECORD} from './arbitraries-records.ts';
import {randomTopics} from './arbitraries-topics.ts';
import type {Topics} from './arbitraries-topics.ts';
import {INPUTS, MPIDS, START_MS, windowsOf, WORKSPACES} from './arbitraries-world.ts';
import type {Windows} from './arbitraries-world.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import {objectIn} from './oracle-json.ts';
import type {JsonObject} from './oracle-json.ts';
import {momentsBetween} from './oracle-moments.ts';
import type {Retentions} from './oracle-moments.ts';
import {DAY_MS, durationMs} from './oracle-time.ts';
import {nestedIn} from './oracle.ts';
import type {Oracle, OracleAudience} from './oracle.ts';

/** Every step happens at its own time, which never goes back; several may share a millisecond. */
export type Step =
  /** What came in one turn, in that order. */
  | {readonly kind: 'records'; readonly nowMs: number; readonly records: readonly ProfileRecord[]}
  | {readonly kind: 'advance'; readonly nowMs: number}
  | {
      readonly kind: 'erase';
      readonly nowMs: number;
      readonly mpidHi: number;
      readonly mpidLo: number;
    }
  /** A new audience, a new definition of one, or one switched on or off. */
  | {readonly kind: 'define'; readonly nowMs: number; readonly audience: OracleAudience}
  | {readonly kind: 'remove'; readonly nowMs: number; readonly audience: number}
  /** A new calculated attribute, or a new meaning of one. */
  | {readonly kind: 'calculate'; readonly nowMs: number; readonly attribute: OracleCalculated};

export interface History {
  readonly seed: number;
  readonly options: Retentions;
  readonly steps: readonly Step[];
}

export interface HistoryOptions {
  /** `basic`: event kinds with counts and user attributes only, nothing nested. */
  readonly kinds: Kinds;
  readonly steps?: number;
  readonly options?: Retentions;
  /** Without it a handful, so that everything collides. */
  readonly profiles?: number;
  /** Of what may come in one turn; mostly it is one. */
  readonly recordsMax?: number;
}

/** Too many for everything to collide, and more in one turn than a server takes. */
export const CROWD = {profiles: 1_500, recordsMax: 10_000, steps: 20};

const RETENTIONS: readonly Retentions[] = [
  {eventRetentionMs: DAY_MS, profileRetentionMs: 2 * DAY_MS},
  {eventRetentionMs: DAY_MS, profileRetentionMs: DAY_MS},
  {eventRetentionMs: 2 * DAY_MS, profileRetentionMs: DAY_MS},
  {eventRetentionMs: 7 * DAY_MS, profileRetentionMs: 30 * DAY_MS},
  {eventRetentionMs: 30 * DAY_MS, profileRetentionMs: 30 * DAY_MS},
];

const AUDIENCES_MAX = 8;
/** Beyond this many characters a definition is not added to, but made anew. */
const EDITED_LENGTH_MAX = 1_500;

export function randomHistory(seed: number, asked: HistoryOptions): History {
  const random = new Random(seed);
  const options = asked.options ?? random.pick(RETENTIONS);
  const maker = new HistoryMaker(random, options, asked);
  if (asked.kinds === 'all') {
    for (let more = random.int(0, 4); more > 0; more--) maker.calculate();
  }
  for (let audience = random.int(1, 4); audience > 0; audience--) maker.define();
  while (maker.steps.length < (asked.steps ?? 60)) maker.step();
  return {seed, options, steps: maker.steps};
}

class HistoryMaker {
  readonly steps: Step[] = [];
  readonly #random: Random;
  readonly #options: Retentions;
  readonly #kinds: Kinds;
  readonly #windows: Windows;
  readonly #topics: Topics;
  readonly #durationsMs: readonly number[];
  readonly #mpids: readonly bigint[];
  readonly #recordsMax: number;
  /** When each was last heard of. */
  readonly #activityMs = new Map<string, number>();
  readonly #audiences = new Map<number, OracleAudience>();
  /** Criteria of any audience, for others to say again. */
  readonly #said: JsonObject[] = [];
  readonly #calculated = new Map<string, OracleCalculated>();
  readonly #eventsMs: number[] = [];
  #nextAudience = 1;
  #sequence = 100;
  #nowMs: number;

  constructor(
    random: Random,
    options: Retentions,
    {kinds, profiles, recordsMax = 12}: HistoryOptions,
  ) {
    this.#random = random;
    this.#options = options;
    this.#kinds = kinds;
    this.#recordsMax = recordsMax;
    this.#windows = windowsOf(options.eventRetentionMs, kinds === 'all');
    this.#durationsMs = this.#windows.durations.map(text => durationMs(text) ?? 0);
    this.#topics = randomTopics(random, kinds);
    this.#mpids =
      profiles === undefined
        ? MPIDS.slice(0, random.int(3, MPIDS.length))
        : Array.from({length: profiles}, (_, at) => BigInt(at) - BigInt(profiles >> 1));
    this.#nowMs = START_MS + random.int(0, 12) * 3_600_000;
  }

  step(): void {
    this.#random.branch([
      [60, () => this.#records()],
      [25, () => this.#advance()],
      [9, () => this.define()],
      [2, () => this.#erase()],
      [1, () => this.#remove()],
      [this.#kinds === 'all' ? 2 : 0, () => this.calculate()],
    ]);
  }

  /** Moves a little, so that steps share milliseconds now and then and days go by in a history. */
  #tick(): number {
    this.#nowMs += this.#random.branch([
      [3, () => 0],
      [3, () => this.#random.int(1, 2_000)],
      [4, () => this.#random.int(1, 1_800_000)],
      [1, () => this.#random.int(1, 10_800_000)],
    ]);
    return this.#nowMs;
  }

  #records(): void {
    const nowMs = this.#tick();
    const records = Array.from({length: this.#recordCount()}, () => this.#record(nowMs));
    this.steps.push({kind: 'records', nowMs, records});
  }

  /** As many one as ten as a hundred, up to the most. */
  #recordCount(): number {
    const random = this.#random;
    if (this.#recordsMax <= 12) return random.chance(0.85) ? 1 : random.int(2, this.#recordsMax);
    return random.chance(0.1) ? this.#recordsMax : Math.round(this.#recordsMax ** random.next());
  }

  #record(nowMs: number): ProfileRecord {
    const make = this.#kinds === 'all' && this.#random.chance(0.04) ? randomLosses : randomRecord;
    const record = make(
      {
        random: this.#random,
        mpids: this.#mpids,
        topics: this.#topics,
        eventRetentionMs: this.#options.eventRetentionMs,
        durationsMs: this.#durationsMs,
        pastMs: this.#eventsMs.slice(-10),
        sequence: this.#sequence,
      },
      nowMs,
    );
    this.#sequence += SEQUENCES_PER_RECORD;
    this.#eventsMs.push(...record.events.map(event => event.timeMs));
    this.#activityMs.set(`${record.mpidHi} ${record.mpidLo}`, record.arrivalMs);
    return record;
  }

  #advance(): void {
    const {profileRetentionMs} = this.#options;
    this.#nowMs = this.#random.branch([
      [12, () => this.#boundary()],
      [3, () => this.#nowMs + this.#random.int(1, 6 * 3_600_000)],
      [1.5, () => this.#lastMoment()],
      // A long silence: everybody's last activity is as long ago as may be, or one too long.
      [1, () => this.#nowMs + Math.min(profileRetentionMs, 3 * DAY_MS) + this.#random.int(-1, 1)],
    ]);
    this.steps.push({kind: 'advance', nowMs: this.#nowMs});
  }

  /** An exact moment ahead at which an event meets the end of some window, or the millisecond beside. */
  #boundary(): number {
    const {eventRetentionMs, profileRetentionMs} = this.#options;
    const waits = [0, ...this.#durationsMs, eventRetentionMs, profileRetentionMs];
    const ahead = this.#eventsMs
      .slice(-20)
      .flatMap(timeMs => waits.map(wait => timeMs + wait))
      .filter(moment => moment > this.#nowMs && moment < this.#nowMs + DAY_MS);
    if (ahead.length === 0) return this.#nowMs + this.#random.int(1, 3_600_000);
    return Math.max(this.#nowMs, this.#random.pick(ahead) + this.#random.int(-1, 1));
  }

  /** The last millisecond of a profile that is not heard of again, or the first without it. */
  #lastMoment(): number {
    const {profileRetentionMs} = this.#options;
    const ahead = [...this.#activityMs.values()]
      .map(activityMs => activityMs + profileRetentionMs + this.#random.int(0, 1))
      .filter(moment => moment > this.#nowMs);
    return ahead.length === 0 ? this.#nowMs : Math.min(...ahead);
  }

  #erase(): void {
    const mpid = this.#random.pick(this.#mpids);
    this.steps.push({
      kind: 'erase',
      nowMs: this.#tick(),
      mpidHi: mpidHi(mpid),
      mpidLo: mpidLo(mpid),
    });
  }

  calculate(): void {
    const attribute = randomCalculated({
      random: this.#random,
      kinds: this.#kinds,
      windows: this.#windows,
      topics: this.#topics,
      said: [],
    });
    this.#calculated.set(`${attribute.workspace} ${attribute.name}`, attribute);
    this.steps.push({kind: 'calculate', nowMs: this.#tick(), attribute});
  }

  define(): void {
    const random = this.#random;
    const known = [...this.#audiences.values()];
    const again =
      known.length > 0 && (known.length >= AUDIENCES_MAX || random.chance(0.4))
        ? random.pick(known)
        : undefined;
    const audience = again === undefined ? this.#newAudience() : this.#changed(again);
    this.#audiences.set(audience.id, audience);
    this.steps.push({kind: 'define', nowMs: this.#tick(), audience});
  }

  #newAudience(): OracleAudience {
    const random = this.#random;
    const environment: Environment = random.chance(0.9) ? 'production' : 'development';
    const id = this.#nextAudience++;
    const active = random.chance(0.85);
    return this.#redefined({id, ...this.#scope(), environment, active, definition: null});
  }

  #scope(): Pick<OracleAudience, 'workspaces' | 'inputs'> {
    const random = this.#random;
    const workspaces = random.chance(0.4) ? [...WORKSPACES] : [random.pick(WORKSPACES)];
    const among = INPUTS.filter(input => workspaces.includes(input.workspace));
    const inputs = random.chance(0.3) ? random.some(among.map(input => input.id)) : undefined;
    return {workspaces, inputs};
  }

  #changed(audience: OracleAudience): OracleAudience {
    const random = this.#random;
    if (random.chance(0.3)) return {...audience, active: !audience.active};
    const active = random.chance(0.9);
    if (random.chance(0.15)) return this.#redefined({...audience, ...this.#scope(), active});
    return random.chance(0.4)
      ? this.#edited({...audience, active})
      : this.#redefined({...audience, active});
  }

  #redefined(audience: OracleAudience): OracleAudience {
    return {...audience, definition: randomDefinition(this.#contextOf(audience))};
  }

  #edited(audience: OracleAudience): OracleAudience {
    const {definition} = audience;
    if (JSON.stringify(definition).length > EDITED_LENGTH_MAX) return this.#redefined(audience);
    const context = this.#contextOf(audience);
    return {...audience, definition: editedDefinition(objectIn(definition, 'it'), context)};
  }

  /** Only older audiences are nested, so there is no cycle. */
  #contextOf(audience: OracleAudience): DefinitionContext {
    return {
      random: this.#random,
      kinds: this.#kinds,
      windows: this.#windows,
      topics: this.#topics,
      asker: {...audience, inputs: audience.inputs},
      nestable: [...this.#audiences.keys()].filter(id => id < audience.id),
      calculated: [...this.#calculated.values()].filter(({workspace}) =>
        audience.workspaces.includes(workspace),
      ),
      said: this.#said,
    };
  }

  /** One that no other nests. */
  #remove(): void {
    const nested = new Set(
      [...this.#audiences.values()].flatMap(audience => nestedIn(audience.definition)),
    );
    const free = [...this.#audiences.keys()].filter(id => !nested.has(id));
    if (free.length === 0 || this.#audiences.size < 2) return;
    const audience = this.#random.pick(free);
    this.#audiences.delete(audience);
    this.steps.push({kind: 'remove', nowMs: this.#tick(), audience});
  }
}

export function applyStep(oracle: Oracle, step: Step): void {
  oracle.advance(step.nowMs);
  switch (step.kind) {
    case 'records':
      for (const record of step.records) oracle.apply(record, step.nowMs);
      break;
    case 'erase':
      oracle.erase(step.mpidHi, step.mpidLo, step.nowMs);
      break;
    case 'define':
      oracle.setAudience(step.audience);
      break;
    case 'remove':
      oracle.removeAudience(step.audience);
      break;
    case 'calculate':
      oracle.setCalculated(step.attribute);
      break;
    case 'advance':
      break;
  }
}

/**
 * Moments strictly after step `index` and before the next (after the last: until every window has ended)
 * at which time alone may change an answer, and the milliseconds around them.
 */
export function interestingMoments(history: History, index: number): number[] {
  const done = history.steps.slice(0, index + 1);
  const fromMs = done.at(-1)?.nowMs ?? START_MS;
  const {eventRetentionMs, profileRetentionMs} = history.options;
  const next = history.steps[index + 1];
  const toMs =
    next === undefined
      ? fromMs + Math.max(eventRetentionMs, profileRetentionMs) + 2 * DAY_MS
      : next.nowMs - 1;
  const records = done.flatMap(step => (step.kind === 'records' ? step.records : []));
  const latest = new Map<number, OracleAudience>();
  for (const step of done) {
    if (step.kind === 'define') latest.set(step.audience.id, step.audience);
    if (step.kind === 'remove') latest.delete(step.audience);
  }
  const calculated = done.flatMap(step =>
    step.kind === 'calculate' ? [[step.attribute.event, step.attribute.when ?? {}]] : [],
  );
  const definitions = [...[...latest.values()].map(({definition}) => definition), ...calculated];
  return momentsBetween({...history.options, definitions, records, fromMs, toMs});
}
