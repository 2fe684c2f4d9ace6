/**
 * Texts and attribute values as bytes, little endian. One byte leads each:
 *
 * | lead | what |
 * |---|---|
 * | 0–243 | a text of that many bytes of UTF-8, which follow |
 * | 244 | a text; its bytes as u32, then they |
 * | 245, 246, 247 | null, false, true |
 * | 248 | a whole number, i32 |
 * | 249 | a number, f64 |
 * | 250 | a list: how many elements, then each |
 * | 251 | nothing: the attribute is removed |
 *
 * A count is one byte up to 243, else 244 and a u32.
 */
import type {Value} from '../engine/record.ts';

const LONG = 244;
const NULL = 245;
const FALSE = 246;
const TRUE = 247;
const INTEGER = 248;
const NUMBER = 249;
const LIST = 250;
const REMOVED = 251;

/** The bytes are not what a writer wrote. */
export class UnreadableRecordError extends Error {}

/** Bytes that grow as they are written. */
export class ValueWriter {
  #bytes: Buffer;
  #view: DataView;
  #at = 0;

  constructor(bytes = 16_384) {
    this.#bytes = Buffer.alloc(bytes);
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#at;
  }

  /** A copy in memory of its own, which may be transferred to another thread; then it begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#at);
    taken.set(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  i32(value: number): void {
    this.#room(4);
    this.#view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  f64(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Room for the bytes that follow up to `endLength`; returns where that begins. */
  beginLength(): number {
    this.i32(0);
    return this.#at;
  }

  endLength(from: number): void {
    this.#view.setInt32(from - 4, this.#at - from, true);
  }

  count(count: number): void {
    if (count < LONG) {
      this.u8(count);
      return;
    }
    this.u8(LONG);
    this.i32(count);
  }

  /** Hot: most texts are short and ASCII, and a loop is faster for those than any call. */
  text(text: string): void {
    const {length} = text;
    if (length <= LOOPED_MAX) {
      this.#room(length + 1);
      const bytes = this.#bytes;
      const from = this.#at + 1;
      let all = 0;
      for (let i = 0; i < length; i++) {
        const code = text.charCodeAt(i);
        all |= code;
        bytes[from + i] = code;
      }
      if (all < 0x80) {
        bytes[from - 1] = length;
        this.#at = from + length;
        return;
      }
    }
    const size = Buffer.byteLength(text);
    this.count(size);
    this.#room(size);
    this.#bytes.write(text, this.#at, size, 'utf8');
    this.#at += size;
  }

  value(value: Value | undefined): void {
    switch (typeof value) {
      case 'string':
        this.text(value);
        break;
      case 'number':
        if ((value | 0) === value && !Object.is(value, -0)) {
          this.u8(INTEGER);
          this.i32(value);
        } else {
          this.u8(NUMBER);
          this.f64(value);
        }
        break;
      case 'boolean':
        this.u8(value ? TRUE : FALSE);
        break;
      case 'undefined':
        this.u8(REMOVED);
        break;
      default:
        if (value === null) {
          this.u8(NULL);
          break;
        }
        this.u8(LIST);
        this.values(value);
    }
  }

  values(values: readonly (Value | undefined)[]): void {
    this.count(values.length);
    for (let i = 0; i < values.length; i++) this.value(values[i]);
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/**
 * Reads what a ValueWriter wrote. Never beyond the end, and every step goes forward: bytes that are something
 * else end in an `UnreadableRecordError`, whatever they are.
 */
export class ValueReader {
  readonly bytes: Buffer;
  at = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = viewOf(bytes);
  }

  u8(): number {
    return this.bytes[this.#pass(1)]!;
  }

  i32(): number {
    return this.#view.getInt32(this.#pass(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#pass(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#pass(8), true);
  }

  /** Of things that take a byte or more each. */
  count(): number {
    const lead = this.u8();
    if (lead < LONG) return lead;
    if (lead !== LONG) throw unreadable();
    const count = this.u32();
    if (count > this.bytes.length - this.at) throw unreadable();
    return count;
  }

  text(): string {
    const length = this.count();
    return textOf(this.bytes, this.#pass(length), length);
  }

  /** Where the bytes of a text begin; `at` is where they end. */
  skipText(): number {
    const length = this.count();
    return this.#pass(length);
  }

  value(): Value | undefined {
    const lead = this.u8();
    if (lead < LONG) return textOf(this.bytes, this.#pass(lead), lead);
    switch (lead) {
      case LONG:
        this.at--;
        return this.text();
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INTEGER:
        return this.i32();
      case NUMBER:
        return this.f64();
      case LIST:
        return this.#list();
      case REMOVED:
        return undefined;
      default:
        throw unreadable();
    }
  }

  #list(): Value {
    const count = this.count();
    const list: Value[] = [];
    for (let i = 0; i < count; i++) {
      // Lists hold no lists: bytes that say so would be read ever deeper.
      if (this.bytes[this.at] === LIST) throw unreadable();
      list.push(this.value() ?? null);
    }
    return list as Value;
  }

  #pass(bytes: number): number {
    const from = this.at;
    if (from + bytes > this.bytes.length) throw unreadable();
    this.at = from + bytes;
    return from;
  }
}

export function unreadable(): UnreadableRecordError {
  return new UnreadableRecordError('a stored record is damaged: it is not as it was written');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const LOOPED_MAX = 64;
const CACHED_BYTES_MAX = 32;
const CACHE_SLOTS = 4096;
/** ASCII texts by a hash of their bytes; of two in one slot the later one stays. */
const cache = new Array<string>(CACHE_SLOTS).fill('');

/**
 * Hot: names and most values come again and again, and finding the text that was made before takes a third of
 * making it. It is also the same object each time, whose hash whoever looks it up need not make again.
 */
function textOf(bytes: Buffer, from: number, length: number): string {
  if (length > CACHED_BYTES_MAX) return bytes.toString('utf8', from, from + length);
  let hash = length;
  let all = 0;
  for (let i = from; i < from + length; i++) {
    const byte = bytes[i]!;
    all |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (all >= 0x80) return bytes.toString('utf8', from, from + length);
  const slot = (hash ^ (hash >>> 16)) & (CACHE_SLOTS - 1);
  const known = cache[slot]!;
  if (known.length === length && isText(known, bytes, from)) return known;
  return (cache[slot] = bytes.toString('latin1', from, from + length));
}

function isText(text: string, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
