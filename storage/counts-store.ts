/**
 * How many joined and left each audience, hour by hour, in an LMDB environment of its own. A write is one
 * transaction, so the counts and the places in the feeds up to which they count are never apart.
 *
 * | key | value |
 * |---|---|
 * | `[day, audience]` | for each hour of the UTC day two u32, joined and left |
 * | `['state']` | what the counter remembers beside them |
 */
import {open, type RootDatabase} from 'lmdb';
import {pack, unpack} from 'msgpackr';
import {seal, unseal} from './checked-value.ts';
import {committed} from './lmdb-commit.ts';

export const DAY_HOURS = 24;
const VERSION = 1;
const DAY_BYTES = DAY_HOURS * 2 * 4;
const STATE = ['state'];

type Key = [day: number, audience: number] | string[];

/** Of one audience on one day: joined and left of hour 0, of hour 1, … */
export interface DayOfCounts {
  readonly day: number;
  readonly audience: number;
  readonly counts: Uint32Array;
}

export class CountsStore {
  readonly #db: RootDatabase<Uint8Array, Key>;

  private constructor(db: RootDatabase<Uint8Array, Key>) {
    this.#db = db;
  }

  static open(folder: string): CountsStore {
    return new CountsStore(
      open<Uint8Array, Key>({
        path: folder,
        noSubdir: false,
        encoding: 'binary',
        overlappingSync: false,
        eventTurnBatching: false,
        maxReaders: 32,
      }),
    );
  }

  state(): unknown {
    const value = this.#db.get(STATE);
    return value === undefined
      ? undefined
      : unpack(unseal(VERSION, value, 'the state of the counts'));
  }

  day(day: number, audience: number): Uint32Array | undefined {
    const value = this.#db.get([day, audience]);
    if (value === undefined) return undefined;
    const bytes = unseal(VERSION, value, `the counts of audience ${audience}`);
    const counts = new Uint32Array(DAY_HOURS * 2);
    for (let i = 0; i < counts.length; i++) counts[i] = bytes.readUInt32LE(i * 4);
    return counts;
  }

  /** Keys of days before `day`, oldest first. */
  before(day: number, limit: number): readonly (readonly [day: number, audience: number])[] {
    const keys = this.#db.getKeys({start: [0, 0], end: [day, 0], limit});
    return [...keys] as [number, number][];
  }

  /** All or nothing; resolves when durable. */
  async write({
    state,
    days,
    gone,
  }: {
    readonly state: unknown;
    readonly days: readonly DayOfCounts[];
    readonly gone: readonly (readonly [day: number, audience: number])[];
  }): Promise<void> {
    const write = this.#db.transaction(() => {
      for (const {day, audience, counts} of days) {
        this.#db.putSync([day, audience], seal(VERSION, [bytesOf(counts)]));
      }
      for (const [day, audience] of gone) this.#db.removeSync([day, audience]);
      this.#db.putSync(STATE, seal(VERSION, [pack(state)]));
    });
    await committed(write);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

function bytesOf(counts: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(DAY_BYTES);
  for (let i = 0; i < counts.length; i++) bytes.writeUInt32LE(counts[i]!, i * 4);
  return bytes;
}
