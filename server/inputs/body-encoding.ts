/**
 * Undoes the Content-Encoding of a request body. One layer only; what is inflated stops at the limit, so a
 * bomb costs no more than an honest body of that size.
 */
import {brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync} from 'node:zlib';

export type DecodedBody =
  | {readonly bytes: Buffer}
  /** 413, 415 and 400. */
  | {readonly problem: 'too_large' | 'unreadable_encoding' | 'corrupt'};

/** `contentEncoding` is the header as sent, '' without one. An identity body is returned as it is, not copied. */
export function decodeBody(body: Buffer, contentEncoding: string, limitBytes: number): DecodedBody {
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') {
    return body.length > limitBytes ? {problem: 'too_large'} : {bytes: body};
  }
  const inflate = inflaterOf(encoding, body);
  if (inflate === undefined) return {problem: 'unreadable_encoding'};
  try {
    return {bytes: inflate(body, {maxOutputLength: Math.max(limitBytes, 1)})};
  } catch (error) {
    // Everything else that zlib throws (Z_DATA_ERROR, Z_BUF_ERROR, ERR_PADDING, …) says the bytes are bad.
    return {problem: codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'corrupt'};
  }
}

type Inflate = (body: Buffer, options: {maxOutputLength: number}) => Buffer;

function inflaterOf(encoding: string, body: Buffer): Inflate | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync;
    case 'br':
      return brotliDecompressSync;
    case 'deflate':
      // The name means zlib's format, and half of its senders mean the raw stream.
      return hasZlibHeader(body) ? inflateSync : inflateRawSync;
    default:
      return undefined;
  }
}

function hasZlibHeader(body: Buffer): boolean {
  const first = body[0] ?? 0;
  const second = body[1] ?? 0;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
