import {STATUS_CODES} from 'node:http';

const LINES: string[] = [];

/** Such as '404 Not Found'. */
export function statusLine(status: number): string {
  return (LINES[status] ??= `${status} ${STATUS_CODES[status] ?? 'Unknown'}`);
}

/** These answers have neither a body nor a Content-Length. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

/** The back-end's own headers, which a handler cannot set. */
export function isFramingHeader(name: string): boolean {
  return name === 'content-length' || name === 'transfer-encoding';
}

/** A value with a line break would let its author write headers of his own. */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    if (/[\r\n\0]/.test(headers[name] ?? '') || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`);
    }
  }
}
