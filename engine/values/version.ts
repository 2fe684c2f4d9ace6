/**
 * Dotted versions, compared number by number: `10.2` < `10.10`, and missing parts are 0, so `10` is
 * `10.0.0`. Only digits and single dots are a version; `10.2-beta` and `v10` are not, and meet no
 * version condition.
 */
const VERSION = /^\d+(?:\.\d+)*$/;

export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Negative, 0 or positive. Both must be versions. Parts may be longer than any number holds. */
export function compareVersions(a: string, b: string): number {
  let atA = 0;
  let atB = 0;
  while (atA < a.length || atB < b.length) {
    const endA = partEnd(a, atA);
    const endB = partEnd(b, atB);
    const order = comparePart(a, atA, endA, b, atB, endB);
    if (order !== 0) return order;
    atA = endA + 1;
    atB = endB + 1;
  }
  return 0;
}

/** The same text for equal versions: no leading zeros, no trailing zero parts. */
export function canonicalVersion(version: string): string {
  return version
    .split('.')
    .map(part => part.replace(/^0+(?=\d)/, ''))
    .join('.')
    .replace(/(?:\.0)+$/, '');
}

function partEnd(text: string, from: number): number {
  if (from >= text.length) return from;
  const dot = text.indexOf('.', from);
  return dot === -1 ? text.length : dot;
}

/** Digits of any length: past the leading zeros the longer is larger, then the first difference. */
function comparePart(
  a: string,
  startA: number,
  endA: number,
  b: string,
  startB: number,
  endB: number,
): number {
  let atA = startA;
  let atB = startB;
  while (atA < endA && a.charCodeAt(atA) === ZERO) atA++;
  while (atB < endB && b.charCodeAt(atB) === ZERO) atB++;
  if (endA - atA !== endB - atB) return endA - atA - (endB - atB);
  for (; atA < endA; atA++, atB++) {
    const order = a.charCodeAt(atA) - b.charCodeAt(atB);
    if (order !== 0) return order;
  }
  return 0;
}

const ZERO = 48;
