import {brotliCompressSync, deflateRawSync, deflateSync, gzipSync} from 'node:zlib';
import {describe, expect, test} from 'vitest';
import {decodeBody} from '../../server/inputs/body-encoding.ts';

const BODY = Buffer.from(JSON.stringify({events: [], note: 'x'.repeat(2_000)}));
const LIMIT_BYTES = 8 * 1024 * 1024;

describe('encodings', () => {
  test.each([
    ['', BODY],
    ['identity', BODY],
    ['gzip', gzipSync(BODY)],
    [' GZIP ', gzipSync(BODY)],
    ['x-gzip', gzipSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['deflate', deflateRawSync(BODY)],
    ['br', brotliCompressSync(BODY)],
  ])('%j', (encoding, bytes) => {
    expect(decodeBody(bytes, encoding, LIMIT_BYTES)).toEqual({bytes: BODY});
  });

  test.each(['zstd', 'compress', 'gzip, gzip', 'identity, gzip', 'utf-8', '__proto__'])(
    '%s cannot be read',
    encoding => {
      expect(decodeBody(gzipSync(BODY), encoding, LIMIT_BYTES)).toEqual({
        problem: 'unreadable_encoding',
      });
    },
  );

  test.each([
    ['gzip', BODY],
    ['gzip', Buffer.alloc(0)],
    ['gzip', gzipSync(BODY).subarray(0, 30)],
    ['deflate', BODY],
    ['deflate', deflateSync(BODY).subarray(0, 20)],
    ['br', brotliCompressSync(BODY).subarray(0, 10)],
    ['br', gzipSync(BODY)],
  ])('%s of bad bytes is corrupt', (encoding, bytes) => {
    expect(decodeBody(bytes, encoding, LIMIT_BYTES)).toEqual({problem: 'corrupt'});
  });

  test('a flipped bit is corrupt', () => {
    const bytes = gzipSync(BODY);
    bytes[bytes.length - 6]! ^= 1;
    expect(decodeBody(bytes, 'gzip', LIMIT_BYTES)).toEqual({problem: 'corrupt'});
  });
});

describe('the limit', () => {
  test('a body of exactly the limit passes, one byte more does not', () => {
    for (const [encoding, encode] of [
      ['', (body: Buffer) => body],
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ] as const) {
      expect(decodeBody(encode(BODY), encoding, BODY.length)).toEqual({bytes: BODY});
      expect(decodeBody(encode(BODY), encoding, BODY.length - 1)).toEqual({problem: 'too_large'});
    }
  });

  test.each([
    ['gzip', gzipSync(Buffer.alloc(200_000_000))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000), {params: {1: 4}})],
  ])('a %s bomb stops there', (encoding, bomb) => {
    const before = process.memoryUsage().arrayBuffers;
    const startMs = performance.now();
    expect(decodeBody(bomb, encoding, LIMIT_BYTES)).toEqual({problem: 'too_large'});
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * LIMIT_BYTES);
  });
});
