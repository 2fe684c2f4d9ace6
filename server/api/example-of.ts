/** One example of a schema, put together of those of its parts, so that none is written twice. */
import type {TSchema} from 'typebox';
import {assert} from '../../engine/assert.ts';

interface Described {
  readonly type?: string | readonly string[];
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly TSchema[];
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
}

/** `at` names the place in what is said of a part that has no example. */
export function exampleOf(schema: TSchema, at: string): unknown {
  const {type, examples, enum: values, const: only, anyOf, properties, items} = schema as Described;
  if (examples?.[0] !== undefined) return examples[0];
  if (only !== undefined) return only;
  if (values?.[0] !== undefined) return values[0];
  if (anyOf?.[0] !== undefined) return exampleOf(anyOf[0], at);
  if (properties !== undefined) {
    return Object.fromEntries(
      Object.entries(properties).map(([name, part]) => [name, exampleOf(part, `${at}.${name}`)]),
    );
  }
  if (items !== undefined) return [exampleOf(items, `${at}[]`)];
  assert(type === 'boolean', `${at} has no example`);
  return true;
}
