/** Collects what is wrong with a definition, every fault with its place, and words it for people. */
import type {Problem} from './definition.ts';

/** More than anybody reads; a hostile definition must not make a hostile answer. */
const PROBLEMS_MAX = 200;

export class Faults {
  readonly #problems: Problem[] = [];
  #count = 0;

  /** The first of them, in the order of the definition. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Of all faults, told or not: a part is sound if it did not change while the part was read. */
  get count(): number {
    return this.#count;
  }

  /** Nothing more will be told: loops over parts of hostile size stop here. */
  get isFull(): boolean {
    return this.#problems.length >= PROBLEMS_MAX;
  }

  /** Returns undefined, so that a parser can give up a part in the same breath. */
  at(path: string, message: string): undefined {
    this.#count++;
    if (!this.isFull) this.#problems.push({path, message});
  }
}

export type JsonObject = {readonly [field: string]: unknown};

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** An own field; null counts as absent, and what a prototype carries is never seen. */
export function fieldOf(object: JsonObject, name: string): unknown {
  if (!Object.hasOwn(object, name)) return undefined;
  return object[name] ?? undefined;
}

/** A fault for each field that the object should not have. */
export function refuseUnknownFields(
  object: JsonObject,
  known: readonly string[],
  path: string,
  faults: Faults,
): void {
  for (const field of Object.keys(object)) {
    if (faults.isFull) return;
    if (known.includes(field)) continue;
    faults.at(
      memberPath(path, field),
      `unknown field ${quoted(field)}${didYouMean(field, known)}; known here: ${known.join(', ')}`,
    );
  }
}

export function memberPath(path: string, field: string): string {
  return /^[A-Za-z_$][\w$]{0,63}$/.test(field) ? `${path}.${field}` : `${path}[${quoted(field)}]`;
}

/** What was found instead, in few characters whatever its size or depth. */
export function found(json: unknown): string {
  if (json === undefined || json === null) return 'nothing';
  if (typeof json === 'string') return quoted(json);
  if (Array.isArray(json)) return json.length === 0 ? 'an empty list' : 'a list';
  return typeof json === 'object' ? 'an object' : String(json);
}

const QUOTED_MAX = 60;

export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text);
}

/** `, did you mean "x"`, or nothing when no candidate is close. */
export function didYouMean(wrong: string, candidates: Iterable<string>): string {
  if (wrong.length > 40) return '';
  const wanted = simplified(wrong);
  let best: string | undefined;
  let bestDistance = Math.ceil(wanted.length / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, simplified(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : `, did you mean ${quoted(best)}`;
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

/** Insertions, deletions and replacements that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
