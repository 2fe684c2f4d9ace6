/**
 * The canonical workload: a population, audiences over it and a stream of events, all from one seed. The
 * `calm` twin has selective audiences, so that an event moves about one membership and evaluation shows.
 *
 * 20 attributes a profile (8 choices of 3 to 500 values, 6 integers, 4 flags, 2 texts); audiences of 3 to 6
 * criteria (35 % equality, 25 % range, 10 % contains, 30 % "event T at least n times in the last w", 15 %
 * negated); events by Zipf's law over profiles (0.8) and 50 types (1), one in five sets an attribute, 7 s of
 * simulated time apart.
 *
 * A value is kept as a code, one 32-bit integer; `valueOf` says what it stands for.
 */
import {Random, mix, zipfRank} from './support/random.ts';
import {
  ATTRIBUTES,
  enumRanks,
  EVENT_EVERY_MS,
  INTEGER_END,
  makeAudiences,
  type Predicate,
  typeRanks,
  type WorkloadAudience,
  WORD_COUNT,
  WORDS,
  wordRanks,
} from './workload-audiences.ts';

export interface WorkloadOptions {
  readonly audiences: number;
  readonly profiles: number;
  readonly seed?: number | undefined;
  readonly calm?: boolean | undefined;
}

/** A Tuesday. The first event comes one step later. */
export const WORKLOAD_START_MS = Date.UTC(2026, 8, 1);

export interface EventBlock {
  /** Number of the first event. */
  readonly first: number;
  readonly count: number;
  readonly profile: Int32Array;
  readonly type: Uint8Array;
  /** The attribute that the event sets; −1 for most. */
  readonly attribute: Int8Array;
  readonly code: Int32Array;
}

export class Workload {
  readonly profiles: number;
  readonly isCalm: boolean;
  readonly predicates: readonly Predicate[];
  readonly audiences: readonly WorkloadAudience[];
  readonly #seed: number;
  readonly #stride: number;

  constructor({audiences, profiles, seed = 1, calm = false}: WorkloadOptions) {
    this.profiles = profiles;
    this.isCalm = calm;
    this.#seed = seed;
    // Hot profiles lie anywhere: rank × stride mod profiles is a permutation, as stride is a prime.
    this.#stride = profiles === 7_368_787 ? 1 : 7_368_787 % Math.max(1, profiles);
    if (gcd(7_368_787, profiles) !== 1) this.#stride = 1;
    const made = makeAudiences(audiences, mix(seed ^ 0xa0d1e4ce), calm);
    this.predicates = made.predicates;
    this.audiences = made.audiences;
  }

  /** The codes of a profile's attributes before the first event. */
  profileCodes(profile: number, into: Int32Array, at = 0): void {
    const random = new Random(mix(profile ^ this.#seed) ^ 0x9a77);
    for (let attribute = 0; attribute < ATTRIBUTES.length; attribute++) {
      into[at + attribute] = drawCode(attribute, random);
    }
  }

  /** Any block at any time: events do not depend on those before. */
  events(first: number, count: number): EventBlock {
    const profile = new Int32Array(count);
    const type = new Uint8Array(count);
    const attribute = new Int8Array(count).fill(-1);
    const code = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const random = new Random(mix((first + i) ^ this.#seed) ^ 0xe7e2);
      const rank = zipfRank(this.profiles, 0.8, random.next());
      profile[i] = (rank * this.#stride) % this.profiles;
      type[i] = typeRanks.at(random.next());
      if (!random.chance(0.2)) continue;
      attribute[i] = random.below(ATTRIBUTES.length);
      code[i] = drawCode(attribute[i]!, random);
    }
    return {first, count, profile, type, attribute, code};
  }

  timeOf(event: number): number {
    return WORKLOAD_START_MS + (event + 1) * EVENT_EVERY_MS;
  }
}

export function eventName(type: number): string {
  return `Event ${type}`;
}

export function valueOf(attribute: number, code: number): string | number | boolean {
  const {kind} = ATTRIBUTES[attribute]!;
  switch (kind) {
    case 'enum':
      return (ATTRIBUTES[attribute] as {values: readonly string[]}).values[code]!;
    case 'integer':
      return code;
    case 'boolean':
      return code === 1;
    case 'text':
      return `${WORDS[code & 63]} ${WORDS[(code >> 6) & 63]} ${WORDS[code >> 12]}`;
  }
}

function drawCode(attribute: number, random: Random): number {
  switch (ATTRIBUTES[attribute]!.kind) {
    case 'enum':
      return enumRanks[attribute]!.at(random.next());
    case 'integer':
      return random.below(INTEGER_END);
    case 'boolean':
      return random.below(2);
    case 'text': {
      let code = 0;
      for (let word = 0; word < 3; word++) {
        code = code * WORD_COUNT + wordRanks.at(random.next());
      }
      return code;
    }
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
