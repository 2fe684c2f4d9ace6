/** `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a Range header asks of something that is `sizeBytes` long. Several ranges, other units and what cannot be
 * read mean the whole, as RFC 9110 allows.
 */
export function readByteRange(
  header: string,
  sizeBytes: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const [, first, last] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    if (length === 0) return 'unsatisfiable';
    return {start: sizeBytes - length, end: sizeBytes - 1};
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= sizeBytes) return 'unsatisfiable';
  return {start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)};
}
