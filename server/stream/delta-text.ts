import {ACTIONS, CAUSES, type DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';

/** Of any delta as text; with numbers at their longest it is some 190. */
export const DELTA_TEXT_BYTES_MAX = 256;

const AUDIENCE = Buffer.from('{"audience":');
const MPID = Buffer.from(',"mpid":"');
const ACTION = ['', ...ACTIONS].map(action => Buffer.from(`","action":"${action}","at_ms":`));
const CAUSE = ['', ...CAUSES].map(cause => Buffer.from(`,"cause":"${cause}","version":`));
const CLOSE = 0x7d;
const ZERO = 0x30;

// Deltas come profile by profile and moment by moment: what the last one had is most often there already.
const mpid = {hi: 0, lo: 0, digits: Buffer.from('0')};
const atMs = {value: 0, digits: Buffer.from('0')};

/**
 * Writes what `describeDelta` says as JSON, and returns where it ends. Hot: ASCII only and no text is made, which
 * is a third of the time of a template and leaves nothing to be collected (bench/parts.bench.ts,
 * `wire/encode-delta-json`).
 */
export function writeDeltaText(
  deltas: DeltaReader,
  index: number,
  {to, at}: {readonly to: Buffer; readonly at: number},
): number {
  const hi = deltas.mpidHi(index);
  const lo = deltas.mpidLo(index);
  if (hi !== mpid.hi || lo !== mpid.lo) {
    mpid.hi = hi;
    mpid.lo = lo;
    mpid.digits = Buffer.from(mpidFrom(hi, lo).toString());
  }
  const moment = deltas.atMs(index);
  if (moment !== atMs.value) {
    atMs.value = moment;
    atMs.digits = Buffer.from(String(moment));
  }
  let end = copied(AUDIENCE, to, at);
  end = digits(deltas.audience(index), to, end);
  end = copied(MPID, to, end);
  end = copied(mpid.digits, to, end);
  end = copied(ACTION[deltas.action(index) + 1] ?? ACTION[0]!, to, end);
  end = copied(atMs.digits, to, end);
  end = copied(CAUSE[deltas.cause(index) + 1] ?? CAUSE[0]!, to, end);
  end = digits(deltas.version(index), to, end);
  to[end] = CLOSE;
  return end + 1;
}

function copied(bytes: Uint8Array, to: Buffer, at: number): number {
  for (let i = 0; i < bytes.length; i++) to[at + i] = bytes[i]!;
  return at + bytes.length;
}

function digits(value: number, to: Buffer, at: number): number {
  let length = 1;
  for (let power = 10; power <= value; power *= 10) length++;
  let rest = value;
  for (let i = at + length - 1; i >= at; i--) {
    const tenth = Math.floor(rest / 10);
    to[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + length;
}
