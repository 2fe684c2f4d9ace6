/**
 * Which node each bit of a stored row is, so that rows bring their truth along and a restart need not make
 * it again. A node is named by the hash of what it means; slots may be others after a restart, so bits are
 * moved to where their node is now, and only nodes that a row does not know are asked.
 */
import {createHash} from 'node:crypto';
import type {ExpressionGraph} from '../engine/expressions/expression-graph.ts';

/** Raised when the meaning of any criterion changes between releases: then no stored truth is taken over. */
const MEANING = 1;
const NAME_CHARACTERS = 20;

export interface TruthLayout {
  readonly meaning: number;
  /** Name of each slot's node; '' where rows have nothing. */
  readonly names: readonly string[];
}

/** Where it is kept among the store's facts. */
export function layoutKey(number: number): string {
  return `layout ${number}`;
}

export function layoutOf(graph: ExpressionGraph): TruthLayout {
  const names: string[] = Array.from({length: graph.end}, () => '');
  const slots = names.map((_, slot) => slot).filter(slot => graph.isUsed(slot));
  slots.sort((a, b) => graph.level(a) - graph.level(b));
  for (const slot of slots) {
    const key = graph.criterionKey(slot) ?? combinationKey(graph, slot, names);
    names[slot] = createHash('sha1').update(key).digest('hex').slice(0, NAME_CHARACTERS);
  }
  // Their names were needed for what is above them; their bits are not right yet.
  for (const slot of slots) if (graph.isFresh(slot)) names[slot] = '';
  return {meaning: MEANING, names};
}

function combinationKey(graph: ExpressionGraph, slot: number, names: readonly string[]): string {
  const nameOf = (literal: number): string =>
    `${(literal & 1) === 1 ? '!' : ''}${names[literal >> 1]}`;
  const clauses = graph.clauses(slot).map(clause => clause.map(nameOf).sort().join('|'));
  return `${graph.isAnd(slot) ? 'and' : 'or'} ${clauses.sort().join(' ')}`;
}

/** How to take over rows of a stored layout. */
export interface TruthMove {
  /** The bits are where they were. */
  readonly isSame: boolean;
  /** New slot by old slot; −1 where the node is gone. */
  readonly to: Int32Array;
  /** Nodes that the stored rows do not know, children before parents. */
  readonly missing: readonly number[];
}

/** undefined: nothing of it can be used. */
export function moveBetween(stored: TruthLayout, graph: ExpressionGraph): TruthMove | undefined {
  if (stored.meaning !== MEANING) return undefined;
  const present = layoutOf(graph).names;
  const slotOf = new Map(present.map((name, slot) => [name, slot]));
  slotOf.delete('');
  const to = Int32Array.from(stored.names, name => slotOf.get(name) ?? -1);
  const known = new Set(to);
  const missing = present
    .map((_, slot) => slot)
    .filter(slot => graph.isUsed(slot) && !known.has(slot))
    .sort((a, b) => graph.level(a) - graph.level(b) || a - b);
  const isSame = to.every((slot, old) => slot === old || stored.names[old] === '');
  return {isSame, to, missing};
}

/** The row's bits at their new places. */
export function moveBits(words: Uint32Array, move: TruthMove, wordCount: number): Uint32Array {
  if (move.isSame) return words;
  const moved = new Uint32Array(wordCount);
  for (let i = 0; i < words.length; i++) {
    for (let word = words[i]!; word !== 0; word &= word - 1) {
      const slot = move.to[i * 32 + 31 - Math.clz32(word & -word)] ?? -1;
      if (slot >= 0) moved[slot >>> 5]! |= 1 << (slot & 31);
    }
  }
  return moved;
}
