/**
 * The audiences of the canonical workload, in a form that no engine is at home in: predicates, numbered
 * and distinct, and audiences as an AND of clauses, each a literal or an OR of two.
 */
import {Random, ZipfTable} from './support/random.ts';

export type Attribute =
  | {readonly name: string; readonly kind: 'enum'; readonly values: readonly string[]}
  | {readonly name: string; readonly kind: 'integer'}
  | {readonly name: string; readonly kind: 'boolean'}
  /** Three words with a space between. */
  | {readonly name: string; readonly kind: 'text'};

export type Predicate =
  | {readonly kind: 'equals'; readonly attribute: number; readonly value: string | boolean}
  /** low ≤ value < high; one of them may be infinite. */
  | {
      readonly kind: 'range';
      readonly attribute: number;
      readonly low: number;
      readonly high: number;
    }
  | {readonly kind: 'contains'; readonly attribute: number; readonly word: string}
  /** Events of a type with now − window ≤ time ≤ now: at least so many. */
  | {
      readonly kind: 'count';
      readonly type: number;
      readonly atLeast: number;
      readonly windowMs: number;
    };

export interface Literal {
  readonly predicate: number;
  readonly negated: boolean;
}

export interface WorkloadAudience {
  readonly id: number;
  readonly clauses: readonly (readonly Literal[])[];
}

export interface AudienceSet {
  readonly predicates: readonly Predicate[];
  readonly audiences: readonly WorkloadAudience[];
}

const ENUM_SIZES = [3, 5, 8, 12, 30, 80, 200, 500];
export const INTEGER_END = 1000;
export const WORD_COUNT = 64;
export const EVENT_TYPES = 50;
/** Simulated time between two events. */
export const EVENT_EVERY_MS = 7000;
const HOUR_MS = 3_600_000;
const WINDOWS_MS = [1, 24, 72, 168, 720].map(hours => hours * HOUR_MS);
const COUNTS = [1, 2, 3, 5];
/** Selectivities are judged for this population, so that the audiences do not depend on its size. */
const JUDGED_PROFILES = 100_000;

const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'je', 'ki'];
/** No word is a part of another: all are four letters, and words are told apart by spaces. */
export const WORDS: readonly string[] = Array.from(
  {length: WORD_COUNT},
  (_, i) => SYLLABLES[i >> 3]! + SYLLABLES[i & 7]!,
);

export const ATTRIBUTES: readonly Attribute[] = [
  ...ENUM_SIZES.map((size, i): Attribute => ({
    name: `choice_${i}`,
    kind: 'enum',
    values: Array.from({length: size}, (_, value) => `v${i}-${value}`),
  })),
  ...Array.from({length: 6}, (_, i): Attribute => ({name: `amount_${i}`, kind: 'integer'})),
  ...Array.from({length: 4}, (_, i): Attribute => ({name: `flag_${i}`, kind: 'boolean'})),
  ...Array.from({length: 2}, (_, i): Attribute => ({name: `note_${i}`, kind: 'text'})),
];

const FIRST_INTEGER = 8;
const FIRST_BOOLEAN = 14;
const FIRST_TEXT = 18;

export const enumRanks = ENUM_SIZES.map(size => new ZipfTable(size, 1));
export const wordRanks = new ZipfTable(WORD_COUNT, 0.5);
export const typeRanks = new ZipfTable(EVENT_TYPES, 1);

export function makeAudiences(count: number, seed: number, isCalm: boolean): AudienceSet {
  const random = new Random(seed);
  const predicates: Predicate[] = [];
  const shares: number[] = [];
  const ids = new Map<string, number>();
  const idOf = (predicate: Predicate): number => {
    const key = JSON.stringify(predicate);
    let id = ids.get(key);
    if (id === undefined) {
      id = predicates.length;
      ids.set(key, id);
      predicates.push(predicate);
      shares.push(shareOf(predicate));
    }
    return id;
  };
  const audiences: WorkloadAudience[] = [];
  while (audiences.length < count) {
    const drawn = drawAudience(random, isCalm);
    if (drawn === undefined) continue;
    const clauses = drawn.map(clause =>
      clause.map(({predicate, negated}) => ({predicate: idOf(predicate), negated})),
    );
    audiences.push({id: audiences.length + 1, clauses});
  }
  return {predicates, audiences};
}

interface Drawn {
  readonly predicate: Predicate;
  readonly negated: boolean;
}

interface Shape {
  readonly kind: Predicate['kind'];
  readonly negated: boolean;
}

const ATTEMPTS = 100;

/** Drawn again until it has the members it should; the kinds of its criteria stay, so that their shares do. */
function drawAudience(random: Random, isCalm: boolean): Drawn[][] | undefined {
  const shapes = drawShapes(random);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const drawn = shapes.map(clause =>
      clause.map(({kind, negated}) => ({predicate: drawPredicate(kind, random), negated})),
    );
    const share = drawn.reduce((product, clause) => product * clauseShare(clause), 1);
    const unrest = unrestOf(drawn, share);
    // Canonical: several per cent of the profiles are members, and a thousand audiences move about eight
    // memberships an event. Calm: few members, and about one.
    const isWanted = isCalm
      ? share >= 0.0002 && share <= 0.01 && unrest <= 0.002
      : share >= 0.005 && share <= 0.2 && unrest <= 0.04;
    if (isWanted) return drawn;
  }
  return undefined;
}

/** 3 to 6 criteria; about a third of the clauses are an OR of two. */
function drawShapes(random: Random): Shape[][] {
  let left = 3 + random.below(4);
  const clauses: Shape[][] = [];
  while (left > 0) {
    const size = left > 1 && random.chance(0.35) ? 2 : 1;
    clauses.push(
      Array.from({length: size}, () => ({kind: drawKind(random), negated: random.chance(0.15)})),
    );
    left -= size;
  }
  return clauses;
}

function drawKind(random: Random): Predicate['kind'] {
  const chance = random.next();
  if (chance < 0.35) return 'equals';
  if (chance < 0.6) return 'range';
  return chance < 0.7 ? 'contains' : 'count';
}

function drawPredicate(kind: Predicate['kind'], random: Random): Predicate {
  switch (kind) {
    case 'equals':
      return drawEquality(random);
    case 'range': {
      const attribute = FIRST_INTEGER + random.below(6);
      const low = (1 + random.below(36)) * 20;
      const form = random.below(3);
      if (form === 0) return {kind, attribute, low, high: Infinity};
      if (form === 1) return {kind, attribute, low: -Infinity, high: low};
      return {kind, attribute, low, high: low + 200};
    }
    case 'contains': {
      const word = WORDS[wordRanks.at(random.next())]!;
      return {kind, attribute: FIRST_TEXT + random.below(2), word};
    }
    case 'count':
      return {
        kind,
        type: typeRanks.at(random.next()),
        atLeast: random.pick(COUNTS),
        windowMs: random.pick(WINDOWS_MS),
      };
  }
}

function drawEquality(random: Random): Predicate {
  const attribute = random.below(12);
  if (attribute >= 8) {
    const flag = FIRST_BOOLEAN + attribute - 8;
    return {kind: 'equals', attribute: flag, value: random.chance(0.5)};
  }
  const {values} = ATTRIBUTES[attribute] as Attribute & {kind: 'enum'};
  const value = values[enumRanks[attribute]!.at(random.next())]!;
  return {kind: 'equals', attribute, value};
}

/** Of all events, those that may move a membership: the type is one of ours, and all else holds. */
function unrestOf(clauses: readonly (readonly Drawn[])[], share: number): number {
  let unrest = 0;
  for (const clause of clauses) {
    for (const {predicate} of clause) {
      if (predicate.kind !== 'count') continue;
      unrest += (typeRanks.shares[predicate.type]! * share) / clauseShare(clause);
    }
  }
  return unrest;
}

function clauseShare(clause: readonly Drawn[]): number {
  let none = 1;
  for (const {predicate, negated} of clause) {
    const share = shareOf(predicate);
    none *= negated ? share : 1 - share;
  }
  return 1 - none;
}

/** Of the profiles, about. */
function shareOf(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'equals': {
      if (typeof predicate.value === 'boolean') return 0.5;
      const {values} = ATTRIBUTES[predicate.attribute] as Attribute & {kind: 'enum'};
      return enumRanks[predicate.attribute]!.shares[values.indexOf(predicate.value)]!;
    }
    case 'range':
      return (Math.min(predicate.high, INTEGER_END) - Math.max(predicate.low, 0)) / INTEGER_END;
    case 'contains':
      return 1 - (1 - wordRanks.shares[WORDS.indexOf(predicate.word)]!) ** 3;
    case 'count': {
      const events = predicate.windowMs / EVENT_EVERY_MS / JUDGED_PROFILES;
      const mean = events * typeRanks.shares[predicate.type]!;
      let fewer = 0;
      for (let n = 0, term = Math.exp(-mean); n < predicate.atLeast; n++, term *= mean / n) {
        fewer += term;
      }
      return 1 - fewer;
    }
  }
}
