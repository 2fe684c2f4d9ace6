/**
 * Where an IP address is, by a file in MaxMind's format that is read into memory once. When the file
 * changes on disk the new one takes over, so that a weekly download needs no restart.
 */
import {stat} from 'node:fs/promises';
import {open, type Reader, type Response} from 'maxmind';
import type {Logger} from 'pino';
import {type IpPlace, placeOfRecord} from './place-of-record.ts';
import {publicAddress} from './public-address.ts';

/** The file cannot be used; one sentence that says why. */
export class GeoIpFileError extends Error {
  override readonly name = 'GeoIpFileError';
}

export interface GeoIpOptions {
  readonly file: string;
  readonly log: Logger;
  /** How often the file is looked at. */
  readonly checkEveryMs?: number | undefined;
}

const CHECK_EVERY_MS = 60_000;
/** Addresses remembered with their places, in each of two generations. */
const REMEMBERED_MAX = 32_768;

export class GeoIp {
  readonly #file: string;
  readonly #log: Logger;
  readonly #checkEveryMs: number;
  #timer: NodeJS.Timeout | undefined;
  #reader: Reader<Response>;
  /** Of the file that was read or refused last. */
  #stamp: string;
  #isChecking = false;
  /** The one whose damage was told. */
  #damaged: Reader<Response> | undefined;
  #recent = new Map<string, IpPlace | undefined>();
  #older = new Map<string, IpPlace | undefined>();

  private constructor(options: GeoIpOptions, reader: Reader<Response>, stamp: string) {
    this.#file = options.file;
    this.#log = options.log;
    this.#reader = reader;
    this.#stamp = stamp;
    this.#checkEveryMs = options.checkEveryMs ?? CHECK_EVERY_MS;
  }

  /** Throws GeoIpFileError. */
  static async open(options: GeoIpOptions): Promise<GeoIp> {
    const {file, log} = options;
    const stamp = await stampOf(file);
    const reader = await read(file);
    const {databaseType, buildEpoch} = reader.metadata;
    log.info({file, type: databaseType, built: buildEpoch}, 'places of IP addresses are known');
    return new GeoIp(options, reader, stamp);
  }

  /** Hot: every batch without a location of its own. */
  locate(ip: string): IpPlace | undefined {
    const recent = this.#recent.get(ip);
    if (recent !== undefined || this.#recent.has(ip)) return recent;
    const place = this.#older.has(ip) ? this.#older.get(ip) : this.#lookUp(ip);
    // No address: told by its length, and not worth remembering.
    if (ip.length > 64) return place;
    if (this.#recent.size >= REMEMBERED_MAX) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(ip, place);
    return place;
  }

  /** Looks at the file from now on, until `close`. */
  watch(): void {
    const check = (): void => {
      this.check().catch((error: unknown) => this.#log.error(error));
    };
    this.#timer ??= setInterval(check, this.#checkEveryMs).unref();
  }

  /** Reads the file again if it has changed; one that cannot be read leaves what is known. */
  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const stamp = await stampOf(this.#file).catch(() => MISSING);
      if (stamp === this.#stamp) return;
      // Before it is read: what is written meanwhile is another change.
      this.#stamp = stamp;
      this.#reader = await read(this.#file);
      this.#forget();
      const built = this.#reader.metadata.buildEpoch;
      this.#log.info({file: this.#file, built}, 'the GeoIP file has changed and was read again');
    } catch (error) {
      if (!(error instanceof GeoIpFileError)) throw error;
      this.#log.warn(`${error.message} What was read before stays in use.`);
    } finally {
      this.#isChecking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#forget();
  }

  #lookUp(ip: string): IpPlace | undefined {
    const address = publicAddress(ip);
    if (address === undefined) return undefined;
    // A file of IPv4 addresses would read the beginning of a longer one.
    if (this.#reader.metadata.ipVersion === 4 && address.includes(':')) return undefined;
    try {
      return placeOfRecord(this.#reader.get(address));
    } catch (error) {
      this.#warnOfDamage(error);
      return undefined;
    }
  }

  /** Once for each file: there may be thousands of such addresses a second. */
  #warnOfDamage(error: unknown): void {
    if (this.#damaged === this.#reader) return;
    this.#damaged = this.#reader;
    this.#log.warn({file: this.#file, error: String(error)}, 'the GeoIP file is damaged');
  }

  #forget(): void {
    this.#recent.clear();
    this.#older.clear();
  }
}

/** For a server without a file: says so at the start, and aloud at the first address. */
export function locateNowhere(log: Logger): (ip: string) => undefined {
  log.info('without a GeoIP file the places of IP addresses are unknown');
  let isTold = false;
  return () => {
    if (isTold) return;
    isTold = true;
    log.warn(
      'a batch names an IP address and no location: without --geoip FILE its place stays unknown',
    );
  };
}

const MISSING = '';

async function stampOf(file: string): Promise<string> {
  try {
    const {mtimeMs, size, ino} = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function read(file: string): Promise<Reader<Response>> {
  let reader: Reader<Response>;
  try {
    reader = await open<Response>(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  const {databaseType} = reader.metadata;
  if (/asn|isp|domain|connection|anonymous/i.test(databaseType)) {
    throw new GeoIpFileError(
      `The GeoIP file ${file} holds no places (it is of type ${databaseType}): give one of cities.`,
    );
  }
  return reader;
}

function unreadable(file: string, error: unknown): GeoIpFileError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new GeoIpFileError(`There is no GeoIP file ${file}.`);
  const why = error instanceof Error && error.message.includes('gzip') ? GZIPPED : NOT_MMDB;
  return new GeoIpFileError(
    `The GeoIP file ${file} cannot be read: ${code === undefined ? why : code}.`,
  );
}

const GZIPPED = 'it is compressed, unpack it first';
const NOT_MMDB = "it is not in MaxMind's format (.mmdb), or not complete";
