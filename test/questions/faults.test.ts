/** What is said when an estimate cannot be computed, which is something else than too small a sample. */
import {expect, test} from 'vitest';
import {ShardUnavailableError} from '../../server/shards/shard-unavailable.ts';
import type {ShardPoll, Shards} from '../../server/shards/protocol.ts';
import {type PartEstimate, Questions} from '../../server/shards/questions.ts';

const POLL: ShardPoll = {
  paths: ['', 'definition'],
  certain: Float64Array.of(4, 4),
  open: Float64Array.of(0, 0),
  asked: Float64Array.of(0, 0),
  held: Float64Array.of(0, 0),
  examples: [new BigInt64Array(), new BigInt64Array()],
  ballots: undefined,
  isComplete: true,
  box: {nowMs: 0, until: 0, journalUntil: 0, eventRetentionMs: 1},
};
const ASKED = {} as Parameters<Questions['estimates']>[0];

/** Of two shards, which say what they are told to. */
async function ask(
  ...answers: readonly (() => unknown)[]
): Promise<{told: readonly PartEstimate[]; errors: unknown[]}> {
  const errors: unknown[] = [];
  const call = (shard: number): Promise<unknown> =>
    new Promise(resolve => resolve(answers[shard]!()));
  const questions = new Questions({
    shards: {count: answers.length, call, callAll: call} as unknown as Shards,
    countBallots: () => Promise.reject(new Error('not asked')),
    onError: error => errors.push(error),
  });
  return {told: await questions.estimates(ASKED), errors};
}

test('the sizes of all shards are one', async () => {
  const {told} = await ask(
    () => POLL,
    () => POLL,
  );
  expect(told.map(({path, estimate}) => [path, estimate])).toEqual([
    ['', {kind: 'exact', size: 8}],
    ['definition', {kind: 'exact', size: 8}],
  ]);
});

test.each([
  [
    'a definition that a shard cannot compile',
    () => ({failed: 'no such audience'}),
    'no such audience',
  ],
  ['a shard that restarts', restarting, 'a shard is restarting; try again in a moment'],
])('%s is a fault with its reason, and no size', async (_, answer, reason) => {
  const {told, errors} = await ask(() => POLL, answer);
  expect(told).toEqual([{path: '', estimate: {kind: 'failed', reason}, examples: []}]);
  expect(errors).toEqual([]);
});

test('a defect is a fault too, and its words go to the log', async () => {
  const {told, errors} = await ask(
    () => POLL,
    () => {
      throw new TypeError('x is undefined');
    },
  );
  expect(told[0]?.estimate).toEqual({kind: 'failed', reason: 'the sample could not be read'});
  expect(errors).toHaveLength(1);
});

function restarting(): never {
  throw new ShardUnavailableError();
}
