/**
 * A small file of facts that could be learned again: written beside and renamed, so there is always a whole
 * one. One that cannot be read counts as none.
 */
import {readFileSync} from 'node:fs';
import {open, rename} from 'node:fs/promises';

export function readKeptJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

export async function writeKeptJson(path: string, value: unknown): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
