/** Where a criterion looks: workspaces and inputs, which must be among those of its audience. */
import type {ParseContext} from './parse-definition.ts';
import {fieldOf, found} from './faults.ts';
import type {Faults, JsonObject} from './faults.ts';

/** What every parser of a criterion needs beside its JSON. */
export interface Parsing {
  readonly context: ParseContext;
  readonly faults: Faults;
}

export function parseWorkspaces(
  object: JsonObject,
  path: string,
  {context, faults}: Parsing,
): readonly number[] | undefined {
  return parseIds(fieldOf(object, 'workspaces'), `${path}.workspaces`, faults, id =>
    context.workspaces.includes(id)
      ? undefined
      : `workspace ${id} is not of the audience, which has ${context.workspaces.join(', ')}`,
  );
}

/** `anyOfWorkspaces`: for the kinds that take every input of the workspaces, not the audience's. */
export function parseInputs(
  object: JsonObject,
  path: string,
  {context, faults}: Parsing,
  options: {readonly anyOfWorkspaces: boolean},
): readonly number[] | undefined {
  const own = options.anyOfWorkspaces ? undefined : context.inputs;
  return parseIds(fieldOf(object, 'inputs'), `${path}.inputs`, faults, id => {
    if (own !== undefined && !own.includes(id)) {
      return `input ${id} is not of the audience, which has ${own.join(', ')}`;
    }
    return context.hasInput(id)
      ? undefined
      : `there is no input ${id} in the audience's workspaces`;
  });
}

export function isId(json: unknown): json is number {
  return Number.isSafeInteger(json) && (json as number) > 0;
}

/** Ascending, each once. Absent is undefined: no restriction. */
function parseIds(
  json: unknown,
  path: string,
  faults: Faults,
  refusal: (id: number) => string | undefined,
): readonly number[] | undefined {
  if (json === undefined) return undefined;
  if (!Array.isArray(json) || json.length === 0) {
    return faults.at(path, `must be a list of at least one id, not ${found(json)}`);
  }
  const ids = new Set<number>();
  for (const [index, id] of json.entries()) {
    if (faults.isFull) break;
    const refused = isId(id) ? refusal(id) : `must be a positive integer, not ${found(id)}`;
    if (refused !== undefined) faults.at(`${path}[${index}]`, refused);
    else ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}
