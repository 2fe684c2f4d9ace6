/**
 * A question put to everybody, a slice at a time, and what stays open to the sample. What is known of
 * everybody narrows what the sample has to answer: of "gold members who bought a tent" only the gold members.
 */
import type {BoundCriterion} from '../criteria/bound-criterion.ts';
import type {Ordinal, ScopeId} from '../ids.ts';
import {isSampled} from '../profiles/sampled.ts';
import type {Shard} from '../shard.ts';
import {Examples} from './examples.ts';
import {evaluate, FALSE, type Formula, OPEN, TRUE} from './formula.ts';
import {pollColumns, slotsOf} from './poll-columns.ts';
import {type AskedDefinition, compileQuestion, type Leaf, type Question} from './question.ts';
import {NUMBER_LEAVES_MAX, type Pattern, Verdicts} from './verdicts.ts';

export interface PollOptions {
  readonly nowMs: number;
  /** The journal is so small that everybody is asked what only it knows. */
  readonly everybody: boolean;
  /** More questions about profiles' facts than this go to the sample. */
  readonly factsMax: number;
  /** Looks at bits between two pauses: two milliseconds are about a million. */
  readonly sliceLooks: number;
}

/** Counts are in the order of `paths`. */
export interface PollResult {
  readonly paths: readonly string[];
  /** For whom it holds, whatever is open. */
  readonly certain: Float64Array;
  /** For whom it depends on what is open. */
  readonly open: Float64Array;
  /** Of the open ones, how many were asked, and for how many it holds. Zero where the ballots have to be counted. */
  readonly asked: Float64Array;
  readonly held: Float64Array;
  /** Some for whom it holds, of each part that is a change. */
  readonly examples: readonly BigInt64Array[];
  /** The open ones who were asked, when the journal has to say the rest. */
  readonly ballots: Ballots | undefined;
}

/** Everything that the journal has to be asked for, and by whom. Survives structured cloning. */
export interface Ballots {
  readonly hi: Int32Array;
  readonly lo: Uint32Array;
  /** Watermark at which each profile appeared: older entries are of another life. */
  readonly born: Float64Array;
  /** Workspaces that criteria ask for, and for each profile, one after the other, 1 for those that know it. */
  readonly scopes: readonly ScopeId[];
  readonly isKnown: Uint8Array;
  /** Truth of every leaf, profile after profile. */
  readonly values: Uint8Array;
  /** 1 for leaves that everybody was asked. */
  readonly isGeneral: Uint8Array;
  /** By leaf; undefined where the truth is known. */
  readonly criteria: readonly (BoundCriterion | undefined)[];
  readonly paths: readonly string[];
  readonly formulas: readonly Formula[];
}

export function* poll(
  shard: Shard,
  asked: AskedDefinition,
  options: PollOptions,
): Generator<undefined, PollResult> {
  for (;;) {
    const {generation} = shard.graph;
    const question = compileQuestion(shard, asked);
    const slots = slotsOf(question);
    if (slots !== undefined && shard.columns.fits(slots.length)) {
      const result = yield* pollColumns(shard, {question, slots}, options);
      if (result === undefined) continue;
      return result;
    }
    const pass = new Pass(shard, question, options);
    while (pass.from < shard.table.end) {
      if (pass.from > 0) yield;
      // A slot that means something else now: what was counted is of no use.
      if (shard.graph.generation !== generation) break;
      pass.slice();
    }
    if (pass.from >= shard.table.end) return pass.result();
  }
}

/** What a look at a profile's facts or histories costs, in looks at bits. */
const FACT_LOOKS = 40;
/** What a profile costs before anything of it is looked at. */
const ROW_LOOKS = 8;

class Pass {
  from: Ordinal = 0;
  readonly #shard: Shard;
  readonly #question: Question;
  readonly #options: PollOptions;
  /** Leaves that everybody is asked; the rest is asked of the sample. */
  readonly #isGeneral: Uint8Array;
  readonly #general: readonly number[];
  readonly #hasEvents: boolean;
  /** That calculated attributes of the journal ask for. */
  readonly #scopes: readonly ScopeId[];
  readonly #sliceRows: number;
  readonly #verdicts: Verdicts;
  readonly #asked: Float64Array;
  readonly #held: Float64Array;
  readonly #examples: readonly Examples[];
  readonly #showsExamples: boolean;
  readonly #ballots = {
    hi: [] as number[],
    lo: [] as number[],
    born: [] as number[],
    isKnown: [] as number[],
    values: [] as number[],
  };

  constructor(shard: Shard, question: Question, options: PollOptions) {
    this.#shard = shard;
    this.#question = question;
    this.#options = options;
    const {leaves, parts} = question;
    const facts = leaves.filter(({kind}) => kind === 'truth').length;
    const asksFacts = facts * shard.table.count <= options.factsMax;
    this.#isGeneral = Uint8Array.from(leaves, ({kind}) =>
      kind === 'bit' || (kind === 'truth' && asksFacts) ? 1 : 0,
    );
    this.#general = [...leaves.keys()].filter(number => this.#isGeneral[number] === 1);
    this.#hasEvents = leaves.some(({kind}) => kind === 'events');
    this.#scopes = [...new Set(leaves.flatMap(scopesOf))];
    const looks = ROW_LOOKS + leaves.length + (asksFacts ? facts * FACT_LOOKS : 0);
    this.#sliceRows = Math.max(64, Math.floor(options.sliceLooks / looks));
    this.#verdicts = new Verdicts(question, this.#general);
    this.#asked = new Float64Array(parts.length);
    this.#held = new Float64Array(parts.length);
    this.#examples = parts.map(({path}) => Examples.for(path));
    this.#showsExamples = this.#examples.some(({isShown}) => isShown);
  }

  slice(): void {
    const {table, rows} = this.#shard;
    const end = Math.min(table.end, this.from + this.#sliceRows);
    const general = this.#general.map(number => this.#question.leaves[number]!);
    const slots = Int32Array.from(general, each => (each.kind === 'bit' ? each.slot : -1));
    const hasFacts = slots.includes(-1);
    const isNarrow = slots.length <= NUMBER_LEAVES_MAX;
    rows.forEachBlock(this.from, end, (words, at, stride, first, count) => {
      for (let row = 0, base = at; row < count; row++, base += stride) {
        const ordinal = first + row;
        if (hasFacts && !table.isLive(ordinal)) continue;
        let pattern: Pattern = isNarrow ? 0 : '';
        for (let i = 0; i < slots.length; i++) {
          const slot = slots[i]!;
          const holds =
            slot >= 0
              ? (words[base + (slot >>> 5)]! >>> (slot & 31)) & 1
              : this.#ask(ordinal, general[i] as Leaf & {kind: 'truth'});
          if (typeof pattern === 'number') pattern |= holds << i;
          else pattern += holds;
        }
        // A row without a profile has no bit.
        if (!Number(pattern) && !table.isLive(ordinal)) continue;
        this.#count(ordinal, pattern);
      }
    });
    this.from = end;
  }

  result(): PollResult {
    const {parts, leaves} = this.#question;
    const paths = parts.map(({path}) => path);
    const {hi, lo, born, isKnown, values} = this.#ballots;
    this.#verdicts.close();
    return {
      paths,
      certain: this.#verdicts.certain,
      open: this.#verdicts.open,
      asked: this.#asked,
      held: this.#held,
      examples: this.#examples.map(each => each.mpids()),
      ballots: !this.#hasEvents
        ? undefined
        : {
            hi: Int32Array.from(hi),
            lo: Uint32Array.from(lo),
            born: Float64Array.from(born),
            scopes: this.#scopes,
            isKnown: Uint8Array.from(isKnown),
            values: Uint8Array.from(values),
            isGeneral: this.#isGeneral,
            criteria: leaves.map(each => (each.kind === 'events' ? each.bound : undefined)),
            paths,
            formulas: parts.map(({formula}) => formula),
          },
    };
  }

  #count(ordinal: Ordinal, pattern: Pattern): void {
    const verdict = this.#verdicts.count(pattern);
    const isOpen = verdict.includes(OPEN);
    if (!isOpen && !this.#showsExamples) return;
    const hi = this.#shard.table.hi(ordinal);
    const lo = this.#shard.table.lo(ordinal);
    if (this.#showsExamples) {
      for (let part = 0; part < verdict.length; part++) {
        if (verdict[part] === TRUE) this.#examples[part]!.offer(hi, lo);
      }
    }
    if (isOpen && (this.#options.everybody || isSampled(hi, lo))) {
      this.#askOne(ordinal, pattern, verdict);
    }
  }

  /** Of the sample: what everybody could not be asked. */
  #askOne(ordinal: Ordinal, pattern: Pattern, verdict: Uint8Array): void {
    const {leaves, parts} = this.#question;
    this.#verdicts.show(pattern);
    const values = this.#verdicts.values.slice();
    for (let number = 0; number < leaves.length; number++) {
      const each = leaves[number]!;
      if (each.kind !== 'truth' || this.#isGeneral[number] === 1) continue;
      values[number] = this.#ask(ordinal, each) === 1 ? TRUE : FALSE;
    }
    const hi = this.#shard.table.hi(ordinal);
    const lo = this.#shard.table.lo(ordinal);
    if (this.#hasEvents) {
      this.#ballots.hi.push(hi);
      this.#ballots.lo.push(lo);
      const data = this.#shard.data(ordinal)!;
      this.#ballots.born.push(data.born);
      for (const scope of this.#scopes) {
        this.#ballots.isKnown.push(data.find(scope) === undefined ? 0 : 1);
      }
      for (const value of values) this.#ballots.values.push(value);
      return;
    }
    for (let part = 0; part < parts.length; part++) {
      if (verdict[part] !== OPEN) continue;
      this.#asked[part]!++;
      if (evaluate(parts[part]!.formula, values) !== TRUE) continue;
      this.#held[part]!++;
      this.#examples[part]!.offer(hi, lo);
    }
  }

  #ask(ordinal: Ordinal, {truth}: Leaf & {kind: 'truth'}): 0 | 1 {
    const {slab} = this.#shard;
    slab.open(ordinal);
    const nowMs = Math.max(this.#options.nowMs, this.#shard.nowMs);
    truth.evaluate(slab, this.#shard.data(ordinal)!, nowMs);
    return truth.holds ? 1 : 0;
  }
}

function scopesOf(leaf: Leaf): ScopeId[] {
  if (leaf.kind !== 'events' || leaf.bound.kind !== 'calculated') return [];
  return leaf.bound.calculations.map(({scope}) => scope);
}
