/**
 * A poll of which every leaf is a bit, from columns: formulas over words instead of a look at every row for every
 * leaf. The same counts and examples as row by row, and all of them certain.
 */
import {forEachBit} from '../bitmaps/bitmap.ts';
import {countBits} from '../bitmaps/count-bits.ts';
import {CHUNK_WORDS, walkColumns} from '../bitmaps/walk-columns.ts';
import type {Ordinal} from '../ids.ts';
import type {Shard} from '../shard.ts';
import {EXAMPLE_LOOKS, Examples} from './examples.ts';
import type {PollOptions, PollResult} from './poll.ts';
import type {Question} from './question.ts';
import {WordFormulas} from './word-formulas.ts';

/** What an operation on a chunk takes, in looks at bits. */
const OPERATION_LOOKS = CHUNK_WORDS / 2;

/** The slots of a question that columns can answer. */
export function slotsOf({leaves}: Question): number[] | undefined {
  const slots = leaves.flatMap(leaf => (leaf.kind === 'bit' ? [leaf.slot] : []));
  return slots.length === leaves.length ? slots : undefined;
}

/** undefined: the graph has changed meanwhile, and the question has to be compiled again. */
export function* pollColumns(
  shard: Shard,
  {question: {parts}, slots}: {readonly question: Question; readonly slots: readonly number[]},
  {sliceLooks}: PollOptions,
): Generator<undefined, PollResult | undefined> {
  const {table} = shard;
  const formulas = new WordFormulas(CHUNK_WORDS);
  const certain = new Float64Array(parts.length);
  const examples = parts.map(({path}) => Examples.for(path));
  const operations = parts.reduce((sum, {formula}) => sum + formula.length, 0);
  const count = (words: readonly Uint32Array[], from: Ordinal): number => {
    let looks = operations * OPERATION_LOOKS;
    for (const [part, {formula}] of parts.entries()) {
      // Every part is of the population, so no bit is set where nobody is.
      const holds = formulas.evaluate(formula, words);
      const size = countAll(holds);
      certain[part]! += size;
      const shown = examples[part]!;
      if (!shown.isShown) continue;
      forEachBit(holds, from, ordinal => shown.offer(table.hi(ordinal), table.lo(ordinal)));
      looks += size * EXAMPLE_LOOKS;
    }
    return looks;
  };
  const isWhole = yield* walkColumns(shard, slots, count, sliceLooks);
  if (!isWhole) return undefined;
  return {
    paths: parts.map(({path}) => path),
    certain,
    open: new Float64Array(parts.length),
    asked: new Float64Array(parts.length),
    held: new Float64Array(parts.length),
    examples: examples.map(each => each.mpids()),
    ballots: undefined,
  };
}

function countAll(words: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) count += countBits(words[i]!);
  return count;
}
