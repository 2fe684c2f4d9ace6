/** Audiences that definitions nest: where, by whom, and never in a circle. */

export interface NestedReference {
  readonly audience: number;
  /** Of the id in the definition, such as `definition.and[1].audience`. */
  readonly path: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Every `audience` criterion of a definition that was found well-formed, in reading order. */
export function nestedReferences(definition: unknown): readonly NestedReference[] {
  const references: NestedReference[] = [];
  for (const {part, path} of definitionParts(definition)) {
    const id = part['audience'];
    if (part['kind'] === 'audience' && typeof id === 'number') {
      references.push({audience: id, path: `${path}.audience`});
    }
  }
  return references;
}

/** Criteria and operators of a definition that was found well-formed, in reading order. */
export function* definitionParts(
  definition: unknown,
): Generator<{readonly part: JsonObject; readonly path: string}> {
  const waiting: {readonly part: unknown; readonly path: string}[] = [
    {part: definition, path: 'definition'},
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const {part, path} = next;
    if (!isObject(part)) continue;
    yield {part, path};
    waiting.push(...operands(part, path).reverse());
  }
}

/** The shortest way from `from` to `to` along what definitions nest, both included; undefined: none. */
export function findChain(
  from: number,
  to: number,
  nestedBy: (audience: number) => readonly number[],
): number[] | undefined {
  const cameFrom = new Map<number, number>([[from, from]]);
  const queue = [from];
  for (const audience of queue) {
    if (audience === to) return chainTo(to, from, cameFrom);
    for (const next of nestedBy(audience)) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, audience);
      queue.push(next);
    }
  }
  return undefined;
}

function chainTo(to: number, from: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const chain = [to];
  for (let at = to; at !== from;) {
    at = cameFrom.get(at) ?? from;
    chain.unshift(at);
  }
  return chain;
}

function operands(part: JsonObject, path: string): {part: unknown; path: string}[] {
  const found: {part: unknown; path: string}[] = [];
  for (const operator of ['and', 'or']) {
    const list = part[operator];
    if (!Array.isArray(list)) continue;
    for (const [index, each] of list.entries()) {
      found.push({part: each, path: `${path}.${operator}[${index}]`});
    }
  }
  if (part['exclude'] !== undefined) found.push({part: part['exclude'], path: `${path}.exclude`});
  return found;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
