import {Type} from 'typebox';
import type {AudienceBook} from '../catalog/audience-book.ts';
import {type AudienceCounts, HISTORY_HOURS} from '../counts/audience-counts.ts';
import {HOUR_MS} from '../counts/hour-cells.ts';
import type {AudienceStates} from './audience-states.ts';
import {ApiError} from './errors.ts';
import {visibleAudience} from './find-audience.ts';
import {parseId} from './pages.ts';
import {route} from './route.ts';
import type {ApiRoute} from './route.ts';

export interface HistoryRouteParts {
  readonly audiences: AudienceBook;
  readonly states: AudienceStates;
  readonly counts: Pick<AudienceCounts, 'hours' | 'sinceMs'>;
}

const Count = Type.Integer({minimum: 0, examples: [342]});
const Hour = {
  at_ms: Type.Integer({description: 'When the hour begins', examples: [1_790_000_000_000]}),
  size: Type.Integer({
    minimum: 0,
    description: 'When the hour ends; of the present hour: now',
    examples: [342],
  }),
  added: Count,
  dropped: Count,
};
export const HourAnswer = Type.Object(Hour, {
  title: 'HourOfAudience',
  examples: [{at_ms: 1_789_999_200_000, size: 342, added: 12, dropped: 5}],
});

export function historyRoutes({audiences, states, counts}: HistoryRouteParts): ApiRoute[] {
  return [
    route({
      method: 'GET',
      pattern: '/v1/audiences/:id/history',
      access: 'viewer',
      tag: 'Audiences',
      summary: 'Size, joins and leaves of every hour of up to 90 days, oldest first',
      query: [
        {
          name: 'hours',
          description: `How many hours back, ${HISTORY_HOURS} when it is not given.`,
          schema: Type.Integer({minimum: 1, maximum: HISTORY_HOURS, examples: [168]}),
        },
      ],
      answers: {200: Type.Array(HourAnswer)},
      handle: async call => {
        const audience = visibleAudience(audiences, call);
        const hours = readHours(call.query);
        const known = audience.status === 'active' ? await states.read([audience.id]) : undefined;
        const sinceMs = Math.max(audience.createdMs, counts.sinceMs);
        const fromMs = Math.max(sinceMs, call.nowMs - (hours - 1) * HOUR_MS);
        let size = known?.get(audience.id)?.size ?? 0;
        const answers: Record<string, unknown>[] = [];
        // Backwards from the size of now: what an hour changed is what its end differs from its beginning.
        for (const {atMs, added, dropped} of counts
          .hours(audience.id, fromMs, call.nowMs)
          .reverse()) {
          answers.push({at_ms: atMs, size, added, dropped});
          size = Math.max(0, size - added + dropped);
        }
        return {status: 200, body: answers.reverse()};
      },
    }),
  ];
}

function readHours(query: URLSearchParams): number {
  const text = query.get('hours');
  const hours = text === null ? HISTORY_HOURS : parseId(text);
  if (hours !== undefined && hours <= HISTORY_HOURS) return hours;
  const message = `must be an integer from 1 to ${HISTORY_HOURS}`;
  throw new ApiError('UNPROCESSABLE', [{path: 'hours', message}]);
}
