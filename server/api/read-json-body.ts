import {gunzipSync} from 'node:zlib';
import type {TransportRequest} from '../http/transport.ts';
import {ApiError} from './errors.ts';

export const BODY_BYTES_MAX = 2 * 1024 * 1024;

/**
 * The parsed body, undefined for an empty one, or 'aborted' when nobody is left to answer. Call it
 * synchronously in the handler.
 */
export function readJsonBody(request: TransportRequest): Promise<unknown> {
  const encoding = request.header('content-encoding').trim().toLowerCase();
  const type = request.header('content-type');
  return new Promise((resolve, reject) => {
    request.readBody(BODY_BYTES_MAX, (problem, body) => {
      if (problem === 'aborted') return resolve('aborted');
      try {
        if (problem === 'too_large') throw tooLarge();
        refuseUnreadable(type);
        const text = inflated(body, encoding);
        resolve(text.length === 0 ? undefined : parseJson(text));
      } catch (error) {
        reject(
          error instanceof Error ? error : new Error('the body could not be read', {cause: error}),
        );
      }
    });
  });
}

/** JSON, whatever a command-line client calls it by default. */
const READABLE_TYPE =
  /^(?:application\/(?:[\w.+-]+\+)?json|text\/(?:plain|json)|application\/(?:x-www-form-urlencoded|octet-stream))$/;

function refuseUnreadable(header: string): void {
  const [type = '', ...parameters] = header
    .toLowerCase()
    .split(';')
    .map(part => part.trim());
  const charset = parameters.find(part => part.startsWith('charset='))?.slice('charset='.length);
  const isText = charset === undefined || /^"?(?:utf-?8|us-ascii)"?$/.test(charset);
  if ((type !== '' && !READABLE_TYPE.test(type)) || !isText) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'the body must be JSON in UTF-8');
  }
}

function inflated(body: Buffer, encoding: string): Buffer {
  if (encoding === '' || encoding === 'identity') return body;
  if (encoding !== 'gzip') {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'a body may be plain or gzip');
  }
  try {
    return gunzipSync(body, {maxOutputLength: BODY_BYTES_MAX});
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw new ApiError('BAD_REQUEST', 'the body is not gzip');
  }
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(text)) as unknown;
  } catch {
    throw new ApiError('BAD_REQUEST', 'the body is not JSON');
  }
}

function tooLarge(): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `the body is over ${BODY_BYTES_MAX} bytes`);
}
