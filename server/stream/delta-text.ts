import {ACTIONS, CAUSES, type DeltaReader} from '../../engine/deltas.ts';
import {mpidFrom} from '../../engine/ids.ts';

/** Of any delta as text; with numbers at their longest it is some 190. */
export const DELTA_TEXT_BYTES_MAX = 256;

/** Beginnings remembered; those of audiences with larger ids are made each time. */
const AUDIENCES_MAX = 65_536;
const beginnings: Uint8Array[] = [];

/** All of a delta but its audience: deltas come profile by profile and moment by moment. */
class Rest {
  #hi = 0;
  #lo = 0;
  #cause = -1;
  #atMs = 0;
  #version = 0;
  #bytes: Uint8Array = Buffer.alloc(0);
  readonly #action: number;

  constructor(action: number) {
    this.#action = action;
  }

  of(deltas: DeltaReader, index: number): Uint8Array {
    const hi = deltas.mpidHi(index);
    const lo = deltas.mpidLo(index);
    const cause = deltas.cause(index);
    const atMs = deltas.atMs(index);
    const version = deltas.version(index);
    if (
      lo !== this.#lo ||
      hi !== this.#hi ||
      atMs !== this.#atMs ||
      cause !== this.#cause ||
      version !== this.#version
    ) {
      this.#hi = hi;
      this.#lo = lo;
      this.#cause = cause;
      this.#atMs = atMs;
      this.#version = version;
      this.#bytes = Buffer.from(
        `${mpidFrom(hi, lo)}","action":"${ACTIONS[this.#action] ?? ''}","at_ms":${atMs},"cause":"${CAUSES[cause] ?? ''}","version":${version}}`,
      );
    }
    return this.#bytes;
  }
}

/** The last one of each action: what joins some audiences leaves others at the same time. */
const rests = ACTIONS.map((_, action) => new Rest(action));

/**
 * Writes what `describeDelta` says as JSON, and returns where it ends. Hot: put together from two stretches that
 * are most often there already, and no text is made that would have to be collected (bench/parts.bench.ts,
 * `wire/encode-delta-json`).
 */
export function writeDeltaText(
  deltas: DeltaReader,
  index: number,
  {to, at}: {readonly to: Buffer; readonly at: number},
): number {
  const beginning = beginningOf(deltas.audience(index));
  const action = deltas.action(index);
  const rest = (rests[action] ?? new Rest(action)).of(deltas, index);
  to.set(beginning, at);
  to.set(rest, at + beginning.length);
  return at + beginning.length + rest.length;
}

function beginningOf(audience: number): Uint8Array {
  const known = beginnings[audience];
  if (known !== undefined) return known;
  const made = Buffer.from(`{"audience":${audience},"mpid":"`);
  if (audience < AUDIENCES_MAX) beginnings[audience] = made;
  return made;
}
