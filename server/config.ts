/** Everything that can grow, with its unit and what happens at the bound. */
export const BOUNDS = {
  /** A request's body, as sent and inflated. Beyond it: 413. */
  bodyBytesMax: 8 * 2 ** 20,
  /** Batches in one bulk call. Beyond it: 413. */
  bulkBatchesMax: 100,
  /** Collected and on the way to the slowest shard, not yet durable. At it: 429 with Retry-After. */
  queuedBytesMax: 64 * 2 ** 20,
  /** Bodies being read at the same time, all together. At it: 429 with Retry-After. */
  bodiesBytesMax: 512 * 2 ** 20,
  /** Applied and not yet on its way to the disk. At it the shard waits for the disk. */
  groupBytesMax: 4 * 2 ** 20,
  /**
   * Columns of truth that a shard keeps between questions (estimates, overlaps), unless the operator says
   * otherwise. At it those that were not asked for longest go, and are made again when they are.
   */
  columnBytesMax: 64 * 2 ** 20,
  /**
   * Ids of requests and messages remembered for the event retention, some 20 bytes of memory each. The table
   * doubles up to 2^30 places, 11 GB; beyond it the ids of the oldest days are forgotten, and a repeat of one of
   * them counts again.
   */
  rememberedIdsMax: 350_000_000,
  /** Threads for scans of the journal; further scans wait. */
  jobThreads: 1,
  /** Threads for estimates from the sample; further ones wait. */
  ballotThreads: 2,
  /** Each row that has changed is written behind once in this time. A restart replays up to twice as much. */
  checkpointEveryMs: 15_000,
  /** Counts of joins and leaves are written behind this often. A restart reads the feed since. */
  countsEveryMs: 10_000,
  /** What the builder can offer is written behind this often. A crash forgets what was learned since. */
  suggestionsEveryMs: 60_000,
  /** How far back a cursor can be resumed, unless the operator says otherwise. Beyond it: reset and a snapshot. */
  deltaRetentionMs: 7 * 86_400_000,
  /** Answers under way when the server stops. After it they are cut off. */
  stopGraceMs: 5_000,
  /** Told to a client that has to wait. */
  retryAfterS: 1,
  downloads: {
    /** Made at the same time; others wait. */
    jobsMax: 1,
    /** Waiting. At it: 409. */
    waitingMax: 100,
    /** Kept in the list. At it the oldest that failed or expired is forgotten; with none: 409. */
    recordsMax: 1_000,
    /** Of all files on the disk together. A download that would go beyond it fails. */
    bytesMax: 20 * 2 ** 30,
    /** From ready to expired. */
    keptMs: 86_400_000,
    /** Times one that a restart interrupts is begun; then it fails. */
    attemptsMax: 3,
  },
} as const;
