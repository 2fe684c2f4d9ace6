/**
 * Looks a MessagePack message over before it is decoded. A decoder allocates what a header declares: 3,000
 * bytes of nested array headers, each claiming as many elements as bytes are left, exhaust the heap. Here
 * every element still owed needs a byte that is still there, so decoding stays linear in the message.
 */
import {isUtf8} from 'node:buffer';

const NESTING_MAX = 64;

/** undefined: safe to decode. Else what is wrong, and at which byte. */
export function msgpackFault(bytes: Buffer): string | undefined {
  return new Guard(bytes).check();
}

class Guard {
  readonly #bytes: Buffer;
  /** Elements still owed by each open container; a map owes two for each pair. */
  readonly #owed = new Uint32Array(NESTING_MAX + 1);
  readonly #isMap = new Uint8Array(NESTING_MAX + 1);
  #depth = 0;
  /** The sum of #owed. */
  #owedTotal = 1;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#owed[0] = 1;
  }

  check(): string | undefined {
    const bytes = this.#bytes;
    while (this.#owedTotal > 0) {
      while (this.#owed[this.#depth] === 0) this.#depth--;
      if (this.#at >= bytes.length) return `it ends too early, at byte ${this.#at}`;
      const start = this.#at;
      const isKey = this.#isMap[this.#depth] === 1 && (this.#owed[this.#depth]! & 1) === 0;
      this.#owed[this.#depth]!--;
      this.#owedTotal--;
      const problem = this.#element(bytes[this.#at++]!, isKey);
      if (problem !== undefined) return `${problem} at byte ${start}`;
    }
    return this.#at === bytes.length
      ? undefined
      : `nothing may follow the value at byte ${this.#at}`;
  }

  #element(token: number, isKey: boolean): string | undefined {
    if (token >= 0xa0 && token <= 0xbf) return this.#text(token & 0x1f);
    if (token >= 0xd9 && token <= 0xdb) return this.#length(1 << (token - 0xd9), 'text');
    if (isKey) return 'a key that is not a string';
    if (token < 0x80 || token >= 0xe0) return undefined;
    if (token < 0x90) return this.#container(token & 0x0f, true);
    if (token < 0xa0) return this.#container(token & 0x0f, false);
    switch (token) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return undefined;
      case 0xcc:
      case 0xd0:
        return this.#skip(1);
      case 0xcd:
      case 0xd1:
        return this.#skip(2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return this.#skip(4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.#skip(8);
      case 0xdc:
        return this.#length(2, 'array');
      case 0xdd:
        return this.#length(4, 'array');
      case 0xde:
        return this.#length(2, 'map');
      case 0xdf:
        return this.#length(4, 'map');
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return 'binary data, which has no JSON counterpart,';
      case 0xc1:
        return 'a byte that MessagePack never uses';
      default:
        return 'an extension type, which is not accepted,';
    }
  }

  /** Reads a declared length of `width` bytes, then what it measures. */
  #length(width: number, of: 'text' | 'array' | 'map'): string | undefined {
    if (this.#at + width > this.#bytes.length) return 'a length that ends too early';
    const length = this.#bytes.readUIntBE(this.#at, width);
    this.#at += width;
    return of === 'text' ? this.#text(length) : this.#container(length, of === 'map');
  }

  #container(length: number, isMap: boolean): string | undefined {
    const elements = isMap ? length * 2 : length;
    this.#owedTotal += elements;
    if (this.#owedTotal > this.#bytes.length - this.#at)
      return 'more elements declared than there are bytes';
    if (this.#depth === NESTING_MAX) return `nested deeper than ${NESTING_MAX} levels`;
    this.#depth++;
    this.#owed[this.#depth] = elements;
    this.#isMap[this.#depth] = isMap ? 1 : 0;
    return undefined;
  }

  #text(length: number): string | undefined {
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) return 'a string longer than the message';
    this.#at = end;
    for (let at = start; at < end; at++) {
      if (this.#bytes[at]! < 0x80) continue;
      return isUtf8(this.#bytes.subarray(start, end))
        ? undefined
        : 'a string that is not valid UTF-8';
    }
    return undefined;
  }

  #skip(width: number): string | undefined {
    this.#at += width;
    return this.#at > this.#bytes.length ? 'a number that ends too early' : undefined;
  }
}
