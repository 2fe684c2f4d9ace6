const LINE_BYTES = 64;

/** Reads a word of each cache line, for nothing but to have it near: see profiles/fetch-ahead.ts. */
export function touchLines(
  words: Uint32Array | Float64Array,
  from: number,
  linesMax: number,
): number {
  const step = LINE_BYTES / words.BYTES_PER_ELEMENT;
  const end = Math.min(words.length, from + linesMax * step);
  let sum = 0;
  for (let at = from; at < end; at += step) sum += words[at]!;
  return sum;
}
