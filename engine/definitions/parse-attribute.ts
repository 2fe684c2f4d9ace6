/** Names in definitions: of attributes, events, purposes. */
import {didYouMean, found, quoted} from './faults.ts';
import type {Faults} from './faults.ts';
import {BUILT_IN_FIELDS, PRODUCT_ATTRIBUTE_PREFIX} from './vocabulary.ts';

/** Longest name or text operand, in UTF-16 units. */
export const TEXT_MAX = 4_096;

/** Any text but the empty one; compared exactly. */
export function parseName(json: unknown, path: string, faults: Faults): string | undefined {
  if (typeof json !== 'string' || json === '') {
    return faults.at(path, `must be a text that is not empty, not ${found(json)}`);
  }
  if (json.length > TEXT_MAX) return faults.at(path, `is longer than ${TEXT_MAX} characters`);
  return json;
}

/** What a condition on an event may ask of: a custom attribute, or a built-in field with its `$`. */
export function parseAttribute(json: unknown, path: string, faults: Faults): string | undefined {
  const name = parseName(json, path, faults);
  if (name === undefined || !name.startsWith('$')) return name;
  if (BUILT_IN_FIELDS.includes(name)) return name;
  if (name.startsWith(PRODUCT_ATTRIBUTE_PREFIX) && name !== PRODUCT_ATTRIBUTE_PREFIX) return name;
  const hint = didYouMean(name, BUILT_IN_FIELDS);
  return faults.at(
    path,
    `unknown built-in field ${quoted(name)}${hint}; known are ${BUILT_IN_FIELDS.join(', ')}, ` +
      `${PRODUCT_ATTRIBUTE_PREFIX}NAME`,
  );
}
