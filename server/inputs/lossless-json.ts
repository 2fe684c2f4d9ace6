/**
 * Bytes of a client to plain values, losing no digit of a 64-bit integer: a literal beyond ±2^53 becomes
 * a bigint. Everything else is what `JSON.parse` makes of it; of equal keys the last one counts, and a
 * key such as `__proto__` is an own property like any other.
 *
 * Nesting is not judged here. `JSON.parse` needs no stack for it, and counting brackets costs a third of
 * the parse (24 µs on 29 KB that parse in 73); whoever walks the value bounds its own walk.
 */
import {isUtf8} from 'node:buffer';
import {randomBytes} from 'node:crypto';
import {Unpackr, type Options} from 'msgpackr';
import {jsonFault} from './json-fault.ts';
import {msgpackFault} from './msgpack-guard.ts';

/** The bytes are not what they claim to be. The message is for the client and names the place. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';
}

/** Throws `UnreadableBody` with the line, the column and the path of the first fault. */
export function parseJson(bytes: Buffer): unknown {
  const body = hasByteOrderMark(bytes) ? bytes.subarray(3) : bytes;
  if (!isUtf8(body)) throw new UnreadableBody('the body is not valid UTF-8');
  const spans = bigIntegerSpans(body);
  const text = spans === undefined ? body.toString() : withMarkedIntegers(body, spans);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableBody(`the body is not valid JSON: ${jsonFault(body.toString())}`);
  }
  if (spans !== undefined) value = withBigIntegers(value, spans.length / 2);
  // Only an escape can write half a surrogate pair, which no UTF-8 can hold: what is kept on disk would
  // come back as another string than the one that was judged in memory.
  if (text.includes('\\ud') || text.includes('\\uD')) value = withWholeCharacters(value, 0);
  return value;
}

// 'auto' is missing from its types: a number while it is exact, else a bigint.
const OPTIONS = {useRecords: false, int64AsType: 'auto'} as unknown as Options;
const unpackr = new Unpackr({...OPTIONS, mapsAsObjects: true});
// msgpackr renames a `__proto__` key of an object; a Map keeps it. Slower, so only when the bytes have one.
const mapUnpackr = new Unpackr({...OPTIONS, mapsAsObjects: false});

/** MessagePack, restricted to what JSON can say. Throws `UnreadableBody` with the offset of the first fault. */
export function parseMsgpack(bytes: Buffer): unknown {
  const fault = msgpackFault(bytes);
  if (fault !== undefined) throw new UnreadableBody(`the body is not valid MessagePack: ${fault}`);
  return bytes.includes('__proto__')
    ? withObjects(mapUnpackr.unpack(bytes))
    : (unpackr.unpack(bytes) as unknown);
}

/** `Object.fromEntries` defines properties, so `__proto__` becomes an own one. Depth is the guard's business. */
function withObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withObjects);
  if (!(value instanceof Map)) return value;
  const entries: [string, unknown][] = [];
  for (const [key, inner] of value) entries.push([String(key), withObjects(inner)]);
  return Object.fromEntries(entries);
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

const SHORTEST_BIG = 16;
/** Of an unsigned 64-bit integer. Longer literals stay the doubles that JSON.parse makes of them. */
const LONGEST_BIG = 20;

/**
 * [start, end, …] of the integer literals beyond ±2^53, or undefined when there are none. A run of 16
 * digits has one at every 16th place, so only those are looked at: 3 % of the time of the parse.
 */
function bigIntegerSpans(bytes: Buffer): number[] | undefined {
  let spans: number[] | undefined;
  let scanned = 0;
  let inString = false;
  for (let at = SHORTEST_BIG - 1; at < bytes.length; at += SHORTEST_BIG) {
    if (!isDigit(bytes[at])) continue;
    let start = at;
    while (start > 0 && isDigit(bytes[start - 1])) start--;
    let end = at + 1;
    while (end < bytes.length && isDigit(bytes[end])) end++;
    at += Math.floor((end - 1 - at) / SHORTEST_BIG) * SHORTEST_BIG;
    if (end - start < SHORTEST_BIG || end - start > LONGEST_BIG) continue;
    if (bytes[start] === ZERO) continue;
    if (bytes[start - 1] === MINUS) start--;
    if (!startsValue(bytes[start - 1]) || !endsValue(bytes, end)) continue;
    for (; scanned < start; scanned++) {
      const byte = bytes[scanned];
      if (byte === QUOTE) inString = !inString;
      else if (byte === BACKSLASH) scanned++;
    }
    if (inString || Number.isSafeInteger(Number(bytes.toString('latin1', start, end)))) continue;
    (spans ??= []).push(start, end);
  }
  return spans;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function startsValue(before: number | undefined): boolean {
  return (
    before === COLON ||
    before === COMMA ||
    before === OPEN_ARRAY ||
    before === undefined ||
    isSpace(before)
  );
}

/** A number in the place of a key is a fault, which marking it as a string would hide. */
function endsValue(bytes: Buffer, end: number): boolean {
  let at = end;
  while (isSpace(bytes[at])) at++;
  const after = bytes[at];
  return after === COMMA || after === CLOSE_ARRAY || after === CLOSE_OBJECT || after === undefined;
}

/**
 * Stands before the digits of a marked literal. Nobody outside can know it, so no string of a client is
 * taken for one.
 */
const MARK = `\x7f${randomBytes(12).toString('hex')}`;

/** The text with each literal turned into a marked string. All cuts are at ASCII, so none splits a character. */
function withMarkedIntegers(bytes: Buffer, spans: readonly number[]): string {
  let text = '';
  let from = 0;
  for (let index = 0; index < spans.length; index += 2) {
    const start = spans[index]!;
    const end = spans[index + 1]!;
    text += `${bytes.toString('utf8', from, start)}"${MARK}${bytes.toString('latin1', start, end)}"`;
    from = end;
  }
  return text + bytes.toString('utf8', from);
}

/** Breadth first, and done when the last mark is found: an mpid at the top costs a look at the top only. */
function withBigIntegers(value: unknown, marks: number): unknown {
  if (isMarked(value)) return unmarked(value);
  let left = marks;
  const containers: unknown[] = [value];
  for (let at = 0; at < containers.length && left > 0; at++) {
    const container = containers[at];
    if (Array.isArray(container)) {
      for (let index = 0; index < container.length; index++) {
        const inner: unknown = container[index];
        if (isMarked(inner)) {
          container[index] = unmarked(inner);
          left--;
        } else if (typeof inner === 'object' && inner !== null) containers.push(inner);
      }
    } else {
      const object = container as Record<string, unknown>;
      for (const key in object) {
        const inner = object[key];
        if (isMarked(inner)) {
          object[key] = unmarked(inner);
          left--;
        } else if (typeof inner === 'object' && inner !== null) containers.push(inner);
      }
    }
  }
  return value;
}

function isMarked(value: unknown): value is string {
  return typeof value === 'string' && value.charCodeAt(0) === 0x7f && value.startsWith(MARK);
}

function unmarked(text: string): bigint {
  return BigInt(text.slice(MARK.length));
}

/** Deeper than any value that is accepted; what lies below it is refused by its reader. */
const WELL_FORMED_DEPTH_MAX = 256;

/** Halves of surrogate pairs become U+FFFD, in keys too; in place wherever possible. */
function withWholeCharacters(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value !== 'object' || value === null || depth > WELL_FORMED_DEPTH_MAX) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      value[index] = withWholeCharacters(value[index], depth + 1);
    }
    return value;
  }
  const entries = Object.entries(value);
  for (const entry of entries) {
    entry[0] = wellFormed(entry[0]);
    entry[1] = withWholeCharacters(entry[1], depth + 1);
  }
  return Object.fromEntries(entries);
}

/** With the u flag a half that has its other half is not a surrogate. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
