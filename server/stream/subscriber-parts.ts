import type {ScopeId} from '../../engine/ids.ts';
import type {Shards} from '../shards/protocol.ts';
import type {FeedWindow} from './feed-window.ts';
import type {Selection} from './selection.ts';
import type {StreamBounds} from './stream-parts.ts';
import type {Turns} from './turns.ts';

/** What all subscribers share. */
export interface SubscriberParts {
  readonly shards: Shards;
  readonly feed: FeedWindow;
  readonly turns: Turns;
  readonly feedId: number;
  readonly bounds: StreamBounds;
  nowMs(): number;
  readonly scopesOf: (audience: number) => readonly ScopeId[];
  /** Audiences whose members a snapshot sends now. */
  audiencesOf(selection: Selection): readonly number[];
}
