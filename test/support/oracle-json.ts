/** Definitions as they come in: raw contract JSON, read field by field. No parser stands between. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = {readonly [name: string]: Json};

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function objectIn(value: Json | undefined, what: string): JsonObject {
  if (!isObject(value)) throw new Error(`${what} is not an object: ${JSON.stringify(value)}`);
  return value;
}

export function objectsIn(value: Json | undefined, what: string): readonly JsonObject[] {
  if (value === undefined) return [];
  if (!isList(value)) throw new Error(`${what} is not a list: ${JSON.stringify(value)}`);
  return value.map(each => objectIn(each, what));
}

export function textIn(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is not text: ${JSON.stringify(value)}`);
  return value;
}

export function numberIn(value: Json | undefined, what: string): number {
  if (typeof value !== 'number') throw new Error(`${what} is no number: ${JSON.stringify(value)}`);
  return value;
}

export function numbersIn(value: Json | undefined, what: string): readonly number[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isList(value)) throw new Error(`${what} is not a list: ${JSON.stringify(value)}`);
  return value.map(each => numberIn(each, what));
}
