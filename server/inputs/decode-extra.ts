/**
 * Fields that nobody here reads are kept as JSON text, so that a later reader finds them in the journal.
 * Text is appended to text: no copy of the objects is made.
 */
import type {Faults} from './decode-faults.ts';
import {memberPlace} from './decode-faults.ts';
import {NESTING_MAX} from './decode-limits.ts';

/** `members` with one more member: `"a":1` becomes `"a":1,"b":[2]`. Absent and empty values add nothing. */
export function withMember(
  members: string,
  key: string,
  value: unknown,
  place: string,
  faults: Faults,
): string {
  if (isEmpty(value)) return members;
  const text = jsonText(value);
  if (text !== undefined) return withText(members, key, text);
  faults.add(memberPlace(place, key), `is nested deeper than ${NESTING_MAX} levels.`);
  return members;
}

/** The same for a value that is JSON text already. */
export function withText(members: string, key: string, json: string): string {
  const member = `${JSON.stringify(key)}:${json}`;
  return members === '' ? member : `${members},${member}`;
}

/** The same for an object of which the members are given; nothing for none. */
export function withObject(members: string, key: string, inner: string): string {
  return inner === '' ? members : withText(members, key, `{${inner}}`);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (typeof value !== 'object') return false;
  for (const _key in value) return false;
  return true;
}

const PLAIN = 0;
const HAS_BIGINT = 1;
const TOO_DEEP = 2;

/** undefined: nested too deeply. Integers keep their digits. */
export function jsonText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object': {
      const shape = shapeOf(value, NESTING_MAX);
      if (shape === TOO_DEEP) return undefined;
      return shape === PLAIN ? JSON.stringify(value) : exactText(value);
    }
    default:
      return 'null';
  }
}

function shapeOf(value: unknown, levels: number): number {
  if (typeof value === 'bigint') return HAS_BIGINT;
  if (typeof value !== 'object' || value === null) return PLAIN;
  if (levels === 0) return TOO_DEEP;
  let shape = PLAIN;
  for (const key in value) {
    const inner = shapeOf((value as Record<string, unknown>)[key], levels - 1);
    if (inner === TOO_DEEP) return TOO_DEEP;
    if (inner === HAS_BIGINT) shape = HAS_BIGINT;
  }
  return shape;
}

/** As JSON.stringify, which refuses bigints. The caller has bounded the depth. */
function exactText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return jsonText(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(exactText).join(',')}]`;
  const members = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}:${exactText(inner)}`,
  );
  return `{${members.join(',')}}`;
}
