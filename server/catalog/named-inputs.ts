/** Whether an audience, a definition or a calculation names an input: itself, or in a criterion or step. */
export function namesInput(definition: unknown, input: number): boolean {
  const waiting: unknown[] = [definition];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    const {and, or, exclude, steps, inputs: own} = part as Readonly<Record<string, unknown>>;
    if (Array.isArray(own) && own.includes(input)) return true;
    for (const list of [and, or, steps]) if (Array.isArray(list)) waiting.push(...list);
    if (exclude !== undefined) waiting.push(exclude);
  }
  return false;
}
