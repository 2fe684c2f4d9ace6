import {badRequest, HEADERS_TOO_LARGE, type Refusal} from './refusals.ts';
import type {UwsRequest} from './uws-types.ts';

const HEADERS_CHARS_MAX = 16 * 1024;
/** Where a repeated header counts once, as in node:http; the others are joined by commas. */
const FIRST_WINS = new Set(['authorization', 'content-type', 'from', 'referer', 'user-agent']);

/**
 * The headers of the one request whose handler is running: one of these serves all requests of a
 * server in turn, so that none allocates its own. uWebSockets 20.30 takes the first of several
 * Content-Lengths and Hosts, which a proxy in front may read otherwise; they are refused here.
 */
export class UwsHeaders {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #count = 0;
  #chars = 0;
  #hosts = 0;
  #lengths = 0;
  #length = '';
  #encodings = 0;
  #encoding = '';
  readonly #take = (name: string, value: string): void => {
    this.#names[this.#count] = name;
    this.#values[this.#count++] = value;
    this.#chars += name.length + value.length;
    if (name === 'host') {
      this.#hosts++;
    } else if (name === 'content-length') {
      this.#lengths++;
      this.#length = value;
    } else if (name === 'transfer-encoding') {
      this.#encodings++;
      this.#encoding = value;
    }
  };

  /** Forgets the request before. Says what is wrong with this one. */
  read(request: UwsRequest): Refusal | undefined {
    this.#count = this.#chars = this.#hosts = this.#lengths = this.#encodings = 0;
    request.forEach(this.#take);
    if (this.#hosts !== 1) return badRequest('exactly one Host is needed');
    if (this.#chars > HEADERS_CHARS_MAX) return HEADERS_TOO_LARGE;
    if (this.#lengths > 0) {
      if (this.#lengths > 1 || this.#encodings > 0) {
        return badRequest('more than one Content-Length or Transfer-Encoding');
      }
      if (!isDecimal(this.#length)) return badRequest('Content-Length is not a number');
    }
    if (this.#encodings > 0) {
      if (this.#encodings > 1 || this.#encoding.toLowerCase() !== 'chunked') {
        return badRequest('Transfer-Encoding can only be chunked');
      }
    }
    return undefined;
  }

  /** undefined when the request has none. */
  get contentLength(): number | undefined {
    return this.#lengths === 0 ? undefined : Number(this.#length);
  }

  /** A body is on its way, and the client wants the connection closed after the answer. */
  get closesAfterBody(): boolean {
    return (
      (this.#encodings > 0 || (this.contentLength ?? 0) > 0) &&
      this.get('connection').toLowerCase().includes('close') &&
      this.get('expect') === ''
    );
  }

  get(name: string): string {
    let found = '';
    let times = 0;
    for (let index = 0; index < this.#count; index++) {
      if (this.#names[index] !== name) continue;
      const value = this.#values[index] ?? '';
      if (times++ === 0) found = value;
      else if (!FIRST_WINS.has(name)) found += `, ${value}`;
    }
    return found;
  }
}

function isDecimal(text: string): boolean {
  if (text.length === 0 || text.length > 15) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return true;
}
