/** The faults of one batch: all of them, each with its place. */
import {PROBLEMS_MAX} from './decode-limits.ts';

export interface Problem {
  /** Like `events[3].data.event_name`; '' is the batch itself. */
  readonly path: string;
  /** Ready for the client: starts with the path. */
  readonly message: string;
}

export class Faults {
  readonly #batchPath: string;
  readonly #problems: Problem[] = [];
  #event = -1;
  #untold = 0;

  /** `batchPath` stands before every place: '' or, say, `[2]`. */
  constructor(batchPath: string) {
    this.#batchPath = batchPath;
  }

  get any(): boolean {
    return this.#problems.length > 0;
  }

  /** Places are inside `events[index]` from now on; -1 leaves the events. */
  enterEvent(index: number): void {
    this.#event = index;
  }

  /** `place` is relative to the event, or to the batch outside events. */
  add(place: string, message: string): void {
    if (this.#problems.length === PROBLEMS_MAX) {
      this.#untold++;
      return;
    }
    let path = this.#batchPath;
    if (this.#event >= 0) path = joined(path, `events[${this.#event}]`);
    if (place !== '') path = joined(path, place);
    this.#problems.push({path, message: path === '' ? message : `${path}: ${message}`});
  }

  missing(place: string, field: string): void {
    this.add(place, `Required event field "${field}" is missing or empty.`);
  }

  take(): readonly Problem[] {
    if (this.#untold > 0) {
      const message = `and ${this.#untold} more.`;
      this.#problems.push({path: this.#batchPath, message});
    }
    return this.#problems;
  }
}

/** The place of a member; names that are no plain words are quoted, long ones cut. */
export function memberPlace(place: string, name: string): string {
  if (/^[A-Za-z_$][\w$]{0,99}$/.test(name)) return joined(place, name);
  return `${place}[${JSON.stringify(name.slice(0, 100))}]`;
}

function joined(path: string, place: string): string {
  return path === '' || place.startsWith('[') ? path + place : `${path}.${place}`;
}
