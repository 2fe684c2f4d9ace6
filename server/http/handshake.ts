/** What a WebSocket handshake must have, checked the same way for every back-end. */
import {badRequest, type Refusal, UPGRADE_REQUIRED} from './refusals.ts';

/** Buffered past this, a socket is cut off: its owner does not watch `bufferedBytes`. */
export const BUFFERED_BYTES_MAX = 64 * 1024 * 1024;
/** A socket that was behind is told to go on when no more than this waits. */
export const DRAINED_BYTES = 16 * 1024;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** `header` gives '' for one that is absent. */
export function negotiate(
  protocols: readonly string[],
  header: (name: string) => string,
): {readonly protocol: string} | {readonly refusal: Refusal} {
  if (header('sec-websocket-version') !== '13') return {refusal: UPGRADE_REQUIRED};
  if (!KEY.test(header('sec-websocket-key'))) {
    return {refusal: badRequest('sec-websocket-key must be 16 bytes in base64')};
  }
  const offer = header('sec-websocket-protocol');
  if (offer === '') return {protocol: ''};
  const offered = offer.split(',').map(one => one.trim());
  if (!offered.every(one => TOKEN.test(one)) || new Set(offered).size < offered.length) {
    return {refusal: badRequest('sec-websocket-protocol must be a list of distinct names')};
  }
  const protocol = protocols.find(one => offered.includes(one));
  if (protocol !== undefined) return {protocol};
  return {refusal: badRequest(`subprotocols here: ${protocols.join(', ')}`)};
}

/** A close frame has room for 123 bytes of reason. */
export function clipReason(reason: string): string {
  if (Buffer.byteLength(reason) <= 123) return reason;
  let clipped = reason.slice(0, 123);
  while (Buffer.byteLength(clipped) > 123) clipped = clipped.slice(0, -1);
  return clipped;
}
