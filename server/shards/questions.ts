/**
 * Questions to all shards at once, and what remains open to the sample: sizes of definitions that are not
 * saved, of changes, of intersections.
 */
import {intersectionSizes} from '../../engine/questions/overlap-counts.ts';
import {type Count, estimate, type Estimate} from '../../engine/questions/estimate.ts';
import {Examples} from '../../engine/questions/examples.ts';
import type {AskedDefinition} from '../../engine/questions/question.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import type {BallotBox, BallotCount} from '../../storage/count-ballots.ts';
import {ShardUnavailableError} from './shard-unavailable.ts';
import type {FailedPoll, ShardPoll, Shards} from './protocol.ts';

export interface PartEstimate {
  /** As in `QuestionPart`. */
  readonly path: string;
  readonly estimate: Estimate;
  /** Some for whom it holds, of what a change does. */
  readonly examples: readonly bigint[];
}

export interface QuestionParts {
  readonly shards: Pick<Shards, 'call' | 'callAll' | 'count'>;
  readonly countBallots: (shard: number, box: BallotBox) => Promise<BallotCount>;
  /** An estimate could not be made; whoever asked is told as much. */
  readonly onError: (error: unknown) => void;
}

/** Estimates made at the same time; others wait. */
const POLLS_MAX = 4;

export class Questions {
  readonly #parts: QuestionParts;
  #polls = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: QuestionParts) {
    this.#parts = parts;
  }

  /** Entry `set` is the size of the intersection of the audiences whose positions are bits of `set`. */
  async overlaps(audiences: readonly number[]): Promise<{sizes: Float64Array; only: Float64Array}> {
    const counts = await this.#parts.shards.callAll('overlaps', {audiences});
    const only = new Float64Array(1 << audiences.length);
    for (const count of counts)
      for (let set = 0; set < only.length; set++) only[set]! += count[set]!;
    return {sizes: intersectionSizes(only), only};
  }

  /** The whole first (path ''), then every criterion, then what a change does. */
  async estimates(asked: AskedDefinition): Promise<readonly PartEstimate[]> {
    while (this.#polls >= POLLS_MAX) {
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    }
    this.#polls++;
    try {
      return await this.#estimates(asked);
    } finally {
      this.#polls--;
      this.#waiting.shift()?.();
    }
  }

  async #estimates(asked: AskedDefinition): Promise<readonly PartEstimate[]> {
    const {shards} = this.#parts;
    const answers = await Promise.all(
      Array.from({length: shards.count}, (_, shard) => this.#poll(shard, asked)),
    );
    const failed = answers.find(answer => 'failed' in answer);
    if (failed !== undefined) {
      return [{path: '', estimate: {kind: 'failed', reason: failed.failed}, examples: []}];
    }
    const polls = answers.flatMap(answer => ('failed' in answer ? [] : [answer]));
    return (polls[0]?.paths ?? []).map((path, part) => ({
      path,
      estimate: estimate(polls.map(poll => countOf(poll, part))),
      examples: together(
        path,
        polls.map(poll => poll.examples[part]!),
      ),
    }));
  }

  async #poll(shard: number, asked: AskedDefinition): Promise<ShardPoll | FailedPoll> {
    try {
      const poll = await this.#parts.shards.call(shard, 'poll', asked);
      if ('failed' in poll || poll.ballots === undefined) return poll;
      const {ballots, box} = poll;
      const count = await this.#parts.countBallots(shard, {...box, ballots});
      const examples = poll.examples.map((own, part) =>
        BigInt64Array.from([...own, ...count.examples[part]!]),
      );
      return {...poll, asked: count.asked, held: count.held, examples};
    } catch (error) {
      if (error instanceof ShardUnavailableError) return {failed: error.message};
      this.#parts.onError(error);
      return {failed: 'the sample could not be read'};
    }
  }
}

function countOf({certain, open, asked, held, isComplete}: ShardPoll, part: number): Count {
  return {
    certain: certain[part]!,
    open: open[part]!,
    asked: asked[part]!,
    held: held[part]!,
    isComplete,
  };
}

function together(path: string, of: readonly BigInt64Array[]): readonly bigint[] {
  const examples = Examples.for(path);
  for (const mpids of of) for (const mpid of mpids) examples.offer(mpidHi(mpid), mpidLo(mpid));
  return [...examples.mpids()];
}
