import {readFileSync} from 'node:fs';

/** Of the package this file is in, built (`dist/server/cli`) or not. */
export function version(): string {
  for (const up of ['../..', '../../..']) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8');
      const {name, version: found} = JSON.parse(text) as {name?: unknown; version?: unknown};
      if (name === 'muster' && typeof found === 'string') return found;
    } catch {
      // Not there: one further up.
    }
  }
  return 'of unknown version';
}
