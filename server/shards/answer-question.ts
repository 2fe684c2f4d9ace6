/**
 * Questions that look at every profile of a shard. They are answered in slices between batches, so that
 * no event waits for more than one slice.
 */
import {memberSample} from '../../engine/questions/member-sample.ts';
import {overlapCounts} from '../../engine/questions/overlap-counts.ts';
import {poll, type PollResult} from '../../engine/questions/poll.ts';
import type {CallContext} from './answer-call.ts';
import type {FailedPoll, ShardCalls, ShardPoll} from './protocol.ts';

const QUESTIONS = ['memberSample', 'overlaps', 'poll'] as const;
export type QuestionMethod = (typeof QUESTIONS)[number];

export function isQuestion(method: string): method is QuestionMethod {
  return (QUESTIONS as readonly string[]).includes(method);
}

/** A journal of this size is read in a tenth of a second: everybody is asked, and the answer is exact. */
const JOURNAL_BYTES_MAX = 16 * 2 ** 20;
const PROFILES_MAX = 100_000;
/** Looks at profiles' facts, which take about a tenth of a second; beyond it the sample is asked. */
const FACTS_MAX = 250_000;
const SLICE_LOOKS = 500_000;

export function answerQuestion(
  context: CallContext,
  method: QuestionMethod,
  args: unknown,
): Generator<undefined, unknown> {
  const {shard} = context.durable;
  switch (method) {
    case 'memberSample':
      return memberSample(shard, args as ShardCalls['memberSample']['args']);
    case 'overlaps':
      return overlapCounts(shard, (args as ShardCalls['overlaps']['args']).audiences);
    case 'poll':
      return pollShard(context, args as ShardCalls['poll']['args']);
  }
}

function* pollShard(
  {durable, store, nowMs}: CallContext,
  asked: ShardCalls['poll']['args'],
): Generator<undefined, ShardPoll | FailedPoll> {
  const {shard} = durable;
  const isComplete =
    shard.table.count <= PROFILES_MAX && store.bytes('journal') <= JOURNAL_BYTES_MAX;
  const options = {nowMs, everybody: isComplete, factsMax: FACTS_MAX, sliceLooks: SLICE_LOOKS};
  let result: PollResult;
  try {
    result = yield* poll(shard, asked, options);
  } catch (error) {
    return {failed: error instanceof Error ? error.message : String(error)};
  }
  const until = durable.watermark;
  return {
    ...result,
    isComplete,
    box: {
      nowMs,
      until,
      journalUntil: isComplete ? until : durable.sampleSince,
      eventRetentionMs: shard.options.eventRetentionMs,
    },
  };
}
