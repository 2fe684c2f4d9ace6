import {expect, test} from 'vitest';
import {FeedWalk} from '../../server/stream/feed-walk.ts';
import {FeedWindow} from '../../server/stream/feed-window.ts';
import {membersAsOf} from '../../server/stream/members-as-of.ts';
import {Position} from '../../server/stream/position.ts';
import {Selection} from '../../server/stream/selection.ts';
import {Turns} from '../../server/stream/turns.ts';
import {FeedShards} from '../support/feed-shards.ts';

const BOUNDS = {ringBytesMax: 2_000, diskCacheBytesMax: 2_000, diskReadBytes: 200};

function following(shards: FeedShards, bounds = BOUNDS): FeedWindow {
  const feed = new FeedWindow(shards, bounds);
  shards.onCommit((shard, watermark, deltas) => feed.append(shard, watermark, deltas));
  return feed;
}

/** What a walk from there shows, as `shard:watermark/index`. */
function walked(feed: FeedWindow, from: Position): string[] {
  const seen: string[] = [];
  const walk = new FeedWalk(feed, from);
  const end = walk.run((records, index, shard) => {
    seen.push(`${shard}:${records.watermark}/${index}`);
    return true;
  }, Infinity);
  expect(end).toBe('caught up');
  expect(walk.position().watermarks).toEqual(feed.heads());
  return seen;
}

test('entries are read from memory and from disk alike', () => {
  const shards = new FeedShards(2);
  shards.add(1, 0n, 1n);
  const feed = following(shards);
  for (let mpid = 2n; mpid < 60n; mpid++) shards.add(1, mpid);
  const seen = walked(feed, Position.at([0, 0]));
  expect(seen).toHaveLength(60);
  expect(new Set(seen).size).toBe(60);
  expect(shards.diskReads).toBeGreaterThan(2);
  expect(walked(feed, Position.at([29, 28]))).toEqual(['0:30/0', '1:29/0', '1:30/0']);
});

test('what is on disk and was not told yet is not shown', () => {
  const shards = new FeedShards(1);
  shards.add(1, 1n);
  const feed = following(shards);
  const untold = shards.write(0, [{audience: 1, mpid: 2n, action: 'add'}]);
  expect(walked(feed, Position.at([0]))).toEqual(['0:1/0']);
  shards.tell(0, untold);
  expect(walked(feed, Position.at([1]))).toEqual(['0:2/0']);
});

test('an entry that is larger than all the memory is read from disk', () => {
  const shards = new FeedShards(1);
  const feed = following(shards);
  shards.add(1, ...Array.from({length: 500}, (_, at) => BigInt(at)));
  shards.add(1, 1000n);
  expect(walked(feed, Position.at([0]))).toHaveLength(501);
});

test('deltas are lost only to those who still need them', () => {
  const shards = new FeedShards(1);
  const feed = following(shards);
  for (let mpid = 0n; mpid < 60n; mpid++) shards.add(1, mpid);
  shards.cut(0, 40);
  expect(feed.isLost(0, 39)).toBe(true);
  expect(feed.isLost(0, 40)).toBe(false);
  shards.cut(0, 60);
  // Still in memory.
  expect(feed.isLost(0, 59)).toBe(false);
});

test('walks take the shards in turn, and go on in the midst of an entry', () => {
  const shards = new FeedShards(2);
  const feed = following(shards);
  shards.add(1, 0n, 2n, 4n);
  shards.add(1, 6n);
  shards.add(1, 1n);
  const walk = new FeedWalk(feed, Position.at([0, 0]));
  const seen: string[] = [];
  const takeTwo = (_records: unknown, index: number, shard: number): boolean => {
    if (seen.length === 2) return false;
    seen.push(`${shard}/${index}`);
    return true;
  };
  expect(walk.run(takeTwo, Infinity)).toBe('refused');
  expect(walk.position()).toMatchObject({watermarks: [0, 0], indexes: [2, 0]});
  expect(walked(feed, walk.position())).toEqual(['0:1/2', '1:1/0', '0:2/0']);
});

test.each([
  ['ahead of the moment', 2],
  ['at the moment', 4],
  ['behind the moment', 6],
])('members are told as of a moment when the shard is %s', async (_case, watermark) => {
  const shards = new FeedShards(1);
  const feed = following(shards);
  // After each entry: {1,2} {1,2,3} {2,3} {2,3,4} {1,2,4} {1,4}
  const states = [
    [1n, 2n],
    [1n, 2n, 3n],
    [2n, 3n],
    [2n, 3n, 4n],
    [1n, 2n, 4n],
    [1n, 4n],
  ];
  shards.add(1, 1n, 2n);
  shards.add(1, 3n);
  shards.delete(1, 1n);
  shards.add(1, 4n);
  const atFour = await shards.call(0, 'snapshot', {audience: 1, after: undefined, limit: 101});
  shards.commit(0, [
    {audience: 1, mpid: 3n, action: 'delete'},
    {audience: 1, mpid: 1n, action: 'add'},
  ]);
  shards.delete(1, 2n);
  const answering = Object.create(shards, {
    call: {value: () => Promise.resolve(atFour)},
  }) as FeedShards;
  const parts = {shards: answering, feed, turns: new Turns(2)};
  const query = {shard: 0, audience: 1, watermark, after: undefined, limit: 100};
  const {mpids, sinceMs, upTo} = await membersAsOf(parts, query);
  expect(Array.from(mpids.toSorted())).toEqual(states[watermark - 1]);
  expect(upTo).toBeUndefined();
  expect(sinceMs).toHaveLength(mpids.length);
});

test('members come in windows that leave out nobody', async () => {
  const shards = new FeedShards(1);
  const feed = following(shards);
  shards.add(1, ...Array.from({length: 10}, (_, at) => BigInt(at - 5)));
  const parts = {shards, feed, turns: new Turns(2)};
  const all: bigint[] = [];
  let after: bigint | undefined;
  do {
    const query = {shard: 0, audience: 1, watermark: shards.durable(0), after, limit: 4};
    const window = await membersAsOf(parts, query);
    all.push(...window.mpids);
    after = window.upTo;
  } while (after !== undefined);
  expect(all).toEqual([-5n, -4n, -3n, -2n, -1n, 0n, 1n, 2n, 3n, 4n]);
});

test('deltas of the erased are told to nobody any more, remembered or read, and the others keep their places', () => {
  const shards = new FeedShards(1);
  // Room for all that was read from disk, as it was before it changed there.
  const feed = following(shards, {...BOUNDS, diskCacheBytesMax: 1_000_000});
  shards.add(1, 1n, 2n, 3n);
  for (let mpid = 10n; mpid < 60n; mpid++) shards.add(1, mpid);
  const selection = new Selection({
    principal: {tokenId: 0, role: 'admin', mayStream: () => true, identities: undefined},
    audiences: 'all',
    attributes: new Set(),
    variants: undefined,
    variantOf: undefined,
  });
  const told = (): string[] => {
    const seen: string[] = [];
    new FeedWalk(feed, Position.at([0])).run((records, index) => {
      if (selection.passes(records.deltas, index)) seen.push(`${records.watermark}/${index}`);
      return true;
    }, Infinity);
    return seen;
  };
  // Both from disk, where the oldest are by now, and from memory.
  const before = told();
  expect(before).toHaveLength(53);
  feed.erase(0, {watermark: 1, indexes: [0, 2]});
  feed.erase(0, {watermark: 51, indexes: [0]});
  feed.erase(0, {watermark: 999, indexes: [0]});
  const gone = new Set(['1/0', '1/2', '51/0']);
  expect(told()).toEqual(before.filter(place => !gone.has(place)));
});
