import type {HistorySlab} from '../histories/history-slab.ts';
import type {ProfileData} from '../profiles/profile-data.ts';

/** One profile at the moment that is explained; its histories are open in the slab, and stay so. */
export interface Present {
  readonly slab: HistorySlab;
  readonly data: ProfileData;
  readonly atMs: number;
  readonly eventRetentionMs: number;
}
