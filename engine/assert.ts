/** Our own bugs, and only those: bad input is collected as problems, a failing world is an error. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The value, which the caller knows to be there. */
export function must<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new Error(`assertion failed: ${message}`);
  return value;
}

/** Closes a switch over a union: a new member that is not handled does not compile. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unreachable ${JSON.stringify(value)}`);
}
