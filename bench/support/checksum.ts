/**
 * What every engine must agree on before its figures count: the number of audiences of the event's
 * profile, after every event, in one rolling hash; and the same of the whole population at one moment.
 */
import {mix} from './random.ts';

/** Event numbers after which the rolling checksum is noted. */
export const MILESTONES = [100, 1000, 10_000, 100_000] as const;

export class RollingChecksum {
  #hash = 0x811c9dc5;
  #events = 0;
  readonly #milestones = new Map<number, string>();

  /** `memberships` of the event's profile, now. */
  add(memberships: number): void {
    this.#hash = Math.imul(this.#hash ^ memberships, 0x01000193);
    this.#hash ^= this.#hash >>> 13;
    this.#events++;
    if ((MILESTONES as readonly number[]).includes(this.#events)) {
      this.#milestones.set(this.#events, this.#text());
    }
  }

  get events(): number {
    return this.#events;
  }

  /** As of the last milestone that was reached, like `100000:5f3a9c01`; of all events before the first. */
  get noted(): string {
    let noted = `${this.#events}:${this.#text()}`;
    for (const [events, text] of this.#milestones) noted = `${events}:${text}`;
    return noted;
  }

  at(milestone: number): string | undefined {
    const text = this.#milestones.get(milestone);
    return text === undefined ? undefined : `${milestone}:${text}`;
  }

  #text(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }
}

/** Whatever the order of the profiles: of their numbers of memberships. */
export function populationChecksum(memberships: Uint16Array): string {
  let sum = 0;
  for (let profile = 0; profile < memberships.length; profile++) {
    sum = (sum + mix(Math.imul(profile, 65_537) ^ memberships[profile]!)) >>> 0;
  }
  return sum.toString(16).padStart(8, '0');
}
