import {createHash} from 'node:crypto';

/** The same parts give the same id, on every machine and in every version: it is what a re-run is known by. */
export function requestId(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return `replay-${hash.digest('hex').slice(0, 32)}`;
}
