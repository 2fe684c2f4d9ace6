import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** From the sources and from the build, which lies in dist. */
export function repositoryRoot(): string {
  const bench = join(dirname(fileURLToPath(import.meta.url)), '..');
  return join(bench, bench.endsWith(join('dist', 'bench')) ? '../..' : '..');
}
