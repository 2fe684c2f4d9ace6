/** `POST /v2/events` and `/v2/bulkevents`: from the request to the promise that 202 is. */
import {BOUNDS} from '../config.ts';
import type {TransportRequest, TransportResponse, TransportRoute} from '../http/transport.ts';
import {sendErrors, sendJson} from '../http/json-response.ts';
import {decodeBody} from './body-encoding.ts';
import {decodeBatch} from './decode-batch.ts';
import type {Ingest, IngestCredential, Outcome} from './ingest.ts';
import {parseJson, parseMsgpack} from './lossless-json.ts';

export interface EventsApiParts {
  readonly authenticate: (request: TransportRequest) => IngestCredential | 'missing' | 'wrong';
  readonly ingest: Ingest;
  readonly isReady: () => boolean;
  /** The engine is behind. */
  readonly isBehind: () => boolean;
  readonly nowMs: () => number;
}

interface Problem {
  readonly code: 'BAD_REQUEST';
  readonly message: string;
  readonly path: string;
}

type Answer = (body: unknown, credential: IngestCredential, response: TransportResponse) => void;

export class EventsApi {
  readonly #parts: EventsApiParts;
  #bodyBytes = 0;
  readonly refused = {behind: 0, invalid: 0, unauthorized: 0};

  constructor(parts: EventsApiParts) {
    this.#parts = parts;
  }

  routes(): TransportRoute[] {
    return [
      {
        method: 'POST',
        pattern: '/v2/events',
        handler: (request, response) => this.#take(request, response, this.#one),
      },
      {
        method: 'POST',
        pattern: '/v2/bulkevents',
        handler: (request, response) => this.#take(request, response, this.#bulk),
      },
    ];
  }

  #take(request: TransportRequest, response: TransportResponse, answer: Answer): void {
    const credential = this.#parts.authenticate(request);
    if (credential === 'missing') {
      this.refused.unauthorized++;
      const message = "send the input's key and secret as Basic authentication";
      sendErrors(response, 401, [{code: 'UNAUTHORIZED', message}], {scheme: 'Basic'});
      return;
    }
    if (credential === 'wrong') {
      this.refused.unauthorized++;
      sendErrors(response, 403, [
        {code: 'FORBIDDEN', message: 'these credentials do not allow this'},
      ]);
      return;
    }
    if (!this.#parts.isReady()) {
      unavailable(response);
      return;
    }
    if (this.#parts.isBehind() || this.#bodyBytes > BOUNDS.bodiesBytesMax) {
      this.refused.behind++;
      tooMany(response);
      return;
    }
    const encoding = request.header('content-encoding');
    const isMsgpack = /^application\/(x-)?msgpack\b/i.test(request.header('content-type'));
    // What the client says it will send counts from now on: many slow bodies are as heavy as a few fast ones.
    const announced = Math.min(Number(request.header('content-length')) || 0, BOUNDS.bodyBytesMax);
    this.#bodyBytes += announced;
    request.readBody(BOUNDS.bodyBytesMax, (problem, raw) => {
      this.#bodyBytes -= announced;
      if (problem === 'aborted') return;
      if (problem === 'too_large') {
        tooLarge(response);
        return;
      }
      const body = decodeBody(raw, encoding, BOUNDS.bodyBytesMax);
      if (!('bytes' in body)) {
        refuseEncoding(response, body.problem);
        return;
      }
      let parsed: unknown;
      try {
        parsed = isMsgpack ? parseMsgpack(body.bytes) : parseJson(body.bytes);
      } catch (error) {
        this.refused.invalid++;
        badRequest(response, [badBody(error)]);
        return;
      }
      answer(parsed, credential, response);
    });
  }

  readonly #one: Answer = (body, credential, response) => {
    const decoded = decodeBatch(body, {arrivalMs: this.#parts.nowMs(), path: ''});
    if ('problems' in decoded) {
      this.refused.invalid++;
      badRequest(response, decoded.problems);
      return;
    }
    this.#parts.ingest.accept(decoded.batch, credential, outcome => {
      if (outcome === 'taken') response.send(202, JSON_HEADERS, '{}');
      else unavailable(response);
    });
  };

  readonly #bulk: Answer = (body, credential, response) => {
    if (!Array.isArray(body)) {
      this.refused.invalid++;
      badRequest(response, [{path: '', message: 'The body must be an array of batches.'}]);
      return;
    }
    if (body.length === 0) {
      this.refused.invalid++;
      badRequest(response, [{path: '', message: 'The array has no batches.'}]);
      return;
    }
    if (body.length > BOUNDS.bulkBatchesMax) {
      tooLarge(
        response,
        `one call takes at most ${BOUNDS.bulkBatchesMax} batches, not ${body.length}`,
      );
      return;
    }
    const arrivalMs = this.#parts.nowMs();
    const rejected: {index: number; errors: Problem[]}[] = [];
    let taken = 0;
    let open = 1;
    let worst: Outcome = 'taken';
    const settle = (outcome: Outcome): void => {
      if (outcome === 'unavailable') worst = outcome;
      if (--open > 0) return;
      if (worst === 'unavailable') unavailable(response);
      else if (taken === 0 && rejected.length > 0) {
        sendJson(response, 400, {errors: rejected.flatMap(({errors}) => errors), rejected});
      } else sendJson(response, 202, rejected.length > 0 ? {rejected} : {});
    };
    const batches = body as unknown[];
    for (let index = 0; index < batches.length; index++) {
      const decoded = decodeBatch(batches[index], {arrivalMs, path: `[${index}]`});
      if ('problems' in decoded) {
        this.refused.invalid++;
        rejected.push({index, errors: decoded.problems.map(withCode)});
        continue;
      }
      taken++;
      open++;
      this.#parts.ingest.accept(decoded.batch, credential, settle);
    }
    settle('taken');
  };
}

const JSON_HEADERS = {'content-type': 'application/json'} as const;

function withCode(problem: {path: string; message: string}): Problem {
  return {code: 'BAD_REQUEST', ...problem};
}

function badRequest(
  response: TransportResponse,
  problems: readonly {path: string; message: string}[],
): void {
  sendErrors(response, 400, problems.map(withCode));
}

function badBody(error: unknown): {path: string; message: string} {
  return {path: '', message: error instanceof Error ? error.message : 'The body is unreadable.'};
}

function tooLarge(
  response: TransportResponse,
  message = `a body is at most ${BOUNDS.bodyBytesMax} bytes, also when inflated`,
): void {
  sendErrors(response, 413, [{code: 'PAYLOAD_TOO_LARGE', message}]);
}

function refuseEncoding(
  response: TransportResponse,
  problem: 'too_large' | 'unreadable_encoding' | 'corrupt',
): void {
  if (problem === 'too_large') tooLarge(response);
  else if (problem === 'corrupt') {
    badRequest(response, [{path: '', message: 'The body is not what its Content-Encoding says.'}]);
  } else {
    const message = 'Content-Encoding can be gzip, deflate, br or identity';
    sendErrors(response, 415, [{code: 'UNSUPPORTED_MEDIA_TYPE', message}]);
  }
}

function tooMany(response: TransportResponse): void {
  const message = 'the engine is behind; send this again after the time that Retry-After says';
  const headers = {'retry-after': String(BOUNDS.retryAfterS)};
  sendJson(response, 429, {errors: [{code: 'TOO_MANY_REQUESTS', message}]}, headers);
}

function unavailable(response: TransportResponse): void {
  const message =
    'not taken: the server is starting, stopping or restarting a shard; send it again';
  const headers = {'retry-after': String(BOUNDS.retryAfterS)};
  sendJson(response, 503, {errors: [{code: 'UNAVAILABLE', message}]}, headers);
}
