/**
 * The data folder as a whole: its format, how many shards it was made with, and that one process holds
 * it. Whatever is wrong with it is said before anything is changed.
 */
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
  existsSync,
  writeFileSync,
} from 'node:fs';
import {userInfo} from 'node:os';
import {dirname, join, resolve} from 'node:path';

/**
 * Of the whole layout; raised when an older program could not read it. 2: records in bytes of their own
 * (record-codec.ts), where 1 had msgpack.
 */
export const FORMAT = 2;
/** Those before it were never released. */
const FORMAT_OLDEST = 2;

/** Where lmdb 3.5 writes which number on the first page of every environment. */
const LMDB_MAGIC_AT = 24;
const LMDB_MAGIC = 0xbeefc0de;

export class DataFolderError extends Error {}

export interface FolderFacts {
  readonly format: number;
  readonly shards: number;
}

/** What the folder was made with; undefined for a new one. Changes nothing. */
export function inspectDataFolder(folder: string): FolderFacts | undefined {
  try {
    return inspect(folder);
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    const {path = folder} = error as NodeJS.ErrnoException;
    throw new DataFolderError(`${path} cannot be read: ${whyRefused(error)}.`);
  }
}

function inspect(folder: string): FolderFacts | undefined {
  const file = join(folder, 'muster.json');
  if (!existsSync(file)) return undefined;
  let facts: FolderFacts;
  try {
    facts = JSON.parse(readFileSync(file, 'utf8')) as FolderFacts;
  } catch (error) {
    throw new DataFolderError(`${file} cannot be read: ${describe(error)}.`);
  }
  if (!isCount(facts?.format) || (facts.format <= FORMAT && !isCount(facts.shards))) {
    throw new DataFolderError(`${file} is not as Muster wrote it: restore it from a backup.`);
  }
  if (facts.format > FORMAT) {
    throw new DataFolderError(
      `The data in ${folder} has format ${facts.format}, and this version of Muster reads up to ${FORMAT}: ` +
        'start the newer version that wrote it.',
    );
  }
  if (facts.format < FORMAT_OLDEST) {
    throw new DataFolderError(
      `The data in ${folder} has format ${facts.format}, and this version of Muster reads from ${FORMAT_OLDEST} on: ` +
        'start the older version that wrote it, or give --data another folder.',
    );
  }
  for (const {parentPath, name} of readdirSync(folder, {recursive: true, withFileTypes: true})) {
    if (!name.endsWith('.mdb')) continue;
    const path = join(parentPath, name);
    refuseLockedFile(path);
    if (name === 'data.mdb') refuseForeignFile(path);
  }
  return facts;
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

/** Of another user, as after a start as root. LMDB's own words for it name no file. */
function refuseLockedFile(file: string): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new DataFolderError(`${file} cannot be written: ${whyRefused(error)}.`);
  }
}

/** LMDB takes the whole process down over a file that is not its own. */
function refuseForeignFile(file: string): void {
  const head = Buffer.alloc(LMDB_MAGIC_AT + 4);
  const handle = openSync(file, 'r');
  const bytes = readSync(handle, head);
  closeSync(handle);
  // An empty file is one that was never written to.
  if (bytes === 0 || head.readUInt32LE(LMDB_MAGIC_AT) === LMDB_MAGIC) return;
  throw new DataFolderError(
    `${file} is damaged: restore the data folder from a backup, or remove it to start anew.`,
  );
}

/** Makes the folder when it is not there and holds it until `release`. */
export class DataFolderLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static acquire(folder: string): DataFolderLock {
    makeFolder(folder);
    const file = join(folder, 'lock');
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const handle = openSync(file, 'wx', 0o600);
        writeSync(handle, JSON.stringify({pid: process.pid, started: startedOf(process.pid)}));
        closeSync(handle);
        takeRoom(join(folder, 'room'));
        return new DataFolderLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
          // Not one of somebody else: it was made here.
          if (isFull(error)) rmSync(file, {force: true});
          throw new DataFolderError(
            `The data folder ${folder} cannot be written: ${whyRefused(error)}.`,
          );
        }
        const holder = holderOf(file);
        if (holder !== undefined) {
          throw new DataFolderError(
            `The data folder ${folder} is held by another Muster, process ${holder}: stop it, or give --data another folder.`,
          );
        }
        // Its process is gone: killed, or the machine went down.
        rmSync(file, {force: true});
      }
    }
    throw new DataFolderError(`The data folder ${folder} is being taken by another process.`);
  }

  release(): void {
    rmSync(this.#file, {force: true});
  }
}

/**
 * One folder after the other. Node's own way to make several (`recursive`) never ends below /proc, and says
 * ENOENT of a disk that is read-only.
 */
function makeFolder(folder: string): void {
  const missing: string[] = [];
  let at = resolve(folder);
  while (!existsSync(at)) {
    missing.push(at);
    at = dirname(at);
  }
  try {
    for (const each of missing.reverse()) mkdirSync(each, {mode: 0o700});
    if (!statSync(folder).isDirectory()) throw new NotAFolderError();
  } catch (error) {
    throw new DataFolderError(`The data folder ${folder} cannot be made: ${whyRefused(error)}.`);
  }
}

class NotAFolderError extends Error {
  readonly code = 'ENOTDIR';
}

/** What the files of a new folder take, and more. LMDB ends the process where the disk has no room for them. */
const ROOM_BYTES = 8 * 2 ** 20;

/** Throws where the disk does not have it. */
function takeRoom(file: string): void {
  try {
    const handle = openSync(file, 'w', 0o600);
    try {
      const chunk = Buffer.alloc(2 ** 20);
      for (let bytes = 0; bytes < ROOM_BYTES;) bytes += writeSync(handle, chunk);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } finally {
    rmSync(file, {force: true});
  }
}

function isFull(error: unknown): boolean {
  const {code = ''} = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
}

/** In words that say what to do. */
function whyRefused(error: unknown): string {
  if (isFull(error)) {
    return `its disk is full or its quota used up, and a start needs ${ROOM_BYTES / 2 ** 20} MiB: make room, or give --data a folder on another disk`;
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
      return `user ${userInfo().uid} has no permission there: give it the folder and all that is in it (chown -R), or start as the user that it belongs to`;
    case 'EROFS':
      return 'its disk is read-only: mount it for writing, or give --data another folder';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'there is a file, and not a folder: give --data another path';
    case 'ENOENT':
      return 'no folder can be made there: give --data a path on a disk of this machine';
    default:
      return describe(error);
  }
}

export function writeFolderFacts(folder: string, shards: number): void {
  const facts: FolderFacts = {format: FORMAT, shards};
  writeFileSync(join(folder, 'muster.json'), `${JSON.stringify(facts)}\n`, {mode: 0o600});
}

/** The process that holds the lock, if it lives. */
function holderOf(file: string): number | undefined {
  let held: {pid: number; started: string};
  try {
    held = JSON.parse(readFileSync(file, 'utf8')) as {pid: number; started: string};
  } catch {
    // Cut off while it was written, or gone meanwhile.
    return undefined;
  }
  try {
    process.kill(held.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  // Process ids are used again; a process and its time of start are not.
  return startedOf(held.pid) === held.started ? held.pid : undefined;
}

/** When a process started, in ticks since the machine did; '' where the system does not say. */
function startedOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Killed to its last thread, and only not fetched by its parent yet: it holds nothing any more.
    if (fields[0] === 'Z' && Number(fields[17]) <= 1) return '';
    return `${boot} ${fields[19]}`;
  } catch {
    return '';
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
