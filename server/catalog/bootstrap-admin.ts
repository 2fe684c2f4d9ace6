import {chmodSync, existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {makeToken} from './credentials.ts';

export interface BootstrapAdmin {
  readonly token: string;
  /** Where it is kept, when it was not given by the environment. Meant to be printed once. */
  readonly path: string | undefined;
}

/**
 * The first bearer token: `MUSTER_ADMIN_TOKEN`, else one made once and kept in the data folder, which
 * must exist. Only its owner may read the file, whatever it was before.
 */
export function bootstrapAdmin(
  dataFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): BootstrapAdmin {
  const given = env['MUSTER_ADMIN_TOKEN'];
  if (given !== undefined && given !== '') return {token: given, path: undefined};
  const path = join(dataFolder, 'admin-token');
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    const token = readFileSync(path, 'utf8').trim();
    if (token !== '') return {token, path};
  }
  const token = makeToken();
  writeFileSync(path, `${token}\n`, {mode: 0o600});
  return {token, path};
}
