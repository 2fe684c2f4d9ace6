import {Type} from 'typebox';
import {ApiError} from './errors.ts';
import {route} from './route.ts';
import type {ApiRoute} from './route.ts';
import {HealthAnswer} from './schemas.ts';

export interface SystemRouteParts {
  /** Every part answers. A shard that restarts makes this false while the others go on. */
  readonly isHealthy: () => boolean;
  /** Prometheus text. */
  readonly metricsText: () => Promise<string> | string;
  /** Made once all routes are known. */
  readonly openApi: () => unknown;
}

const TAG = 'System';

export function systemRoutes({isHealthy, metricsText, openApi}: SystemRouteParts): ApiRoute[] {
  return [
    route({
      method: 'GET',
      pattern: '/healthz',
      access: 'public',
      tag: TAG,
      summary: '200 once the server is ready to take events',
      answers: {200: HealthAnswer},
      handle: () => {
        if (!isHealthy()) throw new ApiError('UNAVAILABLE', 'the server is not ready');
        return {status: 200, body: {status: 'ok'}};
      },
    }),
    route({
      method: 'GET',
      pattern: '/metrics',
      access: 'public',
      tag: TAG,
      summary: 'Metrics for Prometheus',
      answers: {200: 'text/plain'},
      handle: async () => ({
        status: 200,
        text: await metricsText(),
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
      }),
    }),
    route({
      method: 'GET',
      pattern: '/openapi.json',
      access: 'public',
      tag: TAG,
      summary: 'This description',
      answers: {
        200: Type.Object({openapi: Type.String({examples: ['3.1.0']})}, {title: 'OpenApi'}),
      },
      handle: () => ({status: 200, body: openApi()}),
    }),
  ];
}
