import {expect, test} from 'vitest';
import {BackgroundShare} from '../../server/shards/background-share.ts';

/** What background got of `totalMs`, with slices of `sliceMs` whenever it may, beside events that take `eventMs` of each 10 ms. */
function shareOf({eventMs, sliceMs}: {eventMs: number; sliceMs: number}): number {
  const share = new BackgroundShare(0);
  const totalMs = 100_000;
  let worked = 0;
  let nowMs = 0;
  let nextMs = 0;
  while (nowMs < totalMs) {
    if (nowMs >= nextMs && eventMs > 0) {
      share.events(nowMs, nowMs + eventMs);
      nowMs += eventMs;
      // Whoever is behind has the next ones waiting.
      nextMs += 10;
    } else if (share.mayWork(nowMs)) {
      share.worked(nowMs, nowMs + sliceMs);
      worked += sliceMs;
      nowMs += sliceMs;
    } else nowMs += Math.min(share.waitMs, Math.max(0.1, nextMs - nowMs));
    if (eventMs >= 10 && share.mayWork(nowMs)) {
      share.worked(nowMs, nowMs + sliceMs);
      worked += sliceMs;
      nowMs += sliceMs;
    }
  }
  return worked / nowMs;
}

test('beside as many events as a thread can take, filling has an eighth of it, however long its slices are', () => {
  for (const sliceMs of [2, 3, 40]) {
    const share = shareOf({eventMs: 10, sliceMs});
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.15);
  }
});

test('beside few events it has much of what they leave, and alone all of it', () => {
  expect(shareOf({eventMs: 5, sliceMs: 2})).toBeGreaterThan(0.15);
  expect(shareOf({eventMs: 5, sliceMs: 2})).toBeLessThan(0.35);
  expect(shareOf({eventMs: 0.5, sliceMs: 2})).toBeGreaterThan(0.3);
  expect(shareOf({eventMs: 0, sliceMs: 2})).toBeGreaterThan(0.99);
});

test('a pause in which nothing came is not made up for while events wait', () => {
  const share = new BackgroundShare(0);
  share.events(60_000, 60_001);
  let slices = 0;
  for (let nowMs = 60_001; share.mayWork(nowMs) && slices < 100; slices++) {
    share.worked(nowMs, nowMs + 1);
    nowMs += 1;
    share.events(nowMs, nowMs + 1);
    nowMs += 1;
  }
  expect(slices).toBeLessThan(15);
});
