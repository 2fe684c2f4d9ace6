/** Windows that end when a bench wants them to: one event for every profile, a window before its moment. */
import {mpidOf} from '../workload-records.ts';
import {Random} from './random.ts';

const BATCHES_A_REQUEST = 100;

export interface WindowEnds {
  readonly profiles: number;
  readonly eventName: string;
  readonly windowMs: number;
  /** The last millisecond in which the event of a profile counts. */
  readonly lastMs: Float64Array;
}

/** In random order within `spreadMs` after `startMs`. */
export function windowEnds(
  about: Omit<WindowEnds, 'lastMs'>,
  {startMs, spreadMs}: {startMs: number; spreadMs: number},
): WindowEnds {
  const random = new Random(7);
  const lastMs = Float64Array.from({length: about.profiles}, () =>
    Math.floor(startMs + random.next() * spreadMs),
  );
  return {...about, lastMs};
}

/** Batches, a request's worth at a time. */
export function* endingBatches(ends: WindowEnds): Generator<object[]> {
  const {profiles, eventName, windowMs, lastMs} = ends;
  for (let first = 0; first < profiles; first += BATCHES_A_REQUEST) {
    yield Array.from({length: Math.min(BATCHES_A_REQUEST, profiles - first)}, (_, i) => ({
      mpid: String(mpidOf(first + i)),
      environment: 'production',
      events: [
        {
          event_type: 'custom_event',
          data: {
            event_name: eventName,
            custom_event_type: 'other',
            timestamp_unixtime_ms: lastMs[first + i]! - windowMs,
          },
        },
      ],
    }));
  }
}
