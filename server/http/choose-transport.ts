/** Decides which back-end carries the server. */
import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import type {ListenFunction} from './transport.ts';
import {listenNode} from './transport-node.ts';
import {listenUws} from './transport-uws.ts';
import type {UwsModule} from './uws-types.ts';

const PACKAGE = 'uWebSockets.js';

/**
 * 'auto' takes uWebSockets.js wherever its native binary loads, and `node:http` elsewhere. 'uws'
 * rejects where it does not load.
 */
export async function chooseTransport(
  preference: 'auto' | 'uws' | 'node',
): Promise<ListenFunction> {
  if (preference === 'node') return listenNode;
  const uws = await loadUws();
  if (uws !== undefined) return options => listenUws(uws, options);
  if (preference === 'auto') return listenNode;
  throw new Error(
    `${PACKAGE} has no native binary for Node ${process.versions.node} here; use the node transport`,
  );
}

async function loadUws(): Promise<UwsModule | undefined> {
  if (!hasNativeBinary()) return undefined;
  try {
    const loaded = (await import(PACKAGE)) as {readonly default?: unknown};
    const candidate = (loaded.default ?? loaded) as Partial<UwsModule>;
    // The stand-in in JavaScript lacks this and half of the rest; it must never serve.
    if (typeof candidate.SSLApp !== 'function' || typeof candidate.App !== 'function') {
      return undefined;
    }
    return candidate as UwsModule;
  } catch {
    // A binary that the system cannot load (another libc, say) is as good as none.
    return undefined;
  }
}

/** Looked for before the import, which prints to the console when there is none for this Node. */
function hasNativeBinary(): boolean {
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(PACKAGE));
    // The author's release keeps it beside the entry, the npm alias in a folder of its own.
    return existsSync(join(folder, file)) || existsSync(join(folder, '..', 'binaries', file));
  } catch {
    // Not installed: it is an optional dependency.
    return false;
  }
}
