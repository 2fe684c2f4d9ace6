/**
 * Where a worker thread starts. Built code is started directly. From TypeScript sources Node 20 cannot
 * start a worker thread, not even under tsx (privatenumber/tsx#354), so the thread starts from a line of
 * JavaScript that registers tsx and imports the source.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Worker, type WorkerOptions} from 'node:worker_threads';

export function startWorker(url: URL, options: WorkerOptions): Worker {
  if (!isTypeScript(url)) return new Worker(url, options);
  return new Worker(bootstrap(url), {...options, eval: true});
}

/** For Piscina, which imports a file in its own threads: the file, or one beside it that imports it through tsx. */
export function taskFile(url: URL): string {
  if (!isTypeScript(url)) return fileURLToPath(url);
  const known = taskFiles.get(url.href);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'muster-task-'));
  const file = join(folder, 'task.mjs');
  writeFileSync(
    file,
    `import {register} from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))};
register();
export default (await import(${JSON.stringify(url.href)})).default;
`,
  );
  process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
  taskFiles.set(url.href, file);
  return file;
}

/** Made once in a process. */
const taskFiles = new Map<string, string>();

function isTypeScript(url: URL): boolean {
  return url.pathname.endsWith('.ts');
}

function bootstrap(url: URL): string {
  // `eval` code is CommonJS: dynamic imports only.
  return `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({register}) => {
    register();
    return import(${JSON.stringify(url.href)});
  });`;
}
