/** The folder that downloads are kept in: names made from ids alone, for nobody else to read. */
import {mkdir, readdir, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';

export class DownloadFiles {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<DownloadFiles> {
    await mkdir(folder, {recursive: true, mode: 0o700});
    return new DownloadFiles(folder);
  }

  archive(id: string): string {
    return join(this.#folder, `${id}.zip`);
  }

  /** The mpids in it. */
  index(id: string): string {
    return join(this.#folder, `${id}.mpids`);
  }

  async isWhole(id: string, sizeBytes: number | undefined): Promise<boolean> {
    const found = await stat(this.archive(id)).catch(() => undefined);
    return found !== undefined && found.size === sizeBytes;
  }

  async remove(id: string): Promise<void> {
    const archive = this.archive(id);
    await Promise.all(
      [archive, `${archive}.part`, this.index(id)].map(path => rm(path, {force: true})),
    );
  }

  /** Whatever a process that was killed has left. */
  async removeOthers(kept: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const whole = /^([0-9a-f-]{36})\.(zip|mpids)$/.exec(name)?.[1];
      if (whole !== undefined && kept.has(whole)) continue;
      await rm(join(this.#folder, name), {force: true, recursive: true});
    }
  }
}
