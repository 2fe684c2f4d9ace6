/**
 * How much of a shard's thread the filling of audiences may have while events come. Turn and turn about with
 * them it took a third of what a server could take: of a frequent event there are as many to fill in as come.
 */

/** Of the time that events take, and of the time that nothing takes: other threads want the cores too. */
const BUSY_SHARE = 0.15;
const IDLE_SHARE = 0.5;
/** Without an event for so long, all of it. */
const CALM_MS = 50;
/** Saved up at most: no event waits for more. */
const SAVED_MS_MAX = 10;

export class BackgroundShare {
  #allowedMs = 0;
  /** Up to here time is accounted for. */
  #atMs: number;
  #eventMs = -Infinity;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Events were applied meanwhile. */
  events(fromMs: number, toMs: number): void {
    this.#rest(fromMs);
    this.#allow((toMs - fromMs) * BUSY_SHARE);
    this.#atMs = toMs;
    this.#eventMs = toMs;
  }

  /** Whether a slice may begin. One that took too long delays the next. */
  mayWork(nowMs: number): boolean {
    this.#rest(nowMs);
    if (nowMs - this.#eventMs <= CALM_MS) return this.#allowedMs > 0;
    this.#allowedMs = 0;
    return true;
  }

  worked(fromMs: number, toMs: number): void {
    this.#rest(fromMs);
    this.#allowedMs -= toMs - fromMs;
    this.#atMs = toMs;
  }

  /** When it may, if nothing comes; for who would wait longer. */
  get waitMs(): number {
    return Math.min(CALM_MS, Math.max(1, -this.#allowedMs / IDLE_SHARE));
  }

  #rest(nowMs: number): void {
    this.#allow((nowMs - this.#atMs) * IDLE_SHARE);
    this.#atMs = nowMs;
  }

  #allow(ms: number): void {
    this.#allowedMs = Math.min(SAVED_MS_MAX, this.#allowedMs + ms);
  }
}
