/** Inputs that a definition names: of the whole audience, or of one criterion or step. */
import type {Audience} from './entities.ts';

export function namesInput({inputs, definition}: Audience, input: number): boolean {
  if (inputs?.includes(input) === true) return true;
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
