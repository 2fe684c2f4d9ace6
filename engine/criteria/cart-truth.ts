/**
 * Cart abandonment: there is a latest add to cart, nothing that ends it came after, and the wait is
 * over.
 */
import type {HistorySlab} from '../histories/history-slab.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import type {CriterionTruth} from './criterion-truth.ts';

export class CartTruth implements CriterionTruth {
  holds = false;
  nextMs = Infinity;
  readonly #added: number;
  readonly #until: number;
  readonly #waitMs: number;
  readonly #retentionMs: number;

  constructor(added: number, until: number, waitMs: number, retentionMs: number) {
    this.#added = added;
    this.#until = until;
    this.#waitMs = waitMs;
    this.#retentionMs = retentionMs;
  }

  evaluate(slab: HistorySlab, _data: ProfileData, nowMs: number): void {
    this.holds = false;
    this.nextMs = Infinity;
    if (!slab.locate(this.#added)) return;
    const end = slab.lowerBound(nowMs + 1);
    if (end < slab.entryCount) this.nextMs = slab.words[slab.entryAt + end * slab.width]!;
    this.nextMs = Math.min(this.nextMs, slab.nextCountingMs(nowMs));
    let latest = end - 1;
    while (latest >= 0 && !slab.counts(latest, nowMs)) latest--;
    const latestMs = latest >= 0 ? slab.words[slab.entryAt + latest * slab.width]! : -Infinity;
    if (latestMs < nowMs - this.#retentionMs) return;
    if (slab.locate(this.#until)) {
      const after = slab.lowerBound(latestMs + 1);
      if (after < slab.entryCount) {
        const endedMs = slab.words[slab.entryAt + after]!;
        if (endedMs <= nowMs) return;
        this.nextMs = Math.min(this.nextMs, endedMs);
      }
    }
    const dueMs = latestMs + this.#waitMs;
    this.holds = nowMs >= dueMs;
    const changesMs = this.holds ? latestMs + this.#retentionMs + 1 : dueMs;
    this.nextMs = Math.min(this.nextMs, changesMs);
  }
}
