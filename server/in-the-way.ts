/** What is looked at before a server changes anything: the data folder, the port, the files it is given. */
import {createServer} from 'node:net';
import {availableParallelism} from 'node:os';
import type {Logger} from 'pino';
import {DataFolderError, DataFolderLock, inspectDataFolder} from '../storage/data-folder.ts';
import {GeoIp, GeoIpFileError} from './location/geoip.ts';

/** Something outside is in the way; one sentence, nothing changed. */
export class StartRefusedError extends Error {}

interface Asked {
  readonly port: number;
  readonly host: string;
  readonly dataFolder: string;
  readonly shards: 'auto' | number;
}

/** Returns the number of shards to run. */
export async function refuseWhatIsInTheWay(options: Asked): Promise<number> {
  const facts = refused(() => inspectDataFolder(options.dataFolder));
  if (facts !== undefined && options.shards !== 'auto' && options.shards !== facts.shards) {
    throw new StartRefusedError(
      `The data in ${options.dataFolder} is kept in ${facts.shards} shard(s), not ${options.shards}: ` +
        `start with --shards ${facts.shards} or --shards auto.`,
    );
  }
  await refusePortInUse(options.host, options.port);
  if (facts !== undefined) return facts.shards;
  // One core is left to the thread that speaks with the network.
  return options.shards === 'auto' ? Math.max(1, availableParallelism() - 1) : options.shards;
}

export async function openGeoIp(file: string | undefined, log: Logger): Promise<GeoIp | undefined> {
  if (file === undefined) return undefined;
  try {
    return await GeoIp.open({file, log});
  } catch (error) {
    if (error instanceof GeoIpFileError) throw new StartRefusedError(error.message);
    throw error;
  }
}

export function acquire(folder: string): DataFolderLock {
  return refused(() => DataFolderLock.acquire(folder));
}

function refused<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof DataFolderError) throw new StartRefusedError(error.message);
    throw error;
  }
}

/** Looked at before anything is changed. */
function refusePortInUse(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', error => {
      const {code = ''} = error as NodeJS.ErrnoException;
      reject(new StartRefusedError(whyNoPort({host, port, code})));
    });
    probe.listen({host, port, exclusive: true}, () => probe.close(() => resolve()));
  });
}

function whyNoPort({host, port, code}: {host: string; port: number; code: string}): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use: choose another with --port.`;
    case 'EACCES':
      return `Port ${port} on ${host} is not for this user: choose one from 1024 on with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine (${code}): choose another with --host.`;
    default:
      return `Port ${port} on ${host} cannot be used (${code}): choose another with --port or --host.`;
  }
}
