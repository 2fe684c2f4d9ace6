/** A route of the API as the transport takes it: authenticate, read, validate, handle, answer. */
import {assert} from '../../engine/assert.ts';
import type {Authenticator, Principal} from '../catalog/authenticator.ts';
import {sendErrors, sendJson} from '../http/json-response.ts';
import type {TransportRequest, TransportResponse, TransportRoute} from '../http/transport.ts';
import {ApiError, apiErrorFrom, forbidden} from './errors.ts';
import {ROUTE_ACCESS, mayCall} from './permissions.ts';
import {readJsonBody} from './read-json-body.ts';
import type {Answer, ApiRoute, Misshapen} from './route.ts';

export interface ServeRouteParts {
  readonly authenticator: Authenticator;
  readonly nowMs: () => number;
  /** While false every route that is not public is answered 503. */
  readonly isReady: () => boolean;
  /** A handler failed through a defect of ours; the client was answered 500. */
  readonly onError: (error: unknown) => void;
}

export function serveRoute(route: ApiRoute, parts: ServeRouteParts): TransportRoute {
  const {method, pattern} = route;
  assert(ROUTE_ACCESS.includes(route.access), `${method} ${pattern} does not say who may call it`);
  return {
    method,
    pattern,
    handler: async (request, response) => {
      try {
        await handle(route, parts, request, response);
      } catch (error) {
        answerError(error, parts, response);
      }
    },
  };
}

async function handle(
  route: ApiRoute,
  parts: ServeRouteParts,
  request: TransportRequest,
  response: TransportResponse,
): Promise<void> {
  // The request may be read only until the first await.
  const {method, path, params, query} = request;
  const principal = authorize(route, parts, request);
  let body: unknown;
  if (route.validate !== undefined) {
    body = await readJsonBody(request);
    if (body === 'aborted' || response.aborted) return;
    body = validBody(route, {principal, params, body});
  }
  const call = {
    principal,
    path,
    params,
    query,
    body,
    nowMs: parts.nowMs(),
    isHead: method === 'HEAD',
    header: (name: string) => request.header(name),
  };
  // Not awaited when it is at hand: an answer from memory goes out in the same turn.
  const answer = route.handle(call);
  await send(answer instanceof Promise ? await answer : answer, response);
}

/** Nothing but deltas, of nothing: what a public route knows of its caller. */
const ANYBODY: Principal = {
  tokenId: -1,
  name: '',
  role: 'subscriber',
  audiences: new Set(),
  identities: new Set(),
};

function authorize(route: ApiRoute, parts: ServeRouteParts, request: TransportRequest): Principal {
  if (route.access === 'public') return ANYBODY;
  const principal = parts.authenticator.authenticateToken(request);
  if (principal === 'missing') {
    throw new ApiError('UNAUTHORIZED', 'this needs an Authorization header with a bearer token');
  }
  if (principal === 'wrong' || !mayCall(principal, route.access)) throw forbidden();
  if (!parts.isReady()) throw new ApiError('UNAVAILABLE', 'the server is not ready');
  return principal;
}

function validBody(route: ApiRoute, call: Misshapen): unknown {
  const {body} = call;
  if (body === undefined && !route.isBodyOptional) {
    throw new ApiError('BAD_REQUEST', 'the body is empty; JSON is expected');
  }
  const validated = route.validate?.(body === undefined ? {} : body);
  if (validated !== undefined && 'problems' in validated) {
    const more = route.alsoWrong?.(call) ?? [];
    throw new ApiError('UNPROCESSABLE', [...validated.problems, ...more]);
  }
  return validated?.value;
}

async function send(answer: Answer, response: TransportResponse): Promise<void> {
  if ('stream' in answer) await answer.stream(response);
  else if ('text' in answer) {
    response.send(answer.status, {'content-type': answer.contentType}, answer.text);
  } else if (answer.body === undefined) response.send(answer.status, answer.headers ?? {}, '');
  else sendJson(response, answer.status, answer.body, answer.headers);
}

function answerError(error: unknown, parts: ServeRouteParts, response: TransportResponse): void {
  const known = apiErrorFrom(error);
  if (known === undefined || known.status >= 500) parts.onError(error);
  const {status, items} = known ?? new ApiError('INTERNAL_ERROR', 'internal error');
  sendErrors(response, status, items);
}
